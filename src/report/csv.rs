//! Rows or targets as CSV, for spreadsheets and scripts.
//!
//! Numbers are written without a unit and without separators: the unit has a column of its own. Texts are
//! hostile: a spreadsheet takes a cell that begins with one of a few signs as a formula, so
//! such a text gets an apostrophe in front, which spreadsheets do not show.
//! <https://owasp.org/www-community/attacks/CSV_Injection> lists the signs.

use csv::Writer;

use super::{Render, plain};
use crate::judge::{BoundKind, Report, Row, Severity, TargetRow, Targets};

/// Writes a line for each row; of a report that has targets only, a line for each target.
#[derive(Clone, Copy, Debug, Default)]
pub struct Csv;

/// Writes a line for each target of the report.
#[derive(Clone, Copy, Debug, Default)]
pub struct TargetCsv;

const ROWS: [&str; 15] = [
    "benchmark",
    "target",
    "package",
    "metric",
    "unit",
    "baseline",
    "candidate",
    "change",
    "change_lower",
    "change_upper",
    "outcome",
    "severity",
    "p_value",
    "detectable",
    "reason",
];

const TARGETS: [&str; 16] = [
    "benchmarks",
    "benchmark",
    "metric",
    "unit",
    "bound",
    "limit",
    "limit_value",
    "status",
    "effect",
    "baseline",
    "candidate",
    "headroom",
    "severity",
    "group",
    "reason",
    "why",
];

impl Render for Csv {
    fn render(&self, report: &Report) -> String {
        match &report.targets {
            Some(targets) if report.rows.is_empty() => of_targets(targets),
            _ => written(&ROWS, report.rows.iter().map(row)),
        }
    }
}

impl Render for TargetCsv {
    fn render(&self, report: &Report) -> String {
        report.targets.as_ref().map_or_else(|| written(&TARGETS, []), of_targets)
    }
}

fn of_targets(targets: &Targets) -> String {
    written(&TARGETS, targets.rows.iter().map(target))
}

fn written<const N: usize>(
    heads: &[&str; N],
    lines: impl IntoIterator<Item = [String; N]>,
) -> String {
    let mut writer = Writer::from_writer(Vec::new());
    writer.write_record(heads).expect("writing to memory cannot fail");
    for line in lines {
        writer.write_record(line).expect("every line has as many cells as the heads");
    }
    let bytes = writer.into_inner().expect("writing to memory cannot fail");
    String::from_utf8(bytes).expect("the writer was given text")
}

fn row(row: &Row) -> [String; 15] {
    let side = |side: &Option<crate::judge::Side>| number(side.as_ref().map(|side| side.value));
    let change = row.change;
    let judgement = row.judgement.as_ref();
    [
        text(&row.id),
        optional(row.target.as_deref()),
        optional(row.package.as_deref()),
        text(&row.metric),
        text(&row.unit),
        side(&row.baseline),
        side(&row.candidate),
        number(change.map(|change| change.estimate)),
        number(change.and_then(|change| change.lower)),
        number(change.and_then(|change| change.upper)),
        judgement.map_or_else(String::new, |judgement| judgement.outcome.as_str().to_owned()),
        judgement.map_or_else(String::new, |judgement| severity(judgement.severity)),
        number(judgement.and_then(|judgement| judgement.p_value)),
        number(judgement.and_then(|judgement| judgement.detectable)),
        optional(judgement.map(|judgement| judgement.reason.as_str())),
    ]
}

fn target(row: &TargetRow) -> [String; 16] {
    let bound = match row.bound {
        BoundKind::AtMost => "at-most",
        BoundKind::AtLeast => "at-least",
    };
    let id = row.bench_id().map(|id| id.qualified());
    [
        text(&row.bench),
        optional(id.as_deref()),
        text(&row.metric),
        optional(row.unit.as_deref()),
        bound.to_owned(),
        text(&row.limit),
        number(row.limit_value),
        row.status.as_str().to_owned(),
        severity(row.effect),
        number(row.before),
        number(row.after),
        number(row.headroom),
        row.severity.as_str().to_owned(),
        optional(row.group.as_deref()),
        optional(row.reason.as_deref()),
        optional(row.why.as_deref()),
    ]
}

fn severity(severity: Severity) -> String {
    super::vocabulary::severity(severity).to_owned()
}

/// Below this, a number is written with an exponent.
const TINY: f64 = 1e-6;

/// A number with ten significant digits; empty if there is none.
fn number(number: Option<f64>) -> String {
    let Some(number) = number else { return String::new() };
    // Further digits differ between platforms.
    let rounded: f64 = format!("{number:.9e}").parse().unwrap_or(number);
    if rounded != 0.0 && rounded.abs() < TINY {
        format!("{rounded:e}")
    } else {
        rounded.to_string()
    }
}

fn optional(value: Option<&str>) -> String {
    value.map_or_else(String::new, text)
}

/// A text that no spreadsheet takes as a formula.
fn text(text: &str) -> String {
    let text = plain(text);
    let formula = text.trim_start().starts_with(['=', '+', '-', '@']);
    if formula { format!("'{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_begins_a_formula() {
        for hostile in ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "=cmd|' /C calc'!A0"] {
            let cell = text(hostile);
            assert!(cell.starts_with('\'') || cell.starts_with('\\'), "{cell}");
        }
        assert_eq!(text("cache/hit"), "cache/hit");
        assert_eq!(text("a\r\nb"), "a\\u{d}\\u{a}b");
    }
}
