//! The base compared with itself: what the gate calls a change where there is none.

use super::case::Case;
use super::judge;
use super::report::{
    Code, Control, Finding, Outcome, Report, Row, Severity, Verdict, VerdictOutcome,
};
use crate::exit::Exit;
use crate::model::Snapshot;
use crate::text::{listed, percent};

/// How many names one sentence lists.
const LISTED: usize = 5;

/// Judges the candidate, and with it the control: the baseline's own code, measured in
/// the candidate's place.
///
/// A change found in the control is a false alarm, and its causes act on the candidate as
/// well: a pass or a failure becomes undecided, unless an exact count fails.
pub fn judge_controlled(case: &Case<'_>, control: &Snapshot) -> Report {
    let report = judge(case);
    if case.is_shard() {
        return report;
    }
    let controlled = judge(&Case { candidate: control, ..*case });
    let alarms: Vec<&Row> = controlled.rows.iter().filter(|row| is_alarm(row)).collect();
    let control = summary(&controlled, &alarms);
    let verdict = report.verdict.map(|verdict| {
        let stands = alarms.is_empty() || report.rows.iter().any(fails_exactly);
        if stands { verdict } else { doubted(verdict, &control) }
    });
    let findings = report.findings.into_iter().chain(alarms.into_iter().map(finding)).collect();
    Report { verdict, findings, control: Some(control), ..report }.sorted()
}

fn is_alarm(row: &Row) -> bool {
    matches!(row.outcome(), Some(Outcome::Regression | Outcome::Improvement))
}

/// Whether it is a count that fails the gate: no noise of the machine explains that.
fn fails_exactly(row: &Row) -> bool {
    let fails =
        row.judgement.as_ref().is_some_and(|judgement| judgement.severity == Severity::Fail);
    row.counted && row.outcome() == Some(Outcome::Regression) && fails
}

/// A verdict of a trial whose control shows changes.
fn doubted(verdict: Verdict, control: &Control) -> Verdict {
    if !matches!(verdict.outcome, VerdictOutcome::Pass | VerdictOutcome::Fail) {
        return verdict;
    }
    let names: Vec<&str> = control.alarms.iter().map(String::as_str).collect();
    Verdict {
        outcome: VerdictOutcome::Undecided,
        exit: Exit::Undecided,
        reason: format!("the base compared with itself shows changes: {}", listed(&names, LISTED)),
    }
}

fn summary(report: &Report, alarms: &[&Row]) -> Control {
    // The control does not repeat counts, so it says nothing about them.
    let measured = report.rows.iter().filter(|row| row.candidate.is_some());
    Control {
        counts: Report::count(measured),
        alarms: alarms.iter().map(|row| row.id.clone()).collect(),
        smallest_false_change: alarms
            .iter()
            .filter_map(|row| Some(row.change?.estimate))
            .min_by(|a, b| a.abs().total_cmp(&b.abs())),
    }
}

fn finding(row: &Row) -> Finding {
    let change = row.change.map_or(0.0, |change| change.estimate.abs());
    let direction = if row.outcome() == Some(Outcome::Regression) { "worse" } else { "better" };
    let message = format!(
        "the base compared with itself came out {} {direction}, so a change of the head proves \
         nothing",
        percent(change)
    );
    Finding::new(Code::ControlAlarmed, Severity::Fail, message).row(row)
}
