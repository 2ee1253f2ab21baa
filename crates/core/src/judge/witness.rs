//! How a benchmark's two witnesses combine: its clock, and the count of its
//! instructions.
//!
//! The count is a witness only where it is steady: of a program with one thread,
//! counted by the gate itself on both sides in comparable environments, and the same
//! in every process, or varying (as the random seed of a hash map will have it) by
//! so little that its tolerance need not be raised. Everything else leaves the clock
//! alone, with its normal rule.
//!
//! | instructions | clock | the row of the clock |
//! |---|---|---|
//! | more | any | as the clock says; the row of the instructions is the exact one, and where that fails the gate a trial does not confirm the clock |
//! | not more | slower, proven | regression; it does what `slower_clock` says, and that only where proven beyond `slower_clock_tolerance`, as a new build alone moves code, and that alone moves times |
//! | not more | undecided | unchanged as far as can be known, unless the clock itself looks slower |
//! | not more | faster, proven | improvement |
//!
//! An undecided clock *looks slower* where its estimate lies beyond
//! `slower_clock_tolerance`, or its 95% interval ends above the tolerance, or it is
//! so noisy that it could have shown nothing: none of these is called unchanged, so
//! that a benchmark that waits longer is not hidden by instructions that it does
//! not execute while it waits. Of one that was only screened, the screening must
//! have ruled out `slower_clock_tolerance` in either direction.

use std::collections::{BTreeMap, BTreeSet};

use super::decide::{self, Decision, Open, UNSEEN, UNSTEADY_RANGES, bound, percent};
use super::pair::{Effect, Pair, SHOWN_LEVEL, pairs};
use super::report::{Outcome, Severity};
use super::{Case, comparability};
use crate::model::{BenchId, Costs, Direction, Metric, Nature};
use crate::policy::{Gate, Witness};

/// What the instructions of a benchmark did, where they are steady.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Instructions {
    /// They grew beyond their tolerance, by this share.
    More(f64),
    /// They are the same, within their tolerance.
    Same,
    /// They are fewer, beyond their tolerance.
    Fewer,
}

/// Puts the instructions beside the clock, and sets aside which of the two the
/// policy does not let gate.
pub(super) fn attach(case: &Case<'_>, open: &mut [Open<'_>]) {
    let mut counts: BTreeMap<BenchId, usize> = BTreeMap::new();
    for (at, row) in open.iter().enumerate() {
        if row.pair.metric.name == Metric::INSTRUCTIONS && row.pair.effect.is_some() {
            counts.insert(row.pair.id.clone(), at);
        }
    }
    for clock in 0..open.len() {
        let row = &open[clock];
        if row.pair.metric.name != Metric::TIME || row.pair.effect.is_none() {
            continue;
        }
        let Some(&count) = counts.get(&row.pair.id) else { continue };
        let beside = steady(case, &open[count]);
        let fails = matches!(beside, Some(Instructions::More(_))) && fails(case, &open[count]);
        match row.limits.witness {
            Witness::Both => {
                open[clock].beside = beside;
                open[clock].beside_fails = fails && open[count].limits.witness == Witness::Both;
            }
            Witness::Clock => {}
            Witness::Instructions => open[clock].set_aside(),
        }
        if open[count].limits.witness == Witness::Clock {
            open[count].set_aside();
        }
    }
}

/// What a count says, where it is steady.
fn steady(case: &Case<'_>, row: &Open<'_>) -> Option<Instructions> {
    let Some(Effect::Counted { change, range, .. }) = row.pair.effect else { return None };
    if UNSTEADY_RANGES * range > row.limits.tolerance {
        return None;
    }
    let single = |costs: Option<&Costs>| costs.is_some_and(|costs| costs.threads == 1);
    if row.barred.is_some() || !row.pair.costs.iter().all(|costs| single(*costs)) {
        return None;
    }
    match decide::decide(case, row).outcome {
        Outcome::Regression => Some(Instructions::More(change.exp_m1())),
        Outcome::Unchanged => Some(Instructions::Same),
        Outcome::Improvement => Some(Instructions::Fewer),
        _ => None,
    }
}

/// Whether a count that grew fails the gate: no waiver may be meant for it.
fn fails(case: &Case<'_>, row: &Open<'_>) -> bool {
    let Pair { id, metric, .. } = &row.pair;
    let waived = case.policy.waivers.iter().any(|waiver| waiver.covers(id, &metric.name));
    let severity = decide::weight(row, &decide::decide(case, row));
    !waived && severity.max(decide::most(row.limits.gate)) == Severity::Fail
}

impl Instructions {
    /// Whether a slower clock has another cause than these.
    pub(super) fn not_more(self) -> bool {
        self == Self::Same || self == Self::Fewer
    }
}

/// What both witnesses together say of the clock's row.
pub(super) fn combine(open: &Open<'_>, clock: Decision) -> Decision {
    let Some(instructions) = open.beside else { return clock };
    let word = match instructions {
        Instructions::More(growth) => {
            let more = format!("{} more instructions", percent(growth));
            let reason = if open.beside_fails && suspect(open, &clock) {
                format!("not confirmed, as {more} fail the gate already")
            } else {
                format!("{}; {more}", clock.reason)
            };
            return Decision { reason, ..clock };
        }
        Instructions::Same => "same instructions",
        Instructions::Fewer => "fewer instructions",
    };
    let reason = match clock.outcome {
        Outcome::Regression => format!(
            "{word}, slower clock: memory, layout, waiting or kernel; {}{}",
            clock.reason,
            proven(open, clock.proven)
        ),
        Outcome::Improvement => format!("{word}, faster clock; {}", clock.reason),
        Outcome::Undecided if settled(open, &clock) => {
            let reason = match &open.pair.effect {
                Some(Effect::Paired(differences)) if !differences.confirmed() => format!(
                    "as far as can be known: {word}, and the clock's screening rules out {}",
                    percent(open.limits.slower_clock_tolerance)
                ),
                _ => format!("as far as can be known: {word}, clock undecided ({})", clock.reason),
            };
            return Decision {
                outcome: Outcome::Unchanged,
                reason,
                by_instructions: true,
                ..clock
            };
        }
        _ => return clock,
    };
    Decision { reason, ..clock }
}

/// Whether the screening could not clear it, and nothing was measured since.
fn suspect(open: &Open<'_>, clock: &Decision) -> bool {
    let unconfirmed = matches!(&open.pair.effect, Some(Effect::Paired(d)) if !d.confirmed());
    unconfirmed && open.barred.is_none() && clock.outcome == Outcome::Undecided
}

/// Why a slower clock does less than it otherwise would.
fn proven(open: &Open<'_>, proven: f64) -> String {
    let limits = &open.limits;
    let beyond = proven >= bound(limits.slower_clock_tolerance, open.pair.metric.better);
    if beyond || limits.slower_clock == Gate::Show {
        String::new()
    } else {
        format!("; not proven beyond {}", percent(limits.slower_clock_tolerance))
    }
}

/// Whether an undecided clock does not itself look slower: see [the module](self).
fn settled(open: &Open<'_>, clock: &Decision) -> bool {
    if open.barred.is_some() {
        return false;
    }
    let better = open.pair.metric.better;
    let tolerance = bound(open.limits.tolerance, better);
    let beyond = bound(open.limits.slower_clock_tolerance, better);
    let turned = |value: f64| if better == Direction::Lower { value } else { -value };
    let (estimate, least) = match &open.pair.effect {
        Some(Effect::Paired(differences)) if !differences.confirmed() => {
            return differences.clears(beyond, better);
        }
        Some(Effect::Paired(differences)) => {
            let Some(interval) = differences.interval(SHOWN_LEVEL) else { return false };
            let least = turned(interval.lower).min(turned(interval.upper));
            (turned(differences.centre()), least)
        }
        Some(Effect::Sampled { test: Some(test), .. }) => {
            let estimate = turned(test.difference);
            (estimate, estimate - test.half_width(SHOWN_LEVEL))
        }
        _ => return false,
    };
    estimate <= beyond && least <= tolerance && clock.detectable.is_some_and(|size| size < UNSEEN)
}

/// The benchmarks whose clock a trial has to measure again, or further.
///
/// By the clock's own view that is each one it leaves undecided, where the
/// instructions grew by no more than what warns, or are no witness. Where they fail
/// the gate by themselves, which is exact, it is none: minutes of pairs would change
/// no verdict. Where they are not more, it is only one whose clock has
/// not yet ruled out `slower_clock_tolerance` and may still show it: up to there
/// a clock alone fails nothing, and further pairs would change no verdict. One
/// whose clock the policy only shows is never measured again.
pub fn to_confirm(case: &Case<'_>) -> BTreeSet<BenchId> {
    let rows = decide::open(case, pairs(case), &comparability::of(case));
    let confirm = rows.iter().filter(|row| {
        let both = row.pair.baseline.is_some() && row.pair.candidate.is_some();
        both && row.pair.metric.nature == Nature::Sampled && further(case, row)
    });
    confirm.map(|row| row.pair.id.clone()).collect()
}

fn further(case: &Case<'_>, row: &Open<'_>) -> bool {
    if row.set_aside || row.beside_fails {
        return false;
    }
    let clock = decide::decide(case, row);
    let undecided = clock.outcome == Outcome::Undecided;
    let Some(true) = row.beside.map(Instructions::not_more) else { return undecided };
    if row.limits.slower_clock == Gate::Show {
        return false;
    }
    // A warning that more pairs may prove to be a failure.
    let weak = clock.outcome == Outcome::Regression
        && row.limits.slower_clock.min(row.limits.gate) == Gate::Fail
        && decide::weight(row, &clock) != Severity::Fail;
    let ruled_out = match &row.pair.effect {
        Some(Effect::Paired(differences)) => differences.clears(
            bound(row.limits.slower_clock_tolerance, row.pair.metric.better),
            row.pair.metric.better,
        ),
        _ => false,
    };
    (undecided || weak) && !ruled_out
}
