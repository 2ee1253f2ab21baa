//! One metric of one benchmark, with what each run read.

use super::{BenchId, Metric};

/// One metric of one benchmark over the runs of a snapshot.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// Which benchmark.
    pub id: BenchId,
    /// What of it.
    pub metric: Metric,
    /// A reading for each run that reached this benchmark, in the order of runs.
    pub runs: Vec<RunReading>,
    /// Criterion's own parts of the name, kept so that critcmp can read our files.
    pub criterion: Option<CriterionParts>,
    /// Work done in one iteration, as criterion recorded it.
    pub throughput: Option<Throughput>,
}

/// What one run (one fresh process) read.
#[derive(Clone, Debug, PartialEq)]
pub struct RunReading {
    /// Index into [`Snapshot::runs`](super::Snapshot::runs).
    pub run: u32,
    /// What was read.
    pub reading: Reading,
}

/// The data of one run.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// Times of batches of iterations: criterion's samples.
    Samples {
        /// The samples themselves.
        samples: Samples,
        /// What criterion estimated from them.
        estimates: Option<Estimates>,
    },
    /// Estimates whose samples were not kept (a critcmp export).
    Estimates(Estimates),
    /// One number, in the metric's unit.
    Value(f64),
}

/// How criterion chose the iterations of its samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SamplingMode {
    /// Sample k holds k·d iterations.
    Linear,
    /// Every sample holds the same number of iterations.
    Flat,
}

/// Batches of iterations and the time that each took.
///
/// Both vectors have the same length, at least 1; every number is finite and
/// positive. The readers in `sources` see to that.
#[derive(Clone, Debug, PartialEq)]
pub struct Samples {
    /// How the iterations were chosen.
    pub mode: SamplingMode,
    /// Iterations in each sample.
    pub iterations: Vec<f64>,
    /// Time of each sample in nanoseconds, all its iterations together.
    pub totals: Vec<f64>,
}

impl Samples {
    /// Nanoseconds per iteration of each sample.
    pub fn per_iteration(&self) -> Vec<f64> {
        self.totals.iter().zip(&self.iterations).map(|(total, n)| total / n).collect()
    }
}

/// A point estimate with criterion's bootstrap interval, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The estimate.
    pub point: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Confidence level of the interval, 0 to 1.
    pub level: f64,
    /// Lower end of the interval.
    pub lower: f64,
    /// Upper end of the interval.
    pub upper: f64,
}

/// Criterion's estimates for one process, in nanoseconds per iteration.
///
/// They speak of one process only: never of how much processes differ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimates {
    /// Mean over samples.
    pub mean: Estimate,
    /// Median over samples.
    pub median: Estimate,
    /// Median absolute deviation over samples.
    pub median_abs_dev: Estimate,
    /// Slope of time over iterations; flat sampling has none.
    pub slope: Option<Estimate>,
    /// Standard deviation over samples.
    pub std_dev: Estimate,
}

/// Criterion's parts of a benchmark's name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CriterionParts {
    /// `group_id`.
    pub group: String,
    /// `function_id`.
    pub function: Option<String>,
    /// `value_str`.
    pub value: Option<String>,
    /// `directory_name`: where criterion put it; lossy, never an identity.
    pub directory: String,
}

/// Work done in one iteration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Throughput {
    /// Bits.
    Bits(u64),
    /// Bytes, shown in powers of 1024.
    Bytes(u64),
    /// Bytes, shown in powers of 1000.
    BytesDecimal(u64),
    /// Elements.
    Elements(u64),
    /// Elements and the bytes they hold.
    ElementsAndBytes {
        /// Elements.
        elements: u64,
        /// Bytes.
        bytes: u64,
    },
    /// Some work in a unit that the file's format could not name: critcmp's
    /// exports keep bytes and elements, of other units only that there was one.
    Unknown,
}
