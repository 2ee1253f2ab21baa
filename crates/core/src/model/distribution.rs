//! Distributions: all values of one quantity in one run, and the rows that follow from them.
//!
//! A measurement whose readings are [`Reading::Distribution`](super::Reading::Distribution)
//! is one metric (`latency`) with many rows: `latency.p99`, `latency.mean`, `error_rate` and
//! others, one for each [`Statistic`]. [`Measurement::rows`](super::Measurement::rows) gives
//! them; the metric `latency` does not have a row of its own.
//!
//! A quantile with fewer than [`ABOVE`] observations above it is *unsupported*: it is not a
//! number anywhere. Its row still exists. A row of a report then has a value of `None` on
//! that side and says in `observations` how many were needed and how many there were, so a
//! limit on it can fail instead of not being found.

use std::collections::BTreeMap;

use benchgate_record::buckets;

use super::{Direction, Metric, Nature, Unit};

/// Observations above a quantile that it needs to be supported.
///
/// How many observations are beyond the true quantile is binomial. If ten are expected, the
/// standard deviation is about three, so the share of the tail is known to a third. Fewer
/// describe single events.
pub const ABOVE: u64 = 10;

/// The most kinds of failed operations that one run may name.
const MOST_KINDS: usize = 64;

/// The most observations of one run: up to here an `f64` represents every count exactly.
const MOST: u64 = 1 << 53;

/// All values of one quantity in one run, in [`buckets`] of three significant digits, and the
/// number of operations that failed. Failed operations do not have a value.
///
/// It holds an observation or a failed operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distribution {
    /// By the index of the bucket; each count is at least 1.
    counts: BTreeMap<u32, u64>,
    total: u64,
    /// By kind. `None` if failures were not counted.
    failed: Option<BTreeMap<String, u64>>,
}

/// Why numbers are not a distribution.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DistributionFault {
    /// There is nothing to describe.
    #[error("holds neither an observation nor a failed operation")]
    Nothing,
    /// A value that no bucket is for.
    #[error("holds the value {value}; the largest is {most}", most = buckets::LARGEST)]
    Value {
        /// The value.
        value: u64,
    },
    /// More observations than can be counted exactly.
    #[error("holds more than {most} observations or failures", most = MOST)]
    Overflow,
    /// More kinds of failures than anybody reads.
    #[error("names {kinds} kinds of failed operations; at most {most} can be told apart", most = MOST_KINDS)]
    Kinds {
        /// How many.
        kinds: usize,
    },
    /// A kind without a name.
    #[error("names a kind of failed operations with an empty text")]
    Unnamed,
}

impl Distribution {
    /// The distribution with these values, each with the number of its observations, in any
    /// order.
    ///
    /// # Errors
    ///
    /// Refuses values and counts that are too large, and a distribution of nothing.
    pub fn new(
        values: impl IntoIterator<Item = (u64, u64)>,
        failed: Option<BTreeMap<String, u64>>,
    ) -> Result<Self, DistributionFault> {
        let mut counts = BTreeMap::new();
        let mut total = 0_u64;
        for (value, count) in values.into_iter().filter(|(_, count)| *count > 0) {
            if value > buckets::LARGEST {
                return Err(DistributionFault::Value { value });
            }
            total = sum(total, count)?;
            *counts.entry(buckets::index(value)).or_default() += count;
        }
        let kinds = failed.as_ref().map_or(0, BTreeMap::len);
        if kinds > MOST_KINDS {
            return Err(DistributionFault::Kinds { kinds });
        }
        let mut failures = total;
        for (kind, count) in failed.iter().flatten() {
            if kind.is_empty() {
                return Err(DistributionFault::Unnamed);
            }
            failures = sum(failures, *count)?;
        }
        if failures == 0 {
            return Err(DistributionFault::Nothing);
        }
        Ok(Self { counts, total, failed })
    }

    /// All observations and failures of these distributions, as if they were one: adding
    /// counts loses nothing. `None` if there are none of them.
    pub fn merged<'a>(all: impl IntoIterator<Item = &'a Self>) -> Option<Self> {
        let mut all = all.into_iter();
        let mut merged = all.next()?.clone();
        for other in all {
            for (index, count) in &other.counts {
                let known = merged.counts.entry(*index).or_default();
                *known = known.saturating_add(*count);
            }
            merged.total = merged.total.saturating_add(other.total);
            if let Some(failed) = &other.failed {
                let known = merged.failed.get_or_insert_default();
                for (kind, count) in failed {
                    let known = known.entry(kind.clone()).or_default();
                    *known = known.saturating_add(*count);
                }
            }
        }
        Some(merged)
    }

    /// The number of observations; failed operations are not among them.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Failed operations by kind. `None` if they were not counted.
    pub fn failed(&self) -> Option<&BTreeMap<String, u64>> {
        self.failed.as_ref()
    }

    /// The smallest value of each bucket that holds observations, with their number; rising.
    pub fn counts(&self) -> impl ExactSizeIterator<Item = (u64, u64)> {
        self.counts.iter().map(|(index, count)| (buckets::lowest(*index), *count))
    }

    /// A statistic, in the unit of its row. `None` if it is unsupported: there are fewer
    /// observations than it [needs](Statistic::needed).
    pub fn value(&self, statistic: &Statistic<'_>) -> Option<f64> {
        if self.total < statistic.needed() {
            return None;
        }
        match statistic {
            Statistic::Quantile(quantile) => self.quantile(*quantile),
            Statistic::Mean => self.mean(),
            Statistic::Min => Some(buckets::lowest(*self.counts.keys().next()?) as f64),
            Statistic::Max => Some(buckets::highest(*self.counts.keys().next_back()?) as f64),
            Statistic::Deviation => self.deviation(),
            Statistic::Count => Some(self.total as f64),
            Statistic::ErrorRate => {
                let failed: u64 = self.failed.as_ref()?.values().sum();
                Some(failed as f64 / (failed + self.total) as f64)
            }
            Statistic::Errors(kind) => {
                Some(self.failed.as_ref()?.get(*kind).copied().unwrap_or_default() as f64)
            }
        }
    }

    /// The largest value of the bucket that holds the observation of the nearest rank: of n
    /// observations in rising order, the one at the ceiling of q·n, counted from 1. This is
    /// the inverse of the empirical distribution function: definition 1 in Hyndman and Fan
    /// (1996), "Sample Quantiles in Statistical Packages", The American Statistician 50.
    fn quantile(&self, quantile: Quantile) -> Option<f64> {
        let rank = quantile.rank(self.total);
        let mut seen = 0;
        let index = self.counts.iter().find(|(_, count)| {
            seen += **count;
            seen >= rank
        });
        Some(buckets::highest(*index?.0) as f64)
    }

    /// The mean, with each observation at the middle of its bucket: at most 0.05% off.
    fn mean(&self) -> Option<f64> {
        let sum: f64 = self.middles().map(|(value, count)| value * count).sum();
        (self.total > 0).then(|| sum / self.total as f64)
    }

    /// The standard deviation, with each observation at the middle of its bucket.
    fn deviation(&self) -> Option<f64> {
        let mean = self.mean()?;
        let squares: f64 =
            self.middles().map(|(value, count)| count * (value - mean).powi(2)).sum();
        Some((squares / (self.total - 1) as f64).sqrt())
    }

    fn middles(&self) -> impl Iterator<Item = (f64, f64)> {
        let middle = |index| buckets::middle(index) as f64;
        self.counts.iter().map(move |(index, count)| (middle(*index), *count as f64))
    }
}

fn sum(total: u64, count: u64) -> Result<u64, DistributionFault> {
    total.checked_add(count).filter(|sum| *sum <= MOST).ok_or(DistributionFault::Overflow)
}

/// A quantile, in thousandths: between 1 and 999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantile(u16);

impl Quantile {
    /// Those that have a row.
    pub const ALL: [Self; 5] = [Self(500), Self(900), Self(950), Self(990), Self(999)];

    /// The one of these thousandths that has a row: 990 for the 99th percentile.
    pub fn of_thousandths(thousandths: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|quantile| quantile.0 == thousandths)
    }

    /// The end of its row's name: `p99`, `p99.9`.
    pub fn name(self) -> String {
        let (whole, tenth) = (self.0 / 10, self.0 % 10);
        if tenth == 0 { format!("p{whole}") } else { format!("p{whole}.{tenth}") }
    }

    /// The least number of observations of which [`ABOVE`] are above it: 20 for the median,
    /// 1,000 for the 99th percentile.
    pub fn needed(self) -> u64 {
        ABOVE * 1000 / u64::from(1000 - self.0)
    }

    /// The rank of the observation, counted from 1.
    fn rank(self, observations: u64) -> u64 {
        // At most 2^53 observations a run, and fewer than 2^32 runs, fit.
        let rank = (u128::from(observations) * u128::from(self.0)).div_ceil(1000);
        u64::try_from(rank).unwrap_or(u64::MAX).max(1)
    }
}

/// What a row of a distribution says about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistic<'a> {
    /// The number of observations.
    Count,
    /// The smallest value.
    Min,
    /// The arithmetic mean.
    Mean,
    /// A quantile.
    Quantile(Quantile),
    /// The largest value.
    Max,
    /// The standard deviation.
    Deviation,
    /// The share of operations that failed.
    ErrorRate,
    /// The number of operations that failed in this way.
    Errors(&'a str),
}

impl Statistic<'_> {
    /// Those of the observations, without those of failed operations.
    pub(super) fn of_observations() -> impl Iterator<Item = Self> {
        let others = [Self::Count, Self::Min, Self::Mean, Self::Max, Self::Deviation];
        others.into_iter().chain(Quantile::ALL.map(Self::Quantile))
    }

    /// The number of observations that it needs.
    pub fn needed(&self) -> u64 {
        match self {
            Self::Quantile(quantile) => quantile.needed(),
            Self::Mean | Self::Min | Self::Max => 1,
            Self::Deviation => 2,
            Self::Count | Self::ErrorRate | Self::Errors(_) => 0,
        }
    }

    /// The metric of its row, for a distribution of `observed`.
    pub fn metric(&self, observed: &Metric) -> Metric {
        let base = &observed.name;
        // A benchmark that records only latencies has the names that a policy for all
        // services uses.
        let failures = if base == Metric::LATENCY { String::new() } else { format!("{base}.") };
        let (name, unit) = match self {
            Self::Quantile(quantile) => {
                (format!("{base}.{}", quantile.name()), observed.unit.clone())
            }
            Self::Min => (format!("{base}.min"), observed.unit.clone()),
            Self::Mean => (format!("{base}.mean"), observed.unit.clone()),
            Self::Max => (format!("{base}.max"), observed.unit.clone()),
            Self::Deviation => (format!("{base}.stddev"), observed.unit.clone()),
            Self::Count => (format!("{base}.count"), Unit::Count),
            Self::ErrorRate => (format!("{failures}error_rate"), Unit::Share),
            Self::Errors(kind) => (format!("{failures}errors.{kind}"), Unit::Count),
        };
        let better = match self {
            Self::Count => Direction::Higher,
            Self::ErrorRate | Self::Errors(_) | Self::Deviation => Direction::Lower,
            _ => observed.better,
        };
        Metric { name, unit, better, nature: Nature::Sampled }
    }
}
