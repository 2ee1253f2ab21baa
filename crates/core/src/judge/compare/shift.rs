//! A change that most times of the suite have in common.
//!
//! Between two saved snapshots the machine itself may have become slower. The change that
//! most benchmarks have in common is then subtracted from each, and reported. A change of
//! the code that affects all benchmarks looks the same to the clock, so the shift is a
//! finding of its own. Instruction counts can tell the two apart: a shift that most counts
//! show too is not subtracted.

use std::collections::BTreeMap;

use super::comparability::Comparability;
use super::effect::{Counted, Effect, Runs};
use super::history::{COMMON_ROWS, Common, History};
use super::pair::Pair;
use crate::model::{BenchId, Metric};
use crate::stats::{self, Bounds, Difference, SampleVariance};

/// A smaller shift is not reported.
const LEAST: f64 = 0.01;

/// Standard deviations at which a shift between two sessions is nothing special.
const ORDINARY: f64 = 2.0;

/// The least change of a count that is one, and how many times the spread
/// between equal programs it must exceed.
const LEAST_COUNT: f64 = 0.005;
const COUNT_RANGES: f64 = 3.0;

/// What most sampled times have in common.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shift {
    /// The median change, ln(candidate / baseline).
    pub(crate) change: f64,
    /// How sure that median is.
    variance: SampleVariance,
    /// Whether most rows share it, and it is large enough to be reported.
    pub(crate) shared: bool,
    /// How large it is for two sessions of equal code.
    size: Size,
    /// Whether earlier sessions show how much they differ; else it is assumed.
    pub(crate) sessions_known: bool,
    /// How many rows it is the median of.
    pub(crate) rows: usize,
    /// The instruction counts of those rows; absent where too few have any that are
    /// comparable.
    pub(crate) counts: Option<ShiftCounts>,
}

/// How large a shift is, compared with the part that sessions of equal code have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Size {
    /// Nothing special, so it is subtracted even if too few rows share it to be sure.
    Ordinary,
    Large,
    /// Sessions of equal code would seldom differ by so much.
    Unusual,
}

/// What the instruction counts say about a shift.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ShiftCounts {
    /// How many counts moved the same way.
    pub(crate) alike: usize,
    /// How many rows with a time have a count.
    pub(crate) of: usize,
}

impl Shift {
    /// The shift of the times, where there are enough of them to tell.
    pub(super) fn find(
        pairs: &[Pair<'_, Runs>],
        comparability: &Comparability,
        history: &History<'_>,
        alpha: f64,
    ) -> Option<Self> {
        if !comparability.blocking(&Metric::time()).is_empty() {
            return None;
        }
        let mut counts: BTreeMap<&BenchId, &Counted> = BTreeMap::new();
        let mut times: Vec<(&BenchId, f64)> = Vec::new();
        for pair in pairs {
            match &pair.effect {
                Some(Effect::Sampled(runs))
                    if pair.metric == Metric::time() && runs.change.is_finite() =>
                {
                    times.push((&pair.id, runs.change));
                }
                Some(Effect::Counted(counted))
                    if pair.metric.name == Metric::INSTRUCTIONS
                        && comparability.blocking(&pair.metric).is_empty() =>
                {
                    counts.insert(&pair.id, counted);
                }
                _ => {}
            }
        }
        if times.len() < COMMON_ROWS {
            return None;
        }
        let changes: Vec<f64> = times.iter().map(|(_, change)| *change).collect();
        let change = stats::median(&changes)?;
        let Bounds { lower, upper } = stats::quantile_bounds(&changes, 0.5, alpha / 2.0);
        let shared =
            lower.is_some_and(|lower| lower > 0.0) || upper.is_some_and(|upper| upper < 0.0);
        let counted: Vec<&Counted> =
            times.iter().filter_map(|(id, _)| counts.get(id).copied()).collect();
        let variance = of_median(&changes);
        let Common { variance: common, known } = history.common();
        Some(Self {
            change,
            variance,
            shared: shared && change.abs() >= LEAST,
            size: Size::of(change, common, variance, alpha / 2.0),
            sessions_known: known,
            rows: times.len(),
            counts: (counted.len() * 2 >= times.len())
                .then(|| ShiftCounts::of(&counted, change.signum())),
        })
    }

    /// Whether the instructions of most rows moved the same way: the code changed.
    pub(crate) fn is_code(&self) -> bool {
        self.shared && self.counts.is_some_and(|counts| counts.alike * 2 > counts.of)
    }

    /// Whether sessions of equal code would seldom differ by so much.
    pub(crate) fn is_unusual(&self) -> bool {
        self.size == Size::Unusual
    }

    /// The change that is subtracted from each row, where it is.
    pub(super) fn subtracted(&self) -> Option<f64> {
        ((self.shared || self.size == Size::Ordinary) && !self.is_code()).then_some(self.change)
    }

    /// The part of its uncertainty that every row shares: all of the shift where it is
    /// not subtracted, because it may be real nevertheless.
    pub(super) fn left(&self) -> SampleVariance {
        let rest = self.subtracted().map_or(self.change, |_| 0.0);
        let rest = if self.is_code() { 0.0 } else { rest };
        SampleVariance { variance: self.variance.variance + rest * rest, ..self.variance }
    }
}

impl ShiftCounts {
    fn of(counted: &[&Counted], sign: f64) -> Self {
        let alike = counted.iter().filter(|Counted { change, range, .. }| {
            change * sign > LEAST_COUNT.max(COUNT_RANGES * range)
        });
        Self { alike: alike.count(), of: counted.len() }
    }
}

impl Size {
    /// Of a median change that is that sure; `alpha` is the chance of calling a shift of
    /// equal code unusual.
    fn of(change: f64, common: SampleVariance, median: SampleVariance, alpha: f64) -> Self {
        let sessions = SampleVariance { variance: 2.0 * common.variance, ..common };
        if change.abs() <= ORDINARY * sessions.variance.sqrt() {
            return Self::Ordinary;
        }
        let unusual = Difference::new(change.abs(), &[sessions, median])
            .is_some_and(|difference| difference.p_above(0.0) <= alpha);
        if unusual { Self::Unusual } else { Self::Large }
    }
}

/// The variance of a median: π/2 times that of a mean, for normal data, whose
/// spread is taken from the median absolute deviation.
///
/// P. J. Huber and E. M. Ronchetti, "Robust Statistics", 2nd edition, 2009,
/// sections 1.2 and 5.1.
fn of_median(changes: &[f64]) -> SampleVariance {
    let spread = stats::robust_deviation(changes).unwrap_or_default();
    let variance = std::f64::consts::FRAC_PI_2 * spread * spread / changes.len() as f64;
    SampleVariance { variance, degrees: (changes.len() - 1) as f64 }
}
