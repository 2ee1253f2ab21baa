//! What every renderer for people says in the same words. Texts that come from
//! files are on one line and without control characters here; each renderer
//! still escapes them for its own format.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::plain;
use crate::judge::{
    Change, Control, Finding, FunctionChange, Outcome, Report, Row, Severity, Side,
    SnapshotSummary, VerdictOutcome,
};
use crate::model::{TargetId, Unit};
use crate::policy::Gate;

/// Characters of a function's name that are shown: the report as JSON has the
/// whole of it.
const FUNCTION: usize = 80;

/// Benchmarks that a control's alarm names.
const ALARMS: usize = 5;

/// How rows are named: by the benchmark's own name, qualified where another
/// bench target has one of the same name.
#[derive(Debug)]
pub(super) struct Names<'a> {
    /// The targets of each name.
    targets: BTreeMap<&'a str, BTreeSet<Option<TargetId>>>,
}

impl<'a> Names<'a> {
    pub(super) fn of(rows: impl IntoIterator<Item = &'a Row>) -> Self {
        let mut targets: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for row in rows {
            targets.entry(row.id.as_str()).or_default().insert(row.bench_id().target);
        }
        Self { targets }
    }

    /// The row's benchmark as text from a file: escape it.
    pub(super) fn raw(&self, row: &Row) -> String {
        let ambiguous = self.targets.get(row.id.as_str()).is_some_and(|known| known.len() > 1);
        let id = row.bench_id();
        if ambiguous { id.qualified() } else { id.name }
    }

    /// The same on one line, without control characters.
    pub(super) fn shown(&self, row: &Row) -> String {
        plain(&self.raw(row))
    }
}

/// The verdict in a word.
pub(super) fn verdict(outcome: VerdictOutcome) -> &'static str {
    match outcome {
        VerdictOutcome::Pass => "PASS",
        VerdictOutcome::Fail => "FAIL",
        VerdictOutcome::Undecided => "UNDECIDED",
        VerdictOutcome::NothingCompared => "NOTHING COMPARED",
        VerdictOutcome::Incomplete => "INCOMPLETE",
    }
}

/// What a row or finding does, in a word.
pub(super) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Fail => "fail",
        Severity::Warn => "warn",
        Severity::Note => "note",
    }
}

/// The outcome in a word; in capitals what fails the gate for a regression.
pub(super) fn outcome(row: &Row) -> String {
    row.judgement.as_ref().map_or_else(String::new, |judgement| {
        let word = judgement.outcome.as_str();
        match (judgement.outcome, judgement.severity) {
            (Outcome::Regression, Severity::Fail) => word.to_uppercase(),
            _ => word.to_owned(),
        }
    })
}

/// Why; nothing for what is unchanged, where the values beside it say why, unless
/// it is so only as far as can be known.
pub(super) fn why(row: &Row) -> String {
    let Some(judgement) = &row.judgement else { return String::new() };
    // Where something was subtracted the values do not say why.
    let evident = judgement.outcome == Outcome::Unchanged
        && row.candidate.is_some()
        && row.adjusted.is_none();
    if evident && !judgement.by_instructions { String::new() } else { plain(&judgement.reason) }
}

/// The functions that account for instructions that grew, each with its change;
/// of long names the end, which is the function's own.
pub(super) fn cause(row: &Row) -> Vec<(String, String)> {
    let functions = row.judgement.iter().flat_map(|judgement| &judgement.cause);
    let show = |count: u64| Unit::Count.show(count as f64);
    let line = |FunctionChange { function, baseline, candidate }: &FunctionChange| {
        let change = match baseline {
            Some(baseline) => format!(
                "{} → {}, +{}",
                show(*baseline),
                show(*candidate),
                show(candidate.saturating_sub(*baseline))
            ),
            None => format!("little → {}", show(*candidate)),
        };
        (end(&plain(function), FUNCTION), change)
    };
    functions.map(line).collect()
}

/// The same as the end of a sentence; nothing where there is none.
pub(super) fn by_cause(row: &Row) -> String {
    let cause = cause(row).into_iter().map(|(function, change)| format!("{function} {change}"));
    match cause.collect::<Vec<_>>().join(", ") {
        cause if cause.is_empty() => cause,
        cause => format!("; probable cause: {cause}"),
    }
}

/// What the base held against itself came to: the rows by outcome, and the
/// benchmarks that were called changed.
pub(super) fn control(control: &Control) -> (String, Option<String>) {
    let counts = control.counts.iter().map(|(outcome, count)| counted(*outcome, *count));
    let counts: Vec<String> = counts.collect();
    let rows = if counts.is_empty() { "nothing measured".to_owned() } else { counts.join(", ") };
    let alarms: Vec<String> = control.alarms.iter().map(|name| plain(name)).collect();
    (rows, (!alarms.is_empty()).then(|| listed(&alarms, ALARMS)))
}

/// At most `most` characters of the end of `text`.
fn end(text: &str, most: usize) -> String {
    match text.chars().count().checked_sub(most) {
        Some(more) if more > 0 => format!("…{}", text.chars().skip(more + 1).collect::<String>()),
        _ => text.to_owned(),
    }
}

/// A side's value with its unit; a dash where the side lacks it.
pub(super) fn value(side: Option<&Side>, unit: &Unit) -> String {
    side.map_or_else(|| "–".to_owned(), |side| plain(&unit.show(side.value)))
}

/// How far a side's runs lie apart.
pub(super) fn spread(side: &Side, unit: &Unit) -> String {
    let [least, most] = range(&side.runs);
    match side.runs.len() {
        1 => "one run".to_owned(),
        count if least == most => format!("the same in {count} runs"),
        count => plain(&format!("{} … {} in {count} runs", unit.show(least), unit.show(most))),
    }
}

/// The least and the most; of nothing, the infinities.
pub(super) fn range(values: &[f64]) -> [f64; 2] {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    [least, most]
}

/// The estimated change; nothing where there is none.
pub(super) fn estimate(change: Option<&Change>) -> String {
    change.map_or_else(String::new, |change| signed(change.estimate))
}

/// The change's interval; nothing where nothing is known of it.
pub(super) fn interval(change: Option<&Change>) -> String {
    match change.map(|change| (change.lower, change.upper)) {
        Some((Some(lower), Some(upper))) if lower == upper => "exact".to_owned(),
        Some((Some(lower), Some(upper))) => format!("[{}, {}]", signed(lower), signed(upper)),
        _ => String::new(),
    }
}

/// A change as a signed percentage: small ones with two digits, tenfold and
/// larger ones as a factor.
pub(super) fn signed(change: f64) -> String {
    match change {
        0.0 => "0%".to_owned(),
        c if c >= 9.0 => format!("{:.1}×", c + 1.0),
        c if c.abs() >= 0.1 => format!("{:+.0}%", c * 100.0),
        c if c.abs() >= 0.01 => format!("{:+.1}%", c * 100.0),
        c if c.abs() >= 0.000_05 => format!("{:+.2}%", c * 100.0),
        c => format!("{}0.01%", if c > 0.0 { "<+" } else { ">-" }),
    }
}

/// A limit as a percentage, without digits that say nothing.
pub(super) fn percent(limit: f64) -> String {
    format!("{}%", (limit * 1e6).round() / 1e4)
}

/// `baseline` or `main` with where, when and with what it was measured.
pub(super) fn summary(side: &SnapshotSummary) -> String {
    let mut text = plain(&side.name);
    if let Some(revision) = &side.revision {
        let dirty = if revision.ends_with('+') { "+" } else { "" };
        let short: String = revision.chars().take(10).filter(|c| *c != '+').collect();
        let _ = write!(text, " at {}{dirty}", plain(&short));
    }
    let _ = write!(text, ", {} run{}", side.runs, if side.runs == 1 { "" } else { "s" });
    if let Some(cpu) = side.environment.get("cpu_model") {
        let _ = write!(text, ", {}", plain(cpu));
    }
    if let Some(selection) = &side.selection {
        let _ = write!(text, ", only {}", plain(selection));
    }
    text
}

/// What a finding is about: `name (metric)`.
pub(super) fn subject(finding: &Finding) -> Option<String> {
    let metric = finding.metric.as_ref().map_or_else(String::new, |m| format!(" ({m})"));
    finding.id.as_ref().map(|id| plain(&format!("{id}{metric}")))
}

/// Findings that say the same of several benchmarks are one, with their subjects.
pub(super) fn grouped(findings: &[Finding]) -> Vec<(&Finding, Vec<String>)> {
    let mut groups: Vec<(&Finding, Vec<String>)> = Vec::new();
    let mut known = BTreeMap::new();
    for finding in findings {
        let key = (finding.severity, finding.code, finding.message.as_str());
        let at = *known.entry(key).or_insert_with(|| {
            groups.push((finding, Vec::new()));
            groups.len() - 1
        });
        groups[at].1.extend(subject(finding));
    }
    groups
}

/// The first few of them, and how many more there are.
pub(super) fn listed(names: &[String], most: usize) -> String {
    match names.len().checked_sub(most) {
        Some(more) if more > 0 => format!("{} and {more} more", names[..most].join(", ")),
        _ => names.join(", "),
    }
}

/// Whether the row is only there because the candidate is a part, of which it
/// is none.
pub(super) fn unselected(report: &Report, row: &Row) -> bool {
    report.baseline.is_some()
        && report.candidate.selection.is_some()
        && row.baseline.is_some()
        && row.candidate.is_none()
}

/// Whether a reader has to ask for the row: it cannot gate, or was not selected.
pub(super) fn aside(report: &Report, row: &Row) -> bool {
    row.gate == Gate::Show || unselected(report, row)
}

/// How many of the rows that may gate came out how.
pub(super) fn counts(report: &Report) -> BTreeMap<Outcome, usize> {
    let mut counts = BTreeMap::new();
    let shown = report.rows.iter().filter(|row| !aside(report, row));
    for outcome in shown.filter_map(Row::outcome) {
        *counts.entry(outcome).or_insert(0) += 1;
    }
    counts
}

/// `2 regressions`, `1 unchanged`.
pub(super) fn counted(outcome: Outcome, count: usize) -> String {
    let noun = matches!(outcome, Outcome::Regression | Outcome::Improvement);
    let s = if noun && count != 1 { "s" } else { "" };
    format!("{count} {}{s}", outcome.as_str())
}
