//! Accepted regressions: one row, a ceiling, a last day, a reason.

use super::Case;
use super::code::Code;
use super::decide::percent;
use super::report::{Finding, Outcome, Row, Severity};
use crate::policy::Waiver;

/// How alike a name must be to be taken for the one that was meant (Jaro–Winkler, 0 to 1).
const LOOKS_MEANT: f64 = 0.85;

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
        let (severity, code, message) = idle(case, waiver, rows, expired);
        return finding(code, severity, message);
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

/// What is said of a waiver whose row did not regress.
fn idle(case: &Case<'_>, waiver: &Waiver, rows: &[Row], expired: bool) -> (Severity, Code, String) {
    if expired {
        let message = format!("ended on {} and is not needed: remove it", waiver.until);
        return (Severity::Warn, Code::WaiverExpired, message);
    }
    let named = |row: &&Row| waiver.covers(&row.bench_id(), &row.metric);
    let measured = |row: &Row| row.candidate.is_some() || row.outcome() == Some(Outcome::Unchanged);
    let (severity, message) = if case.identical().any(|id| waiver.names(id)) {
        (Severity::Note, "identical code: not needed for this change".to_owned())
    } else if rows.iter().filter(named).any(|row| row.outcome() == Some(Outcome::Undecided)) {
        (Severity::Note, "the row it names is undecided: not needed today".to_owned())
    } else if let Some(selection) = &case.candidate.selection
        && !rows.iter().filter(named).any(measured)
    {
        let message = format!("the row it names is not among what was selected ({selection})");
        (Severity::Note, message)
    } else if rows.iter().any(|row| named(&row)) {
        (Severity::Warn, "the row it names did not regress: remove it".to_owned())
    } else {
        (Severity::Warn, format!("there is no such row: correct its name{}", meant(waiver, rows)))
    };
    (severity, Code::WaiverUnused, message)
}

/// The name that a waiver for no row may mean.
fn meant(waiver: &Waiver, rows: &[Row]) -> String {
    let nearest = rows
        .iter()
        .filter(|row| row.metric == waiver.metric)
        .map(|row| (strsim::jaro_winkler(&waiver.bench, &row.id), &row.id))
        .filter(|(likeness, _)| *likeness >= LOOKS_MEANT)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    nearest.map_or_else(|| ", or remove it".to_owned(), |(_, id)| format!("; {id} is there"))
}
