//! Two saved snapshots, judged with the machine's known noise: how often a verdict is
//! wrong, and which slowdowns are found.

use benchgate_core::judge::{Case, Code, Outcome, Report, Severity, judge};
use benchgate_core::model::{BenchId, Metric, Noise, NoiseRow, NoiseSession, Snapshot, Unit};
use benchgate_core::stats::{SplitMix64, hodges_lehmann, median, robust_variance};
use jiff::Timestamp;

use super::common;

pub(super) type Rows = Vec<(String, Metric, Vec<f64>)>;

fn snapshot(rows: &Rows) -> Snapshot {
    let rows = rows.iter().map(|(name, metric, values)| (&**name, metric.clone(), &values[..]));
    common::snapshot(&rows.collect::<Vec<_>>())
}

pub(super) fn verdict(
    baseline: &Rows,
    candidate: &Rows,
    noise: Option<&Noise>,
    text: &str,
) -> Report {
    judge(&Case {
        baseline: Some(&snapshot(baseline)),
        candidate: &snapshot(candidate),
        policy: &common::policy(text),
        noise,
        today: common::TODAY,
    })
}

pub(super) fn with(report: &Report, outcome: Outcome) -> Vec<&str> {
    let rows = report.rows.iter().filter(|row| row.outcome() == Some(outcome));
    let mut names: Vec<&str> = rows.map(|row| row.id.as_str()).collect();
    names.sort_unstable();
    names
}

pub(super) fn found(report: &Report, code: Code) -> Option<(Severity, &str)> {
    let finding = report.findings.iter().find(|finding| finding.code == code)?;
    Some((finding.severity, &finding.message))
}

/// A simulated machine with the noise of its benchmarks.
pub(super) struct Machine {
    pub(super) random: SplitMix64,
    /// The standard deviations of runs and of sessions, for each benchmark.
    pub(super) rows: Vec<(f64, f64)>,
    /// The standard deviation of the shift that all benchmarks of a session share.
    pub(super) common: f64,
}

impl Machine {
    fn new(seed: u64, rows: usize, common: f64) -> Self {
        let mut random = SplitMix64::new(seed);
        let rows = (0..rows)
            .map(|at| {
                // Runs differ by 0.7% to 4%; every fifth benchmark differs between sessions.
                let run = 0.007 * (1.8 * uniform(&mut random)).exp();
                (run, if at % 5 == 0 { 0.04 } else { 0.004 })
            })
            .collect();
        Self { random, rows, common }
    }

    /// The logarithms of a session's runs, for each benchmark.
    pub(super) fn session(&mut self, runs: usize) -> Vec<Vec<f64>> {
        let common = self.common * normal(&mut self.random);
        let rows = self.rows.clone();
        rows.iter()
            .map(|(run, own)| {
                let moved = common + own * normal(&mut self.random);
                (0..runs).map(|_| moved + run * heavy(&mut self.random)).collect()
            })
            .collect()
    }

    /// The noise that `sessions` sessions of `runs` runs show.
    pub(super) fn noise(&mut self, sessions: i64, runs: usize) -> Noise {
        let mut noise = Noise::default();
        for at in 0..sessions {
            let session = self.session(runs);
            for (row, logs) in session.iter().enumerate() {
                if at == 0 {
                    let (metric, unit) = ("time".to_owned(), "ns".to_owned());
                    let sessions = Vec::new();
                    noise.rows.push(NoiseRow {
                        id: BenchId::named(name(row)),
                        metric,
                        unit,
                        sessions,
                    });
                }
                noise.rows[row].sessions.push(NoiseSession {
                    when: Timestamp::from_second(at).unwrap(),
                    code: Some("one".to_owned()),
                    runs: u32::try_from(runs).unwrap(),
                    centre: 100.0 * hodges_lehmann(logs).unwrap().exp(),
                    deviation: robust_variance(logs).unwrap().variance.sqrt(),
                    widest: widest(logs),
                    paired: None,
                });
            }
        }
        noise
    }
}

fn widest(logs: &[f64]) -> f64 {
    let centre = median(logs).unwrap();
    logs.iter().map(|log| (log - centre).abs()).fold(0.0, f64::max)
}

pub(super) fn name(row: usize) -> String {
    format!("row/{row:02}")
}

fn uniform(random: &mut SplitMix64) -> f64 {
    (random.next_bits() >> 11) as f64 / (1_u64 << 53) as f64
}

/// A nearly normal number: the sum of twelve uniform numbers minus 6.
fn normal(random: &mut SplitMix64) -> f64 {
    (0..12).map(|_| uniform(random)).sum::<f64>() - 6.0
}

/// A normal number; one in ten is multiplied by five.
fn heavy(random: &mut SplitMix64) -> f64 {
    let far = if random.index(10) == 0 { 5.0 } else { 1.0 };
    far * normal(random)
}

/// Times from logarithms; each benchmark is slower by its factor.
pub(super) fn times(session: &[Vec<f64>], factor: impl Fn(usize) -> f64) -> Rows {
    let row = |(at, logs): (usize, &Vec<f64>)| {
        let values = logs.iter().map(|log| 100.0 * factor(at) * log.exp()).collect();
        (name(at), Metric::time(), values)
    };
    session.iter().enumerate().map(row).collect()
}

/// The number of `suites` comparisons of equal code that show a regression.
fn false_alarms(suites: u64, rows: usize, common: f64, sessions: i64, runs: usize) -> usize {
    let alarms = (0..suites).filter(|seed| {
        let mut machine = Machine::new(*seed, rows, common);
        let noise = Some(machine.noise(sessions, 20));
        let (baseline, candidate) = (machine.session(runs), machine.session(runs));
        let report =
            verdict(&times(&baseline, |_| 1.0), &times(&candidate, |_| 1.0), noise.as_ref(), "");
        !with(&report, Outcome::Regression).is_empty()
    });
    alarms.count()
}

/// At most 1% of 400 comparisons of equal code show a regression.
#[track_caller]
fn alarms_are_rare(rows: usize, common: f64, sessions: i64, runs: usize) {
    let alarms = false_alarms(400, rows, common, sessions, runs);
    assert!(alarms <= 4, "{alarms} of 400 with {rows} rows, {sessions} sessions, {runs} runs");
}

// Differences between sessions are not regressions if the noise is known.

#[test]
fn alarms_are_rare_with_three_sessions() {
    alarms_are_rare(20, 0.03, 3, 5);
}

#[test]
fn alarms_are_rare_without_a_common_shift() {
    alarms_are_rare(20, 0.0, 4, 5);
}

#[test]
fn alarms_are_rare_with_few_benchmarks() {
    alarms_are_rare(6, 0.03, 5, 5);
}

#[test]
fn alarms_are_rare_with_three_runs() {
    alarms_are_rare(20, 0.03, 8, 3);
}

#[test]
fn alarms_are_rare_with_a_single_run() {
    alarms_are_rare(20, 0.03, 4, 1);
}

/// A machine whose runs differ by 1% and whose sessions differ by 0.5%.
pub(super) fn quiet(seed: u64, common: f64) -> Machine {
    Machine { random: SplitMix64::new(seed), rows: vec![(0.006, 0.005); 20], common }
}

/// 100 slowdowns of 10%, each in one of twenty benchmarks. More runs find few more,
/// because the noise between sessions is the limit.
#[test]
fn a_slowdown_of_10_percent_is_found_and_nothing_else() {
    for runs in [5, 10, 20] {
        let (mut found, mut others) = (0, 0);
        for seed in 0..100 {
            let mut machine = quiet(seed, 0.02);
            let noise = machine.noise(4, 40);
            let (baseline, candidate) = (machine.session(runs), machine.session(runs));
            let slower = times(&candidate, |row| if row == 7 { 1.1 } else { 1.0 });
            let report = verdict(&times(&baseline, |_| 1.0), &slower, Some(&noise), "");
            let regressed = with(&report, Outcome::Regression);
            found += usize::from(regressed.contains(&"row/07"));
            others += regressed.iter().filter(|name| **name != "row/07").count();
        }
        assert!(found >= 85 && others == 0, "{runs} runs: {found} found, {others} others");
    }
}

/// Two sessions of a machine without a common shift; the second is slower by these
/// factors.
fn shifted(factor: impl Fn(usize) -> f64) -> (Rows, Rows) {
    let mut machine = quiet(5, 0.0);
    let (baseline, candidate) = (machine.session(5), machine.session(5));
    (times(&baseline, |_| 1.0), times(&candidate, factor))
}

pub(super) fn counted(rows: &mut Rows, factor: impl Fn(usize) -> f64) {
    let metric = Metric::counted(Metric::INSTRUCTIONS, Unit::Count);
    rows.extend((0..20).map(|at| (name(at), metric.clone(), vec![1e6 * factor(at); 2])));
}

#[test]
fn a_suite_shift_is_reported_and_subtracted() {
    let (baseline, candidate) = shifted(|row| if row == 7 { 1.08 * 1.2 } else { 1.08 });
    let report = verdict(&baseline, &candidate, None, "");
    assert_eq!(with(&report, Outcome::Regression), ["row/07"]);
    assert!(with(&report, Outcome::Improvement).is_empty());
    let (severity, message) = found(&report, Code::SuiteShift).expect("a finding");
    assert_eq!(severity, Severity::Warn);
    assert!(message.contains("slower") && message.contains("instruction counts"), "{message}");
    let row = report.rows.iter().find(|row| row.id == "row/07").unwrap();
    let (seen, rest) = (row.change.unwrap().estimate, row.adjusted.unwrap().estimate);
    assert!((0.25..0.35).contains(&seen) && (0.15..0.25).contains(&rest), "{seen} {rest}");

    // The policy sets the severity, if it is known how much sessions differ; a shift for
    // the better is a warning at most.
    let fail = "[verdict]\nsuite_shift = \"fail\"";
    let report = verdict(&baseline, &candidate, None, fail);
    assert_eq!(found(&report, Code::SuiteShift).unwrap().0, Severity::Warn);
    let noise = quiet(5, 0.0).noise(6, 40);
    let report = verdict(&baseline, &candidate, Some(&noise), fail);
    assert_eq!(found(&report, Code::SuiteShift).unwrap().0, Severity::Fail);
    let report = verdict(&candidate, &baseline, Some(&noise), fail);
    assert_eq!(found(&report, Code::SuiteShift).unwrap().0, Severity::Warn);
    assert_eq!(report.verdict.unwrap().exit.code(), 0);
}

#[test]
fn a_shift_that_instructions_share_is_caused_by_the_code() {
    let factor = |_: usize| 1.08;
    let (mut baseline, mut candidate) = shifted(factor);
    counted(&mut baseline, |_| 1.0);
    counted(&mut candidate, factor);
    let report = verdict(&baseline, &candidate, None, "");
    let (_, message) = found(&report, Code::SuiteShift).expect("a finding");
    assert!(message.contains("20 of 20 moved the same way"), "{message}");
    assert!(report.rows.iter().all(|row| row.adjusted.is_none()));
    assert!(with(&report, Outcome::Regression).len() > 30, "times and counts");

    // Equal counts show that the machine caused the shift.
    let (mut baseline, mut candidate) = shifted(factor);
    counted(&mut baseline, |_| 1.0);
    counted(&mut candidate, |_| 1.0);
    let report = verdict(&baseline, &candidate, None, "");
    let (_, message) = found(&report, Code::SuiteShift).expect("a finding");
    assert!(message.contains("20 of 20 did not"), "{message}");
    assert!(with(&report, Outcome::Regression).is_empty());
}

#[test]
fn rows_outside_a_shift_have_not_improved() {
    let (baseline, candidate) = shifted(|row| if row < 12 { 1.08 } else { 1.0 });
    let report = verdict(&baseline, &candidate, None, "");
    assert!(found(&report, Code::SuiteShift).is_none(), "twelve of twenty are too few to be sure");
    let (baseline, candidate) = shifted(|row| if row < 17 { 1.08 } else { 1.0 });
    for (baseline, candidate) in [(&baseline, &candidate), (&candidate, &baseline)] {
        let report = verdict(baseline, candidate, None, "");
        assert!(found(&report, Code::SuiteShift).is_some());
        assert!(with(&report, Outcome::Regression).is_empty());
        assert!(with(&report, Outcome::Improvement).is_empty());
    }
}

#[test]
fn nine_rows_are_too_few_for_a_suite_shift() {
    let (mut baseline, mut candidate) = shifted(|_| 1.08);
    baseline.truncate(9);
    candidate.truncate(9);
    let mut noise = quiet(5, 0.0).noise(6, 40);
    noise.rows.truncate(9);
    let report = verdict(&baseline, &candidate, Some(&noise), "");
    assert!(found(&report, Code::SuiteShift).is_none());
    assert_eq!(with(&report, Outcome::Regression).len(), 9);
}

#[test]
fn a_single_run_is_decided_by_twenty_earlier_runs_but_not_by_fewer() {
    let baseline = vec![("a".to_owned(), Metric::time(), vec![100.0])];
    let candidate = vec![("a".to_owned(), Metric::time(), vec![150.0])];
    let noise = |runs| Noise {
        rows: vec![NoiseRow {
            id: BenchId::named("a"),
            metric: "time".to_owned(),
            unit: "ns".to_owned(),
            sessions: vec![NoiseSession {
                when: Timestamp::UNIX_EPOCH,
                code: None,
                runs,
                centre: 90.0,
                deviation: 0.02,
                widest: 0.05,
                paired: None,
            }],
        }],
    };
    let few = verdict(&baseline, &candidate, Some(&noise(19)), "");
    assert_eq!(with(&few, Outcome::Undecided), ["a"]);
    assert!(found(&few, Code::SingleRun).is_some());
    let enough = verdict(&baseline, &candidate, Some(&noise(20)), "");
    assert_eq!(with(&enough, Outcome::Regression), ["a"]);
    let equal = "[sessions]\ncommon = \"0%\"\nown = \"0%\"";
    let exact = verdict(&baseline, &candidate, Some(&noise(21)), equal);
    let judgement = exact.rows[0].judgement.as_ref().unwrap();
    // 21 runs are 15 degrees of freedom: t(0.99, 15) · √2 · 2.5%, with the largest deviation
    // at two standard deviations.
    let reach = (1.01_f64.ln() + 2.602_480_294_6 * 2.0_f64.sqrt() * 0.025).exp() - 1.0;
    assert!((judgement.detectable.unwrap() - reach).abs() < 1e-6);
    assert!(
        found(&enough, Code::SessionsUnknown).is_some(),
        "one session does not show the noise between sessions"
    );
    assert!(found(&enough, Code::SingleRun).is_none(), "a spread is known");
}

#[test]
fn degenerate_numbers_are_judged_without_a_nan() {
    let noise = |deviation: f64, centres: &[f64]| Noise {
        rows: vec![NoiseRow {
            id: BenchId::named("a"),
            metric: "time".to_owned(),
            unit: "ns".to_owned(),
            sessions: (0..)
                .zip(centres)
                .map(|(at, centre)| NoiseSession {
                    when: Timestamp::from_second(at).unwrap(),
                    code: None,
                    runs: 30,
                    centre: *centre,
                    deviation,
                    widest: deviation,
                    paired: Some(0.0),
                })
                .collect(),
        }],
    };
    let rows = |values: &[f64]| vec![("a".to_owned(), Metric::time(), values.to_vec())];
    for noise in [
        None,
        Some(noise(0.0, &[1.0])),
        Some(noise(0.0, &[1.0, 1.0, 1.0, 1.0])),
        Some(noise(100.0, &[1e-300, 1e300, 1.0, 1.0])),
        Some(Noise::default()),
    ] {
        for values in
            [&[1.0][..], &[1.0, 1.0], &[1e-300, 1e300], &[0.0, 1.0], &[-1.0, 1.0], &[5e-324]]
        {
            for others in [&[1.0][..], &[2.0, 2.0], &[1e300, 1e-300]] {
                let report = verdict(&rows(values), &rows(others), noise.as_ref(), "");
                let text = serde_json::to_value(&report).unwrap().to_string();
                let back: Report = serde_json::from_str(&text).expect("numbers, not null");
                let numbers = back.rows[0].judgement.as_ref().unwrap();
                let p = numbers.p_value.unwrap_or(0.5);
                assert!((0.0..=1.0).contains(&p), "{p}");
                if let Some(change) = back.rows[0].change {
                    assert!(change.lower.is_none_or(|lower| lower <= change.estimate));
                }
            }
        }
    }
}
