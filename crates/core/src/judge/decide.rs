//! Holds each pair against its limits.

use std::fmt::Write as _;

use super::comparability::Comparability;
use super::pair::{Effect, Pair};
use super::paired::Differences;
use super::report::{Judgement, Outcome, Row, RowLimits, Severity, Side};
use super::witness::{self, Instructions};
use super::{Case, cause, trial};
use crate::model::{Direction, Nature};
use crate::policy::{Gate, Level, Limits};
use crate::stats::{self, Difference};

/// The least tolerance of a count that its own runs do not repeat, and how many
/// times the spread between equal programs it must exceed.
const UNSTEADY_TOLERANCE: f64 = 0.005;
pub(super) const UNSTEADY_RANGES: f64 = 3.0;

/// A change so large is none that anyone could act on: 1000-fold.
pub(super) const UNSEEN: f64 = 1000.0;

/// Runs on each side below which a sampled metric is not decided.
const LEAST_RUNS: usize = 2;

/// A pair with what there is to decide it by.
pub(super) struct Open<'a> {
    pub(super) pair: Pair<'a>,
    pub(super) limits: Limits,
    /// Why nothing can be decided, where that is so from the start.
    pub(super) barred: Option<String>,
    /// Of a clock's row: what the second witness says.
    pub(super) beside: Option<Instructions>,
    /// Of a clock's row: the second witness fails the gate by itself.
    pub(super) beside_fails: bool,
    /// The policy lets the other witness gate.
    pub(super) set_aside: bool,
    /// The share of the machine that others took, where it is more than they may.
    pub(super) overload: Option<f64>,
    /// Adjusted one-sided chances that a sampled change is not beyond the
    /// tolerance: for the worse, for the better.
    chances: Option<(f64, f64)>,
    /// How many sampled rows share the error rate.
    family: usize,
}

impl Open<'_> {
    /// Leaves the gating to the other witness.
    pub(super) fn set_aside(&mut self) {
        self.set_aside = true;
        self.limits.gate = Gate::Show;
    }
}

/// The judged rows, in the order of the pairs.
pub(super) fn rows(
    case: &Case<'_>,
    pairs: Vec<Pair<'_>>,
    comparability: &Comparability,
) -> Vec<Row> {
    open(case, pairs, comparability)
        .into_iter()
        .map(|open| {
            let judgement = judgement(case, &open);
            let mut row = open.pair.into_row(open.limits.gate);
            row.judgement = Some(judgement);
            row
        })
        .collect()
}

/// The rows with all that decides them, in the order of the pairs.
pub(super) fn open<'a>(
    case: &Case<'_>,
    pairs: Vec<Pair<'a>>,
    comparability: &Comparability,
) -> Vec<Open<'a>> {
    let overload = trial::overload(case);
    let mut open: Vec<Open<'_>> = pairs
        .into_iter()
        .map(|pair| {
            let mut limits = case.policy.limits(&pair.id, &pair.metric);
            if !case.pairing().is_some_and(|pairing| pairing.is_pinned(&pair.id)) {
                limits.slower_clock = limits.slower_clock.min(limits.slower_clock_unpinned);
            }
            let barred = barrier(&pair, &limits, comparability);
            Open {
                pair,
                limits,
                barred,
                beside: None,
                beside_fails: false,
                set_aside: false,
                overload,
                chances: None,
                family: 0,
            }
        })
        .collect();
    witness::attach(case, &mut open);
    adjust(&mut open);
    open
}

fn barrier(pair: &Pair<'_>, limits: &Limits, comparability: &Comparability) -> Option<String> {
    let blocking = comparability.blocking(&pair.metric);
    if !blocking.is_empty() {
        return Some(format!("not comparable: different {}", blocking.join(", ")));
    }
    if limits.floor.in_unit(&pair.metric.unit).is_none() {
        return Some(format!(
            "the policy's floor of {} is not in the unit {}",
            limits.floor, pair.metric.unit
        ));
    }
    let runs = |side: &Option<Side>| side.as_ref().map_or(0, |side| side.runs.len());
    match &pair.effect {
        Some(Effect::Sampled { test, stands_in, .. }) => {
            let fewest = runs(&pair.baseline).min(runs(&pair.candidate));
            if fewest < LEAST_RUNS && !stands_in {
                // Whatever the other side shows, a lone run may be an odd one.
                Some("one run says nothing about how much runs differ: --repeat 5".to_owned())
            } else if test.is_none() {
                Some("the values are too large to compare".to_owned())
            } else {
                None
            }
        }
        Some(Effect::Negative) => Some("a negative value has no change in percent".to_owned()),
        Some(Effect::Zero { .. }) if pair.metric.nature == Nature::Sampled => {
            Some("a value of zero has no change in percent".to_owned())
        }
        Some(Effect::Zero { steady: false, .. }) => {
            Some("a value of zero, and runs that do not repeat exactly".to_owned())
        }
        _ => None,
    }
}

/// Adjusts the chances of all sampled rows for how many they are. Rows that can
/// at most be shown are no part of the family.
fn adjust(open: &mut [Open<'_>]) {
    let family: Vec<(usize, (f64, f64))> = open
        .iter()
        .enumerate()
        .filter(|(_, row)| row.barred.is_none() && row.limits.gate > Gate::Show)
        .filter_map(|(at, row)| {
            let better = row.pair.metric.better;
            let bound = bound(row.limits.tolerance, better);
            match &row.pair.effect {
                Some(Effect::Sampled { test: Some(test), shift, .. }) => {
                    Some((at, both(&views(test, *shift, better), bound)))
                }
                // What the screening cleared is not tested.
                Some(Effect::Paired(differences)) if differences.confirmed() => {
                    Some((at, differences.chances(bound, better)))
                }
                _ => None,
            }
        })
        .collect();
    let (up, down): (Vec<f64>, Vec<f64>) = family.iter().map(|(_, chances)| *chances).unzip();
    let (up, down) = (stats::holm(&up), stats::holm(&down));
    for ((at, _), chances) in family.iter().zip(up.into_iter().zip(down)) {
        open[*at].chances = Some(chances);
        open[*at].family = family.len();
    }
}

/// A change as it was seen, and without what the whole suite has in common.
/// Equal where that is nothing.
fn views(test: &Difference, shift: Option<f64>, better: Direction) -> [Difference; 2] {
    [test.difference, test.difference - shift.unwrap_or_default()].map(|difference| {
        // Turned so that larger is worse.
        test.at(if better == Direction::Higher { -difference } else { difference })
    })
}

/// The chances that neither is beyond the bound for the worse, or for the better:
/// what is subtracted must not make a change of a row that has none.
fn both(views: &[Difference; 2], bound: f64) -> (f64, f64) {
    let least = |chance: &dyn Fn(&Difference) -> f64| views.iter().map(chance).fold(0.0, f64::max);
    (least(&|view| view.p_above(bound)), least(&|view| view.p_below(-bound)))
}

/// A limit as a logarithm, turned so that larger is worse: 10% is 110% of a time, and 90%
/// of a rate.
pub(super) fn bound(limit: f64, better: Direction) -> f64 {
    match better {
        Direction::Lower => limit.ln_1p(),
        // Nothing loses more than everything.
        Direction::Higher => -(-limit.min(1.0)).ln_1p(),
    }
}

/// The change that such a logarithm is: the inverse of [`bound`].
fn share(bound: f64, better: Direction) -> f64 {
    match better {
        Direction::Lower => bound.exp_m1(),
        Direction::Higher => -(-bound).exp_m1(),
    }
}

/// What a row came to, before its severity.
pub(super) struct Decision {
    pub(super) outcome: Outcome,
    pub(super) reason: String,
    /// How much worse it is proven to be (a logarithm), for a regression.
    pub(super) proven: f64,
    pub(super) detectable: Option<f64>,
    /// The clock alone would have left it undecided.
    pub(super) by_instructions: bool,
}

impl Decision {
    fn of(outcome: Outcome, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self { outcome, reason, proven: 0.0, detectable: None, by_instructions: false }
    }
}

fn judgement(case: &Case<'_>, open: &Open<'_>) -> Judgement {
    let limits = &open.limits;
    let decision = witness::combine(open, decide(case, open));
    let decision = trial::doubted(case, open, decision);
    let severity = match decision.outcome {
        Outcome::Regression => weight(open, &decision),
        Outcome::Missing if case.candidate.selection.is_some() => Severity::Note,
        Outcome::Missing => severity(case.policy.verdict.missing),
        Outcome::New => severity(case.policy.verdict.new),
        _ => Severity::Note,
    };
    let regressed = decision.outcome == Outcome::Regression;
    Judgement {
        outcome: decision.outcome,
        severity: severity.max(most(limits.gate)),
        reason: decision.reason,
        limits: RowLimits {
            tolerance: limits.tolerance,
            target: limits.target,
            warn: limits.warn,
            fail: fails_beyond(open),
            floor: limits.floor.to_string(),
        },
        p_value: open.chances.map(|(worse, _)| worse),
        detectable: decision.detectable,
        by_instructions: decision.by_instructions,
        cause: if regressed { cause::of(open.pair.costs) } else { Vec::new() },
    }
}

/// What a regression does.
pub(super) fn weight(open: &Open<'_>, regression: &Decision) -> Severity {
    let better = open.pair.metric.better;
    let most = if unexplained(open) { most(open.limits.slower_clock) } else { Severity::Fail };
    let severity = if regression.proven >= bound(fails_beyond(open), better) {
        Severity::Fail
    } else if regression.proven >= bound(open.limits.warn, better) {
        Severity::Warn
    } else {
        Severity::Note
    };
    severity.max(most)
}

/// Proven beyond this, a regression fails.
fn fails_beyond(open: &Open<'_>) -> f64 {
    if unexplained(open) { open.limits.slower_clock_tolerance } else { open.limits.fail }
}

/// Whether no instructions explain a slower clock.
fn unexplained(open: &Open<'_>) -> bool {
    open.beside.is_some_and(Instructions::not_more)
}

/// The most that a row may do, as a severity.
pub(super) fn most(gate: Gate) -> Severity {
    match gate {
        Gate::Fail => Severity::Fail,
        Gate::Warn => Severity::Warn,
        Gate::Show => Severity::Note,
    }
}

/// The severity of a finding whose level the policy sets.
pub(super) fn severity(level: Level) -> Severity {
    match level {
        Level::Fail => Severity::Fail,
        Level::Warn => Severity::Warn,
        Level::Allow => Severity::Note,
    }
}

/// What the row's own data say.
pub(super) fn decide(case: &Case<'_>, open: &Open<'_>) -> Decision {
    let pair = &open.pair;
    let Some(effect) = &pair.effect else {
        return match (&pair.baseline, &pair.candidate) {
            (Some(_), None) if case.candidate.selection.is_some() => {
                Decision::of(Outcome::Missing, "not among what was selected")
            }
            (Some(_), None) => Decision::of(Outcome::Missing, "only the baseline has it"),
            _ => Decision::of(Outcome::New, "only the candidate has it"),
        };
    };
    if let Some(reason) = &open.barred {
        return Decision::of(Outcome::Undecided, reason);
    }
    let floor = open.limits.floor.in_unit(&pair.metric.unit).unwrap_or(0.0);
    let apart = match (&pair.baseline, &pair.candidate) {
        (Some(baseline), Some(candidate)) => (candidate.value - baseline.value).abs(),
        _ => 0.0,
    };
    if floor > 0.0 && apart <= floor {
        return Decision::of(
            Outcome::Unchanged,
            format!("differs by no more than the floor of {}", open.limits.floor),
        );
    }
    let alpha = case.policy.verdict.alpha;
    match effect {
        Effect::Identical => Decision::of(Outcome::Unchanged, "identical code: not measured"),
        Effect::Paired(differences) => paired(open, differences, alpha),
        Effect::Counted { range, gap, .. } => counted(open, *gap, *range),
        Effect::Zero { difference, .. } => with_zero(open, *difference),
        Effect::Sampled { test: Some(test), shift, .. } => {
            let mut decision = sampled(open, &views(test, *shift, pair.metric.better), alpha);
            if let Some(shift) = shift {
                // Rounded first, so that nothing is not called less than nothing.
                let rest = ((test.difference - shift).exp_m1() * 1000.0).round() / 10.0 + 0.0;
                let _ = write!(decision.reason, "; {rest:+}% without the suite's shift");
            }
            decision
        }
        Effect::Sampled { test: None, .. } | Effect::Negative => unreachable!("barred above"),
    }
}

/// By the gap between the sides' ranges, so that readings that overlap are never
/// a change.
fn counted(open: &Open<'_>, gap: f64, range: f64) -> Decision {
    let toward_worse = match open.pair.metric.better {
        Direction::Lower => gap,
        Direction::Higher => -gap,
    };
    let steady = range == 0.0;
    let tolerance = if steady {
        open.limits.tolerance
    } else {
        open.limits.tolerance.max(UNSTEADY_TOLERANCE).max(UNSTEADY_RANGES * range)
    };
    let limit = bound(tolerance, open.pair.metric.better);
    let note = if steady { "" } else { ", from runs that do not repeat exactly" };
    let percent = percent(tolerance);
    let (outcome, reason) = if gap == 0.0 && steady {
        (Outcome::Unchanged, "the same count in every run".to_owned())
    } else if toward_worse > limit {
        (Outcome::Regression, format!("beyond the tolerance of {percent}{note}"))
    } else if toward_worse < -limit {
        (Outcome::Improvement, format!("better by more than the tolerance of {percent}{note}"))
    } else {
        (Outcome::Unchanged, format!("within the tolerance of {percent}{note}"))
    };
    let mut decision = Decision::of(outcome, reason);
    decision.proven = toward_worse;
    decision.detectable = Some(tolerance);
    decision
}

/// A zero has no percentage: what every run gave is judged by the floor alone,
/// which it is beyond.
fn with_zero(open: &Open<'_>, difference: f64) -> Decision {
    let toward_worse = match open.pair.metric.better {
        Direction::Lower => difference,
        Direction::Higher => -difference,
    };
    let what = if difference > 0.0 { "up from zero" } else { "down to zero" };
    let outcome = if toward_worse > 0.0 { Outcome::Regression } else { Outcome::Improvement };
    let mut decision = Decision::of(outcome, format!("{what}, in every run"));
    decision.proven = f64::INFINITY;
    decision
}

fn sampled(open: &Open<'_>, views: &[Difference; 2], alpha: f64) -> Decision {
    // What the suite has in common is no change of this row.
    let [seen, test] = views;
    let limits = &open.limits;
    let better = open.pair.metric.better;
    let (tolerance, target) = (bound(limits.tolerance, better), bound(limits.target, better));
    // Half of the interval at the level of a single row: what the data could
    // have shown. A row that is only shown has a family of its own.
    let level = 1.0 - 2.0 * alpha / open.family.max(1) as f64;
    let reach = test.half_width(level);
    let shown = test.half_width(super::pair::SHOWN_LEVEL);
    // Rows that are only shown share their error rate with nobody.
    let (worse, improved) = open.chances.unwrap_or_else(|| both(views, tolerance));
    let detectable = share(tolerance + reach, better);
    let mut decision = if worse <= alpha {
        Decision::of(
            Outcome::Regression,
            format!("beyond the tolerance of {}, {}", percent(limits.tolerance), chance(worse)),
        )
    } else if improved <= alpha {
        Decision::of(
            Outcome::Improvement,
            format!(
                "better by more than the tolerance of {}, {}",
                percent(limits.tolerance),
                chance(improved)
            ),
        )
    } else if test.difference + shown < target {
        Decision::of(
            Outcome::Unchanged,
            format!("no change for the worse of {} or more", percent(limits.target)),
        )
    } else {
        Decision::of(
            Outcome::Undecided,
            if detectable < UNSEEN {
                format!("too noisy: only a change above {} could be shown", percent(detectable))
            } else {
                "too noisy to show any change".to_owned()
            },
        )
    };
    // What the row's own interval shows; Holm may reject where that only just
    // reaches the tolerance, and then the tolerance is what is proven.
    decision.proven = (test.difference.min(seen.difference) - reach).max(tolerance);
    decision.detectable = Some(detectable);
    decision
}

/// Decides by pairs: see [`paired`](super::paired).
fn paired(open: &Open<'_>, differences: &Differences, alpha: f64) -> Decision {
    let limits = &open.limits;
    let better = open.pair.metric.better;
    let (tolerance, target) = (bound(limits.tolerance, better), bound(limits.target, better));
    let pairs = differences.pairs();
    // Of a row by itself, at the level that the family leaves it.
    let reach = differences.reach(alpha / open.family.max(1) as f64);
    let detectable = reach.map(|reach| share(tolerance + reach, better));
    let (worse, improved) = open.chances.unwrap_or_else(|| {
        // Only shown rows and those not confirmed are outside the family.
        if differences.confirmed() { differences.chances(tolerance, better) } else { (1.0, 1.0) }
    });
    let tolerated = percent(limits.tolerance);
    let mut decision = if worse <= alpha {
        let chance = chance(worse);
        let reason = format!("beyond the tolerance of {tolerated}, {chance}, {pairs} pairs");
        Decision::of(Outcome::Regression, reason)
    } else if improved <= alpha {
        let chance = chance(improved);
        let reason =
            format!("better by more than the tolerance of {tolerated}, {chance}, {pairs} pairs");
        Decision::of(Outcome::Improvement, reason)
    } else if differences.clears(target, better) {
        let target = percent(limits.target);
        let reason = format!("no change for the worse of {target} or more, {pairs} pairs");
        Decision::of(Outcome::Unchanged, reason)
    } else if !differences.confirmed() {
        Decision::of(Outcome::Undecided, "suspect, and not measured again")
    } else {
        let reason = match detectable {
            Some(detectable) if detectable < UNSEEN => {
                format!("after {pairs} pairs only above {} could be shown", percent(detectable))
            }
            _ => format!("{pairs} pairs are too few to show any change"),
        };
        Decision::of(Outcome::Undecided, reason)
    };
    let toward_worse = match better {
        Direction::Lower => differences.centre(),
        Direction::Higher => -differences.centre(),
    };
    let shown = reach.map_or(f64::NEG_INFINITY, |reach| toward_worse - reach);
    decision.proven = shown.max(tolerance);
    decision.detectable = detectable;
    decision
}

fn chance(p: f64) -> String {
    if p < 1e-4 { "p < 0.0001".to_owned() } else { format!("p = {p:.4}") }
}

/// A share as a short percentage.
pub(super) fn percent(share: f64) -> String {
    let value = share * 100.0;
    let digits = usize::from(value.abs() < 10.0);
    let text = format!("{value:.digits$}");
    format!("{}%", text.strip_suffix(".0").unwrap_or(&text))
}
