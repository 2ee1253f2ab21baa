//! Models in ONNX, on either of two backends behind one interface.
//!
//! tract is pure Rust and always there. ONNX Runtime is a library that is
//! loaded at run time; [`onnx_runtime`] says where it is looked for. A process
//! holds one backend, so each has a bench target of its own.

pub use backend::{Backend, installed_onnx_runtime, onnx_runtime};
pub use batch::{Batch, Caller, Predict, Reply};
pub use batcher::{Batcher, BatcherHandle, Batching, Counts};
pub use callers::{Answers, Callers, Observed};
pub use features::{LeadFields, features_of};
pub use model::{BuiltIn, Model, features, features_of_width};
pub use rates::{Rate, Rates};
pub use resident::resident_peak;
pub use scorer::{Scorer, checksum};

mod backend;
mod batch;
mod batcher;
mod callers;
mod features;
mod model;
mod rates;
mod resident;
mod scorer;
