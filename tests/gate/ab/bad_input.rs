//! Failing programs, and sides that do not match.

use std::path::Path;

use benchgate::judge::{Outcome, Report, Severity};

use super::mimic::{mimic, policy};
use super::{ab, gate, outcomes};

const TIMES: &str = "first=100,second=200";

/// The message and the severity of the first finding with a code.
fn found<'a>(report: &'a Report, code: &str) -> (&'a str, Severity) {
    let finding = report.findings.iter().find(|finding| finding.code.as_str() == code);
    let finding = finding.unwrap_or_else(|| panic!("no {code}: {:?}", report.findings));
    (&finding.message, finding.severity)
}

/// Runs a good base against a head in that mood.
fn bad_head(home: &Path, mood: &str) -> (i32, Report) {
    let base = mimic(home, "good", &[("TIMES", TIMES)]);
    let head = mimic(home, "bad", &[("TIMES", TIMES), ("MOOD", mood)]);
    let (code, report, _) = ab(home, &base, &head, &[]);
    (code, report)
}

#[test]
fn a_failing_head_is_an_error_with_the_cause() {
    for (mood, code, expected) in [
        ("crash", "benchmark-failed", "SIGABRT"),
        ("crash-later", "benchmark-failed", "out of sorts"),
        ("hang", "benchmark-failed", "time limit"),
        ("garbage", "unreadable-result", "sample.json"),
        ("quiet", "benchmark-failed", "wrote no results"),
        ("quiet-later", "benchmark-failed", "wrote no result for it"),
    ] {
        let home = tempfile::tempdir().unwrap();
        let more = if mood == "hang" { "\n[measure]\ntime_limit = \"1s\"" } else { "" };
        policy(home.path(), more);
        let (exit, report) = bad_head(home.path(), mood);
        assert_eq!(exit, 1, "{mood}");
        let (message, severity) = found(&report, code);
        assert!(message.contains(expected), "{mood}: {message}");
        assert_eq!(severity, Severity::Fail, "{mood}");
        // A program that crashed is not started again; one that wrote something is.
        let runs = if ["garbage", "quiet-later"].contains(&mood) { 6 } else { 1 };
        assert_eq!(report.candidate.runs, runs, "{mood}");
    }
}

#[test]
fn with_a_head_without_benchmarks_nothing_is_compared() {
    let home = tempfile::tempdir().unwrap();
    let (exit, report) = bad_head(home.path(), "empty");
    assert_eq!(exit, 5);
    assert_eq!(found(&report, "not-run").0, "it lists no benchmarks");
    let missing = [("first", Outcome::Missing), ("second", Outcome::Missing)];
    assert_eq!(outcomes(&report), missing);
    // A target that only one side has runs once.
    assert_eq!(report.rows[0].baseline.as_ref().unwrap().runs.len(), 1);
}

#[test]
fn a_head_with_an_unreadable_list_is_an_error_that_shows_the_output() {
    let home = tempfile::tempdir().unwrap();
    let (exit, report) = bad_head(home.path(), "babble");
    // Nothing was compared, because of the head.
    assert_eq!(exit, 1);
    let (message, severity) = found(&report, "benchmark-failed");
    assert_eq!(severity, Severity::Fail);
    let shown = "did not print a list of benchmarks (`NAME: benchmark` lines, or nothing): \
                 \"first: \u{fffd}\\u{1b}[31m lorem\", \"second: \u{fffd}\\u{1b}[31m lorem\"";
    assert!(message.ends_with(shown), "{message}");
    let missing = [("first", Outcome::Missing), ("second", Outcome::Missing)];
    assert_eq!(outcomes(&report), missing);
    // A list without matches is distinguished from output that is not a list.
    let base = mimic(home.path(), "chatters", &[("TIMES", TIMES), ("CHATTER", "connected")]);
    let head = mimic(home.path(), "babbles", &[("TIMES", TIMES), ("MOOD", "babble")]);
    let filtered = |head: &Path, filter: &str| {
        let sides = [base.to_str().unwrap(), head.to_str().unwrap()];
        let arguments = ["ab", "--base-exe", sides[0], "--head-exe", sides[1], "--filter", filter];
        let (exit, out, err) = gate(home.path(), &arguments);
        assert_eq!(exit, 1, "{out}{err}");
        out + &err
    };
    assert!(filtered(&base, "neither").contains("no benchmark matches \"neither\""));
    assert!(filtered(&head, "first").contains("did not print a list of benchmarks"));
}

#[test]
fn with_a_failing_base_the_head_is_undecided_or_incomplete_by_policy() {
    let broken = |mood: &str, keys: &str| {
        let home = tempfile::tempdir().unwrap();
        policy(home.path(), keys);
        let base = mimic(home.path(), "bad", &[("TIMES", TIMES), ("MOOD", mood)]);
        let head = mimic(home.path(), "good", &[("TIMES", TIMES)]);
        let (exit, report, _) = ab(home.path(), &base, &head, &[]);
        // The kept files give the same verdict.
        let check = ["check", "--baseline", "kept/base.json", "kept/head.json"];
        assert_eq!(gate(home.path(), &check).0, exit);
        (exit, report)
    };
    let (exit, report) = broken("crash", "");
    assert_eq!(exit, 4);
    let (message, severity) = found(&report, "base-broken");
    assert!(message.contains("SIGABRT"), "{message}");
    assert_eq!(severity, Severity::Fail);
    assert_eq!(report.verdict.unwrap().reason, "base-broken");
    assert_eq!(broken("quiet", "base_broken = \"fail\"").0, 1);

    // If a part of the base ran, that part is judged.
    let (exit, report) = broken("crash-later", "");
    assert_eq!(found(&report, "base-broken").1, Severity::Warn);
    assert_eq!(exit, 0);
}

#[test]
fn benchmarks_of_one_side_are_new_or_missing() {
    let home = tempfile::tempdir().unwrap();
    let base = mimic(home.path(), "base", &[("TIMES", "both=100,gone=300")]);
    let head = mimic(home.path(), "head", &[("TIMES", "both=100,more=300")]);
    let (exit, report, _) = ab(home.path(), &base, &head, &[]);
    let expected =
        [("both", Outcome::Unchanged), ("gone", Outcome::Missing), ("more", Outcome::New)];
    assert_eq!((exit, outcomes(&report)), (0, expected.to_vec()));
    assert_eq!(found(&report, "benchmark-missing").1, Severity::Warn);
}

#[test]
fn names_that_differ_only_in_case_are_two_benchmarks() {
    let home = tempfile::tempdir().unwrap();
    let base = mimic(home.path(), "base", &[("TIMES", "Sum=100,sum=100,SUM=100")]);
    let head = mimic(home.path(), "head", &[("TIMES", "Sum=100,sum=2000,SUM=100")]);
    let (exit, report, _) = ab(home.path(), &base, &head, &[]);
    let expected =
        [("SUM", Outcome::Unchanged), ("Sum", Outcome::Unchanged), ("sum", Outcome::Regression)];
    assert_eq!((exit, outcomes(&report)), (3, expected.to_vec()));
    let of = |id: &str| report.rows.iter().find(|row| row.id == id).unwrap();
    assert_eq!(
        of("sum").candidate.as_ref().unwrap().runs.len(),
        14,
        "the slower benchmark is confirmed"
    );
    assert_eq!(
        of("Sum").candidate.as_ref().unwrap().runs.len(),
        6,
        "other benchmarks are not measured again"
    );
    // The same after reading the files.
    let (exit, out, err) =
        gate(home.path(), &["check", "--baseline", "kept/base.json", "kept/head.json"]);
    assert_eq!(exit, 3, "{out}{err}");
    assert_eq!(out.matches("sum").count(), 1, "{out}");
}

#[test]
fn a_line_of_a_set_up_that_looks_like_a_list_is_not_a_benchmark() {
    let home = tempfile::tempdir().unwrap();
    let base = mimic(home.path(), "base", &[("TIMES", TIMES), ("CHATTER", "ghost: benchmark")]);
    let head = mimic(home.path(), "head", &[("TIMES", TIMES), ("CHATTER", "first: benchmark")]);
    let (exit, report, err) = ab(home.path(), &base, &head, &[]);
    assert_eq!(exit, 0, "{err}");
    let names: Vec<&str> = report.rows.iter().map(|row| row.id.as_str()).collect();
    assert!(!names.contains(&"ghost") && !names.is_empty(), "{names:?}");
    let codes: Vec<&str> = report.findings.iter().map(|finding| finding.code.as_str()).collect();
    assert!(!codes.iter().any(|code| code.starts_with("benchmark-")), "{codes:?}");

    // It would be all that this target has to run, and it would not come about.
    let path = base.to_str().unwrap();
    let arguments = ["ab", "--base-exe", path, "--head-exe", path, "--filter", "nosuch"];
    let (exit, _, err) = gate(home.path(), &arguments);
    assert_ne!(exit, 0);
    assert!(err.contains("no benchmark matches \"nosuch\""), "{err}");
}

#[test]
fn results_that_code_sends_elsewhere_are_found_and_named() {
    let home = tempfile::tempdir().unwrap();
    let good = mimic(home.path(), "good", &[("TIMES", TIMES)]);
    let elsewhere = [("TIMES", TIMES), ("HOME", "my-results")];
    let elsewhere = mimic(home.path(), "elsewhere", &elsewhere);
    let (exit, report, _) = ab(home.path(), &good, &elsewhere, &[]);
    assert_eq!(exit, 1);
    let failed = report.findings.iter().find(|finding| finding.code.as_str() == "benchmark-failed");
    let message = &failed.expect("a finding").message;
    assert!(message.contains("my-results"), "{message}");
}
