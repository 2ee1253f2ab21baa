//! What a saved comparison may say, by how much is known of sessions.

use benchgate_core::judge::{Code, Outcome, Report, Severity};
use benchgate_core::model::{BenchId, Metric, Noise, NoiseRow, NoiseSession};
use benchgate_core::policy::Policy;
use benchgate_core::stats::SplitMix64;
use jiff::Timestamp;

use super::common::{self, FIFTH_SLOWER, STEADY};
use super::noise::{Machine, Rows, counted, found, name, quiet, times, verdict, with};
use super::witness::with_equal_instructions;

/// Sessions of one benchmark with these centres, whose runs differ by 0.6%.
fn row(name: &str, centres: &[f64]) -> NoiseRow {
    let session = |(at, centre): (i64, &f64)| NoiseSession {
        when: Timestamp::from_second(at).unwrap(),
        code: None,
        runs: 40,
        centre: *centre,
        deviation: 0.006,
        widest: 0.02,
        paired: None,
    };
    NoiseRow {
        id: BenchId::named(name),
        metric: Metric::TIME.to_owned(),
        unit: "ns".to_owned(),
        sessions: (0..).zip(centres).map(session).collect(),
    }
}

fn one(name: &str, runs: &[f64]) -> Rows {
    vec![(name.to_owned(), Metric::time(), runs.to_vec())]
}

fn exit(report: &Report) -> u8 {
    report.verdict.as_ref().expect("judged").exit.code()
}

/// The outcome, the severity and the reason of the only clock.
fn clock(report: &Report) -> (Outcome, Severity, &str) {
    let row = report.rows.iter().find(|row| row.metric == Metric::TIME).expect("a clock");
    let judgement = row.judgement.as_ref().expect("judged");
    (judgement.outcome, judgement.severity, &judgement.reason)
}

const AGREE: [f64; 4] = [100.0, 100.2, 99.8, 100.1];

#[test]
fn without_known_sessions_a_clock_only_warns() {
    let (fast, slow) = (one("a", &STEADY), one("a", &FIFTH_SLOWER));
    for noise in [None, Some(Noise { rows: vec![row("a", &AGREE[..2])] })] {
        let report = verdict(&fast, &slow, noise.as_ref(), "");
        let (outcome, severity, reason) = clock(&report);
        assert_eq!((outcome, severity), (Outcome::Regression, Severity::Warn), "{reason}");
        assert!(reason.ends_with("only warns: how much sessions differ is assumed"), "{reason}");
        assert_eq!(exit(&report), 0);
        let (_, message) = found(&report, Code::SessionsUnknown).expect("it says why");
        assert!(message.contains("1.2% in common, 0.3% for each"), "{message}");
    }
    let known = Noise { rows: vec![row("a", &AGREE)] };
    let report = verdict(&fast, &slow, Some(&known), "");
    assert_eq!((clock(&report).1, exit(&report)), (Severity::Fail, 3));
    assert!(found(&report, Code::SessionsUnknown).is_none());
}

#[test]
fn without_known_sessions_counts_fail() {
    let (mut fast, mut slow) = (one("row/00", &STEADY), one("row/00", &FIFTH_SLOWER));
    counted(&mut fast, |_| 1.0);
    counted(&mut slow, |row| if row == 0 { 1.2 } else { 1.0 });
    let report = verdict(&fast, &slow, None, "");
    assert_eq!((clock(&report).1, exit(&report)), (Severity::Warn, 3));
}

/// The assumption decides how large a change must be.
#[test]
fn the_assumed_noise_of_sessions_is_set_by_the_policy() {
    let (fast, slow) = (one("a", &STEADY), one("a", &STEADY.map(|time| time * 1.08)));
    let outcome = |text: &str| clock(&verdict(&fast, &slow, None, text)).0;
    assert_eq!(outcome("[sessions]\ncommon = \"0.5%\""), Outcome::Regression);
    assert_eq!(outcome("[sessions]\ncommon = \"5%\""), Outcome::Undecided);
    assert_eq!(outcome("[sessions]\ncommon = \"0.5%\"\nown = \"5%\""), Outcome::Undecided);
    let default = Policy::builtin().sessions;
    assert_eq!((default.common, default.own), (0.012, 0.003));
}

/// A suite of twenty whose sessions differ by 1% to 3% in common and by 3% each.
#[test]
fn without_known_sessions_no_suite_is_red() {
    for common in [0.01, 0.03] {
        for seed in 0..40 {
            let mut machine =
                Machine { random: SplitMix64::new(seed), rows: vec![(0.01, 0.03); 20], common };
            let [base, head] =
                [machine.session(5), machine.session(5)].map(|it| times(&it, |_| 1.0));
            let report = verdict(&base, &head, None, "[verdict]\nsuite_shift = \"fail\"");
            assert_ne!(exit(&report), 3, "{:?}", report.verdict);
        }
    }
}

/// Sessions that differ by 2% in common, six of which are known.
#[test]
fn a_shift_of_the_usual_size_does_not_fail() {
    let mut red = 0;
    for seed in 0..60 {
        let mut machine = quiet(seed, 0.02);
        let noise = machine.noise(6, 40);
        let [base, head] = [machine.session(5), machine.session(5)].map(|it| times(&it, |_| 1.0));
        let fail = "[verdict]\nsuite_shift = \"fail\"";
        red += u32::from(exit(&verdict(&base, &head, Some(&noise), fail)) == 3);
    }
    assert!(red <= 2, "{red} of 60");
}

#[test]
fn a_slower_clock_with_equal_counts_fails_beyond_the_ceiling() {
    let base = with_equal_instructions(common::times(&[("a", &STEADY)]));
    for (factor, rule, severity, code) in [
        (1.3, "", Severity::Warn, 0),
        (2.0, "", Severity::Fail, 3),
        (1.3, "slower_clock_ceiling = \"20%\"", Severity::Fail, 3),
        (2.0, "slower_clock_ceiling = \"200%\"", Severity::Warn, 0),
        (2.0, "slower_clock = \"warn\"", Severity::Warn, 0),
    ] {
        let head = common::times(&[("a", &STEADY.map(|time| time * factor))]);
        let head = with_equal_instructions(head);
        let rule = format!("[[rule]]\nbench = \"**\"\n{rule}");
        let report = common::verdict(&base, &head, &rule);
        assert_eq!((clock(&report).1, exit(&report)), (severity, code), "{factor} {rule}");
    }
}

#[test]
fn an_outlier_neither_hides_a_change_nor_makes_one() {
    let known = Noise { rows: vec![row("a", &AGREE)] };
    let mut runs = STEADY;
    runs[3] *= 1.6;
    let report = verdict(&one("a", &STEADY), &one("a", &runs), Some(&known), "");
    assert_eq!(clock(&report).0, Outcome::Unchanged, "{}", clock(&report).2);
    let slower = runs.map(|time| time * 1.1);
    let report = verdict(&one("a", &runs), &one("a", &slower), Some(&known), "");
    assert_eq!(clock(&report).0, Outcome::Regression, "{}", clock(&report).2);
}

#[test]
fn a_benchmark_with_two_speeds_needs_ten_sessions() {
    let (fast, slow) = (one("a", &STEADY), one("a", &STEADY.map(|time| time * 1.4)));
    let speeds = |sessions: usize| {
        let centres: Vec<f64> =
            (0..sessions).map(|at| if at % 3 == 1 { 109.0 } else { 100.0 }).collect();
        Noise { rows: vec![row("a", &centres)] }
    };
    let report = verdict(&fast, &slow, Some(&speeds(6)), "");
    let (outcome, _, reason) = clock(&report);
    assert_eq!(outcome, Outcome::Undecided);
    assert_eq!(
        reason,
        "not usable yet: each known session has one of two speeds, 9% apart; 4 more sessions \
         needed"
    );
    let report = verdict(&fast, &slow, Some(&speeds(10)), "");
    assert_eq!(clock(&report).0, Outcome::Regression, "{}", clock(&report).2);
}

#[test]
fn a_few_sessions_of_a_few_benchmarks_say_how_many_more_are_needed() {
    let steady = one("a", &STEADY);
    let noise = Noise { rows: vec![row("a", &[100.0, 103.0, 97.0])] };
    let report = verdict(&steady, &steady, Some(&noise), "");
    let (outcome, _, reason) = clock(&report);
    assert_eq!((outcome, exit(&report)), (Outcome::Undecided, 4));
    assert!(reason.starts_with("not usable yet: 3 known sessions can only show"), "{reason}");
    assert!(reason.ends_with("more sessions needed"), "{reason}");
}

/// A few sessions that agree do not prove that a benchmark is as steady as they look.
#[test]
fn with_few_sessions_a_benchmark_may_be_like_the_least_steady_one() {
    let mut machine = quiet(3, 0.0);
    machine.rows[0].1 = 0.05;
    for (sessions, severity) in [(4, Severity::Warn), (12, Severity::Fail)] {
        let noise = machine.noise(sessions, 40);
        let (base, head) = (machine.session(5), machine.session(5));
        let head = times(&head, |row| if row == 7 { 1.12 } else { 1.0 });
        let report = verdict(&times(&base, |_| 1.0), &head, Some(&noise), "");
        assert!(with(&report, Outcome::Regression).contains(&&*name(7)));
        let row = report.rows.iter().find(|row| row.id == name(7)).unwrap();
        let judgement = row.judgement.as_ref().unwrap();
        assert_eq!(judgement.severity, severity, "{sessions} sessions: {}", judgement.reason);
    }
}
