//! Markdown for a pull request's comment or a job's summary.
//!
//! The verdict is the first line, then the worst rows and the findings; what is
//! noisy, new or unchanged is folded. Names and messages come from files: see
//! [`escape`] for what keeps them from being Markdown.

mod escape;

use std::fmt::Write as _;

use super::Render;
use super::words::{self, Names};
use crate::judge::{Finding, Outcome, Report, Row, Severity, VerdictOutcome};
use crate::model::Unit;
use escape::{cell, code, prose};

/// Subjects that one finding names.
const LISTED: usize = 5;

/// Kept free in each part for the line that says how much was left out.
const LEFT_OUT: usize = 100;

/// Writes Markdown of bounded length.
#[derive(Clone, Copy, Debug)]
pub struct Markdown {
    /// The most bytes, and so characters, that it may have; where there is more
    /// to say, rows are dropped from the bottom and counted.
    pub limit: usize,
}

impl Markdown {
    /// For a comment, which may have 65,536 characters: some are left for what
    /// the poster adds.
    pub const COMMENT: Self = Self { limit: 65_000 };

    /// For a job's summary, of which a step may write 1 MiB.
    pub const SUMMARY: Self = Self { limit: 1_000_000 };
}

impl Default for Markdown {
    fn default() -> Self {
        Self::COMMENT
    }
}

/// A part of the text whose lines may be dropped from the bottom.
struct Part {
    /// With a line of its own at the end.
    open: String,
    lines: Vec<String>,
    close: &'static str,
    /// What a line is: `row`, `finding`.
    what: &'static str,
    /// Whether it follows a table: what is left out is then said behind it.
    table: bool,
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

/// Adds as much of the part as there is room for.
fn append(out: &mut String, part: &Part, limit: usize) {
    let frame = part.open.len() + part.close.len() + LEFT_OUT;
    let Some(mut room) = limit.checked_sub(out.len() + frame) else {
        // Whatever came before kept this much free.
        if out.len() + LEFT_OUT <= limit {
            let _ = writeln!(out, "{}\n", left_out(part.lines.len(), part.what));
        }
        return;
    };
    let mut taken = 0;
    while let Some(line) = part.lines.get(taken) {
        // Its end of line, and room for the parts that follow to be counted.
        let Some(left) = room.checked_sub(line.len() + 1).filter(|left| *left > 4 * LEFT_OUT)
        else {
            break;
        };
        room = left;
        taken += 1;
    }
    out.push_str(&part.open);
    for line in &part.lines[..taken] {
        out.push_str(line);
        out.push('\n');
    }
    if taken < part.lines.len() {
        let gap = if part.table { "\n" } else { "" };
        let _ = writeln!(out, "{gap}{}", left_out(part.lines.len() - taken, part.what));
    }
    out.push_str(part.close);
    out.push('\n');
}

fn left_out(count: usize, what: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("*{count} more {what}{s} left out: the text would be too long.*")
}

fn head(report: &Report) -> String {
    let mut out = String::new();
    if let Some(verdict) = &report.verdict {
        let sign = match verdict.outcome {
            VerdictOutcome::Pass => "✅",
            VerdictOutcome::Undecided | VerdictOutcome::NothingCompared => "⚠️",
            VerdictOutcome::Fail | VerdictOutcome::Incomplete => "❌",
        };
        let word = words::verdict(verdict.outcome);
        let reason = prose(&verdict.reason);
        let _ = writeln!(out, "{sign} **{word}** – {reason} (exit {})\n", verdict.exit_code);
    } else {
        out.push_str("Compared, not judged\n\n");
    }
    if let Some(baseline) = &report.baseline {
        let _ = writeln!(out, "- baseline {}", code(&words::summary(baseline)));
    }
    let _ = writeln!(out, "- candidate {}\n", code(&words::summary(&report.candidate)));
    if let Some(control) = &report.control {
        let (rows, alarms) = words::control(control);
        let alarms = alarms.map_or("no false change".to_owned(), |alarms| {
            format!("**false changes**: {}", code(&alarms))
        });
        let _ = writeln!(out, "control, the base against itself: {rows}; {alarms}\n");
    }
    let counts = words::counts(report).into_iter();
    let counts: Vec<String> =
        counts.map(|(outcome, count)| words::counted(outcome, count)).collect();
    if !counts.is_empty() {
        let _ = writeln!(out, "{}\n", counts.join(", "));
    }
    out
}

fn parts(report: &Report, names: &Names) -> Vec<Part> {
    let aside = |row: &&Row| words::aside(report, row);
    let unselected = |row: &&Row| words::unselected(report, row);
    let of = |outcomes: &[Option<Outcome>]| -> Vec<&Row> {
        let rows = report.rows.iter().filter(|row| !aside(row));
        rows.filter(|row| outcomes.contains(&row.outcome())).collect()
    };
    let worst =
        of(&[None, Some(Outcome::Regression), Some(Outcome::Missing), Some(Outcome::Improvement)]);
    let (unselected, ungated): (Vec<&Row>, Vec<&Row>) =
        report.rows.iter().filter(aside).partition(unselected);
    let mut parts = Vec::new();
    parts.extend(rows(None, &worst, names));
    parts.extend(causes(report, names));
    parts.extend(findings(&report.findings));
    // Where they are why the gate blocks, they are not folded.
    let blocking = report.verdict.as_ref().map(|verdict| verdict.outcome);
    let blocking = blocking == Some(VerdictOutcome::Undecided);
    for (title, unfolded, rows_of) in [
        ("undecided", blocking, of(&[Some(Outcome::Undecided)])),
        ("new", false, of(&[Some(Outcome::New)])),
        ("unchanged", false, of(&[Some(Outcome::Unchanged)])),
        ("of metrics that cannot gate", false, ungated),
        ("not among what was selected", false, unselected),
    ] {
        parts.extend(rows(Some((title, unfolded)), &rows_of, names));
    }
    parts.extend(environment(report));
    parts
}

/// A table of rows: under a title it is folded, except where told otherwise.
fn rows(folded: Option<(&str, bool)>, rows: &[&Row], names: &Names) -> Option<Part> {
    if rows.is_empty() {
        return None;
    }
    let mut open = folded.map_or_else(String::new, |(title, unfolded)| {
        let s = if rows.len() == 1 { "" } else { "s" };
        fold(&format!("{} row{s} {title}", rows.len()), unfolded)
    });
    open.push_str(
        "| benchmark | metric | baseline | candidate | change | why |\n\
         | --- | --- | ---: | ---: | :--- | --- |\n",
    );
    let lines = rows.iter().map(|row| line(row, names)).collect();
    let close = if folded.is_some() { "\n</details>\n" } else { "" };
    Some(Part { open, lines, close, what: "row", table: true })
}

fn fold(title: &str, unfolded: bool) -> String {
    let open = if unfolded { " open" } else { "" };
    format!("<details{open}><summary>{title}</summary>\n\n")
}

fn line(row: &Row, names: &Names) -> String {
    let unit = Unit::from(row.unit.as_str());
    let change = row.change.as_ref();
    let strong = match &row.judgement {
        Some(judgement) if judgement.severity == Severity::Fail => "**",
        _ => "",
    };
    let estimate = words::estimate(change);
    let estimate = match estimate.as_str() {
        "" => String::new(),
        // The one sign that Markdown could take for its own.
        estimate => {
            format!("{strong}{}{strong}", estimate.replace('<', "&lt;").replace('>', "&gt;"))
        }
    };
    let interval = words::interval(change).replace('<', "&lt;").replace('>', "&gt;");
    let [outcome, why] = [words::outcome(row), words::why(row)];
    let why = match (outcome.as_str(), why.as_str()) {
        (outcome, "") => outcome.to_owned(),
        (outcome, why) => format!("{strong}{outcome}{strong}: {}", cell(&prose(why))),
    };
    let columns = [
        cell(&code(&names.raw(row))),
        cell(&code(&row.metric)),
        cell(&prose(&words::value(row.baseline.as_ref(), &unit))),
        cell(&prose(&words::value(row.candidate.as_ref(), &unit))),
        [estimate, interval].join(" ").trim().to_owned(),
        why,
    ];
    format!("| {} |", columns.join(" | "))
}

/// Which functions account for instructions that grew.
fn causes(report: &Report, names: &Names) -> Option<Part> {
    let lines: Vec<String> = report
        .rows
        .iter()
        .filter_map(|row| {
            let functions: Vec<String> = words::cause(row)
                .into_iter()
                .map(|(function, change)| format!("{} {change}", code(&function)))
                .collect();
            let about = [code(&names.raw(row)), code(&row.metric)].join(" ");
            let cause = functions.join("; ");
            (!cause.is_empty()).then(|| format!("- probable cause of {about}: {cause}"))
        })
        .collect();
    let open = String::new();
    (!lines.is_empty()).then_some(Part { open, lines, close: "", what: "cause", table: false })
}

fn findings(findings: &[Finding]) -> Option<Part> {
    let lines: Vec<String> = words::grouped(findings)
        .into_iter()
        .map(|(finding, subjects)| {
            let more = subjects.len().saturating_sub(LISTED);
            let mut shown: Vec<String> =
                subjects.iter().take(LISTED).map(|subject| code(subject)).collect();
            if more > 0 {
                shown.push(format!("{more} more"));
            }
            let strong = if finding.severity == Severity::Fail { "**" } else { "" };
            let word = words::severity(finding.severity);
            let about = shown.join(", ");
            let space = if about.is_empty() { "" } else { " " };
            format!(
                "- {strong}{word}{strong} `{}`{space}{about}: {}",
                finding.code,
                prose(&finding.message)
            )
        })
        .collect();
    let open = String::new();
    (!lines.is_empty()).then_some(Part { open, lines, close: "", what: "finding", table: false })
}

/// What the environments were, and where they differ.
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
        what: "field",
        table: true,
    })
}
