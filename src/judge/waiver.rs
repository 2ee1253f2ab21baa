//! Accepted regressions: one row, a ceiling, a last day, a reason.

use super::Case;
use super::code::Code;
use super::decide::percent;
use super::report::{Finding, Outcome, Row, Severity};
use crate::policy::Waiver;

/// Lowers the severity of waived rows and reports waivers that are used up, out
/// of date or not needed.
pub(super) fn apply(case: &Case<'_>, rows: &mut [Row]) -> Vec<Finding> {
    case.policy.waivers.iter().map(|waiver| apply_one(case, waiver, rows)).collect()
}

fn apply_one(case: &Case<'_>, waiver: &Waiver, rows: &mut [Row]) -> Finding {
    let finding = |code, severity, message: String| Finding {
        code,
        severity,
        id: Some(waiver.bench.clone()),
        metric: Some(waiver.metric.clone()),
        message,
    };
    let regressed = rows.iter_mut().find(|row| {
        waiver.covers(&row.bench_id(), &row.metric)
            && row.judgement.as_ref().is_some_and(|j| j.outcome == Outcome::Regression)
    });
    let expired = case.today > waiver.until;
    let Some(row) = regressed else {
        return if expired {
            finding(
                Code::WaiverExpired,
                Severity::Warn,
                format!("ended on {} and is not needed: remove it", waiver.until),
            )
        } else {
            let undecided = rows.iter().any(|row| {
                waiver.covers(&row.bench_id(), &row.metric)
                    && row.outcome() == Some(Outcome::Undecided)
            });
            if undecided {
                let message = "the row it names is undecided: not needed today";
                return finding(Code::WaiverUnused, Severity::Note, message.to_owned());
            }
            let message = "the row it names did not regress: remove it, or correct its name";
            finding(Code::WaiverUnused, Severity::Warn, message.to_owned())
        };
    };
    // A change from zero has no percentage and no ceiling can hold it.
    let sign = if row.higher_is_better { -1.0 } else { 1.0 };
    let size = row.change.map_or(f64::INFINITY, |change| sign * change.estimate);
    if expired {
        finding(
            Code::WaiverExpired,
            Severity::Warn,
            format!("ended on {}; the regression counts again ({})", waiver.until, waiver.reason),
        )
    } else if size > waiver.up_to {
        finding(
            Code::WaiverExceeded,
            Severity::Warn,
            format!("allows up to {}, the row is at {}", percent(waiver.up_to), percent(size)),
        )
    } else {
        if let Some(judgement) = &mut row.judgement {
            judgement.severity = Severity::Note;
        }
        finding(
            Code::Waived,
            Severity::Note,
            format!(
                "{} of at most {} until {}: {}",
                percent(size),
                percent(waiver.up_to),
                waiver.until,
                waiver.reason
            ),
        )
    }
}
