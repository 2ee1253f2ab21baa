//! A change that the whole suite shows at once.
//!
//! Between two saved snapshots the machine itself may have become slower. What
//! most benchmarks have in common is then subtracted from each, and said. It may
//! also be a change of the code that touches them all: the clock alone cannot
//! tell, so it is a finding of its own; where instructions were counted, they
//! tell, and what they show in most rows is never subtracted.

use std::collections::BTreeMap;

use super::Case;
use super::code::Code;
use super::comparability::Comparability;
use super::decide::{percent, severity};
use super::noise::COMMON_ROWS;
use super::pair::{Effect, Pair};
use super::report::{Finding, Severity};
use crate::model::{BenchId, Metric};
use crate::stats::{self, Bounds, SampleVariance};

/// A smaller shift is not worth a word.
const LEAST: f64 = 0.01;

/// The least change of a count that is one, and how many times the spread
/// between equal programs it must exceed.
const LEAST_COUNT: f64 = 0.005;
const COUNT_RANGES: f64 = 3.0;

/// What most sampled times have in common.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shift {
    /// The median change, ln(candidate / baseline).
    change: f64,
    /// How sure that median is.
    variance: SampleVariance,
    /// Whether it is beyond noise, and large enough for a word.
    beyond: bool,
    /// Whether the instructions of most rows moved alike.
    by_code: bool,
    /// How many rows it is the median of.
    rows: usize,
    witness: Witness,
}

/// What the instruction counts say of it.
#[derive(Clone, Debug, PartialEq)]
enum Witness {
    /// Too few rows have comparable counts.
    None,
    /// So many of so many rows with counts moved the same way.
    Counts { alike: usize, of: usize },
}

/// What the times have in common, where there are enough of them to tell.
pub(super) fn find(
    case: &Case<'_>,
    pairs: &[Pair],
    comparability: &Comparability,
) -> Option<Shift> {
    if case.pairing().is_some() || !comparability.blocking(&Metric::time()).is_empty() {
        return None;
    }
    let mut counts: BTreeMap<&BenchId, (f64, f64)> = BTreeMap::new();
    let mut rows: Vec<(&BenchId, f64)> = Vec::new();
    for pair in pairs {
        match &pair.effect {
            Some(Effect::Sampled { change, .. })
                if pair.metric == Metric::time() && change.is_finite() =>
            {
                rows.push((&pair.id, *change));
            }
            Some(Effect::Counted { change, range, .. })
                if pair.metric.name == Metric::INSTRUCTIONS
                    && comparability.blocking(&pair.metric).is_empty() =>
            {
                counts.insert(&pair.id, (*change, *range));
            }
            _ => {}
        }
    }
    if rows.len() < COMMON_ROWS {
        return None;
    }
    let changes: Vec<f64> = rows.iter().map(|(_, change)| *change).collect();
    let change = stats::median(&changes)?;
    let Bounds { lower, upper } =
        stats::quantile_bounds(&changes, 0.5, case.policy.verdict.alpha / 2.0);
    let beyond = lower.is_some_and(|lower| lower > 0.0) || upper.is_some_and(|upper| upper < 0.0);
    let beyond = beyond && change.abs() >= LEAST;
    let counted: Vec<(f64, f64)> =
        rows.iter().filter_map(|(id, _)| counts.get(id).copied()).collect();
    let witness = if counted.len() * 2 < rows.len() {
        Witness::None
    } else {
        let alike = counted.iter().filter(|(count, range)| {
            count * change.signum() > LEAST_COUNT.max(COUNT_RANGES * range)
        });
        Witness::Counts { alike: alike.count(), of: counted.len() }
    };
    let by_code = matches!(witness, Witness::Counts { alike, of } if alike * 2 > of);
    Some(Shift {
        change,
        variance: of_median(&changes),
        beyond,
        by_code: beyond && by_code,
        rows: rows.len(),
        witness,
    })
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

impl Shift {
    /// What is to be taken out of each row.
    pub(super) fn subtracted(&self) -> Option<f64> {
        (self.beyond && !self.by_code).then_some(self.change)
    }

    /// What of its uncertainty is every row's: all of it where it is not
    /// subtracted, as it may be there all the same.
    pub(super) fn left(&self) -> SampleVariance {
        let rest = self.subtracted().map_or(self.change, |_| 0.0);
        let rest = if self.by_code { 0.0 } else { rest };
        SampleVariance { variance: self.variance.variance + rest * rest, ..self.variance }
    }

    /// What is said of it, if it is beyond noise.
    pub(super) fn finding(&self, case: &Case<'_>) -> Option<Finding> {
        if !self.beyond {
            return None;
        }
        let change = percent(self.change.exp_m1().abs());
        let direction = if self.change > 0.0 { "slower" } else { "faster" };
        let rows = self.rows;
        let witness = match self.witness {
            Witness::Counts { alike, of } if self.by_code => format!(
                "the instructions of {alike} of {of} moved the same way: it is the code, and \
                 nothing is subtracted"
            ),
            Witness::Counts { alike, of } => format!(
                "the instructions of {} of {of} did not: it is the machine, memory or layout, and \
                 is subtracted from each",
                of - alike
            ),
            Witness::None => "it is subtracted from each, and is either the machine or all \
                              benchmarks at once: instruction counts would tell"
                .to_owned(),
        };
        let message = format!("the median of {rows} times is {change} {direction}; {witness}");
        // A faster machine asks for a new baseline; it is no regression.
        let level = severity(case.policy.verdict.suite_shift);
        let severity = if self.change > 0.0 { level } else { level.max(Severity::Warn) };
        Some(Finding {
            code: Code::SuiteShift,
            severity,
            id: None,
            metric: Some(Metric::TIME.to_owned()),
            message,
        })
    }
}
