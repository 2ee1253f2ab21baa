//! The report as a table on a terminal.

mod bar;
mod cause;
mod fit;
mod rows;
mod targets;

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use rows::LISTED;

use super::findings::{Group, grouped};
use super::fold::{Folded, Folds};
use super::{Render, plain, vocabulary};
use crate::judge::{Control, Finding, Report, Severity, Verdict, VerdictOutcome};
use crate::text::listed;

pub use bar::Bars;

/// Writes a table, the findings and the verdict. The text always holds colours: a
/// stream that is not a terminal strips them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terminal {
    /// The width in columns; `None` if it is unknown, as in a log, and so unlimited.
    pub width: Option<u16>,
    /// Whether to show rows that are otherwise counted in one line: new, missing and
    /// unmeasured rows, rows that cannot gate, and unselected rows.
    pub all: bool,
    /// How each change is drawn next to its numbers, if there is room.
    pub bars: Bars,
}

impl Render for Terminal {
    fn render(&self, report: &Report) -> String {
        let mut out = String::new();
        header(&mut out, report);
        let (shown, folded) = if self.all {
            (report.rows.iter().collect(), Folded::default())
        } else {
            Folds::of(report).split()
        };
        rows::write(&mut out, report, &shown, self.width, self.bars);
        if report.rows.is_empty() && report.targets.is_none() {
            out.push_str("no benchmarks\n\n");
        }
        self::folded(&mut out, &folded);
        targets::write(&mut out, report, self.width, self.all);
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

/// Writes one line for all rows that are not shown.
fn folded(out: &mut String, folded: &Folded) {
    let dim = Style::new().dimmed();
    let them = if folded.rows() == 1 { "it" } else { "them" };
    if folded.rows() > 0 {
        let _ = writeln!(out, "{dim}{}: show {them} with --all{dim:#}\n", folded.counted());
    }
}

fn header(out: &mut String, report: &Report) {
    let dim = Style::new().dimmed();
    if let Some(baseline) = &report.baseline {
        let _ = writeln!(out, "{dim}baseline   {}{dim:#}", vocabulary::summary(baseline));
    }
    let alone = report.baseline.is_none() && report.verdict.is_none();
    let word = if alone { "snapshot " } else { "candidate" };
    let _ = writeln!(out, "{dim}{word}  {}{dim:#}\n", vocabulary::summary(&report.candidate));
}

/// Writes one line for findings with the same message.
fn findings(out: &mut String, findings: &[Finding]) {
    for Group { severity, code, subjects, message } in grouped(findings) {
        let word = vocabulary::severity(severity);
        let style = match severity {
            Severity::Fail => AnsiColor::Red.on_default().bold(),
            Severity::Warn => AnsiColor::Yellow.on_default(),
            Severity::Note => Style::new().dimmed(),
        };
        let _ = write!(out, "{style}{word}{style:#}  {code}");
        if !subjects.is_empty() {
            let _ = write!(out, "  {}", listed(&subjects, LISTED));
        }
        let _ = writeln!(out, ": {}", plain(&message));
    }
    if !findings.is_empty() {
        out.push('\n');
    }
}

/// The result of the control.
fn control(out: &mut String, control: &Control) {
    let (rows, alarms) = vocabulary::control(control);
    let (word, style) = match alarms {
        None => ("no false change".to_owned(), Style::new()),
        Some(alarms) => (format!("FALSE CHANGES: {alarms}"), AnsiColor::Red.on_default().bold()),
    };
    let _ = writeln!(out, "control  base against itself: {rows}; {style}{word}{style:#}");
}

fn verdict(out: &mut String, verdict: &Verdict) {
    let word = vocabulary::verdict(verdict.outcome);
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
        verdict.exit.code()
    );
}
