//! `JUnit` XML for CI servers. There is a test case for each row, for each target, for each
//! failing or warning finding and for the verdict, so a server is green only if the gate
//! passes. The XML is valid by Jenkins' `junit-10.xsd`.

use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use quick_xml::writer::Writer;

use super::targets::{self, Line};
use super::vocabulary::{self, Names};
use super::{Render, findings, fold, plain};
use crate::exit::Exit;
use crate::judge::{
    Finding, Outcome, Report, Row, Severity, TargetStatus, Verdict, VerdictOutcome,
};
use crate::model::Unit;

/// Writes `JUnit` XML: a regression that fails the gate is a failure, an undecided
/// row is skipped, and anything that could not be completed is an error.
#[derive(Clone, Copy, Debug, Default)]
pub struct Junit;

/// The status of a test case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TestStatus {
    Passed,
    Skipped,
    Failure,
    Error,
}

struct Case {
    class: String,
    name: String,
    status: TestStatus,
    /// The `type` attribute.
    kind: &'static str,
    message: String,
    /// The numbers.
    output: String,
}

impl Render for Junit {
    fn render(&self, report: &Report) -> String {
        let names = Names::with_targets(report);
        let mut suites = vec![
            ("verdict", report.verdict.iter().map(of_verdict).collect::<Vec<_>>()),
            (
                "benchmarks",
                report
                    .rows
                    .iter()
                    .filter(|row| !fold::unselected(report, row))
                    .map(|row| of_row(row, &names))
                    .collect(),
            ),
        ];
        if let Some(targets) = &report.targets {
            let lines = targets::lines(targets, true);
            suites.push(("targets", lines.iter().map(|line| of_target(line, &names)).collect()));
        }
        // A target is a case, so a finding about it would be a second one.
        let findings = report
            .findings
            .iter()
            .filter(|finding| report.targets.is_none() || !finding.code.is_of_target());
        suites.push(("findings", findings.filter_map(of_finding).collect()));
        let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
        write(&mut writer, &suites, report).expect("writing to memory cannot fail");
        let mut text = String::from_utf8(writer.into_inner()).expect("the writer was given text");
        text.push('\n');
        text
    }
}

fn of_verdict(verdict: &Verdict) -> Case {
    let status = match verdict.outcome {
        VerdictOutcome::Pass => TestStatus::Passed,
        VerdictOutcome::Fail => TestStatus::Failure,
        // These block the pipeline, and a skipped case would be green.
        VerdictOutcome::Undecided
        | VerdictOutcome::NothingCompared
        | VerdictOutcome::Incomplete => TestStatus::Error,
    };
    let message = format!("{} (exit {})", verdict.reason, verdict.exit.code());
    Case {
        class: "benchgate".to_owned(),
        name: "verdict".to_owned(),
        status,
        kind: vocabulary::verdict(verdict.outcome),
        output: message.clone(),
        message,
    }
}

fn of_row(row: &Row, names: &Names) -> Case {
    let unit = Unit::from(row.unit.as_str());
    let side = |side| vocabulary::value(side, &unit);
    let [change, interval] =
        [vocabulary::estimate(row.change.as_ref()), vocabulary::interval(row.change.as_ref())];
    let mut output = format!(
        "baseline {}, candidate {}",
        side(row.baseline.as_ref()),
        side(row.candidate.as_ref())
    );
    if !change.is_empty() {
        output = format!("{output}, change {change} {interval}");
    }
    let (status, kind, message) = match &row.judgement {
        None => (TestStatus::Passed, "not-judged", String::new()),
        Some(judgement) => {
            let status = match (judgement.outcome, judgement.severity) {
                (Outcome::Regression, Severity::Fail) => TestStatus::Failure,
                (Outcome::Missing, Severity::Fail) => TestStatus::Error,
                (Outcome::Undecided | Outcome::Missing, _) => TestStatus::Skipped,
                _ => TestStatus::Passed,
            };
            let numbers = [change.as_str(), interval.as_str()].join(" ");
            let message = match numbers.trim() {
                "" => judgement.reason.clone(),
                numbers => format!("{numbers}: {}", judgement.reason),
            };
            (status, judgement.outcome.as_str(), message)
        }
    };
    if status == TestStatus::Passed && !message.is_empty() {
        let reason = row.judgement.as_ref().map_or("", |judgement| &judgement.reason);
        output = format!("{output}; {kind}: {reason}");
    }
    output.push_str(&vocabulary::by_cause(row));
    let class = [row.package.as_deref(), row.target.as_deref()];
    let class: Vec<&str> = class.into_iter().flatten().collect();
    Case {
        class: if class.is_empty() { "benchmarks".to_owned() } else { class.join(".") },
        name: format!("{} ({})", names.raw(row), row.metric),
        status,
        kind,
        message,
        output: output.trim().to_owned(),
    }
}

/// A target that fails the gate fails; one that is not shown to be met is skipped.
fn of_target(line: &Line<'_>, names: &Names<'_>) -> Case {
    let row = line.row;
    let status = match (row.status, row.effect) {
        (TargetStatus::Missed | TargetStatus::Unsupported, Severity::Fail) => TestStatus::Failure,
        (_, Severity::Fail) => TestStatus::Error,
        (TargetStatus::Met, _) => TestStatus::Passed,
        _ => TestStatus::Skipped,
    };
    let [before, after] = line.values();
    let mut message = format!("{after} where {} is allowed", line.limit());
    let why = line.why();
    if !why.is_empty() {
        message = format!("{message}: {why}");
    }
    Case {
        class: row.group.clone().unwrap_or_else(|| "targets".to_owned()),
        name: format!("{} ({}) {}", line.name(names), row.metric, line.limit()),
        status,
        kind: row.status.as_str(),
        output: format!("{}, baseline {before}: {message}", line.status()),
        message,
    }
}

/// Notes do not become cases: there is nothing to do about them.
fn of_finding(finding: &Finding) -> Option<Case> {
    let status = match (finding.severity, finding.code.exit()) {
        (Severity::Fail, Exit::Regression) => TestStatus::Failure,
        (Severity::Fail, _) => TestStatus::Error,
        (Severity::Warn, _) => TestStatus::Passed,
        (Severity::Note, _) => return None,
    };
    let kind = finding.code.as_str();
    let name =
        findings::subject(finding).map_or_else(|| kind.to_owned(), |of| format!("{kind}: {of}"));
    Some(Case {
        class: "findings".to_owned(),
        name,
        status,
        kind,
        message: finding.message.clone(),
        output: format!("{}: {}", vocabulary::severity(finding.severity), finding.message),
    })
}

fn count(cases: &[Case], status: TestStatus) -> usize {
    cases.iter().filter(|case| case.status == status).count()
}

fn write(
    out: &mut Writer<Vec<u8>>,
    suites: &[(&str, Vec<Case>)],
    report: &Report,
) -> std::io::Result<()> {
    let total = |status| suites.iter().map(|(_, cases)| count(cases, status)).sum::<usize>();
    let tests: usize = suites.iter().map(|(_, cases)| cases.len()).sum();
    out.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let root = BytesStart::new("testsuites").with_attributes([
        ("name", "benchgate"),
        ("tests", &tests.to_string()),
        ("failures", &total(TestStatus::Failure).to_string()),
        ("errors", &total(TestStatus::Error).to_string()),
    ]);
    out.write_event(Event::Start(root))?;
    // Tools expect seconds and no zone; it is UTC.
    let taken = report.candidate.created.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    for (name, cases) in suites {
        let suite = BytesStart::new("testsuite").with_attributes([
            ("name", *name),
            ("tests", &cases.len().to_string()),
            ("failures", &count(cases, TestStatus::Failure).to_string()),
            ("errors", &count(cases, TestStatus::Error).to_string()),
            ("skipped", &count(cases, TestStatus::Skipped).to_string()),
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
    let Case { class, name, status, kind, message, output } = case;
    // The time of a benchmark is not the time of a test.
    let attributes =
        [("classname", allowed(class)), ("name", allowed(name)), ("time", "0".to_owned())];
    let start = BytesStart::new("testcase")
        .with_attributes(attributes.iter().map(|(key, value)| (*key, value.as_str())));
    out.write_event(Event::Start(start))?;
    let element = match status {
        TestStatus::Passed => None,
        TestStatus::Skipped => Some("skipped"),
        TestStatus::Failure => Some("failure"),
        TestStatus::Error => Some("error"),
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

/// Replaces everything that XML 1.0 cannot hold even when escaped, control
/// characters and two noncharacters, by visible escapes.
fn allowed(text: &str) -> String {
    plain(text).replace('\u{fffe}', "\\u{fffe}").replace('\u{ffff}', "\\u{ffff}")
}
