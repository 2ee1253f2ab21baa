//! What a trial's control and its machine do to the verdict.

use std::path::Path;

use benchgate::baseline;
use benchgate::judge::{Case, Outcome, Report, VerdictOutcome, judge, judge_controlled};
use benchgate::model::{
    BenchId, Direction, Measurement, Metric, Nature, Reading, RunReading, Snapshot, Unit,
};
use benchgate::policy::Policy;
use jiff::civil::date;

/// A side of the trial whose head is worse, and whose control alarms.
fn side(name: &str) -> Snapshot {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cmd/project/trial");
    baseline::read(&directory.join(name)).expect("it is readable")
}

fn policy(text: &str) -> Policy {
    Policy::parse(&format!("version = 1\n{text}"), Path::new("gate.toml")).expect("it is valid")
}

fn report(base: &Snapshot, head: &Snapshot, policy: &Policy, controlled: bool) -> Report {
    let today = date(2026, 11, 20);
    let case = Case { baseline: Some(base), candidate: head, policy, noise: None, today };
    if controlled { judge_controlled(&case, &side("control.json")) } else { judge(&case) }
}

fn verdict(report: &Report) -> (VerdictOutcome, u8) {
    let verdict = report.verdict.as_ref().expect("it is judged");
    (verdict.outcome, verdict.exit_code)
}

/// The same count in every run.
fn counted(snapshot: &mut Snapshot, value: f64) {
    let metric = Metric {
        name: Metric::INSTRUCTIONS.to_owned(),
        unit: Unit::Count,
        better: Direction::Lower,
        nature: Nature::Counted,
    };
    let runs = (0..2).map(|run| RunReading { run, reading: Reading::Value(value) }).collect();
    let id = BenchId::named("counted");
    snapshot.measurements.push(Measurement {
        id,
        metric,
        runs,
        criterion: None,
        throughput: None,
        costs: None,
    });
    snapshot.sort();
}

#[test]
fn an_alarm_takes_a_verdict_of_clocks_and_leaves_one_of_counts() {
    let (mut base, mut head) = (side("base.json"), side("head.json"));
    let policy = policy("");
    assert_eq!(verdict(&report(&base, &head, &policy, false)), (VerdictOutcome::Fail, 3));
    assert_eq!(verdict(&report(&base, &head, &policy, true)), (VerdictOutcome::Undecided, 4));
    // A pass is taken as well.
    assert_eq!(verdict(&report(&base, &base, &policy, true)), (VerdictOutcome::Undecided, 4));

    counted(&mut base, 10_000.0);
    counted(&mut head, 12_000.0);
    let report = report(&base, &head, &policy, true);
    assert_eq!(verdict(&report), (VerdictOutcome::Fail, 3), "no machine moves a count");
    let control = report.control.expect("it is there");
    assert_eq!(control.alarms, ["queries/select"]);
    let counts = [(Outcome::Regression, 1), (Outcome::Unchanged, 1)];
    assert_eq!(control.counts, counts.into(), "of what it measured");
}

#[test]
fn a_busy_machine_weighs_what_the_policy_says() {
    let (base, head) = (side("base.json"), side("base.json"));
    let of = |level: &str| {
        let policy = policy(&format!("[ab]\nmachine_busy = \"{level}\"\n"));
        report(&base, &head, &policy, false)
    };
    let busy = |report: &Report| {
        report.findings.iter().filter(|one| one.code.as_str() == "machine-busy").count()
    };
    for (level, outcome) in [
        ("allow", VerdictOutcome::Pass),
        ("warn", VerdictOutcome::Pass),
        ("fail", VerdictOutcome::Undecided),
    ] {
        let report = of(level);
        assert_eq!((verdict(&report).0, busy(&report)), (outcome, 1), "{level}");
    }
    // Less than a fifth of it may be taken.
    let mut quiet = base.clone();
    quiet.runs.iter_mut().for_each(|run| run.busy = Some(0.19));
    let report = report(&quiet, &quiet, &policy("[ab]\nmachine_busy = \"fail\"\n"), false);
    assert_eq!((verdict(&report).0, busy(&report)), (VerdictOutcome::Pass, 0));
}

#[test]
fn a_level_that_no_look_can_reach_is_refused_where_it_is_set() {
    let refused = |text: &str| {
        Policy::parse(&format!("version = 1\n{text}"), Path::new("gate.toml"))
            .unwrap_err()
            .to_string()
    };
    let error = refused("[verdict]\nalpha = \"0.0000000000000000000000001%\"\n");
    assert!(error.contains("the last needs at least 92 pairs"), "{error}");
    assert!(error.contains("gate.toml:3"), "{error}");
}
