//! Workflow commands that GitHub shows as annotations.

use std::fmt::Write as _;

use super::findings::{Group, grouped};
use super::targets;
use super::text::cut;
use super::vocabulary::{self, Names};
use super::{Render, plain};
use crate::judge::{Outcome, Report, Severity, VerdictOutcome};
use crate::text::listed;

/// GitHub shows this many annotations of a kind for each step, and drops the rest.
const SHOWN: usize = 10;

/// Longer texts are cut; the report has the whole text.
const LONGEST: usize = 1000;

/// Writes `::error::`, `::warning::` and `::notice::` lines: the verdict, then
/// failing and warning rows and findings, worst first. Of each kind there are at
/// most as many as GitHub shows; the last of them counts the rest.
#[derive(Clone, Copy, Debug, Default)]
pub struct Annotations;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Error,
    Warning,
    Notice,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Error, Self::Warning, Self::Notice];

    fn command(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Notice => "notice",
        }
    }

    fn of(severity: Severity) -> Option<Self> {
        match severity {
            Severity::Fail => Some(Self::Error),
            Severity::Warn => Some(Self::Warning),
            Severity::Note => None,
        }
    }
}

struct Annotation {
    kind: Kind,
    title: String,
    message: String,
}

impl Render for Annotations {
    fn render(&self, report: &Report) -> String {
        let all = annotations(report);
        let mut out = String::new();
        for kind in Kind::ALL {
            let of_kind: Vec<&Annotation> =
                all.iter().filter(|annotation| annotation.kind == kind).collect();
            let shown = if of_kind.len() > SHOWN { SHOWN - 1 } else { of_kind.len() };
            for annotation in &of_kind[..shown] {
                command(&mut out, kind, &annotation.title, &annotation.message);
            }
            if shown < of_kind.len() {
                let title = format!("{} more", of_kind.len() - shown);
                command(
                    &mut out,
                    kind,
                    &title,
                    "the job's summary and the report list all of them",
                );
            }
        }
        out
    }
}

fn annotations(report: &Report) -> Vec<Annotation> {
    let mut all = Vec::new();
    if let Some(verdict) = &report.verdict {
        let kind = match verdict.outcome {
            VerdictOutcome::Pass => Kind::Notice,
            _ => Kind::Error,
        };
        let title = format!("benchmarks: {}", vocabulary::verdict(verdict.outcome));
        let grade = targets::sentence(report).map_or_else(String::new, |it| format!("; {it}"));
        let message = format!("{} (exit {}){grade}", verdict.reason, verdict.exit.code());
        all.push(Annotation { kind, title, message });
    }
    let names = Names::of(&report.rows);
    for row in &report.rows {
        let Some(judgement) = &row.judgement else { continue };
        let Some(kind) = Kind::of(judgement.severity) else { continue };
        // A finding reports it.
        if matches!(judgement.outcome, Outcome::Missing | Outcome::New) {
            continue;
        }
        let change = vocabulary::estimate(row.change.as_ref());
        let title = format!("{} {} {change}", names.raw(row), row.metric);
        let interval = vocabulary::interval(row.change.as_ref());
        let sure = match interval.as_str() {
            "" => String::new(),
            "exact" => ", exact".to_owned(),
            interval => format!(", 95% interval {interval}"),
        };
        let mut message = format!("{}{sure}: {}", judgement.outcome.as_str(), judgement.reason);
        message.push_str(&vocabulary::by_cause(row));
        all.push(Annotation { kind, title, message });
    }
    for Group { severity, code, subjects, message } in grouped(&report.findings) {
        let Some(kind) = Kind::of(severity) else { continue };
        let subjects = listed(&subjects, SHOWN);
        let colon = if subjects.is_empty() { "" } else { ": " };
        all.push(Annotation { kind, title: code, message: format!("{subjects}{colon}{message}") });
    }
    all
}

/// One line. The runner takes a line that begins with `::` as a command, so no text
/// from a file may begin a line.
fn command(out: &mut String, kind: Kind, title: &str, message: &str) {
    let title = property(&cut(plain(title).trim(), LONGEST));
    let message = data(&cut(&plain(message), LONGEST));
    let _ = writeln!(out, "::{} title={title}::{message}", kind.command());
}

/// Escapes a command's message.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a property, which a colon or a comma would end.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stay_within_their_command() {
        let mut out = String::new();
        command(&mut out, Kind::Error, "a,b::c\n::error::d", "100%\r\n::add-mask::e");
        assert_eq!(
            out,
            "::error title=a%2Cb%3A%3Ac\\u{a}%3A%3Aerror%3A%3Ad::100%25\\u{d}\\u{a}::add-mask::e\n"
        );
    }
}
