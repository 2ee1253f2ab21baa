//! Models on both backends, the batcher in front of them, and what a lead's
//! features are.

mod batcher;
mod features;
mod models;
