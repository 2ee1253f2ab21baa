//! The words that all renderers for human readers share. Texts from files are put on one
//! line without control characters here; each renderer still escapes them for its own
//! format.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::plain;
use crate::judge::{
    Change, Control, FunctionChange, Outcome, Report, Row, Severity, Side, SnapshotSummary,
    VerdictOutcome,
};
use crate::model::{BenchId, TargetId, Unit};
use crate::text::{listed, plural};

/// Characters of a function's name that are shown; the JSON report has the whole
/// name.
const FUNCTION: usize = 80;

/// The most benchmarks that a control's false alarm lists.
const ALARMS: usize = 5;

/// Half the scale of a drawn change, in targets of its row: a change of the target's size
/// is drawn at a third of the way, clearly apart from zero.
const TARGETS: f64 = 3.0;

/// Half the scale of a row without limits.
const UNJUDGED: f64 = 0.1;

/// The names of rows: the benchmark's own name, qualified if two bench targets use the same
/// name.
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

    /// The names of a report's rows and of the benchmarks that its targets limit.
    pub(super) fn with_targets(report: &'a Report) -> Self {
        let mut names = Self::of(&report.rows);
        for row in report.targets.iter().flat_map(|targets| &targets.rows) {
            if let (Some(name), Some(id)) = (&row.id, row.bench_id()) {
                names.targets.entry(name.as_str()).or_default().insert(id.target);
            }
        }
        names
    }

    /// The row's benchmark as text from a file: escape it.
    pub(super) fn raw(&self, row: &Row) -> String {
        self.of_id(row.bench_id())
    }

    /// The benchmark as text from a file: escape it.
    pub(super) fn of_id(&self, id: BenchId) -> String {
        let ambiguous = self.targets.get(id.name.as_str()).is_some_and(|known| known.len() > 1);
        if ambiguous { id.qualified() } else { id.name }
    }

    /// The row's benchmark on one line, without control characters.
    pub(super) fn shown(&self, row: &Row) -> String {
        plain(&self.raw(row))
    }
}

/// The word for a verdict.
pub(super) fn verdict(outcome: VerdictOutcome) -> &'static str {
    match outcome {
        VerdictOutcome::Pass => "PASS",
        VerdictOutcome::Fail => "FAIL",
        VerdictOutcome::Undecided => "UNDECIDED",
        VerdictOutcome::NothingCompared => "NOTHING COMPARED",
        VerdictOutcome::Incomplete => "INCOMPLETE",
    }
}

/// The word for the effect of a row or a finding.
pub(super) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Fail => "fail",
        Severity::Warn => "warn",
        Severity::Note => "note",
    }
}

/// The word for an outcome; in capitals for a regression that fails the gate.
pub(super) fn outcome(row: &Row) -> String {
    row.judgement.as_ref().map_or_else(String::new, |judgement| {
        let word = judgement.outcome.as_str();
        match (judgement.outcome, judgement.severity) {
            (Outcome::Regression, Severity::Fail) => word.to_uppercase(),
            _ => word.to_owned(),
        }
    })
}

/// The reason of a row's outcome. It is empty for an unchanged row, unless only the
/// instructions show that it is unchanged.
pub(super) fn why(row: &Row) -> String {
    let Some(judgement) = &row.judgement else { return String::new() };
    // If a suite shift was subtracted, the values do not show that.
    let evident = judgement.outcome == Outcome::Unchanged
        && row.candidate.is_some()
        && row.adjusted.is_none();
    if evident && !judgement.by_instructions { String::new() } else { plain(&judgement.reason) }
}

/// The functions whose instructions grew, each with its change. Long names keep their end,
/// which is the function's own name.
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
            None => format!("negligible → {}", show(*candidate)),
        };
        (end(&plain(function), FUNCTION), change)
    };
    functions.map(line).collect()
}

/// The functions as the end of a sentence; empty if there are none.
pub(super) fn by_cause(row: &Row) -> String {
    let cause = cause(row).into_iter().map(|(function, change)| format!("{function} {change}"));
    match cause.collect::<Vec<_>>().join(", ") {
        cause if cause.is_empty() => cause,
        cause => format!("; probable cause: {cause}"),
    }
}

/// The result of the control: the rows by outcome, and the benchmarks with a false change.
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

/// Why the candidate has no value, if it has too few observations; else empty.
pub(super) fn unsupported(row: &Row) -> String {
    let text = |(needed, has): (u64, u64)| {
        let [needed, has] = [needed, has].map(|count| Unit::Count.show(count as f64));
        format!("unsupported: needs {needed} observations, has {has}")
    };
    row.unsupported().map_or_else(String::new, text)
}

/// The range of a side's runs.
pub(super) fn spread(side: &Side, unit: &Unit) -> String {
    let [least, most] = range(&side.runs);
    match side.runs.len() {
        0 => "all runs together".to_owned(),
        1 => "1 run".to_owned(),
        count if least == most => format!("the same in {count} runs"),
        count => plain(&format!("{} … {} in {count} runs", unit.show(least), unit.show(most))),
    }
}

/// The least and the most value; infinities for an empty slice.
pub(super) fn range(values: &[f64]) -> [f64; 2] {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    [least, most]
}

/// The estimated change; empty if there is none.
pub(super) fn estimate(change: Option<&Change>) -> String {
    change.map_or_else(String::new, |change| signed(change.estimate))
}

/// The interval of a change; empty if it is unknown.
pub(super) fn interval(change: Option<&Change>) -> String {
    match change.map(|change| (change.lower, change.upper)) {
        Some((Some(lower), Some(upper))) if lower == upper => "exact".to_owned(),
        Some((Some(lower), Some(upper))) => format!("[{}, {}]", signed(lower), signed(upper)),
        _ => String::new(),
    }
}

/// A change as a signed percentage, or as a factor from tenfold on.
pub(super) fn signed(change: f64) -> String {
    match change {
        0.0 => "0%".to_owned(),
        c if c.abs() >= 99.0 => format!("{}×", Unit::Count.show((c + 1.0).round())),
        c if c >= 9.0 => format!("{:.1}×", c + 1.0),
        c if c.abs() >= 0.1 => format!("{:+.0}%", c * 100.0),
        c if c.abs() >= 0.01 => format!("{:+.1}%", c * 100.0),
        c if c.abs() >= 0.000_05 => format!("{:+.2}%", c * 100.0),
        c => format!("{}0.01%", if c > 0.0 { "<+" } else { ">-" }),
    }
}

/// A side's name with its revision, its number of runs and its machine.
pub(super) fn summary(side: &SnapshotSummary) -> String {
    let mut text = plain(&side.name);
    if let Some(revision) = &side.revision {
        let dirty = if revision.ends_with('+') { "+" } else { "" };
        let short: String = revision.chars().take(10).filter(|c| *c != '+').collect();
        let _ = write!(text, " at {}{dirty}", plain(&short));
    }
    let _ = write!(text, ", {}", plural(side.runs, "run"));
    if let Some(cpu) = side.environment.get("cpu_model") {
        let _ = write!(text, ", {}", plain(cpu));
    }
    if let Some(selection) = &side.selection {
        let _ = write!(text, ", only {}", plain(selection));
    }
    text
}

/// A number of things: `2,000`.
pub(super) fn count(count: usize) -> String {
    Unit::Count.show(count as f64)
}

/// Half the scale on which a row's change is drawn: ±7.5% for a target of 2.5%.
pub(super) fn scale(row: &Row) -> f64 {
    let target = row.judgement.as_ref().map(|judgement| judgement.limits.target);
    target.filter(|target| *target > 0.0).map_or(UNJUDGED, |target| target * TARGETS)
}

/// `2 regressions`, `1 unchanged`.
pub(super) fn counted(outcome: Outcome, count: usize) -> String {
    let noun = matches!(outcome, Outcome::Regression | Outcome::Improvement);
    let s = if noun && count != 1 { "s" } else { "" };
    format!("{} {}{s}", self::count(count), outcome.as_str())
}
