//! Targets: what proves one, what a miss does, and the grade.

use benchgate_core::judge::{
    Case, Code, Report, Severity, TargetRow, TargetStatus, judge, judge_targets,
};
use benchgate_core::model::{Distribution, Metric, NotRun, Reading, Snapshot, Unit};

use super::common::{NOISY, STEADY, TODAY, codes, exit, policy, rate, snapshot, times, verdict};

/// A target on the time of `a`.
fn target(keys: &str) -> String {
    format!("[[target]]\nbench = \"a\"\nmetric = \"time\"\n{keys}\n")
}

/// The report of a snapshot compared with itself.
fn judged(candidate: &Snapshot, text: &str) -> Report {
    verdict(candidate, candidate, text)
}

fn rows(report: &Report) -> &[TargetRow] {
    &report.targets.as_ref().expect("the policy has targets").rows
}

fn status(report: &Report) -> (TargetStatus, Severity) {
    let [row] = rows(report) else { panic!("{:?}", rows(report)) };
    (row.status, row.effect)
}

#[test]
fn a_target_is_met_or_missed_only_if_the_runs_prove_it() {
    let steady = times(&[("a", &STEADY)]);
    for (keys, wanted, code) in [
        ("at_most = \"102ns\"", TargetStatus::Met, 0),
        ("at_most = \"98ns\"", TargetStatus::Missed, 3),
        // The mean is 100 ns, and its interval contains each of these limits.
        ("at_most = \"100.1ns\"", TargetStatus::Undecided, 0),
        ("at_most = \"99.9ns\"", TargetStatus::Undecided, 0),
        ("at_least = \"98ns\"", TargetStatus::Met, 0),
        ("at_least = \"102ns\"", TargetStatus::Missed, 3),
    ] {
        let report = judged(&steady, &target(keys));
        assert_eq!((status(&report).0, exit(&report)), (wanted, code), "{keys}");
    }
    let single = times(&[("a", &STEADY[..1])]);
    let report = judged(&single, &target("at_most = \"1s\""));
    assert_eq!(status(&report), (TargetStatus::Undecided, Severity::Warn));
    assert_eq!(rows(&report)[0].why.as_deref(), Some("a single run is not sure"));
}

#[test]
fn of_a_count_every_run_must_keep_the_limit() {
    let queries = Metric::counted("queries", Unit::Count);
    let candidate = snapshot(&[("a", queries, &[5.0, 5.0, 6.0])]);
    for (limit, wanted) in [("5", TargetStatus::Missed), ("6", TargetStatus::Met)] {
        let text =
            format!("[[target]]\nbench = \"a\"\nmetric = \"queries\"\nat_most = \"{limit}\"");
        assert_eq!(status(&judged(&candidate, &text)).0, wanted, "{limit}");
    }
}

#[test]
fn the_severity_decides_what_a_miss_does() {
    let steady = times(&[("a", &STEADY)]);
    for (severity, effect, code) in [
        ("critical", Severity::Fail, 3),
        ("high", Severity::Fail, 3),
        ("medium", Severity::Warn, 0),
        ("low", Severity::Note, 0),
    ] {
        let keys = format!("at_most = \"50ns\"\nseverity = \"{severity}\"");
        let report = judged(&steady, &target(&keys));
        assert_eq!(status(&report), (TargetStatus::Missed, effect), "{severity}");
        assert_eq!(exit(&report), code, "{severity}");
        let found = codes(&report).contains(&(Code::TargetMissed, effect));
        assert_eq!(found, severity != "low", "a low target is in the table only");
    }
}

#[test]
fn an_undecided_target_blocks_if_it_is_critical_or_the_policy_blocks() {
    let steady = times(&[("a", &STEADY)]);
    for (severity, undecided, code) in [
        ("critical", "allow", 4),
        ("high", "allow", 0),
        ("high", "block-if-none-decided", 0),
        ("high", "block", 4),
        ("medium", "block", 0),
        ("low", "block", 0),
    ] {
        let keys = format!("at_most = \"100ns\"\nseverity = \"{severity}\"");
        let text = format!("[verdict]\nundecided = \"{undecided}\"\n{}", target(&keys));
        let report = judged(&steady, &text);
        assert_eq!(status(&report).0, TargetStatus::Undecided);
        assert_eq!(exit(&report), code, "{severity}, {undecided}");
    }
}

#[test]
fn a_value_that_warns_must_be_proven_too() {
    let steady = times(&[("a", &STEADY)]);
    for (warn_at, effect) in [("90ns", Severity::Warn), ("99.9ns", Severity::Note)] {
        let keys = format!("at_most = \"200ns\"\nwarn_at = \"{warn_at}\"");
        let report = judged(&steady, &target(&keys));
        assert_eq!(status(&report), (TargetStatus::Met, effect), "{warn_at}");
        assert_eq!(exit(&report), 0);
    }
    let keys = "at_most = \"200ns\"\nwarn_at = \"90ns\"";
    assert!(codes(&judged(&steady, &target(keys))).contains(&(Code::TargetNear, Severity::Warn)));
}

#[test]
fn a_target_that_matches_nothing_fails_only_if_it_is_required() {
    let steady = times(&[("a", &STEADY)]);
    let other = |keys: &str| {
        format!("[[target]]\nbench = \"b/*\"\nmetric = \"time\"\nat_most = \"1s\"\n{keys}")
    };
    let report = judged(&steady, &other(""));
    assert_eq!(status(&report), (TargetStatus::NotMeasured, Severity::Note));
    assert_eq!((exit(&report), codes(&report)), (0, vec![]));
    let report = judged(&steady, &other("required = true"));
    assert_eq!(status(&report), (TargetStatus::NotMeasured, Severity::Fail));
    assert_eq!(exit(&report), 5);
    assert_eq!(codes(&report), [(Code::TargetUnmatched, Severity::Fail)]);
    // A selection does not judge the benchmarks that it leaves out.
    let mut part = steady.clone();
    part.selection = Some("--filter a".to_owned());
    assert_eq!(exit(&verdict(&steady, &part, &other("required = true"))), 0);
}

#[test]
fn a_target_that_was_not_measured_says_why() {
    let mut candidate = times(&[("a", &STEADY)]);
    candidate.not_run = vec![NotRun::skipped("cache::redis", "Redis is not installed")];
    for (bench, wanted) in [
        ("cache/redis_get_hit", "Redis is not installed"),
        ("cache/l1_hit", "no measured row matches this target"),
    ] {
        let text = format!("[[target]]\nbench = \"{bench}\"\nmetric = \"time\"\nat_most = \"1s\"");
        let report = judged(&candidate, &text);
        assert_eq!(rows(&report)[0].why.as_deref(), Some(wanted), "{bench}");
    }
}

#[test]
fn a_metric_that_nothing_records_is_probably_misspelt() {
    let candidate = snapshot(&[("a", rate(), &[0.9; 3])]);
    let text = "[[target]]\nbench = \"a\"\nmetric = \"hit_rat\"\nat_least = \"80%\"";
    let report = judged(&candidate, text);
    assert_eq!(status(&report), (TargetStatus::NotMeasured, Severity::Warn));
    let why = rows(&report)[0].why.as_deref().expect("a reason");
    assert!(why.ends_with("did you mean the metric `hit_rate`?"), "{why}");
    // Another quantile is not a misspelt one.
    let p99 = Metric { name: "latency.p99".to_owned(), ..Metric::time() };
    let text = "[[target]]\nbench = \"a\"\nmetric = \"latency.p95\"\nat_most = \"1s\"";
    let report = judged(&snapshot(&[("a", p99, &STEADY)]), text);
    assert_eq!(status(&report), (TargetStatus::NotMeasured, Severity::Note));
    // A metric like no other is shown as not measured.
    let text = "[[target]]\nbench = \"a\"\nmetric = \"zzz\"\nat_least = \"80%\"";
    assert_eq!(status(&judged(&candidate, text)).1, Severity::Note);
}

#[test]
fn a_limit_in_another_unit_fails() {
    let steady = times(&[("a", &STEADY)]);
    let report = judged(&steady, &target("at_most = \"64KiB\"\nseverity = \"low\""));
    assert_eq!(status(&report), (TargetStatus::NotMeasured, Severity::Fail));
    assert_eq!(exit(&report), 5);
}

#[test]
fn the_baseline_shows_the_value_before() {
    let before = times(&[("a", &[200.0; 3]), ("gone", &[7.0; 3])]);
    let after = times(&[("a", &STEADY)]);
    let gone = "[[target]]\nbench = \"gone\"\nmetric = \"time\"\nat_most = \"1s\"\n";
    let text = format!("{}{gone}", target("at_most = \"125ns\""));
    let report = verdict(&before, &after, &text);
    let values: Vec<_> = rows(&report).iter().map(|row| (row.before, row.after)).collect();
    let gone = values[0].0.expect("before");
    assert!((gone - 7.0).abs() < 1e-9 && values[0].1.is_none(), "{values:?}");
    let (before, after) = (values[1].0.expect("before"), values[1].1.expect("after"));
    assert!((before - 200.0).abs() < 1e-9 && (after - 100.0).abs() < 0.5, "{before} {after}");
    let headroom = rows(&report)[1].headroom.expect("a headroom");
    assert!((headroom - 0.2).abs() < 0.01, "{headroom}");
}

#[test]
fn a_quantile_is_a_part_of_the_metric() {
    let p99 = Metric { name: "latency.p99".to_owned(), ..Metric::time() };
    let candidate = snapshot(&[("a", p99, &STEADY)]);
    let text = "[[target]]\nbench = \"a\"\nmetric = \"latency\"\nquantile = 0.99\nat_most = \"1s\"";
    let report = judged(&candidate, text);
    assert_eq!(status(&report).0, TargetStatus::Met);
    assert_eq!(rows(&report)[0].metric, "latency.p99");
}

/// Three runs of `a`, each with this many latencies of about 1 ms.
fn latencies(each: u64) -> Snapshot {
    let latency = Metric { name: Metric::LATENCY.to_owned(), ..Metric::time() };
    let mut candidate = snapshot(&[("a", latency, &[0.0; 3])]);
    for run in &mut candidate.measurements[0].runs {
        let values = (0..each).map(|at| (1_000_000 + 1000 * at, 1));
        let observed = Distribution::new(values, None).expect("a distribution");
        run.reading = Reading::Distribution(observed);
    }
    candidate
}

#[test]
fn a_target_on_an_unsupported_quantile_fails() {
    let text = |kind: &str| {
        format!("[[{kind}]]\nbench = \"a\"\nmetric = \"latency.p99\"\nat_most = \"1s\"")
    };
    // Ten above the 99th percentile are 1,000 in all.
    let few = latencies(300);
    let report = judged(&few, &text("target"));
    assert_eq!(status(&report), (TargetStatus::Unsupported, Severity::Fail));
    assert_eq!(exit(&report), 3);
    assert!(codes(&report).contains(&(Code::TargetUnsupported, Severity::Fail)));
    let row = &rows(&report)[0];
    assert_eq!(row.after, None, "it is never shown as a number");
    assert_eq!(row.why.as_deref(), Some("needs 1,000 observations, has 900"));
    assert_eq!(exit(&judged(&few, &text("budget"))), 5);
    let low = format!("{}\nseverity = \"low\"", text("target"));
    assert_eq!(status(&judged(&few, &low)).1, Severity::Note);
    // All runs together have enough, but none by itself: how much runs differ is unknown.
    let report = judged(&latencies(400), &text("target"));
    assert_eq!(status(&report), (TargetStatus::Undecided, Severity::Warn));
    assert!(rows(&report)[0].why.as_deref().expect("a reason").starts_with("no run has enough"));
    assert_eq!(status(&judged(&latencies(1000), &text("target"))).0, TargetStatus::Met);
}

#[test]
fn a_budget_is_kept_unless_it_is_proven_to_be_exceeded() {
    // The interval of the mean contains the limit, and the mean is below it.
    let noisy = times(&[("a", &NOISY)]);
    let limit = "bench = \"a\"\nmetric = \"time\"\nat_most = \"110ns\"\n";
    let text = format!("[[budget]]\n{limit}[[target]]\n{limit}");
    let report = judged(&noisy, &text);
    let statuses: Vec<_> =
        rows(&report).iter().map(|row| (row.kind.as_str(), row.status)).collect();
    assert_eq!(
        statuses,
        [("target", TargetStatus::Undecided), ("budget", TargetStatus::Met)],
        "both limits of the row are shown"
    );
    assert_eq!(codes(&report), [(Code::TargetUndecided, Severity::Warn)]);
}

#[test]
fn the_grade_counts_a_target_once_and_never_changes_the_exit_code() {
    let candidate = times(&[("a", &STEADY), ("b", &STEADY), ("c", &[1000.0; 5])]);
    let limit = |bench: &str, group: &str| {
        format!(
            "[[target]]\nbench = \"{bench}\"\nmetric = \"time\"\nat_most = \"150ns\"\nseverity = \
             \"low\"\ngroup = \"{group}\"\n"
        )
    };
    // `{a,c}` is missed by c, and nothing matches `none`.
    let text = [limit("{a,b}", "x"), limit("{a,c}", "x"), limit("none", "y")].concat();
    let report = judged(&candidate, &text);
    let targets = report.targets.as_ref().expect("targets");
    let grade = |grade: benchgate_core::judge::Grade| {
        (grade.letter.to_string(), grade.targets, grade.met, grade.missed, grade.not_measured)
    };
    assert_eq!(grade(targets.grade), ("D".to_owned(), 3, 1, 1, 1));
    assert_eq!(grade(targets.groups["x"]), ("D".to_owned(), 2, 1, 1, 0));
    assert_eq!(grade(targets.groups["y"]), ("D".to_owned(), 1, 0, 0, 1));
    assert_eq!(exit(&report), 0);
    let lenient = format!(
        "[grades]\na_plus = \"30%\"\na = \"20%\"\nb_plus = \"10%\"\n\
                           b = \"5%\"\nc = \"1%\"\n{text}"
    );
    let report = judged(&candidate, &lenient);
    assert_eq!(report.targets.expect("targets").grade.letter.to_string(), "A+");
}

#[test]
fn targets_alone_need_no_baseline_and_no_other_row() {
    let candidate = times(&[("a", &STEADY)]);
    let alone = |text: &str| {
        let policy = policy(text);
        let case = Case {
            baseline: None,
            candidate: &candidate,
            policy: &policy,
            noise: None,
            today: TODAY,
        };
        judge_targets(&case)
    };
    assert!(alone("").is_none(), "a policy without targets");
    for (keys, code) in [("at_most = \"1s\"", 0), ("at_most = \"1ns\"", 3)] {
        let report = alone(&target(keys)).expect("targets");
        assert_eq!((exit(&report), report.rows.len()), (code, 0), "{keys}");
    }
    // Nothing measured is never a pass.
    let none = "[[target]]\nbench = \"b\"\nmetric = \"time\"\nat_most = \"1s\"";
    assert_eq!(exit(&alone(none).expect("targets")), 5);
}

#[test]
fn measured_targets_are_enough_if_the_policy_says_so() {
    let candidate = times(&[("a", &STEADY)]);
    let alone = |text: &str| {
        let policy = policy(text);
        judge(&Case {
            baseline: None,
            candidate: &candidate,
            policy: &policy,
            noise: None,
            today: TODAY,
        })
    };
    let met = target("at_most = \"1s\"");
    assert_eq!(exit(&alone(&met)), 5);
    let allowed = "[verdict]\nnothing_compared = \"allow\"\n";
    assert_eq!(exit(&alone(&format!("{allowed}{met}"))), 0);
}
