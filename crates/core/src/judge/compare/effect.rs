//! How far the two sides of a pair are apart. Changes are ln(candidate / baseline).

use super::chances::Chances;
use super::paired::Differences;
use super::runs::SideRuns;
use super::slow::SlowProcesses;
use super::speeds::TwoSpeeds;
use super::variance::Variance;
use crate::judge::report::Change;
use crate::model::{Direction, Metric, Nature, Unmeasured};
use crate::stats::{self, Difference, SampleVariance};

/// Confidence level of the intervals that are shown.
pub(crate) const SHOWN_LEVEL: f64 = 0.95;

/// How far the sides are apart.
///
/// Sampled effects start as the `Runs` of both sides. Their uncertainty depends on all
/// rows of a comparison, and on other sessions, so [`sessions`](super::sessions) makes
/// the second form of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Effect<S = Sampled> {
    /// Its clock was not measured, for this reason.
    Unmeasured(Unmeasured),
    /// From processes in pairs.
    Paired(Differences),
    /// The slow ones among processes in pairs.
    Slow(SlowProcesses),
    /// From runs that vary.
    Sampled(S),
    /// From counts.
    Counted(Counted),
    /// One side is zero, so no ratio exists.
    Zero(Zero),
    /// A value is negative: a change in percent would mean nothing.
    Negative,
    /// A run of either side has too few observations for the statistic.
    Unsupported(Unsupported),
}

/// Why the runs of a distribution cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unsupported {
    /// The observations that the statistic needs in each run.
    pub(crate) needed: u64,
    /// Those of the run that has the fewest.
    pub(crate) fewest: u64,
}

/// The runs of a sampled metric on both sides.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Runs {
    /// Logarithms of the runs: the baseline's, the candidate's. Neither is empty.
    logs: [Vec<f64>; 2],
    /// The Hodges–Lehmann shift between them.
    pub(crate) change: f64,
}

/// A change of a sampled metric.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sampled {
    /// The Hodges–Lehmann shift between the logarithms of the runs.
    pub(crate) change: f64,
    /// The part of the change that the whole suite has in common, where it is to be
    /// subtracted.
    pub(crate) shift: Option<f64>,
    /// Absent where nothing is known of the spread between runs, and where the values
    /// are too large to be compared.
    pub(crate) uncertainty: Option<Uncertainty>,
    /// A side has a single run, and no earlier runs show the spread that it cannot.
    pub(crate) lone_run: bool,
    /// What is known of the sessions of this row.
    pub(crate) sessions: Sessions,
}

/// What is known of the sessions of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sessions {
    /// Whether it is known how much they differ, or need not be: the metric does not
    /// follow the speed of the machine.
    pub(crate) known: bool,
    /// How many are known.
    pub(crate) count: u32,
    /// Each has one of two speeds.
    pub(crate) two_speeds: Option<TwoSpeeds>,
}

/// A sampled change with its uncertainty.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Uncertainty {
    /// The change as it was measured.
    measured: Difference,
    /// The change without the suite's shift, where that is subtracted.
    pub(crate) without_shift: Option<Difference>,
    /// Half the width of the interval at [`SHOWN_LEVEL`].
    pub(crate) shown: f64,
    /// The parts of the variance.
    pub(crate) variance: Variance,
    /// The change that is the row's own, if its sessions differ like those of the least
    /// steady benchmark; absent where no sessions are known.
    least_steady: Option<Difference>,
}

/// A change of a count.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Counted {
    /// Logarithm of the ratio of medians.
    pub(crate) change: f64,
    /// The largest range within a side, relative to its value; 0 for counts that every
    /// run repeated.
    pub(crate) range: f64,
    /// Logarithm of the ratio of the two readings that are closest to each other; 0
    /// where the ranges of the sides overlap. Equal to `change` for counts that every
    /// run repeated.
    pub(crate) gap: f64,
}

/// A change from zero or to zero.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Zero {
    /// Candidate less baseline, in the metric's unit.
    pub(crate) difference: f64,
    /// Whether every run of each side gave that side's value.
    pub(crate) steady: bool,
}

impl Effect<Runs> {
    /// The effect of a metric whose sides were not measured in pairs.
    pub(super) fn of(metric: &Metric, baseline: &SideRuns, candidate: &SideRuns) -> Self {
        let values = || baseline.values().iter().chain(candidate.values());
        let any = |what: fn(f64) -> bool| values().any(|value| what(*value));
        let first = baseline.values()[0];
        let equal = values().all(|value| *value == first);
        // Lone runs would not show how much the runs of a sampled metric differ.
        let repeated = baseline.values().len().min(candidate.values().len()) > 1;
        if equal && (metric.nature == Nature::Counted || (first == 0.0 && repeated)) {
            // The rate of errors is zero in every run of most programs.
            return Self::Counted(Counted { change: 0.0, range: 0.0, gap: 0.0 });
        }
        if any(|value| value < 0.0) {
            return Self::Negative;
        }
        let (base, head) = (baseline.side.value, candidate.side.value);
        let zero = match metric.nature {
            // One run of zero has no logarithm.
            Nature::Sampled => any(|value| value == 0.0),
            Nature::Counted => base == 0.0 || head == 0.0,
        };
        if zero {
            return Self::Zero(Zero {
                difference: head - base,
                steady: baseline.is_steady() && candidate.is_steady(),
            });
        }
        match metric.nature {
            Nature::Counted => Self::Counted(Counted {
                change: (head / base).ln(),
                range: baseline.relative_range().max(candidate.relative_range()),
                gap: gap(baseline.range(), candidate.range()),
            }),
            Nature::Sampled => Self::Sampled(Runs::new(baseline.logs(), candidate.logs())),
        }
    }
}

/// How far two ranges are apart, as a logarithm. A count that falls on one of two values,
/// as timing will have it, has readings of both on either side.
fn gap((base_least, base_most): (f64, f64), (least, most): (f64, f64)) -> f64 {
    if least > base_most {
        (least / base_most).ln()
    } else if most < base_least {
        (most / base_least).ln()
    } else {
        0.0
    }
}

impl Runs {
    fn new(baseline: Vec<f64>, candidate: Vec<f64>) -> Self {
        let change = stats::hodges_lehmann_shift(&baseline, &candidate).unwrap_or_default();
        Self { logs: [baseline, candidate], change }
    }

    /// Logarithms of the runs of each side.
    pub(super) fn logs(&self) -> &[Vec<f64>; 2] {
        &self.logs
    }

    /// How many runs each side has.
    pub(super) fn counts(&self) -> [usize; 2] {
        self.logs.each_ref().map(Vec::len)
    }
}

impl Uncertainty {
    pub(super) fn new(
        measured: Difference,
        shift: Option<f64>,
        variance: Variance,
        least_steady: Option<SampleVariance>,
    ) -> Self {
        let own = measured.difference - shift.unwrap_or_default();
        Self {
            least_steady: least_steady
                .and_then(|sessions| variance.with_sessions(sessions).around(own)),
            without_shift: shift.map(|shift| measured.at(measured.difference - shift)),
            shown: measured.half_width(SHOWN_LEVEL),
            variance,
            measured,
        }
    }

    /// The change as it was measured, turned so that larger is worse.
    pub(crate) fn measured(&self, better: Direction) -> Difference {
        turned(&self.measured, better)
    }

    /// The change that is the row's own: without the suite's shift where that is
    /// subtracted; turned so that larger is worse.
    pub(crate) fn own(&self, better: Direction) -> Difference {
        turned(self.without_shift.as_ref().unwrap_or(&self.measured), better)
    }

    /// The row's own change, if its sessions differ like those of the least steady
    /// benchmark; turned so that larger is worse.
    pub(crate) fn least_steady(&self, better: Direction) -> Option<Difference> {
        self.least_steady.as_ref().map(|difference| turned(difference, better))
    }

    /// The change as it was measured, and without the suite's shift where that is
    /// subtracted; turned so that larger is worse.
    pub(crate) fn with_and_without_shift(
        &self,
        better: Direction,
    ) -> impl Iterator<Item = Difference> {
        let both = std::iter::once(&self.measured).chain(&self.without_shift);
        both.map(move |difference| turned(difference, better))
    }

    /// The chances beyond `bound` (turned so that larger is worse) and beyond its mirror,
    /// each the larger of those with and without the suite's shift: a subtraction must
    /// not make a change of a row that has none.
    pub(crate) fn combined_chances(&self, bound: f64, better: Direction) -> Chances {
        let none = Chances { worse: 0.0, better: 0.0 };
        self.with_and_without_shift(better).fold(none, |chances, change| Chances {
            worse: chances.worse.max(change.p_above(bound)),
            better: chances.better.max(change.p_below(-bound)),
        })
    }
}

fn turned(change: &Difference, better: Direction) -> Difference {
    match better {
        Direction::Lower => change.clone(),
        Direction::Higher => change.at(-change.difference),
    }
}

impl Effect {
    /// The change that is shown; absent where there is no ratio.
    pub(crate) fn change(&self) -> Option<Change> {
        let change = match self {
            Self::Unmeasured(Unmeasured::IdenticalCode) => {
                Change { estimate: 0.0, lower: Some(0.0), upper: Some(0.0) }
            }
            Self::Paired(differences) => {
                let interval = differences.interval(SHOWN_LEVEL);
                Change {
                    estimate: differences.centre().exp_m1(),
                    lower: interval.map(|interval| interval.lower.exp_m1()),
                    upper: interval.map(|interval| interval.upper.exp_m1()),
                }
            }
            Self::Sampled(sampled) => sampled.shown(sampled.change),
            Self::Counted(Counted { change, range, .. }) => {
                let change = change.exp_m1();
                let exact = (*range == 0.0).then_some(change);
                Change { estimate: change, lower: exact, upper: exact }
            }
            // A share of a share would mislead: both shares are shown. Where only the same code
            // was executed, another iteration may take another path.
            Self::Slow(_)
            | Self::Zero(_)
            | Self::Negative
            | Self::Unsupported(_)
            | Self::Unmeasured(_) => return None,
        };
        change.estimate.is_finite().then_some(change)
    }

    /// The change without the suite's shift, where that is subtracted.
    pub(crate) fn adjusted(&self) -> Option<Change> {
        let Self::Sampled(sampled) = self else { return None };
        let change = sampled.shown(sampled.change - sampled.shift?);
        change.estimate.is_finite().then_some(change)
    }

    /// The change of each pair of processes that a decision rests on.
    pub(crate) fn pairs(&self) -> Vec<f64> {
        match self {
            Self::Paired(differences) => {
                differences.shown().iter().map(|difference| difference.exp_m1()).collect()
            }
            _ => Vec::new(),
        }
    }
}

impl Sampled {
    /// A change with the interval around it.
    fn shown(&self, change: f64) -> Change {
        let half = self.uncertainty.as_ref().map(|uncertainty| uncertainty.shown);
        Change {
            estimate: change.exp_m1(),
            lower: half.map(|half| (change - half).exp_m1()),
            upper: half.map(|half| (change + half).exp_m1()),
        }
    }
}
