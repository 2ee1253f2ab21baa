//! The report as a table that a person wants to read.

mod bar;
mod cause;
mod rows;

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::{Render, plain, words};
use crate::judge::{Control, Finding, Report, Severity, Verdict, VerdictOutcome};
use crate::policy::Gate;

/// How many names one line lists.
const LISTED: usize = 5;

/// Writes a table, the findings and the verdict. The text holds colours; the
/// stream it goes to strips them where they do not belong.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terminal {
    /// Columns to fit into; unlimited where unknown, as in a log.
    pub width: Option<u16>,
    /// Also rows that the policy only shows, and those of what was not selected.
    pub all: bool,
    /// Whether each change is drawn beside its numbers, where there is room.
    pub bars: Bars,
}

/// How the intervals of changes are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bars {
    /// Not at all.
    #[default]
    Off,
    /// With box-drawing characters.
    Unicode,
    /// With ASCII alone.
    Ascii,
}

impl Render for Terminal {
    fn render(&self, report: &Report) -> String {
        let mut out = String::new();
        header(&mut out, report);
        let mut shown = Vec::new();
        let (mut without_gate, mut not_selected) = (0, 0);
        for row in &report.rows {
            if self.all {
                shown.push(row);
            } else if words::unselected(report, row) {
                not_selected += 1;
            } else if row.gate == Gate::Show {
                without_gate += 1;
            } else {
                shown.push(row);
            }
        }
        rows::write(&mut out, report, &shown, self.width, self.bars);
        cause::write(&mut out, &shown, &words::Names::of(&report.rows));
        hidden(&mut out, without_gate, "of a metric that cannot gate");
        hidden(&mut out, not_selected, "not among what was selected");
        if report.rows.is_empty() {
            out.push_str("no benchmarks\n\n");
        } else if shown.len() < report.rows.len() {
            out.push('\n');
        }
        findings(&mut out, &report.findings);
        if let Some(control) = &report.control {
            self::control(&mut out, control);
        }
        if let Some(verdict) = &report.verdict {
            self::verdict(&mut out, verdict);
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
        out
    }
}

fn hidden(out: &mut String, count: usize, which: &str) {
    let dim = Style::new().dimmed();
    let (rows, them) = if count == 1 { ("row", "it") } else { ("rows", "them") };
    if count > 0 {
        let _ = writeln!(out, "{dim}{count} {rows} {which}: show {them} with --all{dim:#}");
    }
}

fn header(out: &mut String, report: &Report) {
    let dim = Style::new().dimmed();
    if let Some(baseline) = &report.baseline {
        let _ = writeln!(out, "{dim}baseline   {}{dim:#}", words::summary(baseline));
    }
    let alone = report.baseline.is_none() && report.verdict.is_none();
    let word = if alone { "snapshot " } else { "candidate" };
    let _ = writeln!(out, "{dim}{word}  {}{dim:#}\n", words::summary(&report.candidate));
}

/// Findings that say the same of several benchmarks are one line.
fn findings(out: &mut String, findings: &[Finding]) {
    for (finding, subjects) in words::grouped(findings) {
        let word = words::severity(finding.severity);
        let style = match finding.severity {
            Severity::Fail => AnsiColor::Red.on_default().bold(),
            Severity::Warn => AnsiColor::Yellow.on_default(),
            Severity::Note => Style::new().dimmed(),
        };
        let _ = write!(out, "{style}{word}{style:#}  {}", finding.code);
        if !subjects.is_empty() {
            let _ = write!(out, "  {}", words::listed(&subjects, LISTED));
        }
        let _ = writeln!(out, ": {}", plain(&finding.message));
    }
    if !findings.is_empty() {
        out.push('\n');
    }
}

/// What the base held against itself came to.
fn control(out: &mut String, control: &Control) {
    let (rows, alarms) = words::control(control);
    let (word, style) = match alarms {
        None => ("no false change".to_owned(), Style::new()),
        Some(alarms) => (format!("FALSE CHANGES: {alarms}"), AnsiColor::Red.on_default().bold()),
    };
    let _ = writeln!(out, "control  base against itself: {rows}; {style}{word}{style:#}");
}

fn verdict(out: &mut String, verdict: &Verdict) {
    let word = words::verdict(verdict.outcome);
    let colour = match verdict.outcome {
        VerdictOutcome::Pass => AnsiColor::Green,
        VerdictOutcome::Undecided | VerdictOutcome::NothingCompared => AnsiColor::Yellow,
        VerdictOutcome::Fail | VerdictOutcome::Incomplete => AnsiColor::Red,
    };
    let style = colour.on_default().bold();
    let _ = writeln!(
        out,
        "{style}{word}{style:#}  {} (exit {})",
        plain(&verdict.reason),
        verdict.exit_code
    );
}
