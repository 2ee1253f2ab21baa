//! Criterion's estimates as JSON: in its `estimates.json`, and in the exports of
//! critcmp, which copy them unchanged.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{self, EstimateFault, Location};

/// Nanoseconds per iteration.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "CritcmpEstimates")]
pub(crate) struct Estimates {
    pub(crate) mean: Estimate,
    pub(crate) median: Estimate,
    pub(crate) median_abs_dev: Estimate,
    pub(crate) slope: Option<Estimate>,
    pub(crate) std_dev: Estimate,
}

/// An estimate, its standard error and its interval.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "CritcmpEstimate")]
pub(crate) struct Estimate {
    pub(crate) confidence_interval: Interval,
    #[serde(rename = "point_estimate")]
    pub(crate) point: f64,
    pub(crate) standard_error: f64,
}

/// A confidence interval.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "CritcmpInterval")]
pub(crate) struct Interval {
    #[serde(rename = "confidence_level")]
    pub(crate) level: f64,
    #[serde(rename = "lower_bound")]
    pub(crate) lower: f64,
    #[serde(rename = "upper_bound")]
    pub(crate) upper: f64,
}

/// Why estimates cannot be criterion's: which statistic, and its fault.
#[derive(Debug, thiserror::Error)]
#[error("{statistic} {fault}")]
pub(crate) struct EstimatesFault {
    statistic: &'static str,
    fault: EstimateFault,
}

impl TryFrom<Estimates> for model::Estimates {
    type Error = EstimatesFault;

    fn try_from(estimates: Estimates) -> Result<Self, EstimatesFault> {
        let spread = |statistic, estimate: Estimate| {
            estimate.parse().map_err(|fault| EstimatesFault { statistic, fault })
        };
        let location = |statistic, estimate: Estimate| {
            let location = estimate.parse().and_then(Location::new);
            location.map_err(|fault| EstimatesFault { statistic, fault })
        };
        let Estimates { mean, median, median_abs_dev, slope, std_dev } = estimates;
        Ok(Self {
            mean: location("mean", mean)?,
            median: location("median", median)?,
            median_abs_dev: spread("median_abs_dev", median_abs_dev)?,
            slope: slope.map(|slope| location("slope", slope)).transpose()?,
            std_dev: spread("std_dev", std_dev)?,
        })
    }
}

impl Estimate {
    fn parse(self) -> Result<model::Estimate, EstimateFault> {
        let Self { confidence_interval: Interval { level, lower, upper }, point, standard_error } =
            self;
        let interval = model::Interval::new(level, lower, upper)?;
        model::Estimate::new(point, standard_error, interval)
    }
}

impl From<&model::Estimates> for Estimates {
    fn from(estimates: &model::Estimates) -> Self {
        let model::Estimates { mean, median, median_abs_dev, slope, std_dev } = estimates;
        Self {
            mean: Estimate::from(&**mean),
            median: Estimate::from(&**median),
            median_abs_dev: median_abs_dev.into(),
            slope: slope.as_deref().map(Estimate::from),
            std_dev: std_dev.into(),
        }
    }
}

impl From<&model::Estimate> for Estimate {
    fn from(estimate: &model::Estimate) -> Self {
        let interval = estimate.interval();
        Self {
            confidence_interval: Interval {
                level: interval.level(),
                lower: interval.lower(),
                upper: interval.upper(),
            },
            point: estimate.point(),
            standard_error: estimate.standard_error(),
        }
    }
}
