//! The workloads: the typical work of a service, as bodies that any bench can time.
//!
//! | module | measures | needs |
//! |---|---|---|
//! | [`cache`] | lookups in the process, in Redis and through both levels | nothing; Redis if it is found |
//! | [`queries`] | pooled SQL | nothing, as `SQLite` is compiled in; `PostgreSQL` if it is found |
//! | [`inference`] | ONNX models | nothing, as tract is compiled in; ONNX Runtime if it is found |
//! | [`http`] | round trips over loopback | nothing |
//! | [`upstream`] | calls of another service: retries, batches, a circuit breaker | nothing |
//! | [`service`] | the reference service that answers the HTTP benchmarks | nothing; servers and libraries if they are configured |
//! | [`command`] | the command line of the reference service | |
//! | [`services`] | finds and starts servers | |
//! | [`mod@bench`] | small helpers that several benches share | |
//! | [`sizes`] | the sizes of all workloads | |
//!
//! A body does the work of one iteration and returns a checksum. The bench asserts it
//! outside the timed region, so a body that stops doing its work fails and is not reported
//! as an improvement. What the benchmarks of a workload share (a runtime, a server, the
//! expected results) is in its `Fixture`; the benches only name and time the bodies.
//!
//! All data is seeded and the same in every process.

pub mod bench;
pub mod cache;
pub mod command;
pub mod http;
pub mod inference;
pub mod queries;
pub mod service;
pub mod services;
pub mod sizes;
pub mod upstream;

mod error;

pub use error::SuiteError;
