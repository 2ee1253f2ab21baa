//! What was measured, in one shape for every source.
//!
//! A [`Snapshot`] is what one invocation measured. It holds [`Measurement`]s:
//! one [`Metric`] of one benchmark, with a [`Reading`] for each run (one fresh
//! process). A criterion time, an instruction count and a hit rate differ in
//! their metric and their readings, in nothing else, so one policy judges them
//! all.
//!
//! This module knows no file format and no statistics.

mod environment;
mod id;
mod measurement;
mod noise;
mod pattern;
mod sides;
mod snapshot;

pub use benchgate_record::{Direction, Metric, Nature, Unit};
pub use environment::{Environment, Field};
pub use id::{BenchId, TargetId};
pub use measurement::{
    Costs, CountScope, CriterionParts, Estimate, Estimates, Measurement, Reading, RunReading,
    Samples, SamplingMode, Throughput,
};
pub use noise::{Noise, NoiseRow, NoiseSession};
pub use pattern::Pattern;
pub use sides::{Arm, Sides, TrialSide};
pub use snapshot::{
    Layout, NotRun, NotRunKind, Pairing, Problem, ProblemKind, Revision, RunInfo, SetUp, Snapshot,
};
