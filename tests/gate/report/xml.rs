//! `JUnit`: the format that CI servers accept, and its content.

use std::collections::BTreeMap;

use benchgate::judge::{Code, Finding, Outcome, Report, Severity, VerdictOutcome};
use benchgate::report::{Junit, Render};
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::made;

/// The parents of each element, and its required and optional attributes, as Jenkins'
/// junit-10.xsd, GitLab and Azure agree.
const ELEMENTS: [Rule; 7] = [
    ("testsuites", &[""], &[], &["name", "tests", "failures", "errors", "time"]),
    (
        "testsuite",
        &["testsuites"],
        &["name", "tests", "failures", "errors"],
        &["skipped", "time", "timestamp", "hostname", "id", "package"],
    ),
    ("testcase", &["testsuite"], &["name"], &["classname", "time"]),
    ("failure", &["testcase"], &[], &["type", "message"]),
    ("error", &["testcase"], &[], &["type", "message"]),
    ("skipped", &["testcase"], &[], &["type", "message"]),
    ("system-out", &["testcase"], &[], &[]),
];

/// An element, its parents, its required and its optional attributes.
type Rule =
    (&'static str, &'static [&'static str], &'static [&'static str], &'static [&'static str]);

/// An element with its attributes.
type Element = (String, BTreeMap<String, String>);

fn attributes(start: &BytesStart<'_>) -> BTreeMap<String, String> {
    start
        .attributes()
        .map(|attribute| {
            let attribute = attribute.expect("each attribute once, and quoted");
            let key = attribute.key.as_ref().to_owned();
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).unwrap();
            (key, value.into_owned())
        })
        .collect()
}

/// Reads the document and checks its elements. Returns them in order.
fn checked(text: &str) -> Vec<Element> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = true;
    let mut open: Vec<String> = vec![String::new()];
    let mut elements = Vec::new();
    loop {
        let event = reader.read_event().expect("well-formed");
        let start = match &event {
            Event::Start(start) | Event::Empty(start) => start,
            Event::End(_) => {
                open.pop();
                continue;
            }
            Event::Eof => break,
            _ => continue,
        };
        let name = start.name().as_ref().to_owned();
        let (_, parents, must, may) =
            ELEMENTS.iter().find(|(known, ..)| *known == name).expect(&name);
        assert!(parents.contains(&open.last().unwrap().as_str()), "{name} in {open:?}");
        let attributes = attributes(start);
        for key in attributes.keys() {
            assert!(must.contains(&key.as_str()) || may.contains(&key.as_str()), "{name}/{key}");
        }
        for key in *must {
            assert!(attributes.contains_key(*key), "{name} lacks {key}");
        }
        if matches!(event, Event::Start(_)) {
            open.push(name.clone());
        }
        elements.push((name, attributes));
    }
    assert_eq!(open, [""], "everything is closed");
    elements
}

/// `testcase name → failure, error, skipped or passed`.
fn results(report: &Report) -> Vec<(String, &'static str)> {
    let mut results: Vec<(String, &str)> = Vec::new();
    for (element, attributes) in checked(&Junit.render(report)) {
        match element.as_str() {
            "testcase" => results.push((attributes["name"].clone(), "passed")),
            "failure" => results.last_mut().unwrap().1 = "failure",
            "error" => results.last_mut().unwrap().1 = "error",
            "skipped" => results.last_mut().unwrap().1 = "skipped",
            _ => {}
        }
    }
    results
}

#[test]
fn every_report_is_valid_and_counts_itself() {
    for report in [made::hostile(), made::large(), made::report(Vec::new(), Vec::new())] {
        let elements = checked(&Junit.render(&report));
        let count = |name| elements.iter().filter(|(element, _)| element == name).count();
        let total = |key: &str| elements[0].1[key].parse::<usize>().unwrap();
        assert_eq!(total("tests"), count("testcase"));
        assert_eq!(total("failures"), count("failure"));
        assert_eq!(total("errors"), count("error"));
        let suites = elements.iter().filter(|(element, _)| element == "testsuite");
        let sum = |key: &str| {
            suites.clone().map(|(_, suite)| suite[key].parse::<usize>().unwrap()).sum::<usize>()
        };
        assert_eq!((sum("tests"), sum("skipped")), (count("testcase"), count("skipped")));
    }
}

#[test]
fn rows_that_fail_the_gate_fail_the_tests_and_no_others_do() {
    let mut warned = made::row("warned", "time", 0.02, Outcome::Regression);
    warned.judgement.as_mut().unwrap().severity = Severity::Warn;
    let mut lost = made::row("lost", "time", 0.0, Outcome::Missing);
    lost.judgement.as_mut().unwrap().severity = Severity::Fail;
    let finding = |code, severity| Finding {
        code,
        severity,
        id: None,
        metric: None,
        message: "a message".to_owned(),
    };
    let rows = vec![
        made::row("worse", "time", 0.2, Outcome::Regression),
        warned,
        made::row("noisy", "time", 0.2, Outcome::Undecided),
        lost,
        made::row("gone", "time", 0.0, Outcome::Missing),
        made::row("added", "time", 0.0, Outcome::New),
        made::row("better", "time", -0.2, Outcome::Improvement),
        made::row("same", "time", 0.0, Outcome::Unchanged),
    ];
    let findings = vec![
        finding(Code::BudgetExceeded, Severity::Fail),
        finding(Code::BenchmarkFailed, Severity::Fail),
        finding(Code::StaleResult, Severity::Warn),
        finding(Code::NotRun, Severity::Note),
    ];
    let mut report = made::report(rows, findings);
    let expected = [
        ("verdict", "failure"),
        ("worse (time)", "failure"),
        ("warned (time)", "passed"),
        ("noisy (time)", "skipped"),
        ("lost (time)", "error"),
        ("gone (time)", "skipped"),
        ("added (time)", "passed"),
        ("better (time)", "passed"),
        ("same (time)", "passed"),
        ("budget-exceeded", "failure"),
        ("benchmark-failed", "error"),
        ("stale-result", "passed"),
    ];
    assert_eq!(results(&report), expected.map(|(name, result)| (name.to_owned(), result)));
    // An unselected row is not a test of this run.
    report.candidate.selection = Some("--filter worse".to_owned());
    for row in &mut report.rows[1..] {
        row.candidate = None;
    }
    let of_rows = |(name, _): &&(String, &str)| name.ends_with(" (time)");
    assert_eq!(results(&report).iter().filter(of_rows).count(), 1);
    for (outcome, result) in [
        (VerdictOutcome::Pass, "passed"),
        (VerdictOutcome::Undecided, "error"),
        (VerdictOutcome::NothingCompared, "error"),
        (VerdictOutcome::Incomplete, "error"),
    ] {
        report.verdict.as_mut().unwrap().outcome = outcome;
        assert_eq!(results(&report)[0].1, result, "{outcome:?}");
    }
}
