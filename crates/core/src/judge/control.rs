//! The base held against itself: what the gate calls a change where there is none.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::code::Code;
use super::decide::percent;
use super::report::{Finding, Outcome, Report, Row, Severity, Verdict, VerdictOutcome};
use super::{Case, judge};
use crate::exit::Exit;
use crate::model::Snapshot;

/// How many names one sentence lists.
const LISTED: usize = 5;

/// What holding the base against itself came to, by the rules of the report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// How many rows came out how.
    pub counts: BTreeMap<Outcome, usize>,
    /// Benchmarks that were called changed, by name.
    pub alarms: Vec<String>,
    /// The smallest change that was called one, as a share of either sign.
    pub smallest_false_change: Option<f64>,
}

impl Control {
    fn of(report: &Report) -> (Self, Vec<Finding>) {
        let alarms: Vec<&Row> = report.rows.iter().filter(|row| is_alarm(row)).collect();
        let change = |row: &Row| row.change.map(|change| change.estimate);
        let findings = alarms.iter().map(|row| Finding {
            code: Code::ControlAlarmed,
            severity: Severity::Fail,
            id: Some(row.id.clone()),
            metric: Some(row.metric.clone()),
            message: format!(
                "the base held against itself came out {} by {}, so what the head shows \
                 beside it proves nothing",
                if row.outcome() == Some(Outcome::Regression) { "worse" } else { "better" },
                percent(change(row).unwrap_or_default().abs())
            ),
        });
        let mut counts = BTreeMap::new();
        // What the control did not measure, it says nothing of: counts repeat anyway.
        let measured = report.rows.iter().filter(|row| row.candidate.is_some());
        for outcome in measured.filter_map(Row::outcome) {
            *counts.entry(outcome).or_insert(0) += 1;
        }
        let control = Self {
            counts,
            alarms: alarms.iter().map(|row| row.id.clone()).collect(),
            smallest_false_change: alarms
                .iter()
                .filter_map(|row| change(row))
                .min_by(|a, b| a.abs().total_cmp(&b.abs())),
        };
        (control, findings.collect())
    }
}

fn is_alarm(row: &Row) -> bool {
    matches!(row.outcome(), Some(Outcome::Regression | Outcome::Improvement))
}

/// Judges the candidate, and beside it the control: the baseline's own code,
/// measured in the candidate's place.
///
/// A change found there is none, and its causes act on the candidate as well: a
/// pass or a failure becomes undecided. What was counted exactly stands.
pub fn judge_controlled(case: &Case<'_>, control: &Snapshot) -> Report {
    let mut report = judge(case);
    let (control, findings) = Control::of(&judge(&Case { candidate: control, ..*case }));
    let exact = |row: &Row| {
        let fails = row.judgement.as_ref().is_some_and(|one| one.severity == Severity::Fail);
        row.counted && row.outcome() == Some(Outcome::Regression) && fails
    };
    if let Some(verdict) = &mut report.verdict
        && !control.alarms.is_empty()
        && matches!(verdict.outcome, VerdictOutcome::Pass | VerdictOutcome::Fail)
        && !report.rows.iter().any(exact)
    {
        *verdict = Verdict {
            outcome: VerdictOutcome::Undecided,
            exit_code: Exit::Undecided.code(),
            reason: format!(
                "the base held against itself shows changes: {}",
                listed(&control.alarms)
            ),
        };
    }
    report.findings.extend(findings);
    report.control = Some(control);
    report.sort();
    report
}

fn listed(names: &[String]) -> String {
    match names.len().checked_sub(LISTED) {
        Some(more) if more > 0 => format!("{} and {more} more", names[..LISTED].join(", ")),
        _ => names.join(", "),
    }
}
