//! Markdown for a pull request's comment or a job's summary.
//!
//! The verdict is the first line. The worst rows and the findings follow; all other
//! rows are folded. Names and messages come from files: [`escape`] prevents them from
//! becoming Markdown.

mod escape;
mod part;
mod targets;

use std::fmt::Write as _;

use super::Render;
use super::findings::{Group, grouped};
use super::fold::{Fold, Folded, Folds, counts};
use super::vocabulary::{self, Names};
use crate::judge::{Finding, Outcome, Report, Row, Severity, VerdictOutcome};
use crate::model::Unit;
use crate::text::plural;
use escape::{cell, code, prose};
use part::{Part, append, fold};

/// The most subjects that a finding lists.
const LISTED: usize = 5;

/// Writes Markdown of bounded length.
#[derive(Clone, Copy, Debug)]
pub struct Markdown {
    /// The most bytes, and so characters, that the text may have. Rows that do not
    /// fit are dropped from the bottom and counted.
    pub limit: usize,
}

impl Markdown {
    /// For a comment, which may have 65,536 characters, with room for text that is added
    /// when posting.
    pub const COMMENT: Self = Self { limit: 65_000 };

    /// For a job's summary: a step may write 1 MiB.
    pub const SUMMARY: Self = Self { limit: 1_000_000 };
}

impl Default for Markdown {
    fn default() -> Self {
        Self::COMMENT
    }
}

impl Render for Markdown {
    fn render(&self, report: &Report) -> String {
        let names = Names::of(&report.rows);
        let mut out = head(report);
        for part in parts(report, &names) {
            append(&mut out, &part, self.limit);
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
        out
    }
}

fn head(report: &Report) -> String {
    let mut out = String::new();
    if let Some(verdict) = &report.verdict {
        let sign = match verdict.outcome {
            VerdictOutcome::Pass => "✅",
            VerdictOutcome::Undecided | VerdictOutcome::NothingCompared => "⚠️",
            VerdictOutcome::Fail | VerdictOutcome::Incomplete => "❌",
        };
        let word = vocabulary::verdict(verdict.outcome);
        let reason = prose(&verdict.reason);
        let _ = writeln!(out, "{sign} **{word}** – {reason} (exit {})\n", verdict.exit.code());
    } else {
        out.push_str("Compared, not judged\n\n");
    }
    if let Some(baseline) = &report.baseline {
        let _ = writeln!(out, "- baseline {}", code(&vocabulary::summary(baseline)));
    }
    let _ = writeln!(out, "- candidate {}\n", code(&vocabulary::summary(&report.candidate)));
    if let Some(control) = &report.control {
        let (rows, alarms) = vocabulary::control(control);
        let alarms = alarms.map_or("no false change".to_owned(), |alarms| {
            format!("**false changes**: {}", code(&alarms))
        });
        let _ = writeln!(out, "control, the base against itself: {rows}; {alarms}\n");
    }
    let counts = counts(report).into_iter();
    let counts: Vec<String> =
        counts.map(|(outcome, count)| vocabulary::counted(outcome, count)).collect();
    if !counts.is_empty() {
        let _ = writeln!(out, "{}\n", counts.join(", "));
    }
    out
}

fn parts(report: &Report, names: &Names) -> Vec<Part> {
    let folds = Folds::of(report);
    let (shown, _) = folds.split();
    let of = |outcome: Outcome| -> Vec<&Row> {
        shown.iter().copied().filter(|row| row.outcome() == Some(outcome)).collect()
    };
    let calm = |row: &Row| matches!(row.outcome(), Some(Outcome::Undecided | Outcome::Unchanged));
    let worst: Vec<&Row> = shown.iter().copied().filter(|row| !calm(row)).collect();
    let mut parts = Vec::new();
    parts.extend(rows(None, &worst, names));
    parts.extend(findings(&report.findings));
    parts.extend(targets::part(report));
    // If the gate blocks because of undecided rows, their table is open.
    let blocking = report.verdict.as_ref().map(|verdict| verdict.outcome);
    let blocking = blocking == Some(VerdictOutcome::Undecided);
    for (title, open, rows_of) in [
        ("undecided", blocking, of(Outcome::Undecided)),
        ("unchanged", false, of(Outcome::Unchanged)),
    ] {
        let title = format!("{} {title}", plural(rows_of.len(), "row"));
        parts.extend(rows(Some((title, open)), &rows_of, names));
    }
    for group in
        [&[Fold::Missing, Fold::New, Fold::Unmeasured][..], &[Fold::ShownOnly], &[Fold::Unselected]]
    {
        let in_group = |row: &&Row| folds.fold(row).is_some_and(|fold| group.contains(&fold));
        let rows_of: Vec<&Row> = report.rows.iter().filter(in_group).collect();
        let folded: Folded = rows_of.iter().filter_map(|row| folds.fold(row)).collect();
        parts.extend(rows(Some((folded.counted(), false)), &rows_of, names));
    }
    parts.extend(environment(report));
    parts
}

/// A table of rows. With a title it can be folded, and is open or closed.
fn rows(folded: Option<(String, bool)>, rows: &[&Row], names: &Names) -> Option<Part> {
    if rows.is_empty() {
        return None;
    }
    let close = if folded.is_some() { "\n</details>\n" } else { "" };
    let mut open = folded.map_or_else(String::new, |(title, open)| fold(&title, open));
    open.push_str(
        "| benchmark | metric | baseline | candidate | change | why |\n\
         | --- | --- | ---: | ---: | :--- | --- |\n",
    );
    let lines = rows.iter().map(|row| line(row, names)).collect();
    Some(Part { open, lines, close, noun: "row", table: true })
}

fn line(row: &Row, names: &Names) -> String {
    let unit = Unit::from(row.unit.as_str());
    let change = row.change.as_ref();
    let strong = match &row.judgement {
        Some(judgement) if judgement.severity == Severity::Fail => "**",
        _ => "",
    };
    let estimate = vocabulary::estimate(change);
    let estimate = match estimate.as_str() {
        "" => String::new(),
        // These signs are Markdown syntax.
        estimate => {
            format!("{strong}{}{strong}", estimate.replace('<', "&lt;").replace('>', "&gt;"))
        }
    };
    let interval = vocabulary::interval(change).replace('<', "&lt;").replace('>', "&gt;");
    let [outcome, why] = [vocabulary::outcome(row), vocabulary::why(row)];
    let why = match (outcome.as_str(), why.as_str()) {
        (outcome, "") => outcome.to_owned(),
        (outcome, why) => format!("{strong}{outcome}{strong}: {}", cell(&prose(why))),
    };
    let why = format!("{why}{}", cause(row));
    let columns = [
        cell(&code(&names.raw(row))),
        cell(&code(&row.metric)),
        cell(&prose(&vocabulary::value(row.baseline.as_ref(), &unit))),
        cell(&prose(&vocabulary::value(row.candidate.as_ref(), &unit))),
        [estimate, interval].join(" ").trim().to_owned(),
        why,
    ];
    format!("| {} |", columns.join(" | "))
}

/// The functions whose instructions grew, as a line of their row's cell; empty if there are
/// none.
fn cause(row: &Row) -> String {
    let functions: Vec<String> = vocabulary::cause(row)
        .into_iter()
        .map(|(function, change)| format!("{} {change}", cell(&code(&function))))
        .collect();
    match functions.join("; ") {
        functions if functions.is_empty() => functions,
        functions => format!("<br>probable cause: {functions}"),
    }
}

fn findings(findings: &[Finding]) -> Option<Part> {
    let lines: Vec<String> = grouped(findings)
        .into_iter()
        .map(|Group { severity, code: finding, subjects, message }| {
            let more = subjects.len().saturating_sub(LISTED);
            let mut shown: Vec<String> =
                subjects.iter().take(LISTED).map(|subject| code(subject)).collect();
            if more > 0 {
                shown.push(format!("{more} more"));
            }
            let strong = if severity == Severity::Fail { "**" } else { "" };
            let word = vocabulary::severity(severity);
            let about = shown.join(", ");
            let space = if about.is_empty() { "" } else { " " };
            format!("- {strong}{word}{strong} `{finding}`{space}{about}: {}", prose(&message))
        })
        .collect();
    let open = String::new();
    (!lines.is_empty()).then_some(Part { open, lines, close: "", noun: "finding", table: false })
}

/// The environments of both sides.
fn environment(report: &Report) -> Option<Part> {
    let ours = &report.candidate.environment;
    let theirs = report.baseline.as_ref().map(|baseline| &baseline.environment);
    let mut fields: Vec<&String> =
        ours.keys().chain(theirs.iter().flat_map(|e| e.keys())).collect();
    fields.sort_unstable();
    fields.dedup();
    let lines: Vec<String> = fields
        .into_iter()
        .map(|field| {
            let shown =
                |side: Option<&String>| side.map_or_else(|| "–".to_owned(), |v| cell(&code(v)));
            let baseline = theirs.and_then(|theirs| theirs.get(field));
            format!("| {} | {} | {} |", cell(&code(field)), shown(baseline), shown(ours.get(field)))
        })
        .collect();
    let mut open = fold("environment", false);
    open.push_str("| field | baseline | candidate |\n| --- | --- | --- |\n");
    (!lines.is_empty()).then_some(Part {
        open,
        lines,
        close: "\n</details>\n",
        noun: "field",
        table: true,
    })
}
