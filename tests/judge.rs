//! Verdicts from small tables of runs to the whole report.

use std::path::Path;

use benchgate::judge::{Case, Code, Outcome, Report, Severity, VerdictOutcome, compare, judge};
use benchgate::model::{
    BenchId, Direction, Environment, Field, Measurement, Metric, Nature, NotRun, NotRunKind,
    Problem, ProblemKind, Reading, RunInfo, RunReading, Snapshot, Unit,
};
use benchgate::policy::Policy;
use benchgate::report::{Render, Terminal};
use jiff::Timestamp;
use jiff::civil::{Date, date};
use proptest::prelude::*;

const TODAY: Date = date(2026, 11, 20);

/// Runs of wall time that differ by a percent or two.
const STEADY: [f64; 5] = [100.0, 101.0, 99.0, 100.5, 99.5];
const FIFTH_SLOWER: [f64; 5] = [120.0, 121.0, 119.0, 120.5, 119.5];
const NOISY: [f64; 5] = [100.0, 140.0, 80.0, 115.0, 95.0];

fn environment() -> Environment {
    let mut environment = Environment::default();
    environment.set(Field::CpuModel, "Example CPU");
    environment.set(Field::Rustc, "rustc 1.95.0");
    environment
}

fn snapshot(rows: &[(&str, Metric, &[f64])]) -> Snapshot {
    let runs = rows.iter().map(|(_, _, values)| values.len()).max().unwrap_or(1);
    let run = RunInfo { started: None, seconds: None, environment: environment() };
    let mut snapshot = Snapshot {
        name: "main".to_owned(),
        created: Timestamp::UNIX_EPOCH,
        revision: None,
        selection: None,
        pairing: None,
        runs: vec![run; runs],
        measurements: rows
            .iter()
            .map(|(name, metric, values)| Measurement {
                id: BenchId::named(*name),
                metric: metric.clone(),
                runs: (0..)
                    .zip(*values)
                    .map(|(run, value)| RunReading { run, reading: Reading::Value(*value) })
                    .collect(),
                criterion: None,
                throughput: None,
            })
            .collect(),
        not_run: Vec::new(),
        problems: Vec::new(),
    };
    snapshot.sort();
    snapshot
}

fn times(rows: &[(&str, &[f64])]) -> Snapshot {
    snapshot(&rows.iter().map(|(id, runs)| (*id, Metric::time(), *runs)).collect::<Vec<_>>())
}

fn counts(rows: &[(&str, &[f64])]) -> Snapshot {
    let metric = Metric::counted(Metric::INSTRUCTIONS, Unit::Count);
    snapshot(&rows.iter().map(|(id, runs)| (*id, metric.clone(), *runs)).collect::<Vec<_>>())
}

fn policy(text: &str) -> Policy {
    Policy::parse(&format!("version = 1\n{text}"), Path::new("gate.toml")).expect("a valid policy")
}

fn verdict(baseline: &Snapshot, candidate: &Snapshot, text: &str) -> Report {
    let policy = policy(text);
    judge(&Case { baseline: Some(baseline), candidate, policy: &policy, noise: None, today: TODAY })
}

fn exit(report: &Report) -> u8 {
    report.verdict.as_ref().expect("judged").exit_code
}

fn outcome(report: &Report, id: &str) -> (Outcome, Severity) {
    let row = report.rows.iter().find(|row| row.id == id).expect("the row is there");
    let judgement = row.judgement.as_ref().expect("judged");
    (judgement.outcome, judgement.severity)
}

fn codes(report: &Report) -> Vec<(Code, Severity)> {
    // That nothing is known of sessions is said of every pair of them: see noise.rs.
    let findings = report.findings.iter().filter(|one| one.code != Code::SessionsUnknown);
    findings.map(|finding| (finding.code, finding.severity)).collect()
}

#[test]
fn the_whole_table() {
    let baseline = times(&[
        ("cache/hit", &STEADY),
        ("cache/miss", &STEADY),
        ("http/get", &NOISY),
        ("old/removed", &STEADY),
        ("sql/select", &FIFTH_SLOWER),
    ]);
    let candidate = times(&[
        ("cache/hit", &FIFTH_SLOWER),
        ("cache/miss", &STEADY),
        ("http/get", &NOISY),
        ("sql/select", &STEADY),
        ("zip/added", &STEADY),
    ]);
    let report = verdict(&baseline, &candidate, "");
    let table = Terminal { width: None, all: false }.render(&report);
    insta::assert_snapshot!(anstream::adapter::strip_str(&table).to_string());
}

#[test]
fn a_regression_fails_and_its_mirror_improves() {
    let (fast, slow) = (times(&[("a", &STEADY)]), times(&[("a", &FIFTH_SLOWER)]));
    let report = verdict(&fast, &slow, "");
    assert_eq!((outcome(&report, "a"), exit(&report)), ((Outcome::Regression, Severity::Fail), 3));
    let report = verdict(&slow, &fast, "");
    assert_eq!((outcome(&report, "a"), exit(&report)), ((Outcome::Improvement, Severity::Note), 0));
    let report = verdict(&fast, &fast, "");
    assert_eq!((outcome(&report, "a"), exit(&report)), ((Outcome::Unchanged, Severity::Note), 0));
}

#[test]
fn limits_beyond_the_tolerance_warn_or_fail() {
    let (fast, slow) = (times(&[("a", &STEADY)]), times(&[("a", &FIFTH_SLOWER)]));
    for (limits, severity, code) in [
        ("warn = \"5%\"\nfail = \"10%\"", Severity::Fail, 3),
        ("warn = \"5%\"\nfail = \"50%\"", Severity::Warn, 0),
        ("warn = \"40%\"\nfail = \"50%\"", Severity::Note, 0),
        ("gate = \"warn\"", Severity::Warn, 0),
        ("floor = \"25ns\"", Severity::Note, 0),
    ] {
        let report = verdict(&fast, &slow, &format!("[[rule]]\nbench = \"a\"\n{limits}"));
        let row = report.rows[0].judgement.as_ref().unwrap();
        assert_eq!((row.severity, exit(&report)), (severity, code), "{limits}");
    }
}

#[test]
fn noise_is_undecided_and_blocks_where_nothing_was_decided() {
    let noisy = times(&[("a", &NOISY)]);
    let both = times(&[("a", &NOISY), ("b", &STEADY)]);
    for (snapshot, text, code) in [
        (&noisy, "", 4),
        (&noisy, "[verdict]\nundecided = \"allow\"", 0),
        (&both, "", 0),
        (&both, "[verdict]\nundecided = \"block\"", 4),
    ] {
        let report = verdict(snapshot, snapshot, text);
        assert_eq!(outcome(&report, "a").0, Outcome::Undecided);
        assert_eq!(exit(&report), code, "{text}");
    }
    let detectable = verdict(&noisy, &noisy, "").rows[0].judgement.clone().unwrap().detectable;
    assert!(detectable.unwrap() > 0.2, "the report says what could have been found");
}

#[test]
fn one_run_a_side_decides_no_clock_but_any_count() {
    // Neither side may have one run only: a lone run may be an odd one.
    let lone = |value: f64| times(&[("a", &[value])]);
    for (a, b) in [(lone(100.0), lone(200.0)), (times(&[("a", &STEADY)]), lone(104.0))] {
        let report = verdict(&a, &b, "");
        assert_eq!((outcome(&report, "a").0, exit(&report)), (Outcome::Undecided, 4));
        assert!(codes(&report).contains(&(Code::SingleRun, Severity::Note)));
    }
    let (a, b) = (counts(&[("a", &[100_000.0])]), counts(&[("a", &[102_000.0])]));
    let report = verdict(&a, &b, "");
    assert_eq!((outcome(&report, "a").0, exit(&report)), (Outcome::Regression, 3));
}

#[test]
fn counts_are_exact_unless_they_vary() {
    let base = counts(&[("a", &[100_000.0; 3])]);
    for (runs, expected) in [
        ([100_000.0; 3], (Outcome::Unchanged, Severity::Note)),
        ([100_400.0; 3], (Outcome::Unchanged, Severity::Note)),
        ([100_700.0; 3], (Outcome::Regression, Severity::Warn)),
        ([102_000.0; 3], (Outcome::Regression, Severity::Fail)),
        ([98_000.0; 3], (Outcome::Improvement, Severity::Note)),
        // A spread of 1% within the candidate: three times that is the tolerance.
        ([101_500.0, 102_000.0, 102_500.0], (Outcome::Unchanged, Severity::Note)),
    ] {
        assert_eq!(outcome(&verdict(&base, &counts(&[("a", &runs)]), ""), "a"), expected);
    }
    // A few instructions in a short benchmark are a matter of layout.
    let (short, moved) = (counts(&[("a", &[235.0])]), counts(&[("a", &[240.0])]));
    assert_eq!(outcome(&verdict(&short, &moved, ""), "a").0, Outcome::Unchanged);
    let unsteady = counts(&[("a", &[100_000.0, 101_000.0])]);
    assert!(codes(&verdict(&base, &unsteady, "")).contains(&(Code::UnsteadyCount, Severity::Note)));
}

#[test]
fn a_zero_divides_nothing() {
    let (zero, some) = (counts(&[("a", &[0.0])]), counts(&[("a", &[30.0])]));
    let report = verdict(&zero, &some, "");
    assert_eq!((outcome(&report, "a").0, exit(&report)), (Outcome::Regression, 3));
    assert_eq!(report.rows[0].change, None);
    assert_eq!(outcome(&verdict(&zero, &zero, ""), "a").0, Outcome::Unchanged);
    let report = verdict(&zero, &some, "[[rule]]\nbench = \"a\"\nfloor = \"50\"");
    assert_eq!(outcome(&report, "a").0, Outcome::Unchanged);
    let report = verdict(&times(&[("a", &[0.0])]), &times(&[("a", &[3.0])]), "");
    assert_eq!(outcome(&report, "a").0, Outcome::Undecided);
}

#[test]
fn zeros_among_counts_that_vary_decide_nothing() {
    let counted = |runs: &[f64]| counts(&[("a", runs)]);
    for (base, cand, expected) in [
        // One odd run of zero is spread, not a change.
        ([0.0, 1000.0, 1000.0], [1001.0; 3], Outcome::Unchanged),
        ([0.0, 1000.0, 1000.0], [1000.0; 3], Outcome::Unchanged),
        ([0.0, 0.0, 1000.0], [1000.0; 3], Outcome::Undecided),
        ([-5000.0; 3], [-4999.0; 3], Outcome::Undecided),
    ] {
        assert_eq!(outcome(&verdict(&counted(&base), &counted(&cand), ""), "a").0, expected);
    }
}

fn rate() -> Metric {
    Metric {
        name: "hit_rate".to_owned(),
        unit: Unit::Share,
        better: Direction::Higher,
        nature: Nature::Sampled,
    }
}

#[test]
fn limits_are_shares_of_the_baseline_in_either_direction() {
    let rule = "[[rule]]\nbench = \"a\"\ntolerance = \"50%\"";
    let rates = |runs: &[f64]| snapshot(&[("a", rate(), runs)]);
    let base = rates(&[0.90, 0.901, 0.899]);
    for (runs, expected) in
        [([0.54, 0.541, 0.539], Outcome::Unchanged), ([0.36, 0.361, 0.359], Outcome::Regression)]
    {
        let report = verdict(&base, &rates(&runs), &format!("{rule}\ntarget = \"60%\""));
        assert_eq!(outcome(&report, "a").0, expected);
    }
    // A waiver for a little does not cover losing everything.
    let hits = Metric { better: Direction::Higher, ..Metric::counted("hits", Unit::Count) };
    let waiver = "[[waiver]]\nbench = \"a\"\nmetric = \"hits\"\nup_to = \"1%\"\nuntil = \
                  \"2027-01-01\"\nreason = \"known\"";
    let of = |value: f64| snapshot(&[("a", hits.clone(), &[value])]);
    let report = verdict(&of(100.0), &of(0.0), waiver);
    assert_eq!((codes(&report)[0], exit(&report)), ((Code::WaiverExceeded, Severity::Warn), 3));
}

#[test]
fn a_metric_that_is_gone_or_means_something_else_shows() {
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
fn a_rule_that_matches_nothing_is_said() {
    let base = times(&[("a", &STEADY)]);
    let report = verdict(&base, &base, "[[rule]]\nbench = \"htttp/**\"\ntolerance = \"5%\"");
    assert_eq!(codes(&report), [(Code::RuleUnmatched, Severity::Warn)]);
    let report = verdict(&base, &base, "[[rule]]\nbench = \"a\"\ntolerance = \"5%\"");
    assert_eq!(codes(&report), []);
}

#[test]
fn larger_is_better_where_the_metric_says_so() {
    let rate = rate();
    let high = snapshot(&[("a", rate.clone(), &[0.95, 0.951, 0.949])]);
    let low = snapshot(&[("a", rate, &[0.80, 0.801, 0.799])]);
    assert_eq!(outcome(&verdict(&high, &low, ""), "a").0, Outcome::Regression);
    assert_eq!(outcome(&verdict(&low, &high, ""), "a").0, Outcome::Improvement);
}

#[test]
fn another_processor_leaves_clocks_undecided_and_counts_judged() {
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
    assert_eq!(exit(&report), 0, "the count was decided");

    // Clocks alone: neither pass nor fail, however large the difference.
    let (base, mut other) = (times(&[("a", &STEADY)]), times(&[("a", &FIFTH_SLOWER)]));
    other.runs.iter_mut().for_each(|run| run.environment.set(Field::CpuModel, "Another CPU"));
    let report = verdict(&base, &other, "");
    assert_eq!(report.verdict.as_ref().unwrap().outcome, VerdictOutcome::Undecided);
    assert_eq!(exit(&report), 4);
    let report = verdict(&base, &other, "[environment]\nignore = [\"cpu_model\"]");
    assert_eq!(exit(&report), 3, "the policy says they may be compared");
}

#[test]
fn what_one_side_or_one_run_does_not_share_is_a_difference() {
    let base = times(&[("a", &STEADY)]);
    let changed = |change: fn(&mut Environment), runs: std::ops::Range<usize>| {
        let mut other = times(&[("a", &FIFTH_SLOWER)]);
        other.runs[runs].iter_mut().for_each(|run| change(&mut run.environment));
        other
    };
    for other in [
        // One run on another machine; a fact that only one side knows.
        changed(|environment| environment.set(Field::CpuModel, "Another CPU"), 3..4),
        changed(|environment| environment.set(Field::CpuModel, ""), 0..5),
        changed(|environment| environment.set(Field::Flags, "-C target-cpu=native"), 0..5),
    ] {
        for report in [verdict(&base, &other, ""), verdict(&other, &base, "")] {
            assert_eq!((outcome(&report, "a").0, exit(&report)), (Outcome::Undecided, 4));
            assert_eq!(codes(&report), [(Code::EnvironmentDiffers, Severity::Warn)]);
        }
    }
    // What cannot move a clock by itself is said, and compared.
    let other = changed(|environment| environment.set(Field::Services, "redis 8.0.0"), 0..5);
    let mut base = base;
    base.runs.iter_mut().for_each(|run| run.environment.set(Field::Services, "redis 7.0.15"));
    let report = verdict(&base, &other, "");
    assert_eq!(codes(&report), [(Code::EnvironmentDiffers, Severity::Note)]);
    assert_eq!(exit(&report), 3);
}

#[test]
fn another_toolchain_is_said_once() {
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
fn an_unknown_environment_is_said() {
    let base = times(&[("a", &STEADY)]);
    let mut other = base.clone();
    other.runs.iter_mut().for_each(|run| run.environment = Environment::default());
    let report = verdict(&other, &base, "");
    assert_eq!(codes(&report), [(Code::EnvironmentUnknown, Severity::Warn)]);
    assert_eq!(exit(&report), 0);
}

#[test]
fn absence_shows_and_never_passes_for_a_comparison() {
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
    assert_eq!(exit(&verdict(&base, &renamed, "[verdict]\nrequire = [\"cache/hit\"]")), 5);
    assert_eq!(exit(&verdict(&base, &renamed, "[verdict]\nrequire = [\"cache/*\"]")), 0);

    let nothing = times(&[("other", &STEADY)]);
    let report = verdict(&base, &nothing, "[verdict]\nmissing = \"allow\"");
    assert_eq!(report.verdict.as_ref().unwrap().outcome, VerdictOutcome::NothingCompared);
    assert_eq!(exit(&report), 5);
    assert_eq!(exit(&verdict(&base, &times(&[]), "")), 5);
}

#[test]
fn what_was_not_selected_is_not_missing() {
    let base = times(&[("a", &STEADY), ("b", &STEADY)]);
    let mut part = times(&[("a", &STEADY)]);
    part.selection = Some("--filter a".to_owned());
    let report = verdict(&base, &part, "[verdict]\nmissing = \"fail\"");
    assert_eq!((outcome(&report, "b"), exit(&report)), ((Outcome::Missing, Severity::Note), 0));
    assert_eq!(codes(&report), []);
    let wanted = "[verdict]\nrequire = [\"b\"]\n[[budget]]\nbench = \"b\"\nmetric = \
                  \"time\"\nat_most = \"1s\"";
    let report = verdict(&base, &part, wanted);
    assert_eq!(exit(&report), 0, "a selection says nothing of what it leaves out");
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
    assert_eq!(exit(&judge_alone(alone)), 5, "nothing at all is never a pass");
    let budget = |limit: &str| format!("[[budget]]\nbench = \"a\"\nmetric = \"time\"\n{limit}");
    assert_eq!(exit(&judge_alone(&budget("at_most = \"200ns\""))), 5, "a lost baseline shows");
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
fn waivers_hold_for_one_row_up_to_a_ceiling_and_a_day() {
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
fn what_broke_makes_the_verdict_incomplete_but_hides_nothing() {
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
fn equal_names_in_two_targets_do_not_collide() {
    let mut base = times(&[("a", &STEADY), ("a", &FIFTH_SLOWER)]);
    base.measurements[0].id = BenchId::in_target("a", "cache", "service");
    base.measurements[1].id = BenchId::in_target("a", "http", "service");
    let report = verdict(&base, &base, "");
    assert_eq!(report.counts[&Outcome::Unchanged], 2);
    // A side that does not know targets cannot say which of the two it means.
    let report = verdict(&base, &times(&[("a", &STEADY)]), "");
    assert_eq!((report.counts[&Outcome::Missing], report.counts[&Outcome::New]), (2, 1));
    // With one of them there is no doubt.
    base.measurements.pop();
    let report = verdict(&base, &times(&[("a", &STEADY)]), "");
    assert_eq!(report.counts[&Outcome::Unchanged], 1);
}

#[test]
fn comparing_judges_nothing() {
    let (fast, slow) = (times(&[("a", &STEADY)]), times(&[("a", &FIFTH_SLOWER)]));
    let policy = policy("");
    let report = compare(&Case {
        baseline: Some(&fast),
        candidate: &slow,
        policy: &policy,
        noise: None,
        today: TODAY,
    });
    assert_eq!((report.verdict, report.rows[0].judgement.clone()), (None, None));
    let change = report.rows[0].change.unwrap();
    assert!((change.estimate - 0.2).abs() < 0.001 && change.lower.unwrap() > 0.15);
}

/// Snapshots of three benchmarks with five runs each.
fn any_times() -> impl Strategy<Value = Vec<Vec<f64>>> {
    prop::collection::vec(prop::collection::vec(10.0f64..1000.0, 5), 3)
}

fn three(runs: &[Vec<f64>], scale: f64) -> Snapshot {
    let scaled: Vec<Vec<f64>> =
        runs.iter().map(|runs| runs.iter().map(|value| value * scale).collect()).collect();
    times(&[("a", &scaled[0]), ("b", &scaled[1]), ("c", &scaled[2])])
}

fn outcomes(report: &Report) -> Vec<(String, Outcome)> {
    let mut all: Vec<_> =
        report.rows.iter().map(|row| (row.id.clone(), row.outcome().unwrap())).collect();
    all.sort();
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn swapping_the_sides_turns_the_outcomes(base in any_times(), cand in any_times()) {
        let (base, cand) = (three(&base, 1.0), three(&cand, 1.0));
        let forth = verdict(&base, &cand, "");
        let back = verdict(&cand, &base, "");
        for ((_, forth), (_, back)) in outcomes(&forth).into_iter().zip(outcomes(&back)) {
            match forth {
                Outcome::Regression => prop_assert_eq!(back, Outcome::Improvement),
                Outcome::Improvement => prop_assert_eq!(back, Outcome::Regression),
                _ => prop_assert!(back == Outcome::Unchanged || back == Outcome::Undecided),
            }
        }
    }

    #[test]
    fn rescaling_units_keeps_the_verdict(base in any_times(), cand in any_times()) {
        let once = verdict(&three(&base, 1.0), &three(&cand, 1.0), "");
        let thousandfold = verdict(&three(&base, 1024.0), &three(&cand, 1024.0), "");
        prop_assert_eq!(outcomes(&once), outcomes(&thousandfold));
        prop_assert_eq!(once.verdict, thousandfold.verdict);
    }

    #[test]
    fn a_stricter_policy_never_turns_fail_into_pass(
        base in any_times(), cand in any_times(), strict in 0.0f64..20.0, more in 0.0f64..50.0,
    ) {
        let rule = |limit: f64| {
            format!("[[rule]]\nbench = \"**\"\ntolerance = \"{limit}%\"\nwarn = \"{limit}%\"\nfail = \"{limit}%\"\ntarget = \"90%\"")
        };
        let (base, cand) = (three(&base, 1.0), three(&cand, 1.0));
        let lax = verdict(&base, &cand, &rule(strict + more));
        let strict = verdict(&base, &cand, &rule(strict));
        if exit(&lax) == 3 {
            prop_assert_eq!(exit(&strict), 3);
        }
    }

    #[test]
    fn the_order_of_input_is_irrelevant(base in any_times(), cand in any_times()) {
        let (base, cand) = (three(&base, 1.0), three(&cand, 1.0));
        let (mut back_base, mut back_cand) = (base.clone(), cand.clone());
        back_base.measurements.reverse();
        back_cand.measurements.reverse();
        for measurement in &mut back_cand.measurements {
            measurement.runs.reverse();
        }
        let (forth, back) = (verdict(&base, &cand, ""), verdict(&back_base, &back_cand, ""));
        prop_assert_eq!(outcomes(&forth), outcomes(&back));
        prop_assert_eq!(forth.verdict, back.verdict);
    }
}
