//! How a benchmark's two witnesses combine: its clock, and the count of its instructions.
//!
//! The count is a witness only if it is exact. The program must have a single thread and
//! make no system call in what is counted; the gate itself must have counted both sides, in
//! comparable environments, only what criterion times, and with each call of the memory
//! allocator charged the same; and the count must be the same in every process, or vary by so
//! little (from the random seed of a hash map, say) that its tolerance need not be raised.
//! Otherwise the clock is judged alone, by its normal rule.
//!
//! | instructions | clock | the row of the clock |
//! |---|---|---|
//! | more | any | As the clock says. The row of the instructions is exact; if it fails the gate, a trial does not confirm the clock. |
//! | not more | slower, proven | Regression. Its severity is at most `slower_clock`, and only if proven beyond `slower_clock_tolerance`: a new build alone moves code, and that alone changes times. |
//! | not more | undecided | Unchanged, unless the clock itself looks slower. |
//! | not more | faster, proven | Improvement. |
//!
//! Instructions do not show that a benchmark waits longer, because it executes none while it
//! waits. So the clock itself must say something before its row is called unchanged. The pairs
//! of a trial must rule out `slower_clock_tolerance`: in both directions, if the benchmark was
//! only screened. Of two saved snapshots, a clock *looks slower* if its estimate is beyond
//! `slower_clock_tolerance`, if its 95% interval ends above the tolerance, or if it is so noisy
//! that it could have shown nothing.

use super::caveat::Caveat;
use super::contest::{self, Contest, Data, Question};
use super::decision::{Decision, UNSEEN};
use super::scale::bound;
use super::{row, weigh};
use crate::judge::case::Case;
use crate::judge::report::{Outcome, Severity};
use crate::policy::{Gate, Witness};
use crate::text::percent;

/// The second witness of a clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Counterpart {
    pub(super) instructions: Instructions,
    /// The instructions fail the gate by themselves.
    pub(crate) fails: bool,
}

/// How the instructions of a benchmark changed, where they are steady.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Instructions {
    /// They grew beyond their tolerance, by this share.
    More(f64),
    /// They are the same, within their tolerance.
    Same,
    /// They are fewer, beyond their tolerance.
    Fewer,
}

impl Counterpart {
    /// Whether a slower clock must have another cause than these instructions.
    pub(crate) fn is_not_more(self) -> bool {
        matches!(self.instructions, Instructions::Same | Instructions::Fewer)
    }
}

/// The second witness of each clock that has one: of a benchmark whose instructions are
/// steady, where the policy asks both.
pub(super) fn counterparts(
    case: &Case<'_>,
    contests: &[Contest<'_>],
    decisions: &[Decision],
) -> Vec<Option<Counterpart>> {
    let counts = contest::counts(contests.iter().map(|contest| contest.pair));
    let counterpart = |clock: &Contest<'_>| {
        if !contest::is_clock(clock.pair) || clock.limits.witness != Witness::Both {
            return None;
        }
        let at = *counts.get(&clock.pair.id)?;
        let (count, decision) = (&contests[at], &decisions[at]);
        let instructions = steady(count, decision)?;
        let fails = matches!(instructions, Instructions::More(_))
            && count.limits.witness == Witness::Both
            && fails(case, count, decision);
        Some(Counterpart { instructions, fails })
    };
    contests.iter().map(counterpart).collect()
}

/// How a count changed, where it is steady.
fn steady(count: &Contest<'_>, decision: &Decision) -> Option<Instructions> {
    let Question::Open { data: Data::Counted(counted), .. } = count.question else { return None };
    if !row::is_steady_enough(counted, count.limits.tolerance) {
        return None;
    }
    // A count of which it is not known how it came about is not a witness either.
    if Caveat::of(count.pair).is_some() || count.pair.costs.contains(&None) {
        return None;
    }
    match decision.outcome {
        Outcome::Regression => Some(Instructions::More(counted.change.exp_m1())),
        Outcome::Unchanged => Some(Instructions::Same),
        Outcome::Improvement => Some(Instructions::Fewer),
        _ => None,
    }
}

/// Whether a count that grew fails the gate. A count with a waiver does not.
fn fails(case: &Case<'_>, count: &Contest<'_>, decision: &Decision) -> bool {
    let (id, metric) = (&count.pair.id, &count.pair.metric.name);
    let waived = case.policy.waivers.iter().any(|waiver| waiver.covers(id, metric));
    let severity = weigh::regression(count, false, decision);
    !waived && severity.max(count.limits.gate.into()) == Severity::Fail
}

/// The decision on a clock's row by both witnesses together.
pub(super) fn combine(
    contest: &Contest<'_>,
    counterpart: Option<Counterpart>,
    clock: Decision,
) -> Decision {
    let Some(Counterpart { instructions, fails }) = counterpart else { return clock };
    let word = match instructions {
        Instructions::More(growth) => {
            let growth = percent(growth);
            let reason = if fails && is_suspect(contest, &clock) {
                format!("not measured again: +{growth} instructions already fails the gate")
            } else {
                format!("{}; +{growth} instructions", clock.reason)
            };
            return Decision { reason, ..clock };
        }
        Instructions::Same => "same instructions",
        Instructions::Fewer => "fewer instructions",
    };
    let reason = match clock.outcome {
        Outcome::Regression => format!(
            "{word}, slower clock (memory, layout, waiting or kernel); {}{}",
            clock.reason,
            not_proven(contest, clock.proven)
        ),
        Outcome::Improvement => format!("{word}, faster clock; {}", clock.reason),
        Outcome::Undecided if looks_unchanged(contest, &clock) => {
            let reason = match contest.question {
                Question::Open { data: Data::Paired(_), .. } => format!(
                    "{word}; the clock rules out {}",
                    percent(contest.limits.slower_clock_tolerance)
                ),
                _ => format!("{word}; clock inconclusive: {}", clock.reason),
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

/// Whether the screening did not clear the clock, and it was not confirmed.
fn is_suspect(contest: &Contest<'_>, clock: &Decision) -> bool {
    let Question::Open { data: Data::Paired(differences), .. } = contest.question else {
        return false;
    };
    !differences.confirmed() && clock.outcome == Outcome::Undecided
}

/// Why a slower clock does less than it otherwise would.
fn not_proven(contest: &Contest<'_>, proven: f64) -> String {
    let limits = &contest.limits;
    let beyond = proven >= bound(limits.slower_clock_tolerance, contest.pair.metric.better);
    if beyond || limits.slower_clock == Gate::Show {
        String::new()
    } else {
        format!("; not proven beyond {}", percent(limits.slower_clock_tolerance))
    }
}

/// Whether an undecided clock does not itself look slower: see [the module](self).
fn looks_unchanged(contest: &Contest<'_>, clock: &Decision) -> bool {
    let better = contest.pair.metric.better;
    let tolerance = bound(contest.limits.tolerance, better);
    let beyond = bound(contest.limits.slower_clock_tolerance, better);
    let Question::Open { data, .. } = contest.question else { return false };
    let (estimate, least) = match data {
        Data::Paired(differences) => return differences.clears(beyond, better),
        Data::Sampled(uncertainty) => {
            let estimate = uncertainty.measured(better).difference;
            (estimate, estimate - uncertainty.shown)
        }
        Data::Unmeasured(_) | Data::Slow(_) | Data::Counted(_) | Data::Zero(_) => return false,
    };
    estimate <= beyond && least <= tolerance && clock.detectable.is_some_and(|size| size < UNSEEN)
}
