//! The report as a table that a person wants to read.

mod rows;

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::{Render, plain};
use crate::judge::{
    Control, Finding, Report, Row, Severity, SnapshotSummary, Verdict, VerdictOutcome,
};
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
}

impl Render for Terminal {
    fn render(&self, report: &Report) -> String {
        let mut out = String::new();
        header(&mut out, report);
        let unselected = |row: &Row| {
            report.baseline.is_some()
                && report.candidate.selection.is_some()
                && row.baseline.is_some()
                && row.candidate.is_none()
        };
        let mut shown = Vec::new();
        let (mut without_gate, mut not_selected) = (0, 0);
        for row in &report.rows {
            if self.all {
                shown.push(row);
            } else if unselected(row) {
                not_selected += 1;
            } else if row.gate == Gate::Show {
                without_gate += 1;
            } else {
                shown.push(row);
            }
        }
        rows::write(&mut out, report, &shown, self.width);
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
        let _ = writeln!(out, "{dim}baseline   {}{dim:#}", summary(baseline));
    }
    let alone = report.baseline.is_none() && report.verdict.is_none();
    let word = if alone { "snapshot " } else { "candidate" };
    let _ = writeln!(out, "{dim}{word}  {}{dim:#}\n", summary(&report.candidate));
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

/// Findings that say the same of several benchmarks are one line.
fn findings(out: &mut String, findings: &[Finding]) {
    let mut lines: Vec<(&Finding, Vec<String>)> = Vec::new();
    for finding in findings {
        let same = |first: &Finding| {
            (first.severity, first.code, &first.message)
                == (finding.severity, finding.code, &finding.message)
        };
        let metric = finding.metric.as_ref().map_or_else(String::new, |m| format!(" ({m})"));
        let subject = finding.id.as_ref().map(|id| plain(&format!("{id}{metric}")));
        match lines.iter_mut().find(|(first, _)| same(first)) {
            Some((_, subjects)) => subjects.extend(subject),
            None => lines.push((finding, subject.into_iter().collect())),
        }
    }
    for (finding, subjects) in lines {
        let (word, style) = match finding.severity {
            Severity::Fail => ("fail", AnsiColor::Red.on_default().bold()),
            Severity::Warn => ("warn", AnsiColor::Yellow.on_default()),
            Severity::Note => ("note", Style::new().dimmed()),
        };
        let _ = write!(out, "{style}{word}{style:#}  {}", finding.code);
        if !subjects.is_empty() {
            let _ = write!(out, "  {}", listed(&subjects));
        }
        let _ = writeln!(out, ": {}", plain(&finding.message));
    }
    if !findings.is_empty() {
        out.push('\n');
    }
}

/// The first few of them, and how many more there are.
fn listed(names: &[String]) -> String {
    match names.len().checked_sub(LISTED) {
        Some(more) if more > 0 => format!("{} and {more} more", names[..LISTED].join(", ")),
        _ => names.join(", "),
    }
}

/// What the base held against itself came to.
fn control(out: &mut String, control: &Control) {
    let counts: Vec<String> = control
        .counts
        .iter()
        .map(|(outcome, count)| format!("{count} {}", outcome.as_str()))
        .collect();
    let rows = if counts.is_empty() { "nothing measured".to_owned() } else { counts.join(", ") };
    let (word, style) = if control.alarms.is_empty() {
        ("no false change".to_owned(), Style::new())
    } else {
        let names: Vec<String> = control.alarms.iter().map(|name| plain(name)).collect();
        (format!("FALSE CHANGES: {}", listed(&names)), AnsiColor::Red.on_default().bold())
    };
    let _ = writeln!(out, "control  base against itself: {rows}; {style}{word}{style:#}");
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
