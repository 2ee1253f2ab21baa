//! What a decision does to the gate.

use super::cause;
use super::contest::{Absence, Contest, Question};
use super::decision::Decision;
use super::levels::Level;
use super::scale::bound;
use crate::judge::report::{Judgement, Outcome, RowLimits, Severity};
use crate::policy::VerdictRules;

/// The judgement that a decision comes to. `unexplained` says that no instructions explain
/// a slower clock.
pub(super) fn judgement(
    contest: &Contest<'_>,
    level: Option<Level>,
    unexplained: bool,
    rules: &VerdictRules,
    decision: Decision,
) -> Judgement {
    let limits = &contest.limits;
    let severity = match (decision.outcome, &contest.question) {
        (Outcome::Regression, _) => regression(contest, unexplained, &decision),
        (Outcome::Missing, Question::Absent(Absence::NotSelected)) => Severity::Note,
        (Outcome::Missing, Question::Absent(Absence::Required)) => Severity::Fail,
        (Outcome::Missing, _) => rules.missing.into(),
        (Outcome::New, _) => rules.new.into(),
        _ => Severity::Note,
    };
    let cause = match decision.outcome {
        Outcome::Regression => cause::of(contest.pair.costs),
        _ => Vec::new(),
    };
    Judgement {
        outcome: decision.outcome,
        severity: severity.max(limits.gate.into()),
        reason: decision.reason,
        limits: RowLimits {
            tolerance: limits.tolerance,
            target: limits.target,
            warn: limits.warn,
            fail: fails_beyond(contest, unexplained),
            floor: limits.floor.to_string(),
        },
        p_value: level.map(|level| level.chances.worse),
        detectable: decision.detectable,
        by_instructions: decision.by_instructions,
        cause,
    }
}

/// What a regression does, whatever the most is that the row may do.
pub(crate) fn regression(
    contest: &Contest<'_>,
    unexplained: bool,
    regression: &Decision,
) -> Severity {
    let better = contest.pair.metric.better;
    let severity = if regression.proven >= bound(fails_beyond(contest, unexplained), better) {
        Severity::Fail
    } else if regression.proven >= bound(contest.limits.warn, better) {
        Severity::Warn
    } else {
        Severity::Note
    };
    if unexplained { severity.max(contest.limits.slower_clock.into()) } else { severity }
}

/// Proven beyond this, a regression fails.
fn fails_beyond(contest: &Contest<'_>, unexplained: bool) -> f64 {
    if unexplained { contest.limits.slower_clock_tolerance } else { contest.limits.fail }
}
