//! The report as a table that a person wants to read.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, Table, presets};

use super::{Render, plain};
use crate::judge::{
    Change, Finding, Outcome, Report, Row, Severity, Side, SnapshotSummary, Verdict, VerdictOutcome,
};
use crate::model::Unit;
use crate::policy::Gate;

/// Writes a table, the findings and the verdict. The text holds colours; the
/// stream it goes to strips them where they do not belong.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terminal {
    /// Columns to fit into; unlimited where unknown, as in a log.
    pub width: Option<u16>,
    /// Also rows that the policy only shows.
    pub all: bool,
}

impl Render for Terminal {
    fn render(&self, report: &Report) -> String {
        let mut out = String::new();
        header(&mut out, report);
        let (shown, hidden): (Vec<&Row>, Vec<&Row>) =
            report.rows.iter().partition(|row| self.all || row.gate > Gate::Show);
        if !shown.is_empty() {
            let table = if report.baseline.is_some() {
                self.comparison(&shown)
            } else {
                self.measurement(&shown)
            };
            let _ = writeln!(out, "{}\n", table.trim_fmt());
        }
        if !hidden.is_empty() {
            let dim = Style::new().dimmed();
            let _ = writeln!(
                out,
                "{dim}{} rows of metrics that cannot gate: show them with --all{dim:#}\n",
                hidden.len()
            );
        }
        findings(&mut out, &report.findings);
        if let Some(verdict) = &report.verdict {
            self::verdict(&mut out, verdict);
        }
        out
    }
}

impl Terminal {
    fn table(self, header: &[&str]) -> Table {
        let mut table = Table::new();
        table
            .load_style(presets::NOTHING)
            .set_header(header.iter().map(|name| Cell::new(name).add_attribute(Attribute::Dim)))
            // Colours are always written: the stream strips them.
            .enforce_styling();
        if let Some(width) = self.width {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        table
    }

    fn comparison(self, rows: &[&Row]) -> Table {
        let mut table =
            self.table(&["benchmark", "metric", "baseline", "candidate", "change", "", "outcome"]);
        for row in rows {
            let unit = Unit::from(row.unit.as_str());
            let (interval, change) = change(row.change.as_ref());
            table.add_row([
                Cell::new(name(row, rows)),
                Cell::new(plain(&row.metric)),
                value(row.baseline.as_ref(), &unit),
                value(row.candidate.as_ref(), &unit),
                paint(Cell::new(change).set_alignment(CellAlignment::Right), row),
                Cell::new(interval).add_attribute(Attribute::Dim),
                paint(Cell::new(outcome(row)), row),
            ]);
        }
        table
    }

    fn measurement(self, rows: &[&Row]) -> Table {
        let mut table = self.table(&["benchmark", "metric", "value", "over the runs"]);
        for row in rows {
            let unit = Unit::from(row.unit.as_str());
            table.add_row([
                Cell::new(name(row, rows)),
                Cell::new(plain(&row.metric)),
                value(row.candidate.as_ref(), &unit),
                Cell::new(
                    row.candidate.as_ref().map_or_else(String::new, |side| spread(side, &unit)),
                )
                .add_attribute(Attribute::Dim),
            ]);
        }
        table
    }
}

fn header(out: &mut String, report: &Report) {
    let dim = Style::new().dimmed();
    if let Some(baseline) = &report.baseline {
        let _ = writeln!(out, "{dim}baseline   {}{dim:#}", summary(baseline));
    }
    let _ = writeln!(out, "{dim}candidate  {}{dim:#}\n", summary(&report.candidate));
}

fn summary(side: &SnapshotSummary) -> String {
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

/// The benchmark's name, qualified where another row has the same one.
fn name(row: &Row, rows: &[&Row]) -> String {
    let id = row.bench_id();
    let ambiguous = rows.iter().any(|other| {
        other.id == row.id && (&other.target, &other.package) != (&row.target, &row.package)
    });
    plain(&if ambiguous { id.qualified() } else { id.name })
}

fn value(side: Option<&Side>, unit: &Unit) -> Cell {
    let text = side.map_or_else(|| "–".to_owned(), |side| plain(&unit.show(side.value)));
    Cell::new(text).set_alignment(CellAlignment::Right)
}

fn spread(side: &Side, unit: &Unit) -> String {
    let least = side.runs.iter().copied().fold(f64::INFINITY, f64::min);
    let most = side.runs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    match side.runs.len() {
        1 => "one run".to_owned(),
        count if least == most => format!("the same in {count} runs"),
        count => format!("{} … {} in {count} runs", unit.show(least), unit.show(most)),
    }
}

/// The interval, and the estimate.
fn change(change: Option<&Change>) -> (String, String) {
    let Some(change) = change else { return (String::new(), String::new()) };
    let interval = match (change.lower, change.upper) {
        (Some(lower), Some(upper)) if lower == upper => "exact".to_owned(),
        (Some(lower), Some(upper)) => format!("[{}, {}]", signed(lower), signed(upper)),
        _ => String::new(),
    };
    (interval, signed(change.estimate))
}

/// A change as a signed percentage: small ones with two digits, doubled and
/// larger ones as a factor.
fn signed(change: f64) -> String {
    match change {
        0.0 => "0%".to_owned(),
        c if c >= 9.0 => format!("{:.1}×", c + 1.0),
        c if c.abs() >= 0.1 => format!("{:+.0}%", c * 100.0),
        c if c.abs() >= 0.01 => format!("{:+.1}%", c * 100.0),
        c if c.abs() >= 0.000_05 => format!("{:+.2}%", c * 100.0),
        c => format!("{}0.01%", if c > 0.0 { "<+" } else { ">-" }),
    }
}

fn outcome(row: &Row) -> String {
    let Some(judgement) = &row.judgement else { return String::new() };
    let word = judgement.outcome.as_str();
    match (judgement.outcome, judgement.severity) {
        (Outcome::Unchanged, _) => word.to_owned(),
        (Outcome::Regression, Severity::Fail) => {
            format!("{}: {}", word.to_uppercase(), plain(&judgement.reason))
        }
        _ => format!("{word}: {}", plain(&judgement.reason)),
    }
}

fn paint(cell: Cell, row: &Row) -> Cell {
    let Some(judgement) = &row.judgement else { return cell };
    match (judgement.outcome, judgement.severity) {
        (_, Severity::Fail) => cell.fg(Color::Red).add_attribute(Attribute::Bold),
        (_, Severity::Warn) => cell.fg(Color::Yellow),
        (Outcome::Improvement, _) => cell.fg(Color::Green),
        (Outcome::Unchanged | Outcome::New, _) => cell,
        _ => cell.add_attribute(Attribute::Dim),
    }
}

fn findings(out: &mut String, findings: &[Finding]) {
    for finding in findings {
        let (word, style) = match finding.severity {
            Severity::Fail => ("fail", AnsiColor::Red.on_default().bold()),
            Severity::Warn => ("warn", AnsiColor::Yellow.on_default()),
            Severity::Note => ("note", Style::new().dimmed()),
        };
        let _ = write!(out, "{style}{word}{style:#}  {}", finding.code);
        if let Some(id) = &finding.id {
            let _ = write!(out, "  {}", plain(id));
        }
        if let Some(metric) = &finding.metric {
            let _ = write!(out, " ({})", plain(metric));
        }
        let _ = writeln!(out, ": {}", plain(&finding.message));
    }
    if !findings.is_empty() {
        out.push('\n');
    }
}

fn verdict(out: &mut String, verdict: &Verdict) {
    let (word, style) = match verdict.outcome {
        VerdictOutcome::Pass => ("PASS", AnsiColor::Green.on_default().bold()),
        VerdictOutcome::Fail => ("FAIL", AnsiColor::Red.on_default().bold()),
        VerdictOutcome::Undecided => ("UNDECIDED", AnsiColor::Yellow.on_default().bold()),
        VerdictOutcome::NothingCompared => {
            ("NOTHING COMPARED", AnsiColor::Yellow.on_default().bold())
        }
        VerdictOutcome::Incomplete => ("INCOMPLETE", AnsiColor::Red.on_default().bold()),
    };
    let _ = writeln!(
        out,
        "{style}{word}{style:#}  {} (exit {})",
        plain(&verdict.reason),
        verdict.exit_code
    );
}
