//! What was measured, in one shape for every source.
//!
//! A [`Snapshot`] is what one invocation measured. It holds [`Measurement`]s:
//! one [`Metric`] of one benchmark, with a [`Reading`] for each run (one fresh
//! process). A criterion time, an instruction count and a hit rate differ in
//! their metric and their readings, and in nothing else, so one policy judges all of
//! them. A [`Distribution`] is a reading too: one measurement of it gives several rows.
//!
//! This module does not know a file format or a statistic.

mod distribution;
mod distribution_rows;
mod environment;
mod estimates;
mod id;
mod measurement;
mod noise;
mod pattern;
mod samples;
mod shard;
mod sides;
mod snapshot;

pub use benchgate_record::{Direction, Metric, Nature, Unit, buckets};
pub use distribution::{ABOVE, Distribution, DistributionFault, Quantile, Statistic};
pub use distribution_rows::DistributionRow;
pub use environment::{Environment, Field};
pub use estimates::{Estimate, EstimateFault, Estimates, Interval, Location};
pub use id::{BenchId, TargetId};
pub use measurement::{
    AllocatorCount, Costs, CountScope, CriterionParts, Measurement, Reading, RunReading, Throughput,
};
pub use noise::{Noise, NoiseRow, NoiseSession};
pub use pattern::Pattern;
pub use samples::{Samples, SamplesFault, SamplingMode};
pub use shard::{Extent, Part, Shard, ShardNumber};
pub use sides::{Arm, Sides, TrialSide};
pub use snapshot::{
    Layout, NotRun, NotRunKind, Pairing, Problem, ProblemKind, Revision, RunInfo, SetUp,
    SharedInput, SharedKind, Snapshot, Sources, Unmeasured,
};
