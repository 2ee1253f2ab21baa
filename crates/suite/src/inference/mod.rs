//! ONNX models, on either of two backends behind one interface.
//!
//! tract is written in Rust and always available. ONNX Runtime is a library that is
//! loaded at run time; [`onnx_runtime`] describes where it is searched. A process can
//! load only one backend, so each has its own bench target.
//!
//! | item | purpose |
//! |---|---|
//! | [`Backend`] | tract or ONNX Runtime |
//! | [`BuiltIn`] | the suite's models, with numpy's scores for them; [`Model`] is one of these or the user's |
//! | [`Scorer`] | a loaded model: rows in, scores out |
//! | [`features_of`] | converts a lead's fields to one row |
//! | [`Batch`] | puts the rows of many callers into one tensor and returns their scores to them |
//! | [`Batcher`] | batches the rows of single callers: a bounded queue, workers with a session each |
//! | [`Callers`] | many concurrent callers, and the latency that they see |
//! | [`Fixture`] | what the benchmarks of one backend share, and the metrics that they record |
//! | [`Rates`] | predictions per second, and the speed-up of batches |
//! | [`resident_peak`] | the peak memory of the process |
//!
//! # What batches gain
//!
//! A call costs `c` however many rows it has: creating the input, the session's
//! bookkeeping, scheduling each node. Each row costs `r` in addition. A batch of `n`
//! rows is faster than single rows by
//!
//! ```text
//! n (c + r) / (c + n r)   which is n for small r, and never more than 1 + c / r
//! ```
//!
//! For [`BuiltIn::Scorer`], `c` is a few microseconds and `r` (6,000 multiplications)
//! 0.1 to 0.2 µs: the call dominates. Batches of 8 rows are five times as fast as
//! single rows, and batches of 64 about 20 times (19 on tract, 24 on ONNX Runtime,
//! measured once on two cores). For [`BuiltIn::Encoder`], `r` is 2 million
//! multiplications and `c` less than that: batches of 8 already reach the limit of 1.2
//! to 1.5 times. Batching cannot reach five times there; a session for each core can
//! help (`worker_speedup`).
//!
//! In int8, a call costs more, as activations have to be quantised, and a row costs
//! less only if the backend has kernels for it: batches of 64 of the scorer are 34
//! times as fast on ONNX Runtime and 6 times on tract. The file is always two thirds
//! smaller.
//!
//! # What batching costs
//!
//! A [`Batcher`] makes a caller wait for others, up to [`Batching::max_wait`]; the
//! measured latency includes this wait. With 64 callers the wait ends when the batch is
//! full. A single caller waits for the whole time and gains nothing.

pub use backend::{Backend, installed_onnx_runtime, onnx_runtime};
pub use batch::{Batch, Caller, Predict, Reply};
pub use batcher::{Batcher, BatcherHandle, Counts};
pub use batching::Batching;
pub use callers::{Answers, Callers, Observed};
pub use error::{BatcherError, InferenceError};
pub use features::{LeadFields, features_of};
pub use fixture::{Fixture, Started, batch_name, record_rates};
pub use model::{BuiltIn, Model, features, features_of_width};
pub use rates::{Rate, Rates};
pub use resident::resident_peak;
pub use scorer::{Scorer, checksum};

mod backend;
mod batch;
mod batcher;
mod batching;
mod callers;
mod environment;
mod error;
mod features;
mod fixture;
mod model;
mod rates;
mod resident;
mod scorer;
