//! The pure part of the gate: one test program, as linking takes longer than testing.

mod judge;
mod policy;
mod stats;
