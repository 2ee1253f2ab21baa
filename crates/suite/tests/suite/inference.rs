//! Models on both backends, the batcher in front of them, and the features of leads.

mod batcher;
mod features;
mod models;
