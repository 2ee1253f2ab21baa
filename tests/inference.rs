//! Models on both backends, the batcher in front of them, and what a lead's
//! features are.

#[path = "inference/batcher.rs"]
mod batcher;
#[path = "inference/features.rs"]
mod features;
#[path = "inference/models.rs"]
mod models;
