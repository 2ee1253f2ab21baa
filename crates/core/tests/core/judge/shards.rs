//! Shards that are judged as one trial.

use benchgate_core::judge::{Case, Code, Outcome, Report, judge, judge_controlled, to_confirm};
use benchgate_core::model::{
    Arm, BenchId, CriterionParts, Extent, Field, Metric, Pairing, Reading, Revision, RunInfo,
    RunReading, Shard, ShardNumber, Sides, Snapshot,
};
use benchgate_core::policy::Policy;
use benchgate_core::shards::{MeasuredShard, MergedTrial, ShardError, merge};
use benchgate_core::stats::SplitMix64;

use super::common::{TODAY, times};
use super::trial::pairing;

const SHARDS: u32 = 4;
const RUNS: usize = 8 + 80;

/// Benchmarks, each with its true change and the number of its confirming pairs.
const BENCHMARKS: [(&str, f64, usize); 11] = [
    ("a", 0.0, 0),
    ("b", 0.05, 14),
    ("c", 0.0, 0),
    ("d", 0.02, 28),
    ("e", -0.05, 14),
    ("f", 0.0, 80),
    ("g", 0.015, 80),
    ("h", 0.0, 0),
    ("i", 0.011, 14),
    ("j", 0.03, 13),
    ("k", 0.012, 28),
];

/// One trial of all benchmarks, with a control.
fn whole() -> MergedTrial {
    let mut random = SplitMix64::new(7);
    let mut arms = [Arm::Base, Arm::Head, Arm::Control].map(|_| Vec::new());
    for (name, change, confirming) in BENCHMARKS {
        let runs = 8 + confirming;
        let mut of = |change: f64| -> Vec<f64> {
            let noise = |random: &mut SplitMix64| (random.index(2001) as f64 - 1000.0) / 1e5;
            (0..runs).map(|_| 100.0 * (change + noise(&mut random)).exp()).collect()
        };
        for (arm, values) in arms.iter_mut().zip([of(0.0), of(change), of(0.0)]) {
            arm.push((name, values));
        }
    }
    let mut number = 0;
    let [base, head, control] = arms.map(|rows| {
        let rows: Vec<_> = rows.iter().map(|(id, values)| (*id, &values[..])).collect();
        let mut side = Snapshot {
            name: ["base", "head", "control"][number].to_owned(),
            pairing: Some(Pairing { control: true, ..pairing() }),
            ..times(&rows)
        };
        number += 1;
        let run = side.runs[0].clone();
        side.runs = vec![RunInfo { seconds: Some(1.0), busy: Some(0.01), ..run }; RUNS];
        for measurement in &mut side.measurements {
            let id = measurement.id.clone();
            measurement.id = BenchId::in_target(id.name.clone(), "t", "p");
            let (function, value) = (None, None);
            let directory = id.name.clone();
            measurement.criterion =
                Some(CriterionParts { group: id.name, function, value, directory });
        }
        side
    });
    MergedTrial { base, head, control: Some(control) }
}

/// The shards of the trial, as if each had been measured apart.
fn shards(whole: &MergedTrial) -> Vec<MeasuredShard> {
    let listing: Vec<String> = BENCHMARKS.map(|(name, _, _)| format!("p/t::{name}")).to_vec();
    let numbers = (1..=SHARDS).map(|number| ShardNumber::new(number, SHARDS).unwrap());
    let each = numbers.map(|number| {
        let part = |side: &Snapshot| {
            let mut side = side.clone();
            let at = |id: &BenchId| listing.iter().position(|name| *name == id.qualified());
            side.measurements.retain(|found| number.takes(at(&found.id).unwrap()));
            let most = side.measurements.iter().map(|found| found.runs.len()).max().unwrap();
            side.runs.truncate(most);
            let pairing = side.pairing.as_mut().unwrap();
            pairing.trial = format!("trial {number}");
            pairing.extent = Extent::Shard(Shard {
                number,
                policy: "0123456789abcdef".to_owned(),
                tool: "0.1.0".to_owned(),
                listing: listing.clone(),
            });
            side
        };
        MeasuredShard {
            name: format!("shard-{}", number.number()),
            base: part(&whole.base),
            head: part(&whole.head),
            control: whole.control.as_ref().map(part),
        }
    });
    each.collect()
}

fn case<'a>(base: &'a Snapshot, head: &'a Snapshot, policy: &'a Policy) -> Case<'a> {
    Case { baseline: Some(base), candidate: head, policy, noise: None, today: TODAY }
}

fn report(trial: &MergedTrial) -> Report {
    let policy = Policy::builtin();
    let case = case(&trial.base, &trial.head, &policy);
    trial.control.as_ref().map_or_else(|| judge(&case), |control| judge_controlled(&case, control))
}

fn outcome(report: &Report, id: &str) -> Option<Outcome> {
    let mut rows = report.rows.iter();
    rows.find(|row| row.id == id && row.metric == Metric::TIME).unwrap().outcome()
}

#[test]
fn shards_judged_together_give_the_report_of_one_trial() {
    let whole = whole();
    let together = report(&whole);
    // The trial has something of everything.
    for expected in
        [Outcome::Regression, Outcome::Improvement, Outcome::Unchanged, Outcome::Undecided]
    {
        assert!(together.counts.contains_key(&expected), "{:?}", together.counts);
    }
    let mut shards = shards(&whole);
    shards.rotate_left(2);
    let merged = report(&merge(shards).expect("they are complete"));
    // Every number of every row: changes, intervals, chances, severities, runs.
    assert_eq!(merged.rows, together.rows);
    assert_eq!(merged.verdict, together.verdict);
    assert_eq!((merged.counts, merged.control), (together.counts, together.control));
    assert_eq!(merged.findings, together.findings);
}

#[test]
fn what_shards_did_not_time_is_known_of_the_whole() {
    let mut parts = shards(&whole());
    let id = |name: &str| BenchId::in_target(name, "t", "p");
    for_both(&mut parts[0], |side| {
        let pairing = side.pairing.as_mut().unwrap();
        pairing.same_code.push(id("y"));
        pairing.not_reached.push(id("z"));
    });
    for_both(&mut parts[2], |side| side.pairing.as_mut().unwrap().same_code.push(id("x")));
    let whole = merge(parts).unwrap();
    for side in [&whole.base, &whole.head] {
        let pairing = side.pairing.as_ref().unwrap();
        assert_eq!(pairing.same_code, [id("x"), id("y")]);
        assert_eq!(pairing.not_reached, [id("z")]);
    }
}

#[test]
fn a_shard_alone_is_compared_and_not_judged() {
    let shard = shards(&whole()).remove(1);
    let report =
        report(&MergedTrial { base: shard.base, head: shard.head, control: shard.control });
    assert_eq!((report.verdict, report.control), (None, None));
    assert!(report.rows.iter().all(|row| row.judgement.is_none() && row.change.is_some()));
    let codes: Vec<Code> = report.findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, [Code::Shard]);
    assert!(report.findings[0].message.contains("shard 2/4"), "{}", report.findings[0].message);
}

/// A difference that 14 pairs prove for one benchmark and not for one of many.
#[test]
fn a_shard_is_as_strict_as_if_the_others_had_as_many_suspects() {
    let differences: Vec<f64> =
        (0..22).map(|n| if n == 9 { 0.005 } else { 0.05 + f64::from(n) / 1e4 }).collect();
    let (base, head) = super::trial::from_differences(&[("a", differences)]);
    let policy = Policy::builtin();
    let confirm = |extent: &Extent| {
        let [base, head] = [&base, &head].map(|side| {
            let mut side = side.clone();
            side.pairing.as_mut().unwrap().extent = extent.clone();
            side
        });
        to_confirm(&case(&base, &head, &policy)).len()
    };
    let shard = |of| {
        let number = ShardNumber::new(1, of).unwrap();
        let (policy, tool, listing) = (String::new(), String::new(), Vec::new());
        Extent::Shard(Shard { number, policy, tool, listing })
    };
    assert_eq!((confirm(&Extent::Whole), confirm(&shard(1))), (0, 0), "proven");
    assert_eq!(confirm(&shard(64)), 1, "it needs more pairs");
}

/// Each row is judged at the looks of its own shard.
#[test]
fn the_looks_of_each_shard_are_its_own() {
    let mut shards = shards(&whole());
    let before = report(&merge(shards.clone()).unwrap());
    // Shard 2 has b (14 pairs), f (80) and j (13). Its time budget ended at 13.
    for_both(&mut shards[1], |side| {
        let pairing = side.pairing.as_mut().unwrap();
        (pairing.looks, pairing.out_of_time) = (vec![13, 28, 80], true);
    });
    let after = report(&merge(shards).unwrap());
    assert_eq!(outcome(&before, "j"), Some(Outcome::Undecided), "no look was reached");
    assert_eq!(outcome(&after, "j"), Some(Outcome::Regression));
    let pairs = |report: &Report, id: &str| {
        report.rows.iter().find(|row| row.id == id && row.metric == "time").unwrap().pairs.len()
    };
    assert_eq!((pairs(&before, "b"), pairs(&after, "b")), (14, 13));
    assert_eq!((pairs(&before, "e"), pairs(&after, "e")), (14, 14));
    assert!(after.findings.iter().any(|finding| finding.code == Code::TimeBudgetEnded));
    assert!(!before.findings.iter().any(|finding| finding.code == Code::TimeBudgetEnded));
}

/// A busy machine puts only its own benchmarks in doubt.
#[test]
fn a_busy_machine_is_known_by_its_shard() {
    let mut shards = shards(&whole());
    for_both(&mut shards[2], |side| {
        side.runs.iter_mut().for_each(|run| run.busy = Some(0.5));
    });
    let merged = report(&merge(shards).unwrap());
    let busy: Vec<_> =
        merged.findings.iter().filter(|finding| finding.code == Code::MachineBusy).collect();
    assert_eq!(busy.len(), 1);
    assert!(busy[0].message.contains("50% of the machine during shard 3"), "{}", busy[0].message);
    // Shard 3 has c, g and k.
    assert_eq!(outcome(&merged, "c"), Some(Outcome::Undecided));
    assert_eq!(outcome(&merged, "a"), Some(Outcome::Unchanged));
}

fn refused(change: impl FnOnce(&mut Vec<MeasuredShard>)) -> ShardError {
    let mut shards = shards(&whole());
    change(&mut shards);
    merge(shards).expect_err("they do not belong together")
}

fn for_both(shard: &mut MeasuredShard, change: impl Fn(&mut Snapshot)) {
    let MeasuredShard { base, head, control, .. } = shard;
    [Some(base), Some(head), control.as_mut()].into_iter().flatten().for_each(change);
}

fn shard_of(side: &mut Snapshot) -> &mut Shard {
    match &mut side.pairing.as_mut().unwrap().extent {
        Extent::Shard(shard) => shard,
        other => panic!("not a shard: {other:?}"),
    }
}

#[test]
fn shards_that_are_missing_or_given_twice_are_refused() {
    let missing = refused(|shards| drop(shards.drain(1..3)));
    assert_eq!(missing, ShardError::Missing { missing: vec![2, 3], of: 4, given: 2 },);
    assert!(missing.to_string().starts_with("shards 2, 3 are missing, of 4: 2 are given"));
    let twice = refused(|shards| {
        let mut again = shards[1].clone();
        again.name = "elsewhere".to_owned();
        shards.push(again);
    });
    assert_eq!(twice.to_string(), "shard 2/4 is given twice: shard-2 and elsewhere");
    assert_eq!(merge(Vec::new()), Err(ShardError::Nothing));
}

#[test]
fn shards_that_differ_are_refused_with_both_values() {
    let revision = |commit: &str| {
        let commit = commit.to_owned();
        Some(Revision { commit, branch: None, dirty: false })
    };
    let differs = |change: &dyn Fn(&mut MeasuredShard)| {
        let error = refused(|shards| change(&mut shards[3]));
        assert!(matches!(error, ShardError::Differs { .. }), "{error}");
        error.to_string()
    };
    for (change, expected) in [
        (
            &(|shard: &mut MeasuredShard| shard.head.revision = revision("abc")) as &dyn Fn(&mut _),
            "the shards differ in the revision of the head: shard-1 has none, but shard-4 has abc",
        ),
        (
            &|shard| for_both(shard, |side| shard_of(side).policy = "other".to_owned()),
            "the shards differ in the policy: shard-1 has 0123456789abcdef, but shard-4 has other",
        ),
        (
            &|shard| for_both(shard, |side| shard_of(side).tool = "0.2.0".to_owned()),
            "the shards differ in the version of benchgate: shard-1 has 0.1.0, but shard-4 has \
             0.2.0",
        ),
        (
            &|shard| {
                let number = ShardNumber::new(4, 5).unwrap();
                for_both(shard, |side| shard_of(side).number = number);
            },
            "the shards differ in the number of shards: shard-1 has 4, but shard-4 has 5",
        ),
        (
            &|shard| {
                for run in &mut shard.base.runs {
                    run.environment.set(Field::Rustc, "rustc 1.96.0");
                }
            },
            "the shards differ in `rustc` of the base: shard-1 has rustc 1.95.0, but shard-4 has \
             rustc 1.96.0",
        ),
        (
            &|shard| {
                let trees = Sides { base: "1".to_owned(), head: "2".to_owned() };
                let pairing = shard.head.pairing.as_mut().unwrap();
                pairing.sources.trees = Some(trees);
            },
            "the shards differ in the files of the base: shard-1 has none, but shard-4 has 1",
        ),
    ] {
        assert_eq!(differs(change), expected);
    }
    // Values come from files that anyone may have written.
    let hostile = format!("\n::error::{}", "x".repeat(1000));
    let long = differs(&|shard| {
        for_both(shard, |side| shard_of(side).tool = hostile.clone());
    });
    assert!(long.contains("has \\u{a}::error::xxx") && long.len() < 400, "{long}");
}

#[test]
fn other_machines_are_not_refused() {
    let mut shards = shards(&whole());
    for_both(&mut shards[3], |side| {
        for run in &mut side.runs {
            run.environment.set(Field::CpuModel, "Another CPU");
        }
    });
    let merged = report(&merge(shards).unwrap());
    assert_eq!(merged.environment_differences, []);
    let cpu = merged.candidate.environment.get("cpu_model").map(String::as_str);
    assert_eq!(cpu, Some("Another CPU | Example CPU"));
}

#[test]
fn shards_that_list_other_benchmarks_are_refused() {
    let error = refused(|shards| {
        for_both(&mut shards[1], |side| shard_of(side).listing.push("p/t::redis".to_owned()));
    });
    let expected = "the shards list different benchmarks: shard-2 has `p/t::redis`, but shard-1 \
                    does not";
    assert!(error.to_string().starts_with(expected), "{error}");
}

#[test]
fn snapshots_that_contradict_each_other_are_refused() {
    let of_no_suite = refused(|shards| {
        for_both(&mut shards[0], |side| {
            side.pairing.as_mut().unwrap().extent = Extent::Whole;
        });
    });
    assert!(matches!(of_no_suite, ShardError::NotAShard { .. }));
    for change in [
        (&|shard: &mut MeasuredShard| shard.control = None) as &dyn Fn(&mut MeasuredShard),
        &|shard| shard.base.pairing = None,
        &|shard| shard.base.pairing.as_mut().unwrap().trial = "another".to_owned(),
        &|shard| shard.base.pairing.as_mut().unwrap().screening = 7,
        &|shard| drop(shard.base.runs.pop()),
        &|shard| shard_of(&mut shard.base).policy = "another".to_owned(),
    ] {
        let error = refused(|shards| change(&mut shards[2]));
        assert!(matches!(error, ShardError::Torn { .. }), "{error}");
    }
}

#[test]
fn a_benchmark_of_two_shards_is_refused_and_a_record_of_two_kept_apart() {
    let own = whole().head.measurements.remove(0);
    let error = refused(|shards| shards[1].head.measurements.insert(0, own.clone()));
    assert_eq!(error.to_string(), "`p/t::a` was measured by two shards: shard-1 and shard-2");

    // Metrics of the whole process: each shard that runs the program has them.
    let record = |metric: &str, value: f64| {
        let mut record = own.clone();
        record.id.name = "process".to_owned();
        record.metric = Metric::counted(metric, benchgate_core::model::Unit::Count);
        record.criterion = None;
        record.runs = vec![RunReading { run: 0, reading: Reading::Value(value) }];
        record
    };
    let mut shards = shards(&whole());
    for (shard, queries) in [(0, 4.0), (1, 4.0), (2, 9.0)] {
        let MeasuredShard { base, head, .. } = &mut shards[shard];
        base.measurements.push(record("queries", 4.0));
        head.measurements.push(record("queries", queries));
    }
    let merged = report(&merge(shards).unwrap());
    let rows = merged.rows.iter().filter(|row| row.metric == "queries");
    let rows: Vec<_> = rows.map(|row| (row.id.as_str(), row.outcome())).collect();
    let expected =
        [("process (shard 3)", Some(Outcome::Regression)), ("process", Some(Outcome::Unchanged))];
    assert_eq!(rows, expected);
}
