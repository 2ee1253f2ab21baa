//! What a trial's control and its machine do to the verdict.

use std::collections::BTreeMap;
use std::path::Path;

use benchgate::baseline;
use benchgate::judge::{
    Case, Outcome, Report, Row, Severity, VerdictOutcome, judge, judge_controlled,
};
use benchgate::model::{
    BenchId, Costs, Direction, Measurement, Metric, Nature, Reading, RunReading, Snapshot, Unit,
};
use benchgate::policy::Policy;
use jiff::civil::date;

/// A side of the trial whose head is worse, and whose control alarms.
fn side(name: &str) -> Snapshot {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("cmd/project/trial");
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
    (verdict.outcome, verdict.exit.code())
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
    let policy = policy("[ab]\nmachine_busy = \"warn\"\n");
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

/// Every time with the same instructions beside it, of a single thread.
fn witnessed(mut snapshot: Snapshot, instructions: f64) -> Snapshot {
    let times: Vec<_> = snapshot.measurements.iter().map(|one| one.id.clone()).collect();
    for id in times {
        counted(&mut snapshot, instructions);
        let added = snapshot.measurements.iter_mut().find(|one| one.id.name == "counted");
        let added = added.expect("it was added");
        added.id = id;
        added.costs =
            Some(Costs { threads: 1, scope: None, total: 10_000, functions: BTreeMap::new() });
    }
    snapshot.sort();
    snapshot
}

/// How the clocks came out: of what is slower, of what is not.
fn clocks(report: &Report) -> [Outcome; 2] {
    ["cache/hit", "queries/select"].map(|id| {
        let mut rows = report.rows.iter().filter(|row| row.metric == "time");
        rows.find(|row| row.id == id).and_then(Row::outcome).expect("it is judged")
    })
}

#[test]
fn a_busy_machine_weighs_what_the_policy_says() {
    use Outcome::{Improvement, Regression, Unchanged, Undecided};
    let (base, head) = (side("base.json"), side("head.json"));
    let busy = |report: &Report| {
        let findings = report.findings.iter().filter(|one| one.code.as_str() == "machine-busy");
        findings.map(|one| one.severity).collect::<Vec<_>>()
    };
    let of = |base: &Snapshot, head: &Snapshot, level: &str| {
        let key = format!("[ab]\nmachine_busy = \"{level}\"\n");
        let report = report(base, head, &policy(if level.is_empty() { "" } else { &key }), false);
        (clocks(&report), verdict(&report).1, busy(&report))
    };
    let (note, warn, fail) = (Severity::Note, Severity::Warn, Severity::Fail);
    for (level, weight, worse, alike) in [
        ("allow", note, ([Regression, Unchanged], 3), ([Unchanged; 2], 0)),
        ("warn", warn, ([Regression, Unchanged], 3), ([Unchanged; 2], 0)),
        ("clear-nothing", warn, ([Regression, Undecided], 3), ([Undecided; 2], 4)),
        ("decide-nothing", warn, ([Undecided; 2], 4), ([Undecided; 2], 4)),
        ("fail", fail, ([Regression, Unchanged], 3), ([Unchanged; 2], 4)),
        // Unless the policy says otherwise.
        ("", warn, ([Regression, Undecided], 3), ([Undecided; 2], 4)),
    ] {
        assert_eq!(of(&base, &head, level), (worse.0, worse.1, vec![weight]), "{level}");
        assert_eq!(of(&base, &base, level), (alike.0, alike.1, vec![weight]), "{level}");
    }
    // A faster head is one as well; what two witnesses say stands.
    for (level, of_clocks) in [("clear-nothing", Improvement), ("decide-nothing", Undecided)] {
        assert_eq!(of(&head, &base, level).0, [of_clocks, Undecided]);
        let sides = [&base, &head].map(|side| witnessed(side.clone(), 10_000.0));
        let slower = if level == "clear-nothing" { Regression } else { Undecided };
        assert_eq!(of(&sides[0], &sides[1], level).0, [slower, Unchanged]);
        let fewer = witnessed(base.clone(), 9_000.0);
        assert_eq!(of(&sides[1], &fewer, level).0, [Improvement, Unchanged]);
        let more = witnessed(head.clone(), 12_000.0);
        assert_eq!(of(&sides[0], &more, level), ([Regression, Undecided], 3, vec![warn]));
    }
    let report = report(&base, &head, &policy(""), false);
    let select = report.rows.iter().find(|row| row.id == "queries/select").unwrap();
    let judgement = select.judgement.as_ref().unwrap();
    assert_eq!(
        judgement.reason,
        "machine busy (31% used by other programs); would otherwise be unchanged: no change for \
         the worse of 2.5% or more, 8 pairs"
    );
    let said = report.findings.iter().find(|one| one.code.as_str() == "machine-busy").unwrap();
    assert!(said.message.contains("undecided, and no clock alone clears a row; close other"));
    // Less than a fifth of it may be taken.
    let mut quiet = base.clone();
    quiet.runs.iter_mut().for_each(|run| run.busy = Some(0.19));
    for level in ["clear-nothing", "decide-nothing", "fail"] {
        assert_eq!(of(&quiet, &quiet, level), ([Unchanged; 2], 0, vec![]), "{level}");
    }
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
