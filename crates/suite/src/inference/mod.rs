//! Models in ONNX, on either of two backends behind one interface.
//!
//! tract is pure Rust and always there. ONNX Runtime is a library that is
//! loaded at run time; [`onnx_runtime`] says where it is looked for. A process
//! holds one backend, so each has a bench target of its own.
//!
//! | part | what |
//! |---|---|
//! | [`Backend`] | tract or ONNX Runtime |
//! | [`BuiltIn`] | the models that come with the suite, and the scores that numpy gives; [`Model`] a user's own, too |
//! | [`Scorer`] | a loaded model: rows in, scores out |
//! | [`features_of`] | a lead's fields as one row |
//! | [`Batch`] | rows of many callers in one tensor, and their scores back to them |
//! | [`Batcher`] | does that for callers who come singly: a bounded queue, workers with a session each |
//! | [`Callers`] | many of them at once, and what they saw |
//! | [`Rates`] | predictions a second and the speed-up of batches |
//! | [`resident_peak`] | the most memory the process has had |
//!
//! # What a batch brings
//!
//! A call costs `c` however many rows it has: making the input, the session's
//! bookkeeping, handing out the work of each node. Each row costs `r` on top. A
//! batch of `n` rows is faster than single rows by
//!
//! ```text
//! n (c + r) / (c + n r)   which is n for small r, and never more than 1 + c / r
//! ```
//!
//! For [`BuiltIn::Scorer`] `c` is some microseconds and `r`, 6,000
//! multiplications, a tenth or two of one: the call is the cost. Five times as
//! fast as single rows is reached with 8 rows, and batches of 64 are some 20 times
//! as fast (19 on tract, 24 on ONNX Runtime, measured once on two cores). For [`BuiltIn::Encoder`] `r` is 2
//! million multiplications, and `c` is less than that: 1.2 to 1.5 times as fast is
//! all there is, in batches of 8 already. No way of batching brings five times there;
//! what can help is a session for each core (`worker_speedup`).
//!
//! In int8 the call costs more, as activations have to be quantised, and the row
//! less only where the backend has the kernels for it: batches of 64 of the scorer
//! are 34 times as fast on ONNX Runtime, and 6 times on tract. What it always saves
//! is two thirds of the file.
//!
//! # What batching costs
//!
//! A [`Batcher`] makes a caller wait for others, up to [`Batching::max_wait`],
//! and what callers see is measured from the moment they ask. With 64 callers
//! the wait ends when the batch is full; one alone waits for the whole time and
//! has nothing from it.

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
