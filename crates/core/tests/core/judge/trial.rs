//! Verdicts from pairs of processes: what the screening clears, what the confirming
//! pairs decide, and how often either is wrong.

use std::path::Path;

use benchgate_core::judge::{Code, Outcome, Report, Severity};
use benchgate_core::model::{BenchId, Pairing, Snapshot};
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
        identical: Vec::new(),
        control: false,
        set_up: Vec::new(),
        layouts: Vec::new(),
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
        .find(|row| row.id == id)
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
        // The screening's pairs do not decide.
        ("back to normal", screened(0.05, alternating(0.001, 0.005, 14))),
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
