//! A scorer in ONNX, on either of two backends behind one interface.
//!
//! tract is pure Rust and always there. ONNX Runtime is a library that is
//! loaded at run time; [`onnx_runtime`] says where it is looked for. A process
//! holds one backend, so each has a bench target of its own.

pub use batch::{Batch, Predict};
pub use batcher::{Batcher, BatcherHandle, Batching, Counts};
pub use features::{LeadFields, features_of};
pub use scorer::{Backend, Scorer, features, installed_onnx_runtime, onnx_runtime};

mod batch;
mod batcher;
mod features;
mod scorer;
