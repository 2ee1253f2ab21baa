//! `JUnit` XML, as CI servers read it: one test case a row, one a failing or
//! warning finding, and one for the verdict, so that a server's green means
//! the gate's green. What it holds is what Jenkins' `junit-10.xsd` allows.

use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use quick_xml::writer::Writer;

use super::words::{self, Names};
use super::{Render, plain};
use crate::exit::Exit;
use crate::judge::{Finding, Outcome, Report, Row, Severity, Verdict, VerdictOutcome};
use crate::model::Unit;

/// Writes `JUnit` XML: a regression that fails the gate is a failure, what could
/// not be decided is skipped, what could not be completed is an error.
#[derive(Clone, Copy, Debug, Default)]
pub struct Junit;

/// What a test server is told of one case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Result {
    Passed,
    Skipped,
    Failure,
    Error,
}

struct Case {
    class: String,
    name: String,
    result: Result,
    /// Stands in `type`.
    kind: &'static str,
    message: String,
    /// The numbers.
    output: String,
}

impl Render for Junit {
    fn render(&self, report: &Report) -> String {
        let names = Names::of(&report.rows);
        let suites = [
            ("verdict", report.verdict.iter().map(of_verdict).collect::<Vec<_>>()),
            (
                "benchmarks",
                report
                    .rows
                    .iter()
                    .filter(|row| !words::unselected(report, row))
                    .map(|row| of_row(row, &names))
                    .collect(),
            ),
            ("findings", report.findings.iter().filter_map(of_finding).collect()),
        ];
        let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
        write(&mut writer, &suites, report).expect("memory takes whatever is written");
        let mut text = String::from_utf8(writer.into_inner()).expect("made from text");
        text.push('\n');
        text
    }
}

fn of_verdict(verdict: &Verdict) -> Case {
    let result = match verdict.outcome {
        VerdictOutcome::Pass => Result::Passed,
        VerdictOutcome::Fail => Result::Failure,
        // It blocks: skipped would be green.
        VerdictOutcome::Undecided
        | VerdictOutcome::NothingCompared
        | VerdictOutcome::Incomplete => Result::Error,
    };
    let message = format!("{} (exit {})", verdict.reason, verdict.exit_code);
    Case {
        class: "benchgate".to_owned(),
        name: "verdict".to_owned(),
        result,
        kind: words::verdict(verdict.outcome),
        output: message.clone(),
        message,
    }
}

fn of_row(row: &Row, names: &Names) -> Case {
    let unit = Unit::from(row.unit.as_str());
    let side = |side| words::value(side, &unit);
    let [change, interval] =
        [words::estimate(row.change.as_ref()), words::interval(row.change.as_ref())];
    let mut output = format!(
        "baseline {}, candidate {}",
        side(row.baseline.as_ref()),
        side(row.candidate.as_ref())
    );
    if !change.is_empty() {
        output = format!("{output}, change {change} {interval}");
    }
    let (result, kind, message) = match &row.judgement {
        None => (Result::Passed, "not-judged", String::new()),
        Some(judgement) => {
            let result = match (judgement.outcome, judgement.severity) {
                (Outcome::Regression, Severity::Fail) => Result::Failure,
                (Outcome::Missing, Severity::Fail) => Result::Error,
                (Outcome::Undecided | Outcome::Missing, _) => Result::Skipped,
                _ => Result::Passed,
            };
            let numbers = [change.as_str(), interval.as_str()].join(" ");
            let message = match numbers.trim() {
                "" => judgement.reason.clone(),
                numbers => format!("{numbers}: {}", judgement.reason),
            };
            (result, judgement.outcome.as_str(), message)
        }
    };
    if result == Result::Passed && !message.is_empty() {
        let reason = row.judgement.as_ref().map_or("", |judgement| &judgement.reason);
        output = format!("{output}; {kind}: {reason}");
    }
    output.push_str(&words::by_cause(row));
    let class = [row.package.as_deref(), row.target.as_deref()];
    let class: Vec<&str> = class.into_iter().flatten().collect();
    Case {
        class: if class.is_empty() { "benchmarks".to_owned() } else { class.join(".") },
        name: format!("{} ({})", names.raw(row), row.metric),
        result,
        kind,
        message,
        output: output.trim().to_owned(),
    }
}

/// Notes are no cases: nothing can be done about them.
fn of_finding(finding: &Finding) -> Option<Case> {
    let result = match (finding.severity, finding.code.exit()) {
        (Severity::Fail, Exit::Regression) => Result::Failure,
        (Severity::Fail, _) => Result::Error,
        (Severity::Warn, _) => Result::Passed,
        (Severity::Note, _) => return None,
    };
    let kind = finding.code.as_str();
    let name =
        words::subject(finding).map_or_else(|| kind.to_owned(), |of| format!("{kind}: {of}"));
    Some(Case {
        class: "findings".to_owned(),
        name,
        result,
        kind,
        message: finding.message.clone(),
        output: format!("{}: {}", words::severity(finding.severity), finding.message),
    })
}

fn count(cases: &[Case], result: Result) -> usize {
    cases.iter().filter(|case| case.result == result).count()
}

fn write(
    out: &mut Writer<Vec<u8>>,
    suites: &[(&str, Vec<Case>)],
    report: &Report,
) -> std::io::Result<()> {
    let total = |result| suites.iter().map(|(_, cases)| count(cases, result)).sum::<usize>();
    let tests: usize = suites.iter().map(|(_, cases)| cases.len()).sum();
    out.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let root = BytesStart::new("testsuites").with_attributes([
        ("name", "benchgate"),
        ("tests", &tests.to_string()),
        ("failures", &total(Result::Failure).to_string()),
        ("errors", &total(Result::Error).to_string()),
    ]);
    out.write_event(Event::Start(root))?;
    // As tools read it: to the second, without a zone, which is UTC.
    let taken = report.candidate.created.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    for (name, cases) in suites {
        let suite = BytesStart::new("testsuite").with_attributes([
            ("name", *name),
            ("tests", &cases.len().to_string()),
            ("failures", &count(cases, Result::Failure).to_string()),
            ("errors", &count(cases, Result::Error).to_string()),
            ("skipped", &count(cases, Result::Skipped).to_string()),
            ("timestamp", &taken),
        ]);
        out.write_event(Event::Start(suite))?;
        for case in cases {
            write_case(out, case)?;
        }
        out.write_event(Event::End(BytesEnd::new("testsuite")))?;
    }
    out.write_event(Event::End(BytesEnd::new("testsuites")))
}

fn write_case(out: &mut Writer<Vec<u8>>, case: &Case) -> std::io::Result<()> {
    let Case { class, name, result, kind, message, output } = case;
    // A benchmark's own time is no test's.
    let attributes =
        [("classname", allowed(class)), ("name", allowed(name)), ("time", "0".to_owned())];
    let start = BytesStart::new("testcase")
        .with_attributes(attributes.iter().map(|(key, value)| (*key, value.as_str())));
    out.write_event(Event::Start(start))?;
    let element = match result {
        Result::Passed => None,
        Result::Skipped => Some("skipped"),
        Result::Failure => Some("failure"),
        Result::Error => Some("error"),
    };
    if let Some(element) = element {
        let message = allowed(message);
        let empty = BytesStart::new(element)
            .with_attributes([("type", *kind), ("message", message.as_str())]);
        out.write_event(Event::Empty(empty))?;
    }
    out.write_event(Event::Start(BytesStart::new("system-out")))?;
    out.write_event(Event::Text(BytesText::new(&allowed(output))))?;
    out.write_event(Event::End(BytesEnd::new("system-out")))?;
    out.write_event(Event::End(BytesEnd::new("testcase")))
}

/// Without what XML 1.0 cannot hold, escaped or not: control characters become
/// visible escapes, and so do the two that are no characters.
fn allowed(text: &str) -> String {
    plain(text).replace('\u{fffe}', "\\u{fffe}").replace('\u{ffff}', "\\u{ffff}")
}
