//! Findings: what a report contains besides the rows' outcomes.

use benchgate_core::judge::{Case, Code, Outcome, Severity, VerdictOutcome, compare, judge};
use benchgate_core::model::{
    BenchId, Environment, Field, Metric, NotRun, NotRunKind, Problem, ProblemKind, Throughput, Unit,
};

use super::common::{
    FIFTH_SLOWER, STEADY, TODAY, codes, counts, exit, outcome, policy, quiet, snapshot, times,
    verdict,
};

#[test]
fn a_missing_or_changed_metric_is_reported() {
    let with = |metrics: &[(Metric, f64)]| {
        let rows: Vec<_> =
            metrics.iter().map(|(metric, value)| (metric.clone(), [*value])).collect();
        let rows: Vec<(&str, Metric, &[f64])> =
            rows.iter().map(|(metric, runs)| ("a", metric.clone(), &runs[..])).collect();
        snapshot(&rows)
    };
    let count = |name: &str| Metric::counted(name, Unit::Count);
    let base = with(&[(count("instructions"), 9.0), (count("queries"), 5.0)]);
    let less = with(&[(count("instructions"), 9.0)]);
    let missing = "[verdict]\nmissing = \"fail\"";
    let report = verdict(&base, &less, missing);
    assert_eq!((codes(&report), exit(&report)), (vec![(Code::MetricMissing, Severity::Fail)], 5));
    assert_eq!(exit(&verdict(&base, &less, "")), 0);
    let bytes = Metric::counted("queries", Unit::Bytes);
    let other = with(&[(count("instructions"), 9.0), (bytes, 5.0)]);
    let report = verdict(&base, &other, missing);
    assert_eq!((codes(&report), exit(&report)), (vec![(Code::MetricMissing, Severity::Fail)], 5));
    assert_eq!(report.findings[0].message, "measured in bytes now, in count before");
}

#[test]
fn a_rule_that_matches_nothing_is_reported() {
    let base = times(&[("a", &STEADY)]);
    let report = verdict(&base, &base, "[[rule]]\nbench = \"htttp/**\"\ntolerance = \"5%\"");
    assert_eq!(codes(&report), [(Code::RuleUnmatched, Severity::Warn)]);
    let report = verdict(&base, &base, "[[rule]]\nbench = \"a\"\ntolerance = \"5%\"");
    assert_eq!(codes(&report), []);
}

#[test]
fn on_another_processor_only_counts_are_judged() {
    let metric = Metric::counted(Metric::INSTRUCTIONS, Unit::Count);
    let base = snapshot(&[("a", Metric::time(), &STEADY), ("a", metric.clone(), &[1000.0])]);
    let mut other = snapshot(&[("a", Metric::time(), &FIFTH_SLOWER), ("a", metric, &[1000.0])]);
    for run in &mut other.runs {
        run.environment.set(Field::CpuModel, "Another CPU");
    }
    let report = verdict(&base, &other, "");
    let outcomes: Vec<_> =
        report.rows.iter().map(|row| (row.metric.as_str(), row.outcome())).collect();
    assert_eq!(
        outcomes,
        [("time", Some(Outcome::Undecided)), ("instructions", Some(Outcome::Unchanged))]
    );
    assert_eq!(codes(&report), [(Code::EnvironmentDiffers, Severity::Warn)]);
    assert_eq!(exit(&report), 0, "the count is decided");

    // Times alone are undecided, however large the difference.
    let (base, mut other) = (times(&[("a", &STEADY)]), times(&[("a", &FIFTH_SLOWER)]));
    other.runs.iter_mut().for_each(|run| run.environment.set(Field::CpuModel, "Another CPU"));
    let report = verdict(&base, &other, "");
    assert_eq!(report.verdict.as_ref().unwrap().outcome, VerdictOutcome::Undecided);
    assert_eq!(exit(&report), 4);
    let report = verdict(&base, &other, "[environment]\nignore = [\"cpu_model\"]");
    assert_eq!(exit(&report), 3, "the policy says they may be compared");
}

#[test]
fn a_field_that_one_run_does_not_share_is_a_difference() {
    let base = times(&[("a", &STEADY)]);
    let changed = |change: fn(&mut Environment), runs: std::ops::Range<usize>| {
        let mut other = times(&[("a", &FIFTH_SLOWER)]);
        other.runs[runs].iter_mut().for_each(|run| change(&mut run.environment));
        other
    };
    for other in [
        // One run on another machine, or a field that only one side records.
        changed(|environment| environment.set(Field::CpuModel, "Another CPU"), 3..4),
        changed(|environment| environment.set(Field::CpuModel, ""), 0..5),
        changed(|environment| environment.set(Field::Flags, "-C target-cpu=native"), 0..5),
    ] {
        for report in [verdict(&base, &other, ""), verdict(&other, &base, "")] {
            assert_eq!((outcome(&report, "a").0, exit(&report)), (Outcome::Undecided, 4));
            assert_eq!(codes(&report), [(Code::EnvironmentDiffers, Severity::Warn)]);
        }
    }
    // A field that cannot change times by itself is reported, and times are compared.
    let other = changed(|environment| environment.set(Field::Services, "redis 8.0.0"), 0..5);
    let mut base = base;
    base.runs.iter_mut().for_each(|run| run.environment.set(Field::Services, "redis 7.0.15"));
    let report = verdict(&base, &other, "");
    assert_eq!(codes(&report), [(Code::EnvironmentDiffers, Severity::Note)]);
    assert_eq!(exit(&report), 3);
}

#[test]
fn another_toolchain_is_reported_once() {
    let rows: Vec<(String, [f64; 1])> = (0..20).map(|n| (format!("b{n}"), [1000.0])).collect();
    let rows: Vec<(&str, &[f64])> =
        rows.iter().map(|(id, runs)| (id.as_str(), &runs[..])).collect();
    let (base, mut other) = (counts(&rows), counts(&rows));
    other.runs[0].environment.set(Field::Rustc, "rustc 1.96.0");
    let report = verdict(&base, &other, "");
    assert_eq!(codes(&report), [(Code::EnvironmentDiffers, Severity::Warn)]);
    assert_eq!(report.counts[&Outcome::Undecided], 20);
}

#[test]
fn an_unknown_environment_is_reported() {
    let base = times(&[("a", &STEADY)]);
    let mut other = base.clone();
    other.runs.iter_mut().for_each(|run| run.environment = Environment::default());
    let report = verdict(&other, &base, "");
    assert_eq!(codes(&report), [(Code::EnvironmentUnknown, Severity::Warn)]);
    assert_eq!(exit(&report), 0);
}

#[test]
fn missing_benchmarks_are_reported_and_an_empty_comparison_is_not_a_pass() {
    let base = times(&[("cache/hit", &STEADY), ("kept", &STEADY)]);
    let renamed = times(&[("cache/hits", &STEADY), ("kept", &STEADY)]);
    let report = verdict(&base, &renamed, "");
    assert_eq!(
        codes(&report),
        [
            (Code::BenchmarkMissing, Severity::Warn),
            (Code::BenchmarkRenamed, Severity::Warn),
            (Code::BenchmarkNew, Severity::Note),
        ]
    );
    assert_eq!(exit(&report), 0);
    assert_eq!(exit(&verdict(&base, &renamed, "[verdict]\nmissing = \"fail\"")), 5);
    let required = verdict(&base, &renamed, "[verdict]\nrequire = [\"cache/hit\"]");
    assert_eq!(exit(&required), 5);
    assert_eq!(outcome(&required, "cache/hit"), (Outcome::Missing, Severity::Fail));
    assert_eq!(exit(&verdict(&base, &renamed, "[verdict]\nrequire = [\"cache/*\"]")), 0);

    let nothing = times(&[("other", &STEADY)]);
    let report = verdict(&base, &nothing, "[verdict]\nmissing = \"allow\"");
    assert_eq!(report.verdict.as_ref().unwrap().outcome, VerdictOutcome::NothingCompared);
    assert_eq!(exit(&report), 5);
    assert_eq!(exit(&verdict(&base, &times(&[]), "")), 5);
}

#[test]
fn unselected_benchmarks_are_not_missing() {
    let base = times(&[("a", &STEADY), ("b", &STEADY)]);
    let mut part = times(&[("a", &STEADY)]);
    part.selection = Some("--filter a".to_owned());
    let report = verdict(&base, &part, "[verdict]\nmissing = \"fail\"");
    assert_eq!((outcome(&report, "b"), exit(&report)), ((Outcome::Missing, Severity::Note), 0));
    assert_eq!(codes(&report), []);
    let wanted = "[verdict]\nrequire = [\"b\"]\n[[budget]]\nbench = \"b\"\nmetric = \
                  \"time\"\nat_most = \"1s\"";
    let report = verdict(&base, &part, wanted);
    assert_eq!(exit(&report), 0, "a selection does not judge the benchmarks that it leaves out");
    assert_eq!(codes(&report).len(), 2);
}

#[test]
fn without_a_baseline_nothing_is_compared_but_budgets_are_judged() {
    let candidate = times(&[("a", &STEADY)]);
    let judge_alone = |text: &str| {
        let policy = policy(text);
        judge(&Case {
            baseline: None,
            candidate: &candidate,
            policy: &policy,
            noise: None,
            today: TODAY,
        })
    };
    assert_eq!(exit(&judge_alone("")), 5);
    let alone = "[verdict]\nnothing_compared = \"allow\"\n";
    assert_eq!(exit(&judge_alone(alone)), 5, "an empty comparison is never a pass");
    let budget = |limit: &str| format!("[[budget]]\nbench = \"a\"\nmetric = \"time\"\n{limit}");
    assert_eq!(
        exit(&judge_alone(&budget("at_most = \"200ns\""))),
        5,
        "a lost baseline is reported"
    );
    let budgets_alone = format!("{alone}{}", budget("at_most = \"200ns\""));
    assert_eq!(exit(&judge_alone(&budgets_alone)), 0);
    let report = judge_alone(&budget("at_most = \"90ns\""));
    assert_eq!(codes(&report), [(Code::BudgetExceeded, Severity::Fail)]);
    assert_eq!(exit(&report), 3);
    let report = judge_alone(&budget("at_most = \"99.9ns\""));
    assert_eq!(codes(&report), [(Code::BudgetUndecided, Severity::Warn)]);
    let report = judge_alone(&budget("at_most = \"5%\""));
    assert_eq!(codes(&report), [(Code::BudgetUnmatched, Severity::Fail)]);
    let report = judge_alone("[[budget]]\nbench = \"b\"\nmetric = \"time\"\nat_most = \"1s\"");
    assert_eq!((codes(&report), exit(&report)), (vec![(Code::BudgetUnmatched, Severity::Fail)], 5));
}

#[test]
fn a_waiver_covers_one_row_up_to_a_ceiling_and_a_day() {
    let (fast, slow) = (times(&[("a", &STEADY)]), times(&[("a", &FIFTH_SLOWER)]));
    let waiver = |up_to: &str, until: &str| {
        format!(
            "[[waiver]]\nbench = \"a\"\nmetric = \"time\"\nup_to = \"{up_to}\"\nuntil = \
             \"{until}\"\nreason = \"checksums\""
        )
    };
    for (up_to, until, code, status) in [
        ("25%", "2026-11-20", Code::Waived, 0),
        ("25%", "2026-11-19", Code::WaiverExpired, 3),
        ("15%", "2026-12-31", Code::WaiverExceeded, 3),
    ] {
        let report = verdict(&fast, &slow, &waiver(up_to, until));
        assert_eq!((codes(&report)[0].0, exit(&report)), (code, status), "{up_to} {until}");
    }
    let report = verdict(&fast, &fast, &waiver("25%", "2026-12-31"));
    assert_eq!(codes(&report), [(Code::WaiverUnused, Severity::Warn)]);
}

#[test]
fn an_unused_waiver_is_reported_with_the_cause() {
    let fast = times(&[("group/a", &STEADY)]);
    let message = |head: &benchgate_core::model::Snapshot, bench: &str| {
        let waiver = format!(
            "[[waiver]]\nbench = \"{bench}\"\nmetric = \"time\"\nup_to = \"5%\"\nuntil = \
             \"2999-12-31\"\nreason = \"checksums\""
        );
        let report = verdict(&fast, head, &waiver);
        let unused = report.findings.into_iter().find(|finding| finding.code == Code::WaiverUnused);
        let unused = unused.expect("a finding");
        (unused.severity, unused.message)
    };
    let is = |severity, text: &str| (severity, text.to_owned());
    assert_eq!(
        message(&fast, "group/a"),
        is(Severity::Warn, "the row it names did not regress; remove it")
    );
    assert_eq!(
        message(&fast, "group/as"),
        is(Severity::Warn, "no such row: did you mean group/a?")
    );
    assert_eq!(
        message(&fast, "other"),
        is(Severity::Warn, "no such row: correct its name, or remove it")
    );
    let mut part = times(&[("group/b", &STEADY)]);
    part.selection = Some("--bench b".to_owned());
    let left_out = "the row it names was not selected (--bench b)";
    assert_eq!(message(&part, "group/a"), is(Severity::Note, left_out));
    assert_eq!(message(&part, "unknown"), is(Severity::Note, left_out));
}

#[test]
fn a_failure_makes_the_verdict_incomplete_and_hides_nothing() {
    let base = times(&[("a", &STEADY), ("b", &STEADY)]);
    let mut broken = base.clone();
    broken.problems.push(Problem {
        kind: ProblemKind::Unreadable,
        id: None,
        path: "c/new/sample.json".into(),
        reason: "ends in the middle".to_owned(),
    });
    let report = verdict(&base, &broken, "");
    assert_eq!(report.verdict.as_ref().unwrap().outcome, VerdictOutcome::Incomplete);
    assert_eq!((exit(&report), report.counts[&Outcome::Unchanged]), (1, 2));
    assert_eq!(exit(&verdict(&base, &broken, "[verdict]\nunreadable = \"warn\"")), 0);

    let mut crashed = base.clone();
    crashed.not_run.push(NotRun {
        subject: "http".to_owned(),
        kind: NotRunKind::Failed,
        reason: "ended by signal 11".to_owned(),
    });
    assert_eq!(exit(&verdict(&base, &crashed, "")), 1);
    crashed.not_run[0].kind = NotRunKind::Skipped;
    let report = verdict(&base, &crashed, "");
    assert_eq!((codes(&report), exit(&report)), (vec![(Code::NotRun, Severity::Note)], 0));
}

#[test]
fn equal_names_in_two_targets_are_two_benchmarks() {
    let mut base = times(&[("a", &STEADY), ("a", &FIFTH_SLOWER)]);
    base.measurements[0].id = BenchId::in_target("a", "cache", "service");
    base.measurements[1].id = BenchId::in_target("a", "http", "service");
    let report = verdict(&base, &base, "");
    assert_eq!(report.counts[&Outcome::Unchanged], 2);
    // A side without targets is ambiguous.
    let report = verdict(&base, &times(&[("a", &STEADY)]), "");
    assert_eq!((report.counts[&Outcome::Missing], report.counts[&Outcome::New]), (2, 1));
    // With only one of the two, the name is unambiguous.
    base.measurements.pop();
    let report = verdict(&base, &times(&[("a", &STEADY)]), "");
    assert_eq!(report.counts[&Outcome::Unchanged], 1);
}

#[test]
fn a_comparison_does_not_judge() {
    let (fast, slow) = (times(&[("a", &STEADY)]), times(&[("a", &FIFTH_SLOWER)]));
    let policy = policy("");
    let report = compare(&Case {
        baseline: Some(&fast),
        candidate: &slow,
        policy: &policy,
        noise: Some(&quiet(&slow)),
        today: TODAY,
    });
    assert_eq!((report.verdict, report.rows[0].judgement.clone()), (None, None));
    let change = report.rows[0].change.unwrap();
    assert!((change.estimate - 0.2).abs() < 0.001 && change.lower.unwrap() > 0.15);
}

#[test]
fn an_iteration_that_does_other_work_is_reported() {
    use Throughput::{Bytes, BytesDecimal, Elements, ElementsAndBytes, Unknown};
    let with = |throughput: Option<Throughput>| {
        let mut side = times(&[("a", &STEADY)]);
        side.measurements[0].throughput = throughput;
        side
    };
    let both = |elements, bytes| ElementsAndBytes { elements, bytes };
    for (before, after, expected) in [
        (Some(Elements(10)), Some(Elements(10)), None),
        (Some(Elements(10)), None, None),
        (Some(Unknown), Some(Elements(10)), None),
        (Some(Bytes(10)), Some(BytesDecimal(10)), None),
        (Some(Elements(10)), Some(Elements(20)), Some("twice the work (10 → 20 elements)")),
        (Some(Bytes(4096)), Some(Bytes(2048)), Some("half the work (4096 → 2048 bytes)")),
        (Some(Bytes(100)), Some(Bytes(150)), Some("1.5 times the work (100 → 150 bytes)")),
        (Some(both(3, 4)), Some(both(9, 4)), Some("3 times the work (3 → 9 elements)")),
        (Some(Bytes(0)), Some(Bytes(8)), Some("another amount of work (0 → 8 bytes)")),
        (Some(Bytes(10_000)), Some(Bytes(10_001)), Some("slightly different work (10000 → ")),
    ] {
        let report = verdict(&with(before), &with(after), "");
        let expected_codes: &[_] =
            if expected.is_some() { &[(Code::WorkChanged, Severity::Warn)] } else { &[] };
        assert_eq!(codes(&report), expected_codes, "{before:?} {after:?}");
        if let Some(expected) = expected {
            let found = report.findings.iter().find(|finding| finding.code == Code::WorkChanged);
            let message = &found.expect("a finding").message;
            assert!(message.contains(expected), "{message}");
        }
        assert_eq!(exit(&report), 0);
    }
    let report = verdict(&with(Some(Bytes(8))), &with(Some(Elements(2))), "");
    let found = report.findings.iter().find(|finding| finding.code == Code::WorkChanged);
    assert_eq!(
        found.expect("a finding").message,
        "the work of an iteration is now given in another unit (8 bytes → 2 elements)"
    );
}
