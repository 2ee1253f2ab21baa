//! The effect of a trial's control, and of a busy machine, on the verdict.

use std::collections::BTreeMap;
use std::path::Path;

use benchgate::baseline;
use benchgate::judge::{
    Case, Outcome, Report, Row, Severity, VerdictOutcome, judge, judge_controlled,
};
use benchgate::model::{
    AllocatorCount, BenchId, Costs, Direction, Measurement, Metric, Nature, Reading, RunReading,
    Snapshot, Unit,
};
use benchgate::policy::Policy;
use jiff::civil::date;

/// A side of a trial whose head is slower and whose control shows a false alarm.
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

/// Adds a count with the same value in every run.
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
fn a_false_alarm_makes_a_verdict_by_clocks_undecided_but_not_one_by_counts() {
    let (mut base, mut head) = (side("base.json"), side("head.json"));
    let policy = policy("[ab]\nmachine_busy = \"warn\"\n");
    assert_eq!(verdict(&report(&base, &head, &policy, false)), (VerdictOutcome::Fail, 3));
    assert_eq!(verdict(&report(&base, &head, &policy, true)), (VerdictOutcome::Undecided, 4));
    // A pass becomes undecided as well.
    assert_eq!(verdict(&report(&base, &base, &policy, true)), (VerdictOutcome::Undecided, 4));

    counted(&mut base, 10_000.0);
    counted(&mut head, 12_000.0);
    let report = report(&base, &head, &policy, true);
    assert_eq!(verdict(&report), (VerdictOutcome::Fail, 3), "the machine does not affect a count");
    let control = report.control.expect("a control");
    assert_eq!(control.alarms, ["queries/select"]);
    let counts = [(Outcome::Regression, 1), (Outcome::Unchanged, 1)];
    assert_eq!(control.counts, counts.into(), "the control's rows by outcome");
}

/// Adds the same instruction count, of a single thread, to every time.
fn witnessed(mut snapshot: Snapshot, instructions: f64) -> Snapshot {
    let times: Vec<_> =
        snapshot.measurements.iter().map(|measurement| measurement.id.clone()).collect();
    for id in times {
        counted(&mut snapshot, instructions);
        let added =
            snapshot.measurements.iter_mut().find(|measurement| measurement.id.name == "counted");
        let added = added.expect("the added count");
        added.id = id;
        added.costs = Some(Costs {
            threads: 1,
            scope: None,
            allocator: AllocatorCount::Charged,
            system_calls: false,
            total: 10_000,
            functions: BTreeMap::new(),
        });
    }
    snapshot.sort();
    snapshot
}

/// The outcomes of the clocks: of the slower benchmark and of the unchanged one.
fn clocks(report: &Report) -> [Outcome; 2] {
    ["cache/hit", "queries/select"].map(|id| {
        let mut rows = report.rows.iter().filter(|row| row.metric == "time");
        rows.find(|row| row.id == id).and_then(Row::outcome).expect("it is judged")
    })
}

#[test]
fn the_policy_sets_the_effect_of_a_busy_machine() {
    use Outcome::{Improvement, Regression, Unchanged, Undecided};
    let (base, head) = (side("base.json"), side("head.json"));
    let busy = |report: &Report| {
        let findings =
            report.findings.iter().filter(|finding| finding.code.as_str() == "machine-busy");
        findings.map(|finding| finding.severity).collect::<Vec<_>>()
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
        // Another policy changes that.
        ("", warn, ([Regression, Undecided], 3), ([Undecided; 2], 4)),
    ] {
        assert_eq!(of(&base, &head, level), (worse.0, worse.1, vec![weight]), "{level}");
        assert_eq!(of(&base, &base, level), (alike.0, alike.1, vec![weight]), "{level}");
    }
    // The same for a faster head. Rows that both witnesses decide are kept.
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
         the worse of 2.5% or more in the typical process, 8 pairs"
    );
    let busy =
        report.findings.iter().find(|finding| finding.code.as_str() == "machine-busy").unwrap();
    assert!(busy.message.contains("undecided, and no clock alone clears a row; close other"));
    // A load below 20% is not reported.
    let mut quiet = base.clone();
    quiet.runs.iter_mut().for_each(|run| run.busy = Some(0.19));
    for level in ["clear-nothing", "decide-nothing", "fail"] {
        assert_eq!(of(&quiet, &quiet, level), ([Unchanged; 2], 0, vec![]), "{level}");
    }
}

#[test]
fn a_level_that_no_look_can_reach_is_refused_at_its_place() {
    let refused = |text: &str| {
        Policy::parse(&format!("version = 1\n{text}"), Path::new("gate.toml"))
            .unwrap_err()
            .to_string()
    };
    let error = refused("[verdict]\nalpha = \"0.0000000000000000000000001%\"\n");
    assert!(error.contains("the last needs at least 92 pairs"), "{error}");
    assert!(error.contains("gate.toml:3"), "{error}");
}
