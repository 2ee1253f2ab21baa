//! One metric of one benchmark, as stored.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::number::{Iterations, Number};
use super::super::unique;
use crate::criterion;
use crate::model;

/// One metric of one benchmark.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(in crate::baseline) struct Measurement {
    /// What its harness calls the benchmark.
    #[schemars(length(min = 1))]
    pub(in crate::baseline) name: String,
    /// The cargo package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::baseline) package: Option<String>,
    /// The bench target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::baseline) target: Option<String>,
    /// What was measured of it.
    pub(in crate::baseline) metric: Metric,
    /// Criterion's parts of the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::baseline) criterion: Option<CriterionParts>,
    /// Work in one iteration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::baseline) throughput: Option<Throughput>,
    /// One reading a run, in the order of runs.
    pub(in crate::baseline) runs: Vec<Run>,
    /// Of instructions and allocations: how they were counted, and what each function took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::baseline) costs: Option<Costs>,
}

/// What the functions took in one of the processes that were counted.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(in crate::baseline) struct Costs {
    /// The most threads that one of the processes had; one of them is counted.
    #[schemars(range(min = 1))]
    pub(in crate::baseline) threads: u32,
    /// What of a criterion benchmark was counted. Absent where its harness counts by
    /// itself, and where it was not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::baseline) scope: Option<CountScope>,
    /// How calls of the memory allocator were counted. Absent in files of versions that
    /// counted all that the allocator executed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::baseline) allocator: Option<AllocatorCount>,
    /// Whether the kernel was asked for something other than the time or memory.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(in crate::baseline) system_calls: bool,
    /// The count of all functions together.
    pub(in crate::baseline) total: u64,
    /// Instructions that a function took itself, without what it called; those
    /// that matter, by demangled name.
    #[serde(deserialize_with = "unique::keys")]
    pub(in crate::baseline) functions: BTreeMap<String, u64>,
}

/// How a count treats the memory allocator.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::baseline) enum AllocatorCount {
    /// Each call counts as a constant.
    Charged,
    /// All that the allocator executed is counted.
    Executed,
}

/// What of a criterion benchmark a count covers.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::baseline) enum CountScope {
    /// What criterion times.
    Timed,
    /// All that criterion's method did: the set-up and the drops, too.
    Whole,
}

/// What a number means.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(in crate::baseline) struct Metric {
    /// `instructions`, `hit_rate`, `latency.p95` …
    #[schemars(length(min = 1))]
    pub(in crate::baseline) name: String,
    /// `ns`, `count`, `bytes`, `share`, `per_second`, or any other.
    pub(in crate::baseline) unit: String,
    /// Which way is better.
    #[serde(with = "Direction")]
    pub(in crate::baseline) better: model::Direction,
    /// Whether equal programs give equal readings (`counted`) or not (`sampled`).
    #[serde(with = "Nature")]
    pub(in crate::baseline) nature: model::Nature,
}

/// Criterion's parts of a benchmark's name.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(in crate::baseline) struct CriterionParts {
    /// `group_id`.
    pub(in crate::baseline) group: String,
    /// `function_id`.
    pub(in crate::baseline) function: Option<String>,
    /// `value_str`.
    pub(in crate::baseline) value: Option<String>,
    /// `directory_name`.
    pub(in crate::baseline) directory: String,
}

/// What one run read: samples, with what criterion estimated from them where
/// that is known; or estimates alone; or one value; or a distribution.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(in crate::baseline) struct Run {
    /// Index into the snapshot's runs.
    #[serde(rename = "run")]
    pub(in crate::baseline) index: u32,
    /// Times of batches of iterations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::baseline) samples: Option<Samples>,
    /// Criterion's estimates for this run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::baseline) estimates: Option<Estimates>,
    /// One number, in the metric's unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::baseline) value: Option<Number>,
    /// All values that it observed, in the metric's unit: a histogram of HdrHistogram with
    /// three significant digits, compressed (V2, deflate) and in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::baseline) hdr: Option<String>,
    /// Operations that failed and so have no value, by kind; absent if they were not counted.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "unique::optional_keys"
    )]
    pub(in crate::baseline) failed: Option<BTreeMap<String, u64>>,
}

/// Batches of iterations and the time that each took.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(in crate::baseline) struct Samples {
    /// How criterion chose the iterations.
    #[serde(with = "SamplingMode")]
    pub(in crate::baseline) mode: model::SamplingMode,
    /// Iterations in each sample.
    pub(in crate::baseline) iterations: Iterations,
    /// Time of each sample in nanoseconds, all its iterations together.
    #[schemars(length(min = 1))]
    pub(in crate::baseline) times: Vec<Number>,
}

/// Criterion's estimates for one run, in nanoseconds per iteration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(in crate::baseline) struct Estimates {
    /// Mean over samples.
    pub(in crate::baseline) mean: Estimate,
    /// Median over samples.
    pub(in crate::baseline) median: Estimate,
    /// Median absolute deviation over samples.
    pub(in crate::baseline) median_abs_dev: Estimate,
    /// Slope of time over iterations; flat sampling has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::baseline) slope: Option<Estimate>,
    /// Standard deviation over samples.
    pub(in crate::baseline) std_dev: Estimate,
}

/// Point estimate, standard error, confidence level (0 to 1), lower and upper
/// end of the interval.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
pub(in crate::baseline) struct Estimate(Number, Number, Number, Number, Number);

// The same numbers as in criterion's own form, which alone is converted from and to the
// model.
impl From<Estimates> for criterion::Estimates {
    fn from(estimates: Estimates) -> Self {
        let Estimates { mean, median, median_abs_dev, slope, std_dev } = estimates;
        Self {
            mean: mean.into(),
            median: median.into(),
            median_abs_dev: median_abs_dev.into(),
            slope: slope.map(Into::into),
            std_dev: std_dev.into(),
        }
    }
}

impl From<criterion::Estimates> for Estimates {
    fn from(estimates: criterion::Estimates) -> Self {
        let criterion::Estimates { mean, median, median_abs_dev, slope, std_dev } = estimates;
        Self {
            mean: mean.into(),
            median: median.into(),
            median_abs_dev: median_abs_dev.into(),
            slope: slope.map(Into::into),
            std_dev: std_dev.into(),
        }
    }
}

impl From<Estimate> for criterion::Estimate {
    fn from(Estimate(point, standard_error, level, lower, upper): Estimate) -> Self {
        Self {
            confidence_interval: criterion::Interval {
                level: level.0,
                lower: lower.0,
                upper: upper.0,
            },
            point: point.0,
            standard_error: standard_error.0,
        }
    }
}

impl From<criterion::Estimate> for Estimate {
    fn from(estimate: criterion::Estimate) -> Self {
        let criterion::Estimate { confidence_interval, point, standard_error } = estimate;
        let criterion::Interval { level, lower, upper } = confidence_interval;
        Self(Number(point), Number(standard_error), Number(level), Number(lower), Number(upper))
    }
}

/// Work done in one iteration.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::baseline) enum Throughput {
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
    /// In a unit that was lost on the way.
    Unknown,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(remote = "model::Direction", rename_all = "snake_case")]
enum Direction {
    Lower,
    Higher,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(remote = "model::Nature", rename_all = "snake_case")]
enum Nature {
    Sampled,
    Counted,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(remote = "model::SamplingMode", rename_all = "snake_case")]
enum SamplingMode {
    Linear,
    Flat,
}
