//! One limit in the unit of a metric, and where the runs are.

use crate::judge::compare::SHOWN_LEVEL;
use crate::judge::report::BoundKind;
use crate::model::Unit;
use crate::policy::{Bound, Target};
use crate::stats;

/// A limit in the unit of a metric.
pub(super) struct Limit {
    pub(super) value: f64,
    bound: BoundKind,
    warn_at: Option<f64>,
}

/// Where the candidate is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Standing {
    /// Proven to be beyond the limit.
    Beyond,
    /// Proven to keep the limit.
    Within {
        /// Whether it is proven to be beyond the value that warns.
        near: bool,
    },
    /// Neither is proven.
    Unsure {
        /// Whether the mean of the runs is beyond the limit.
        beyond: bool,
        /// Why.
        doubt: Doubt,
    },
}

/// Why the runs prove neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// All runs together have enough observations, but none has enough by itself, so nothing
    /// is known about how much runs differ.
    NoRunAlone,
    /// There is a single run.
    SingleRun,
    /// The limit is inside the interval.
    Noise,
}

impl Doubt {
    /// The doubt as a clause.
    pub(super) fn clause(self) -> &'static str {
        match self {
            Self::NoRunAlone => "no run has enough observations by itself to be sure",
            Self::SingleRun => "a single run is not sure",
            Self::Noise => "the runs vary too much to be sure",
        }
    }
}

impl Limit {
    /// The target's limit; `None` if it is not in this unit.
    pub(super) fn of(target: &Target, unit: &Unit) -> Option<Self> {
        let value = target.bound.quantity().in_unit(unit)?;
        let warn_at = target.warn_at.and_then(|quantity| quantity.in_unit(unit));
        Some(Self { value, bound: BoundKind::from(target.bound), warn_at })
    }

    /// How far a value is beyond a limit; negative if it keeps it.
    fn beyond(&self, value: f64, limit: f64) -> f64 {
        match self.bound {
            BoundKind::AtMost => value - limit,
            BoundKind::AtLeast => limit - value,
        }
    }

    /// The share of the limit that is left; `None` if the limit is zero.
    pub(super) fn headroom(&self, value: f64) -> Option<f64> {
        (self.value > 0.0).then(|| -self.beyond(value, self.value) / self.value)
    }

    /// Where the runs are: of a count the worst run decides, of a sampled metric the mean of
    /// the runs with its 95% interval. Of a distribution, `whole` is the value of all
    /// observations together, which takes the place of that mean: a mean of quantiles is not
    /// a quantile, and the report shows `whole`.
    pub(super) fn standing(&self, counted: bool, runs: &[f64], whole: Option<f64>) -> Standing {
        let worst = || runs.iter().map(|run| self.beyond(*run, self.value));
        if counted {
            return if worst().any(|beyond| beyond > 0.0) {
                Standing::Beyond
            } else {
                let near = |limit| runs.iter().any(|run| self.beyond(*run, limit) > 0.0);
                Standing::Within { near: self.warn_at.is_some_and(near) }
            };
        }
        let Some(centre) = whole.or_else(|| stats::mean(runs)) else {
            return Standing::Unsure { beyond: false, doubt: Doubt::NoRunAlone };
        };
        let beyond = self.beyond(centre, self.value);
        match stats::mean_half_width(runs, SHOWN_LEVEL) {
            Some(half) if beyond > half => Standing::Beyond,
            Some(half) if beyond <= -half => {
                let near = |limit| self.beyond(centre, limit) > half;
                Standing::Within { near: self.warn_at.is_some_and(near) }
            }
            _ => {
                let doubt = match runs.len() {
                    0 => Doubt::NoRunAlone,
                    1 => Doubt::SingleRun,
                    _ => Doubt::Noise,
                };
                Standing::Unsure { beyond: beyond > 0.0, doubt }
            }
        }
    }
}

impl From<Bound> for BoundKind {
    fn from(bound: Bound) -> Self {
        match bound {
            Bound::AtMost(_) => Self::AtMost,
            Bound::AtLeast(_) => Self::AtLeast,
        }
    }
}
