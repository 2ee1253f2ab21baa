//! Rows of distributions: quantiles from all observations, compared run by run.

use std::collections::BTreeMap;

use benchgate_core::judge::{
    Case, Code, Observations, Outcome, Report, Row, Severity, TargetStatus, judge,
};
use benchgate_core::model::{
    BenchId, Distribution, Extent, Measurement, Metric, Pairing, Reading, RunReading, Snapshot,
    Sources, Unit,
};

use super::common::{TODAY, codes, policy, snapshot};

/// Latencies of one run, in nanoseconds: `observations` of them around 1 ms, of which a share
/// takes `tail` times as long. Runs differ by a percent, as processes do.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "nanoseconds of a few milliseconds"
)]
fn run(seed: u64, observations: u64, tail: f64) -> Distribution {
    let process = 1.0 + 0.01 * ((seed as f64) * 2.399).sin();
    let values = (0..observations).map(|at| {
        let place = ((at * 7919 + seed * 104_729) % observations) as f64 / observations as f64;
        let slow = if place > 0.98 { tail } else { 1.0 };
        ((1e6 + 2e5 * place) * process * slow) as u64
    });
    Distribution::new(values.map(|value| (value, 1)), Some(BTreeMap::new())).unwrap()
}

fn side(runs: Vec<Distribution>, trial: bool) -> Snapshot {
    let count = runs.len();
    let empty = vec![1.0; count];
    let mut snapshot = snapshot(&[("http/lead", Metric::time(), &empty)]);
    snapshot.measurements = vec![Measurement {
        id: BenchId::named("http/lead"),
        metric: Metric::sampled(Metric::LATENCY, Unit::Nanoseconds),
        runs: (0..)
            .zip(runs)
            .map(|(run, one)| RunReading { run, reading: Reading::Distribution(one) })
            .collect(),
        criterion: None,
        throughput: None,
        costs: None,
    }];
    snapshot.pairing = trial.then(|| Pairing {
        trial: "a trial".to_owned(),
        seed: 1,
        screening: 8,
        looks: vec![14, 28, 80],
        out_of_time: false,
        identical: Vec::new(),
        same_code: Vec::new(),
        not_reached: Vec::new(),
        control: false,
        set_up: Vec::new(),
        layouts: Vec::new(),
        sources: Sources::default(),
        extent: Extent::Whole,
    });
    snapshot
}

fn judged(baseline: &Snapshot, candidate: &Snapshot, text: &str) -> Report {
    let policy = policy(text);
    judge(&Case { baseline: Some(baseline), candidate, policy: &policy, noise: None, today: TODAY })
}

fn row<'a>(report: &'a Report, metric: &str) -> &'a Row {
    report.rows.iter().find(|row| row.metric == metric).expect("the row is there")
}

/// Eight pairs of a screening and 28 that confirm.
const PAIRS: u64 = 36;

#[test]
fn a_slower_tail_that_the_mean_hides_is_found_in_a_trial() {
    let baseline = side((0..PAIRS).map(|seed| run(seed, 2000, 1.0)).collect(), true);
    let candidate = side((0..PAIRS).map(|seed| run(seed + 500, 2000, 1.6)).collect(), true);
    let report = judged(&baseline, &candidate, "");
    let change = |metric| row(&report, metric).change.expect("a change").estimate;
    assert!(change("latency.mean").abs() < 0.02, "{}", change("latency.mean"));
    assert_eq!(row(&report, "latency.p50").outcome(), Some(Outcome::Unchanged));
    let p99 = row(&report, "latency.p99");
    assert_eq!(p99.outcome(), Some(Outcome::Regression), "{p99:?}");
    assert_eq!(p99.judgement.as_ref().unwrap().severity, Severity::Fail);
    // Each side is described by all its observations, and compared by its runs.
    assert_eq!(
        p99.observations,
        Some(Observations { needed: 1000, baseline: Some(72_000), candidate: Some(72_000) })
    );
    assert_eq!(p99.candidate.as_ref().unwrap().runs.len(), 36);
}

#[test]
fn equal_distributions_stay_green_in_a_trial_and_between_snapshots() {
    for trial in [true, false] {
        let of = |from: u64| {
            side((from..from + PAIRS).map(|seed| run(seed, 2000, 1.6)).collect(), trial)
        };
        let report = judged(&of(0), &of(500), "");
        let loud: Vec<&Row> = report
            .rows
            .iter()
            .filter(|row| matches!(row.outcome(), Some(Outcome::Regression | Outcome::Improvement)))
            .collect();
        assert_eq!(loud, [] as [&Row; 0]);
        assert_eq!(row(&report, "error_rate").outcome(), Some(Outcome::Unchanged));
    }
}

#[test]
fn a_quantile_with_too_few_observations_is_not_a_number_and_breaks_a_budget() {
    let runs = |from: u64, observations| {
        side((from..from + 5).map(|seed| run(seed, observations, 1.0)).collect(), false)
    };
    let budget = "[[budget]]\nbench = \"**\"\nmetric = \"latency.p99\"\nat_most = \"1s\"\n";
    let report = judged(&runs(0, 2000), &runs(10, 100), budget);
    let p99 = row(&report, "latency.p99");
    assert_eq!(p99.candidate, None, "500 observations have five above it");
    assert_eq!(p99.unsupported(), Some((1000, 500)));
    assert_eq!(p99.outcome(), Some(Outcome::Undecided));
    assert_eq!(
        p99.judgement.as_ref().unwrap().reason,
        "unsupported: needs 1,000 observations in each run, has 100"
    );
    assert!(codes(&report).contains(&(Code::BudgetUnmatched, Severity::Fail)));
    let message = report.findings.iter().find(|it| it.code == Code::BudgetUnmatched).unwrap();
    assert_eq!(message.message, "unsupported: needs 1,000 observations, has 500");
    // It was measured, so it is not missing.
    assert!(!codes(&report).iter().any(|(code, _)| *code == Code::MetricMissing));

    // All runs together support it, each by itself does not: shown, and not compared.
    let report = judged(&runs(0, 2000), &runs(10, 300), budget);
    let p99 = row(&report, "latency.p99");
    let shown = p99.candidate.as_ref().expect("1,500 observations");
    assert!(shown.value > 1.15e6 && shown.runs.is_empty(), "{shown:?}");
    assert_eq!(p99.outcome(), Some(Outcome::Undecided));
    assert!(!codes(&report).contains(&(Code::BudgetUnmatched, Severity::Fail)));
}

#[test]
fn failed_operations_are_outcomes_and_not_latencies() {
    let failing = |share: u64| {
        let runs = (0..5).map(|seed| {
            let failed: BTreeMap<_, _> =
                (share > 0).then(|| ("timeout".to_owned(), share)).into_iter().collect();
            let latencies: Vec<_> = run(seed, 1000, 1.0).counts().collect();
            Distribution::new(latencies, Some(failed))
        });
        side(runs.map(Result::unwrap).collect(), false)
    };
    let report = judged(&failing(0), &failing(250), "");
    assert_eq!(row(&report, "latency.p99").outcome(), Some(Outcome::Unchanged));
    let value = |metric: &str| row(&report, metric).candidate.as_ref().unwrap().value;
    assert_eq!(value("error_rate"), 0.2);
    assert_eq!(value("errors.timeout"), 1250.0);
    let timeouts = row(&report, "errors.timeout");
    assert_eq!(timeouts.baseline.as_ref().unwrap().value, 0.0, "known on one side only");

    // Every operation failed: there is not any latency to be fast.
    let failed = Distribution::new([], Some(BTreeMap::from([("refused".to_owned(), 5_999)])));
    let nothing = side(vec![failed.unwrap(); 5], false);
    let report = judged(&failing(0), &nothing, "");
    assert_eq!(row(&report, "latency.p99").unsupported(), Some((1000, 0)));
    assert_eq!(row(&report, "latency.mean").candidate, None);
    assert_eq!(row(&report, "error_rate").candidate.as_ref().unwrap().value, 1.0);
}

#[test]
fn a_target_judges_the_quantile_that_is_shown() {
    // One run in twenty has most of the observations, and a slow tail.
    let mut runs: Vec<Distribution> = (0..19).map(|seed| run(seed, 2000, 1.0)).collect();
    runs.push(run(19, 400_000, 1.6));
    let target = "[[target]]\nbench = \"**\"\nmetric = \"latency.p99\"\nat_most = \"1.6ms\"\n";
    let candidate = side(runs, false);
    let report = judged(&side(vec![run(0, 2000, 1.0); 20], false), &candidate, target);
    let p99 = row(&report, "latency.p99").candidate.as_ref().unwrap();
    assert!(p99.value > 1.85e6, "{}", p99.value);
    let mean = p99.runs.iter().sum::<f64>() / 20.0;
    assert!(mean < 1.3e6, "each run's own: {mean}");
    let row = &report.targets.as_ref().unwrap().rows[0];
    assert_eq!((row.status, row.after), (TargetStatus::Missed, Some(p99.value)));
}

#[test]
fn failures_that_some_runs_did_not_count_are_not_a_number() {
    let of = |failed| {
        let latencies: Vec<_> = run(1, 1000, 1.0).counts().collect();
        Distribution::new(latencies, failed).unwrap()
    };
    let counted = || Some(BTreeMap::from([("timeout".to_owned(), 1000)]));
    let all = side(vec![of(counted()); 5], false);
    let some = side(vec![of(counted()), of(None), of(None), of(None), of(None)], false);
    let report = judged(&all, &some, "");
    // A fifth of the runs counted, so 1,000 of 6,000 would be far too few.
    assert_eq!(row(&report, "error_rate").candidate, None);
    assert_eq!(row(&report, "error_rate").outcome(), Some(Outcome::Undecided));
    assert_eq!(row(&report, "error_rate").baseline.as_ref().unwrap().value, 0.5);
}
