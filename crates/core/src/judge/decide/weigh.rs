//! What a decision does to the gate.

use super::cause;
use super::contest::{Absence, Contest, Question};
use super::decision::Decision;
use super::levels::Level;
use super::scale::bound;
use crate::judge::report::{Judgement, Outcome, RowLimits, Severity};
use crate::policy::VerdictRules;

/// Sessions that show how much a benchmark differs between sessions, and whether it has two
/// speeds. Fewer may agree by chance.
pub(super) const ENOUGH_SESSIONS: u32 = 10;

/// Why a slower clock of two saved snapshots only warns, where too little is known of
/// sessions for a failure.
///
/// A few sessions that agree do not prove that a benchmark is steady: as long as there are
/// not enough of them, it may be like the least steady one of the machine class.
fn doubt(contest: &Contest<'_>, level: Option<Level>, alpha: f64) -> Option<String> {
    let (sampled, uncertainty) = contest.sampled()?;
    if !sampled.sessions.known {
        return Some("how much sessions differ is assumed".to_owned());
    }
    let more = ENOUGH_SESSIONS.checked_sub(sampled.sessions.count).filter(|more| *more > 0)?;
    let better = contest.pair.metric.better;
    let family = level.map_or(1, |level| level.family) as f64;
    let chance = uncertainty.least_steady(better)?.p_above(bound(contest.limits.tolerance, better));
    (chance > alpha / family).then(|| {
        format!("other benchmarks differ so much between sessions; {more} more sessions needed")
    })
}

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
    let severity = severity.max(limits.gate.into());
    let fails = decision.outcome == Outcome::Regression && severity == Severity::Fail;
    let doubt = fails.then(|| doubt(contest, level, rules.alpha)).flatten();
    let (severity, reason) = match doubt {
        Some(doubt) => (Severity::Warn, format!("{}; only warns: {doubt}", decision.reason)),
        None => (severity, decision.reason),
    };
    let cause = match decision.outcome {
        Outcome::Regression => cause::of(contest.pair.costs),
        _ => Vec::new(),
    };
    Judgement {
        outcome: decision.outcome,
        severity,
        reason,
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
        unmeasured: decision.unmeasured.map(Into::into),
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
    let slower_clock = if regression.proven >= bound(contest.limits.slower_clock_ceiling, better) {
        contest.beyond_ceiling
    } else {
        contest.limits.slower_clock
    };
    if unexplained { severity.max(slower_clock.into()) } else { severity }
}

/// Proven beyond this, a regression fails.
fn fails_beyond(contest: &Contest<'_>, unexplained: bool) -> f64 {
    if unexplained { contest.limits.slower_clock_tolerance } else { contest.limits.fail }
}
