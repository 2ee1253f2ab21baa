//! Tests of the suite's workloads and its service, in one program because linking takes
//! longer than most tests.

mod cache;
mod http;
mod inference;
mod queries;
mod services;
mod upstream;
