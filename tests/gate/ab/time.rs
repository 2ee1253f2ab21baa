//! Estimated times, and budgets that are too short.

use super::mimic::{mimic, policy};
use super::{ab, gate};

#[test]
fn the_time_is_estimated_before_and_the_suspects_are_shown_while_measuring() {
    let home = tempfile::tempdir().unwrap();
    let base = mimic(home.path(), "base", &[("TIMES", "a=100,b=100")]);
    let head = mimic(home.path(), "head", &[("TIMES", "a=100,b=2000")]);
    let (_, _, err) = ab(home.path(), &base, &head, &[]);
    let lines: Vec<&str> = err.lines().collect();
    let at = |part: &str| lines.iter().position(|line| line.contains(part));
    let (estimate, first) = (at("screening takes about"), at("screening: pair 1/6, about "));
    assert!(estimate.is_some() && estimate < first, "{err}");
    assert!(
        lines[first.unwrap() + 1].contains("screening takes about"),
        "the second estimate is missing: {err}"
    );
    assert!(first < at("confirming: pair 1/8, about "), "{err}");
    assert!(!err.contains('\u{1b}') && !err.contains('\r'), "a log has no control codes: {err:?}");
    assert!(err.contains(" left, 1 suspect: b\n"), "{err}");
}

#[test]
fn a_budget_too_short_for_a_verdict_is_refused_with_a_sufficient_budget() {
    let home = tempfile::tempdir().unwrap();
    policy(home.path(), "");
    let log = home.path().join("log");
    let own_times = ("WARM_UP", "3.0000");
    let variables = [("SETUP", "300"), ("LOG", log.to_str().unwrap()), own_times];
    let program = mimic(home.path(), "one", &variables);
    let path = program.to_str().unwrap();
    let arguments =
        ["ab", "--base-exe", path, "--head-exe", path, "--keep", "kept", "--budget", "1500ms"];
    let (exit, out, err) = gate(home.path(), &arguments);
    assert_eq!((exit, out.as_str()), (2, ""), "{err}");
    assert!(err.contains("is too short for any verdict"), "{err}");
    assert!(err.contains("fewer benchmarks by --filter or --bench"), "{err}");
    // The time that the policy asks for is not what it takes.
    assert!(err.contains("the code of first, second sets its own times or samples"), "{err}");
    let processes = std::fs::read_to_string(&log).unwrap().lines().count();
    assert_eq!(processes, 2, "one process on each side shows how long it takes");
    assert!(!home.path().join("kept").exists());

    // The named budget is enough.
    let (_, named) = err.split_once("give `--budget ").expect("a budget is named");
    let (named, _) = named.split_once('`').unwrap();
    let again = ["ab", "--base-exe", path, "--head-exe", path, "--budget", named];
    let (exit, out, err) = gate(home.path(), &again);
    assert_eq!(exit, 0, "{out}{err}");
}

/// Counting instructions takes its time from the budget, here a budget that has nothing.
#[test]
fn a_budget_used_up_before_the_first_pair_is_refused_as_too_short() {
    let home = tempfile::tempdir().unwrap();
    policy(home.path(), "");
    let program = mimic(home.path(), "one", &[]);
    let path = program.to_str().unwrap();
    for filter in [&[][..], &["--filter", "first"]] {
        let arguments = ["ab", "--base-exe", path, "--head-exe", path, "--budget", "1ns"];
        let (exit, out, err) = gate(home.path(), &[&arguments[..], filter].concat());
        assert_eq!((exit, out.as_str()), (2, ""), "{err}");
        assert!(err.contains("is too short for any verdict"), "{err}");
        assert!(err.contains("give `--budget "), "{err}");
        // With one benchmark left, the only way out is a longer budget.
        assert_eq!(err.contains("fewer benchmarks"), filter.is_empty(), "{err}");
    }
}

#[test]
fn a_long_set_up_is_reported_and_measured_for_longer() {
    let home = tempfile::tempdir().unwrap();
    let program = mimic(home.path(), "one", &[("SETUP", "120")]);
    let (exit, report, _) = ab(home.path(), &program, &program, &[]);
    assert_eq!(exit, 0);
    let found = report.findings.iter().find(|finding| finding.code.as_str() == "set-up-dominates");
    let found = found.expect("a finding");
    assert_eq!(found.id.as_deref(), Some("one"));
    // Two benchmarks share at least 120 ms. Their 60 ms minus the warm-up of 5 ms are more
    // than five times the policy's 10 ms.
    assert!(found.message.contains("was measured for 0.05 s"), "{}", found.message);
    let kept = std::fs::read_to_string(home.path().join("kept/head.json")).unwrap();
    assert!(kept.contains("\"set_up\""), "{kept}");
}
