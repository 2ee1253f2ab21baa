//! The suite's workloads and its service: one test program, as linking takes
//! longer than most tests.

mod cache;
mod http;
mod inference;
mod queries;
mod services;
mod upstream;
