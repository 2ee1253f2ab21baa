//! The rows that follow from the distributions of a side's runs.

use std::collections::BTreeSet;

use super::{Distribution, Measurement, Metric, Quantile, Reading, Statistic};

impl Measurement {
    /// The rows of a measurement of distributions. Rows exist for each of `kinds` of failed
    /// operations, and for those that it has itself. `None` if its readings are not
    /// distributions: then it is one row.
    pub fn rows(&self, kinds: &BTreeSet<&str>) -> Option<Vec<DistributionRow>> {
        DistributionRow::all(self, kinds)
    }

    /// The kinds of failed operations in its distributions.
    pub fn kinds_of_failures(&self) -> impl Iterator<Item = &str> {
        let distributions = self.runs.iter().filter_map(|run| match &run.reading {
            Reading::Distribution(distribution) => distribution.failed(),
            _ => None,
        });
        distributions.flat_map(|failed| failed.keys().map(String::as_str))
    }
}

/// One row of a distribution over the runs of a side.
#[derive(Clone, Debug, PartialEq)]
pub struct DistributionRow {
    /// Its metric: `latency.p99`.
    pub metric: Metric,
    /// The quantile that it is, if it is one.
    pub quantile: Option<Quantile>,
    /// The number of observations that it needs.
    pub needed: u64,
    /// The observations of all runs together.
    pub observations: u64,
    /// The observations of the run that has the fewest.
    pub fewest: u64,
    /// Of all observations together, in the metric's unit: never a mean of the runs'
    /// quantiles. `None` if they are fewer than needed, or if it is of failures that some
    /// runs did not count.
    pub value: Option<f64>,
    /// Each run's own value, with the run's index. Empty unless every run supports its
    /// value: leaving out the runs with few observations would leave out slow ones.
    pub runs: Vec<(u32, f64)>,
}

impl DistributionRow {
    /// The rows of a measurement's distributions, also for each of `kinds` of failures, which
    /// another side may know. `None` if its readings are not distributions.
    fn all(measurement: &Measurement, kinds: &BTreeSet<&str>) -> Option<Vec<Self>> {
        let distributions: Vec<(u32, &Distribution)> = measurement
            .runs
            .iter()
            .filter_map(|run| match &run.reading {
                Reading::Distribution(distribution) => Some((run.run, distribution)),
                _ => None,
            })
            .collect();
        let merged = Distribution::merged(distributions.iter().map(|(_, one)| *one))?;
        let failures = merged.failed().map(|failed| {
            let kinds: BTreeSet<&str> =
                kinds.iter().copied().chain(failed.keys().map(String::as_str)).collect();
            std::iter::once(Statistic::ErrorRate).chain(kinds.into_iter().map(Statistic::Errors))
        });
        let statistics = Statistic::of_observations().chain(failures.into_iter().flatten());
        let row = |statistic: Statistic<'_>| {
            let values = distributions.iter();
            let runs: Option<Vec<(u32, f64)>> =
                values.map(|(run, one)| Some((*run, one.value(&statistic)?))).collect();
            // The failures of runs that did not count them are not known.
            let is_known =
                runs.is_some() || !matches!(statistic, Statistic::ErrorRate | Statistic::Errors(_));
            Self {
                metric: statistic.metric(&measurement.metric),
                quantile: match statistic {
                    Statistic::Quantile(quantile) => Some(quantile),
                    _ => None,
                },
                needed: statistic.needed(),
                observations: merged.total(),
                fewest: distributions.iter().map(|(_, one)| one.total()).min().unwrap_or(0),
                value: merged.value(&statistic).filter(|_| is_known),
                runs: runs.unwrap_or_default(),
            }
        };
        Some(statistics.map(row).collect())
    }
}
