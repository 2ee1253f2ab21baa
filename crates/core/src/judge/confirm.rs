//! Which benchmarks a trial has to measure again.

use std::collections::BTreeSet;

use super::case::Case;
use super::decide::{self, Decided};
use super::report::{Outcome, Severity};
use crate::model::{BenchId, Nature};
use crate::policy::Gate;

/// The benchmarks whose clock a trial has to measure again, or with more pairs.
///
/// By the clock's own view that is each benchmark that the clock leaves undecided, unless
/// the instructions say more:
///
/// - Where they grew by so much that they fail the gate by themselves, the benchmark is
///   not measured again: counts are exact, and minutes of pairs would not change the
///   verdict.
/// - Where they are steady and not more, only a clock that has not yet ruled out
///   `slower_clock_tolerance`, and can still show it, is measured again. Up to that
///   tolerance a clock alone fails nothing.
///
/// A benchmark whose clock the policy only shows is never measured again.
pub fn to_confirm(case: &Case<'_>) -> BTreeSet<BenchId> {
    let comparison = case.compare();
    let rows = decide::by_own_data(case, &comparison);
    let confirm = rows.iter().filter(|row| needs_more_pairs(row));
    confirm.map(|row| row.contest.pair.id.clone()).collect()
}

fn needs_more_pairs(row: &Decided<'_>) -> bool {
    let (pair, limits) = (row.contest.pair, &row.contest.limits);
    let on_both_sides = pair.baseline.is_some() && pair.candidate.is_some();
    if !on_both_sides || pair.metric.nature != Nature::Sampled {
        return false;
    }
    // More pairs do not have more observations in each run.
    if row.is_unsupported() {
        return false;
    }
    if row.contest.shown_only || row.counterpart.is_some_and(|counterpart| counterpart.fails) {
        return false;
    }
    let undecided = row.decision.outcome == Outcome::Undecided;
    if !row.is_unexplained() {
        return undecided;
    }
    if limits.slower_clock == Gate::Show {
        return false;
    }
    // A warning that more pairs may prove to be a failure.
    let weak = row.decision.outcome == Outcome::Regression
        && limits.slower_clock.min(limits.gate) == Gate::Fail
        && row.severity_of_regression() != Severity::Fail;
    (undecided || weak) && !row.rules_out(limits.slower_clock_tolerance)
}
