//! Accepted regressions: one row, a ceiling, a last day, a reason.

use crate::judge::case::Case;
use crate::judge::report::{Code, Finding, Judgement, Outcome, Row, Severity};
use crate::policy::Waiver;
use crate::text::{nearest, percent};

/// The rows with the severity of waived ones lowered, and a finding for each waiver: used,
/// used up, out of date or not needed.
pub(super) fn apply(case: &Case<'_>, rows: Vec<Row>) -> (Vec<Row>, Vec<Finding>) {
    let effects: Vec<Effect> =
        case.policy.waivers.iter().map(|waiver| Effect::of(case, waiver, &rows)).collect();
    let accepted: Vec<usize> = effects.iter().filter_map(|effect| effect.accepted).collect();
    let rows = rows
        .into_iter()
        .enumerate()
        .map(|(at, row)| if accepted.contains(&at) { accept(row) } else { row });
    (rows.collect(), effects.into_iter().map(|effect| effect.finding).collect())
}

/// What a waiver does.
struct Effect {
    finding: Finding,
    /// The row whose regression it accepts.
    accepted: Option<usize>,
}

fn accept(row: Row) -> Row {
    let judgement =
        row.judgement.map(|judgement| Judgement { severity: Severity::Note, ..judgement });
    Row { judgement, ..row }
}

impl Effect {
    fn of(case: &Case<'_>, waiver: &Waiver, rows: &[Row]) -> Self {
        let expired = case.today > waiver.until;
        let regressed = rows.iter().position(|row| {
            waiver.covers(&row.bench_id(), &row.metric)
                && row.outcome() == Some(Outcome::Regression)
        });
        let (code, severity, message) = match regressed {
            Some(at) => regression(waiver, &rows[at], expired),
            None => idle(case, waiver, rows, expired),
        };
        let finding =
            Finding::new(code, severity, message).about(&waiver.bench).metric(&waiver.metric);
        Self { accepted: regressed.filter(|_| code == Code::Waived), finding }
    }
}

/// The finding on a waiver whose row regressed.
fn regression(waiver: &Waiver, row: &Row, expired: bool) -> (Code, Severity, String) {
    // A change from zero has no percentage, so it is within no ceiling.
    let sign = if row.higher_is_better { -1.0 } else { 1.0 };
    let size = row.change.map_or(f64::INFINITY, |change| sign * change.estimate);
    let Waiver { up_to, until, reason, .. } = waiver;
    if expired {
        let message = format!("ended on {until}; the regression counts again ({reason})");
        (Code::WaiverExpired, Severity::Warn, message)
    } else if size > *up_to {
        let (up_to, size) = (percent(*up_to), percent(size));
        let message = format!("allows up to {up_to}, the row is at {size}");
        (Code::WaiverExceeded, Severity::Warn, message)
    } else {
        let (up_to, size) = (percent(*up_to), percent(size));
        let message = format!("{size} of at most {up_to} until {until}: {reason}");
        (Code::Waived, Severity::Note, message)
    }
}

/// The finding on a waiver whose row did not regress.
fn idle(case: &Case<'_>, waiver: &Waiver, rows: &[Row], expired: bool) -> (Code, Severity, String) {
    if expired {
        let message = format!("ended on {} and is not needed; remove it", waiver.until);
        return (Code::WaiverExpired, Severity::Warn, message);
    }
    let named = |row: &&Row| waiver.covers(&row.bench_id(), &row.metric);
    let measured = |row: &Row| row.in_candidate() || row.outcome() == Some(Outcome::Unchanged);
    let (severity, message) = if case.same_code().any(|id| waiver.names(id)) {
        (Severity::Note, "the same code on both sides: not needed for this change".to_owned())
    } else if rows.iter().filter(named).any(|row| row.outcome() == Some(Outcome::Undecided)) {
        (Severity::Note, "the row it names is undecided: not needed today".to_owned())
    } else if let Some(selection) = &case.candidate.selection
        && !rows.iter().filter(named).any(measured)
    {
        let message = format!("the row it names was not selected ({selection})");
        (Severity::Note, message)
    } else if rows.iter().any(|row| named(&row)) {
        (Severity::Warn, "the row it names did not regress; remove it".to_owned())
    } else {
        (Severity::Warn, format!("no such row: {}", meant(waiver, rows)))
    };
    (Code::WaiverUnused, severity, message)
}

/// The name that a waiver without a row may mean.
fn meant(waiver: &Waiver, rows: &[Row]) -> String {
    let of_metric = rows.iter().filter(|row| row.metric == waiver.metric);
    nearest(&waiver.bench, of_metric, |row| &row.id).map_or_else(
        || "correct its name, or remove it".to_owned(),
        |row| format!("did you mean {}?", row.id),
    )
}
