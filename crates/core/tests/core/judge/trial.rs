//! Verdicts from pairs of processes: what the screening clears, what the confirming
//! pairs decide, and how often either is wrong.

use std::path::Path;

use benchgate_core::judge::{Code, Outcome, Report, Severity, Unmeasured};
use benchgate_core::model::{BenchId, Extent, Pairing, Snapshot, Sources};
use benchgate_core::policy::Policy;
use benchgate_core::stats::SplitMix64;

use super::common::times;

const LOOKS: [u32; 3] = [14, 28, 80];

pub(crate) fn pairing() -> Pairing {
    Pairing {
        trial: "one".to_owned(),
        seed: 1,
        screening: 8,
        looks: LOOKS.to_vec(),
        out_of_time: false,
        identical: Vec::new(),
        same_code: Vec::new(),
        not_reached: Vec::new(),
        control: false,
        set_up: Vec::new(),
        layouts: Vec::new(),
        sources: Sources::default(),
        extent: Extent::Whole,
    }
}

/// One side: for each benchmark the values of its runs.
fn side(name: &str, rows: &[(&str, Vec<f64>)]) -> Snapshot {
    let rows: Vec<_> = rows.iter().map(|(id, values)| (*id, &values[..])).collect();
    Snapshot { name: name.to_owned(), pairing: Some(pairing()), ..times(&rows) }
}

fn verdict(base: &Snapshot, head: &Snapshot) -> Report {
    super::common::verdict(base, head, "")
}

fn outcome(report: &Report, id: &str) -> Outcome {
    report
        .rows
        .iter()
        .find(|row| row.id == id && row.metric == "time")
        .and_then(benchgate_core::judge::Row::outcome)
        .expect("judged")
}

/// Differences that alternate around a centre, `spread` above and below it.
pub(crate) fn alternating(centre: f64, spread: f64, pairs: u32) -> Vec<f64> {
    let sign = |n: u32| if n.is_multiple_of(2) { 1.0 } else { -1.0 };
    // Slightly uneven, so that there are no ties.
    (0..pairs).map(|n| centre + sign(n) * spread * (1.0 + f64::from(n) * 0.01)).collect()
}

/// A base of 100 ns in every run, and the head that these differences make.
pub(crate) fn from_differences(rows: &[(&str, Vec<f64>)]) -> (Snapshot, Snapshot) {
    let base: Vec<_> = rows.iter().map(|(id, d)| (*id, vec![100.0; d.len()])).collect();
    let head: Vec<_> =
        rows.iter().map(|(id, d)| (*id, d.iter().map(|d| 100.0 * d.exp()).collect())).collect();
    (side("base", &base), side("head", &head))
}

#[test]
fn the_screening_clears_and_the_confirming_pairs_decide() {
    let screened = |centre: f64, then: Vec<f64>| [alternating(centre, 0.005, 8), then].concat();
    let (base, head) = from_differences(&[
        ("cleared", alternating(0.001, 0.005, 8)),
        ("suspect", alternating(0.05, 0.005, 8)),
        ("slower", screened(0.05, alternating(0.05, 0.005, 14))),
        ("faster", screened(-0.05, alternating(-0.05, 0.005, 14))),
        // The screening's pairs do not prove a change, and too few others do not clear.
        ("back to normal", screened(0.03, alternating(0.001, 0.005, 28))),
        ("noisy", screened(0.05, alternating(0.02, 0.3, 80))),
        // 13 confirming pairs do not reach a look.
        ("cut off", screened(0.05, alternating(0.05, 0.005, 13))),
    ]);
    let report = verdict(&base, &head);
    for (id, expected) in [
        ("cleared", Outcome::Unchanged),
        ("suspect", Outcome::Undecided),
        ("slower", Outcome::Regression),
        ("faster", Outcome::Improvement),
        ("back to normal", Outcome::Unchanged),
        ("noisy", Outcome::Undecided),
        ("cut off", Outcome::Undecided),
    ] {
        assert_eq!(outcome(&report, id), expected, "{id}");
    }
    assert_eq!(report.verdict.as_ref().unwrap().exit.code(), 3);
    let slower = report.rows.iter().find(|row| row.id == "slower").unwrap();
    let change = slower.change.unwrap();
    assert!(change.lower.unwrap() > 0.04 && change.upper.unwrap() < 0.06, "{change:?}");
    assert!(slower.judgement.as_ref().unwrap().reason.contains("14 pairs"));
}

#[test]
fn snapshots_of_two_trials_are_not_paired() {
    let (base, mut head) = from_differences(&[("a", alternating(0.05, 0.001, 22))]);
    assert_eq!(outcome(&verdict(&base, &head), "a"), Outcome::Regression);
    head.pairing.as_mut().unwrap().trial = "another".to_owned();
    let report = verdict(&base, &head);
    assert!(!report.rows[0].judgement.as_ref().unwrap().reason.contains("pairs"));
}

#[test]
fn identical_code_is_unchanged_and_counts_as_decided() {
    let (mut base, mut head) = from_differences(&[]);
    for side in [&mut base, &mut head] {
        side.pairing.as_mut().unwrap().identical = vec![BenchId::named("same")];
    }
    let report = verdict(&base, &head);
    assert_eq!(outcome(&report, "same"), Outcome::Unchanged);
    assert_eq!(report.verdict.as_ref().unwrap().exit.code(), 0);
}

#[test]
fn clocks_that_were_not_measured_are_unchanged_or_undecided_and_are_counted() {
    let (mut base, mut head) = from_differences(&[("a", alternating(0.001, 0.005, 8))]);
    for side in [&mut base, &mut head] {
        let pairing = side.pairing.as_mut().unwrap();
        pairing.same_code = ["b", "c"].map(BenchId::named).into();
        pairing.not_reached = ["d"].map(BenchId::named).into();
    }
    let report = verdict(&base, &head);
    let why = |id: &str| {
        let row = report.rows.iter().find(|row| row.id == id).expect("a row");
        let judgement = row.judgement.as_ref().expect("judged");
        (judgement.outcome, judgement.unmeasured, row.change)
    };
    assert_eq!((why("a").0, why("a").1), (Outcome::Unchanged, None));
    for id in ["b", "c"] {
        // Another iteration may take another path, so not even a change of zero is shown.
        assert_eq!(why(id), (Outcome::Unchanged, Some(Unmeasured::SameCodeExecuted), None));
    }
    assert_eq!(why("d"), (Outcome::Undecided, Some(Unmeasured::NotReached), None));
    let found: Vec<_> = report.findings.iter().map(|it| (it.code, it.severity)).collect();
    assert_eq!(
        found,
        [(Code::NotReached, Severity::Warn), (Code::SameCodeExecuted, Severity::Note)]
    );
    let passed = report.verdict.as_ref().unwrap();
    assert_eq!(passed.exit.code(), 0);
    assert!(passed.reason.contains("1 undecided"), "never silently: {}", passed.reason);
    // A floor does not make an unknown clock unchanged.
    let floor = "[[rule]]\nbench = \"**\"\nmetric = \"time\"\nfloor = \"5ns\"\n";
    let report = super::common::verdict(&base, &head, floor);
    assert_eq!(outcome(&report, "d"), Outcome::Undecided);
    let block = super::common::verdict(&base, &head, "[verdict]\nundecided = \"block\"\n");
    assert_eq!(block.verdict.as_ref().unwrap().exit.code(), 4);
}

#[test]
fn the_policy_applies_to_identical_code() {
    let (mut base, mut head) = (side("base", &[]), side("head", &[]));
    for side in [&mut base, &mut head] {
        side.pairing.as_mut().unwrap().identical =
            vec![BenchId::in_target("group/same", "benches", "app")];
    }
    let policy = "[verdict]\nrequire = [\"app/benches::*/**\"]\n\
                  [[rule]]\nbench = \"group/*\"\nmetric = \"instructions\"\ngate = \"warn\"\n\
                  [[budget]]\nbench = \"group/*\"\nmetric = \"time\"\nat_most = \"1ns\"\n\
                  [[waiver]]\nbench = \"group/same\"\nmetric = \"instructions\"\nup_to = \"5%\"\n\
                  until = \"2999-12-31\"\nreason = \"a\"\n";
    let report = super::common::verdict(&base, &head, policy);
    assert_eq!(report.verdict.as_ref().unwrap().exit.code(), 0, "{:?}", report.findings);
    let found: Vec<_> = report.findings.iter().map(|it| (it.code, it.severity)).collect();
    assert_eq!(
        found,
        [(Code::BudgetUnmatched, Severity::Note), (Code::WaiverUnused, Severity::Note)]
    );
    // With other code they would not be met.
    let report = super::common::verdict(
        &base,
        &head,
        &policy.replace("group", "other").replace("app/", "b/"),
    );
    assert_eq!(report.verdict.as_ref().unwrap().exit.code(), 5, "{:?}", report.findings);
}

/// Heavy-tailed noise as measured on a busy machine: mostly about 2%, one pair
/// in ten five times that.
fn noise(random: &mut SplitMix64) -> f64 {
    // The sum of twelve uniforms less 6 is close to normal.
    let uniform = |random: &mut SplitMix64| random.index(1 << 20) as f64 / f64::from(1 << 20);
    let normal = (0..12).map(|_| uniform(random)).sum::<f64>() - 6.0;
    normal * if random.index(10) == 0 { 0.10 } else { 0.02 }
}

/// The report of a trial of ten benchmarks, one of them slower by `injected`. It is
/// measured only as far as `gate ab` would measure it.
fn trial(random: &mut SplitMix64, injected: f64) -> Report {
    let ids = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    let mut rows: Vec<(&str, Vec<f64>)> = ids.map(|id| (id, Vec::new())).into();
    let centre = |id: &str| if id == "a" { injected } else { 0.0 };
    let mut open: Vec<&str> = ids.to_vec();
    for upto in [8].into_iter().chain(LOOKS.map(|look| 8 + look as usize)) {
        for (id, differences) in rows.iter_mut().filter(|(id, _)| open.contains(id)) {
            while differences.len() < upto {
                differences.push(centre(id) + noise(random));
            }
        }
        let (base, head) = from_differences(&rows);
        let report = verdict(&base, &head);
        open.retain(|id| outcome(&report, id) == Outcome::Undecided);
        if open.is_empty() {
            break;
        }
    }
    let (base, head) = from_differences(&rows);
    verdict(&base, &head)
}

#[test]
fn error_rates_on_heavy_tailed_noise_keep_their_bounds() {
    let mut random = SplitMix64::new(20_261_120);
    let failing = |report: &Report| report.verdict.as_ref().unwrap().exit.code() == 3;
    let alarms = (0..200).filter(|_| failing(&trial(&mut random, 0.0))).count();
    // 1% of 200 is 2; more than 6 has a chance of 0.4% at that rate.
    assert!(alarms <= 6, "{alarms} false alarms in 200 trials");
    let found = (0..60)
        .filter(|_| outcome(&trial(&mut random, 0.05_f64.ln_1p()), "a") == Outcome::Regression)
        .count();
    assert!(found >= 57, "{found} of 60 slowdowns of 5% found");
}

#[test]
fn a_policy_whose_looks_cannot_decide_is_refused() {
    let refused = |looks: &str| {
        let text = format!("version = 1\n[ab]\nlooks = {looks}\n");
        Policy::parse(&text, Path::new("gate.toml")).unwrap_err().to_string()
    };
    assert!(refused("[3, 6]").contains("the last needs at least 8 pairs"));
    assert!(refused("[28, 14]").contains("rising"));
    assert!(refused("[]").contains("at least one"));
}

/// One trial of a benchmark whose head's processes take half as long again with the chance
/// `share`: the outcomes of its clock and of its slow processes.
fn with_slow_processes(random: &mut SplitMix64, share: f64) -> (Outcome, Option<Outcome>) {
    let mut differences: Vec<f64> = Vec::new();
    let mut base: Vec<f64> = Vec::new();
    let judged = |base: &[f64], differences: &[f64]| {
        let head: Vec<f64> =
            base.iter().zip(differences).map(|(base, change)| base * change.exp()).collect();
        let quiet = vec![100.0; 8];
        let base = side("base", &[("a", base.to_vec()), ("quiet", quiet.clone())]);
        let head = side("head", &[("a", head), ("quiet", quiet)]);
        verdict(&base, &head)
    };
    let slow = |report: &Report| {
        let row = report.rows.iter().find(|row| row.metric == "slow_processes");
        row.and_then(benchgate_core::judge::Row::outcome)
    };
    let mut outcomes = (Outcome::Undecided, None);
    for upto in [8].into_iter().chain(LOOKS.map(|look| 8 + look as usize)) {
        while differences.len() < upto {
            base.push(100.0 * (0.2 * noise(random)).exp());
            let hit = (random.index(1 << 20) as f64) < share * f64::from(1 << 20);
            let extra = if hit { 1.5_f64.ln() } else { 0.0 };
            differences.push(extra + 0.5 * noise(random));
        }
        let report = judged(&base, &differences);
        outcomes = (outcome(&report, "a"), slow(&report));
        if outcomes.0 != Outcome::Undecided && outcomes.1 != Some(Outcome::Undecided) {
            break;
        }
    }
    outcomes
}

#[test]
fn a_grown_share_of_slow_processes_is_found() {
    const TRIALS: u32 = 60;
    let mut random = SplitMix64::new(7);
    let mut of = |share: f64| -> Vec<(Outcome, Option<Outcome>)> {
        (0..TRIALS).map(|_| with_slow_processes(&mut random, share)).collect()
    };
    let count = |trials: &[(Outcome, Option<Outcome>)], wanted: Option<Outcome>| {
        trials.iter().filter(|(_, slow)| *slow == wanted).count()
    };
    let third = of(0.3);
    let found = third
        .iter()
        .filter(|(clock, slow)| [Some(*clock), *slow].contains(&Some(Outcome::Regression)))
        .count();
    // The typical process of a third of them is rightly unchanged. It is the slow ones that
    // tell, unless the eight pairs of the screening hold fewer than two.
    assert!(found >= 45, "{found} of {TRIALS}");
    let none = of(0.0);
    assert_eq!(count(&none, Some(Outcome::Regression)), 0);
    assert_eq!(count(&none, Some(Outcome::Undecided)), 0);
}

#[test]
fn pairs_up_to_the_end_of_the_budget_are_judged() {
    let screened = |then: u32| {
        let differences = [alternating(0.4, 0.005, 8), alternating(0.4, 0.005, then)].concat();
        from_differences(&[("a", differences)])
    };
    let judged = |(mut base, mut head): (Snapshot, Snapshot), looks: &[u32]| {
        for side in [&mut base, &mut head] {
            let pairing = side.pairing.as_mut().unwrap();
            (pairing.looks, pairing.out_of_time) = (looks.to_vec(), true);
        }
        verdict(&base, &head)
    };
    // Thirteen of the fourteen pairs of the first look: judged as its pairs would be.
    let report = judged(screened(13), &[13, 28, 80]);
    assert_eq!(outcome(&report, "a"), Outcome::Regression);
    assert!(report.findings.iter().any(|finding| finding.code == Code::TimeBudgetEnded));
    // Without any fresh pair the reason is the budget.
    let report = judged(screened(0), &LOOKS);
    assert_eq!(outcome(&report, "a"), Outcome::Undecided);
    let reason = &report.rows[0].judgement.as_ref().unwrap().reason;
    assert_eq!(reason, "looks changed, but the time budget ended before it was measured again");
    // Four pairs cannot show anything.
    assert_eq!(outcome(&judged(screened(4), &[4, 28, 80]), "a"), Outcome::Undecided);
}

#[test]
fn a_confirmed_clock_counts_for_two_whether_or_not_slow_processes_have_a_row() {
    let p = |of: &Report| of.rows[0].judgement.as_ref().unwrap().p_value.unwrap();
    let slower = alternating(0.05, 0.005, 22);
    let (base, head) = from_differences(&[("a", slower.clone())]);
    // All of 14 pairs agree, at one of three looks, for one of two tests.
    let alone = 3.0 * 2.0 / f64::from(1 << 14);
    assert!((p(&verdict(&base, &head)) / alone - 1.0).abs() < 1e-9);
    // Three slow processes of the head are a hint, and add no further test.
    let mut hinted = slower;
    hinted[10..13].iter_mut().for_each(|change| *change = 0.5);
    let (base, head) = from_differences(&[("a", hinted)]);
    let report = verdict(&base, &head);
    assert_eq!(report.rows.iter().filter(|row| row.metric == "slow_processes").count(), 1);
    let clock = report.rows.iter().find(|row| row.metric == "time").unwrap();
    let p = clock.judgement.as_ref().unwrap().p_value.unwrap();
    assert!((p / alone - 1.0).abs() < 1e-9, "{p}");
}
