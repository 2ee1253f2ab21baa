//! The runs of one side: one number each.

use crate::judge::report::Side;
use crate::model::{DistributionRow, Measurement, Nature, Reading};
use crate::stats;

/// The one number of a run: samples within a run only ever refine this. A distribution has a
/// number for each of its rows instead.
pub fn run_value(reading: &Reading) -> Option<f64> {
    match reading {
        Reading::Samples { samples, .. } => stats::median(&samples.per_iteration()),
        Reading::Estimates(estimates) => Some(estimates.median.point()),
        Reading::Value(value) => Some(*value),
        Reading::Distribution(_) => None,
    }
}

/// What the runs of one side showed of a metric.
#[derive(Clone, Debug)]
pub(super) struct SideRuns {
    /// What is shown of it.
    pub(super) side: Side,
    /// The index of each run.
    indices: Vec<u32>,
    /// Logarithms of the runs of a sampled metric.
    logs: Vec<f64>,
}

impl SideRuns {
    /// Of a measurement with at least one run. `None` where no run has a number.
    pub(super) fn of(measurement: &Measurement) -> Option<Self> {
        let values = measurement.runs.iter();
        let (indices, runs): (Vec<u32>, Vec<f64>) =
            values.filter_map(|run| Some((run.run, run_value(&run.reading)?))).unzip();
        let logs: Vec<f64> = match measurement.metric.nature {
            Nature::Sampled => runs.iter().map(|value| value.ln()).collect(),
            Nature::Counted => Vec::new(),
        };
        let value = match measurement.metric.nature {
            Nature::Sampled if logs.iter().all(|log| log.is_finite()) => {
                stats::hodges_lehmann(&logs)?.exp()
            }
            Nature::Sampled | Nature::Counted => stats::median(&runs)?,
        };
        Some(Self { side: Side { value, runs }, indices, logs })
    }

    /// The runs of a row of a distribution. `None` where its value is unsupported.
    pub(super) fn of_row(row: &DistributionRow) -> Option<Self> {
        let value = row.value?;
        let (indices, runs): (Vec<u32>, Vec<f64>) = row.runs.iter().copied().unzip();
        let logs = runs.iter().map(|value| value.ln()).collect();
        Some(Self { side: Side { value, runs }, indices, logs })
    }

    /// Whether the runs have numbers of their own. Those of a distribution may be unsupported
    /// although all runs together support the value.
    pub(super) fn can_be_compared(&self) -> bool {
        !self.indices.is_empty()
    }

    /// The number of each run.
    pub(super) fn values(&self) -> &[f64] {
        &self.side.runs
    }

    /// The logarithms of a sampled metric's runs.
    pub(super) fn logs(&self) -> Vec<f64> {
        self.logs.clone()
    }

    /// The number of each run that has a logarithm, with the run's index.
    pub(super) fn by_index(&self) -> Vec<(u32, f64)> {
        let values = self.indices.iter().copied().zip(self.values().iter().copied());
        values.filter(|(_, value)| *value > 0.0 && value.is_finite()).collect()
    }

    /// Whether every run gave the same number.
    pub(super) fn is_steady(&self) -> bool {
        self.values().iter().all(|value| *value == self.values()[0])
    }

    /// The least and the largest run, none of which is negative.
    pub(super) fn range(&self) -> (f64, f64) {
        let least = self.values().iter().copied().fold(f64::INFINITY, f64::min);
        (least, self.values().iter().copied().fold(0.0, f64::max))
    }

    /// (max − min) / value: how far the runs are apart.
    pub(super) fn relative_range(&self) -> f64 {
        let (least, most) = self.range();
        (most - least) / self.side.value
    }
}
