//! Decides a row by its own data: one file for each kind of data.

mod counted;
mod paired;
mod sampled;
mod slow;
mod zero;

pub(super) use counted::is_steady_enough;

use super::caveat::Caveat;
use super::contest::{Absence, Contest, Data, Question};
use super::decision::Decision;
use super::levels::Level;
use crate::judge::report::{Observations, Outcome};
use crate::model::{Unit, Unmeasured};

/// Decides a row by its own data, at the family-wise error rate `alpha`.
pub(super) fn decide(contest: &Contest<'_>, level: Option<Level>, alpha: f64) -> Decision {
    let (data, floor) = match &contest.question {
        Question::Absent(Absence::NotSelected) => {
            return Decision::new(Outcome::Missing, "not selected");
        }
        Question::Absent(Absence::OnlyBaseline | Absence::Required) => {
            return Decision::new(Outcome::Missing, "only the baseline has it");
        }
        Question::Absent(Absence::OnlyCandidate) => {
            return Decision::new(Outcome::New, only_candidate(contest));
        }
        Question::Barred(reason) => return Decision::new(Outcome::Undecided, reason),
        Question::Open { data, floor } => (*data, *floor),
    };
    let is_measured = !matches!(data, Data::Unmeasured(_));
    if is_measured && floor > 0.0 && apart(contest) <= floor {
        let reason = format!("differs by no more than the floor of {}", contest.limits.floor);
        return Decision::new(Outcome::Unchanged, reason);
    }
    let better = contest.pair.metric.better;
    match data {
        Data::Unmeasured(why) => unmeasured(why),
        Data::Paired(differences) => paired::decide(contest, differences, level, alpha),
        Data::Slow(slow) => slow::decide(contest, slow, level, alpha),
        Data::Counted(counted) => {
            let caveat = Caveat::of(contest.pair);
            let varies = caveat.is_some_and(Caveat::varies);
            let tolerance = contest.limits.tolerance;
            let tolerance =
                if varies { tolerance.max(counted::INEXACT_TOLERANCE) } else { tolerance };
            let decision = counted::decide(counted, tolerance, better);
            match caveat {
                Some(caveat) => {
                    let reason = format!("{}; {}", decision.reason, caveat.reason());
                    Decision { reason, ..decision }
                }
                None => decision,
            }
        }
        Data::Zero(difference) => zero::decide(difference, better),
        Data::Sampled(uncertainty) => sampled::decide(contest, uncertainty, level, alpha),
    }
}

/// A clock that was not measured.
fn unmeasured(why: Unmeasured) -> Decision {
    let (outcome, reason) = match why {
        Unmeasured::IdenticalCode => (Outcome::Unchanged, "identical code: not measured"),
        Unmeasured::SameCodeExecuted => {
            (Outcome::Unchanged, "same code executed, equal counts: clock not measured")
        }
        Unmeasured::NotReached => {
            (Outcome::Undecided, "not measured: the time budget ended before its turn")
        }
    };
    Decision { unmeasured: Some(why), ..Decision::new(outcome, reason) }
}

/// The reason of a new row, which may have too few observations for a value.
fn only_candidate(contest: &Contest<'_>) -> String {
    let reason = "only the candidate has it";
    match contest.pair.observations {
        Some(Observations { needed, candidate: Some(has), .. }) if has < needed => {
            let (needed, has) = (Unit::Count.show(needed as f64), Unit::Count.show(has as f64));
            format!("{reason}; unsupported: needs {needed} observations, has {has}")
        }
        _ => reason.to_owned(),
    }
}

/// How far the values of the sides are apart, in the metric's unit.
fn apart(contest: &Contest<'_>) -> f64 {
    match (&contest.pair.baseline, &contest.pair.candidate) {
        (Some(baseline), Some(candidate)) => (candidate.value - baseline.value).abs(),
        _ => 0.0,
    }
}
