//! Programs that break, and sides that do not fit together.

use std::path::Path;

use benchgate::judge::{Outcome, Report, Severity};

use super::mimic::{mimic, policy};
use super::{ab, gate, outcomes};

const TIMES: &str = "first=100,second=200";

/// What the first finding of a code says, and how much it weighs.
fn found<'a>(report: &'a Report, code: &str) -> (&'a str, Severity) {
    let finding = report.findings.iter().find(|finding| finding.code.as_str() == code);
    let finding = finding.unwrap_or_else(|| panic!("no {code}: {:?}", report.findings));
    (&finding.message, finding.severity)
}

/// A good base and a head in that mood.
fn bad_head(home: &Path, mood: &str) -> (i32, Report) {
    let base = mimic(home, "good", &[("TIMES", TIMES)]);
    let head = mimic(home, "bad", &[("TIMES", TIMES), ("MOOD", mood)]);
    let (code, report, _) = ab(home, &base, &head, &[]);
    (code, report)
}

#[test]
fn a_head_that_breaks_is_an_error_and_says_how() {
    for (mood, code, says) in [
        ("crash", "benchmark-failed", "SIGABRT"),
        ("crash-later", "benchmark-failed", "out of sorts"),
        ("hang", "benchmark-failed", "time limit"),
        ("garbage", "unreadable-result", "sample.json"),
        ("quiet", "benchmark-failed", "wrote no results"),
    ] {
        let home = tempfile::tempdir().unwrap();
        let more = if mood == "hang" { "\n[measure]\ntime_limit = \"1s\"" } else { "" };
        policy(home.path(), more);
        let (exit, report) = bad_head(home.path(), mood);
        assert_eq!(exit, 1, "{mood}");
        let (message, severity) = found(&report, code);
        assert!(message.contains(says), "{mood}: {message}");
        assert_eq!(severity, Severity::Fail, "{mood}");
        // One that crashed is not started again; garbage may be better next time.
        let runs = if mood == "garbage" { 6 } else { 1 };
        assert_eq!(report.candidate.runs, runs, "{mood}");
    }
}

#[test]
fn a_head_without_benchmarks_leaves_nothing_to_compare() {
    let home = tempfile::tempdir().unwrap();
    let (exit, report) = bad_head(home.path(), "empty");
    assert_eq!(exit, 5);
    assert_eq!(found(&report, "not-run").0, "it lists no benchmarks");
    let missing = [("first", Outcome::Missing), ("second", Outcome::Missing)];
    assert_eq!(outcomes(&report), missing);
    // What has no partner is run once.
    assert_eq!(report.rows[0].baseline.as_ref().unwrap().runs.len(), 1);
}

#[test]
fn a_head_that_lists_nonsense_is_an_error_and_shows_it() {
    let home = tempfile::tempdir().unwrap();
    let (exit, report) = bad_head(home.path(), "babble");
    // Nothing was compared, and the head is to blame.
    assert_eq!(exit, 1);
    let (message, severity) = found(&report, "benchmark-failed");
    assert_eq!(severity, Severity::Fail);
    let shown = "did not print a list of benchmarks (`NAME: benchmark` lines, or nothing): \
                 \"first: \u{fffd}\\u{1b}[31m lorem\", \"second: \u{fffd}\\u{1b}[31m lorem\"";
    assert!(message.ends_with(shown), "{message}");
    let missing = [("first", Outcome::Missing), ("second", Outcome::Missing)];
    assert_eq!(outcomes(&report), missing);
    // A filter that leaves nothing of a list is told from one that is none.
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
fn a_base_that_breaks_leaves_the_head_undecided_or_fails_by_policy() {
    let broken = |mood: &str, keys: &str| {
        let home = tempfile::tempdir().unwrap();
        policy(home.path(), keys);
        let base = mimic(home.path(), "bad", &[("TIMES", TIMES), ("MOOD", mood)]);
        let head = mimic(home.path(), "good", &[("TIMES", TIMES)]);
        let (exit, report, _) = ab(home.path(), &base, &head, &[]);
        // The files judge the same.
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

    // Where something of it ran, the rest is judged.
    let (exit, report) = broken("crash-later", "");
    assert_eq!(found(&report, "base-broken").1, Severity::Warn);
    assert_eq!(exit, 0);
}

#[test]
fn what_is_on_one_side_only_is_new_or_missing() {
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
fn ids_that_differ_in_case_alone_are_two() {
    let home = tempfile::tempdir().unwrap();
    let base = mimic(home.path(), "base", &[("TIMES", "Sum=100,sum=100,SUM=100")]);
    let head = mimic(home.path(), "head", &[("TIMES", "Sum=100,sum=2000,SUM=100")]);
    let (exit, report, _) = ab(home.path(), &base, &head, &[]);
    let expected =
        [("SUM", Outcome::Unchanged), ("Sum", Outcome::Unchanged), ("sum", Outcome::Regression)];
    assert_eq!((exit, outcomes(&report)), (3, expected.to_vec()));
    let of = |id: &str| report.rows.iter().find(|row| row.id == id).unwrap();
    assert_eq!(of("sum").candidate.as_ref().unwrap().runs.len(), 14, "the slow one is confirmed");
    assert_eq!(of("Sum").candidate.as_ref().unwrap().runs.len(), 6, "and no other");
    // Read back from the files, too.
    let (exit, out, err) =
        gate(home.path(), &["check", "--baseline", "kept/base.json", "kept/head.json"]);
    assert_eq!(exit, 3, "{out}{err}");
    assert_eq!(out.matches("sum").count(), 1, "{out}");
}
