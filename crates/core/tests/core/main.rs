//! Tests of the pure part of the gate, in one program because linking takes longer than testing.

mod distribution;
mod judge;
mod policy;
mod stats;
