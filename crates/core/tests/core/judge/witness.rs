//! How the clock and the instruction count combine.

use benchgate_core::judge::{Case, Judgement, Outcome, Report, Severity, to_confirm};
use benchgate_core::model::{AllocatorCount, Costs, CountScope, Field, Metric, Snapshot, Unit};

use super::common::{
    FIFTH_SLOWER, NOISY, STEADY, TODAY, counts, exit, policy, snapshot, times, verdict,
};
use super::trial::{alternating, from_differences};
use benchgate_core::stats::SplitMix64;

fn instructions() -> Metric {
    Metric::counted(Metric::INSTRUCTIONS, Unit::Count)
}

pub(super) fn costs(threads: u32, functions: &[(&str, u64)]) -> Costs {
    let total = functions.iter().map(|(_, took)| took).sum();
    let functions = functions.iter().map(|(name, took)| ((*name).to_owned(), *took));
    Costs {
        threads,
        scope: Some(CountScope::Timed),
        allocator: AllocatorCount::Charged,
        system_calls: false,
        total,
        functions: functions.collect(),
    }
}

/// One benchmark, `a`, with both witnesses. The counts have the costs of functions.
pub(super) fn witnessed(clock: &[f64], counted: &[f64], threads: u32) -> Snapshot {
    let mut both = snapshot(&[("a", Metric::time(), clock), ("a", instructions(), counted)]);
    for counted in both.measurements.iter_mut().filter(|row| row.metric == instructions()) {
        counted.costs = Some(costs(threads, &[]));
    }
    both
}

pub(super) fn judgement<'a>(report: &'a Report, metric: &str) -> &'a Judgement {
    let row = report.rows.iter().find(|row| row.metric == metric).expect("the row is there");
    row.judgement.as_ref().expect("judged")
}

/// The outcome and the severity of the clock's row, and the exit code.
pub(super) fn clock(report: &Report) -> (Outcome, Severity, u8) {
    let clock = judgement(report, "time");
    (clock.outcome, clock.severity, exit(report))
}

pub(super) const SAME: [f64; 2] = [100_000.0; 2];
pub(super) const MORE: [f64; 2] = [101_500.0; 2];
const FEWER: [f64; 2] = [90_000.0; 2];
/// Runs that are 4% slower than [`STEADY`]; a slowdown of about 2% is proven.
pub(super) const LITTLE_SLOWER: [f64; 5] = [104.0, 105.0, 103.0, 104.5, 103.5];

#[test]
fn the_witnesses_combine_as_documented() {
    let base = witnessed(&STEADY, &SAME, 1);
    let fail = (Outcome::Regression, Severity::Fail, 3);
    let noisy = NOISY.map(|value| value * 1.2);
    for (runs, counted, expected, reason) in [
        // Instructions grew: the clock decides its own row, and the count fails by itself.
        (&STEADY, &MORE, (Outcome::Unchanged, Severity::Note, 3), "+1.5% instructions"),
        (&FIFTH_SLOWER, &MORE, fail, "beyond the tolerance of 1%, p < 0.0001; +1.5%"),
        // The same instructions: a failure only beyond 5%.
        (&FIFTH_SLOWER, &SAME, fail, "same instructions, slower clock (memory, layout, waiting or"),
        (&LITTLE_SLOWER, &SAME, (Outcome::Regression, Severity::Warn, 0), "; not proven beyond 5%"),
        (&FIFTH_SLOWER, &FEWER, fail, "fewer instructions, slower clock"),
        (
            &STEADY,
            &SAME,
            (Outcome::Unchanged, Severity::Note, 0),
            "no change for the worse of 2.5%",
        ),
        (&noisy, &SAME, (Outcome::Undecided, Severity::Note, 0), "too noisy: these runs can only"),
    ] {
        let report = verdict(&base, &witnessed(runs, counted, 1), FAILS);
        assert_eq!(clock(&report), expected, "{runs:?} {counted:?}");
        let found = &judgement(&report, "time").reason;
        assert!(found.contains(reason), "{found}");
        assert!(!judgement(&report, "time").by_instructions);
    }
    // Without a pinned layout, a slower clock alone only warns, however slow it is.
    let report = verdict(&base, &witnessed(&FIFTH_SLOWER, &SAME, 1), "");
    assert_eq!(clock(&report), (Outcome::Regression, Severity::Warn, 0));
    let report = verdict(&witnessed(&FIFTH_SLOWER, &SAME, 1), &witnessed(&STEADY, &FEWER, 1), "");
    assert_eq!(clock(&report), (Outcome::Improvement, Severity::Note, 0));
    assert!(judgement(&report, "time").reason.starts_with("fewer instructions, faster clock; "));
}

#[test]
fn an_undecided_clock_with_equal_instructions_is_unchanged_unless_it_looks_slower() {
    let base = witnessed(&NOISY, &SAME, 1);
    let scaled = |by: f64| NOISY.map(|value| value * by);
    for (by, expected) in [
        (1.0, Outcome::Unchanged),
        (0.9, Outcome::Unchanged),
        (1.04, Outcome::Unchanged),
        // The estimate is beyond 5%: a benchmark that waits longer is not unchanged.
        (1.06, Outcome::Undecided),
        (1.4, Outcome::Undecided),
    ] {
        let report = verdict(&base, &witnessed(&scaled(by), &SAME, 1), "");
        assert_eq!(judgement(&report, "time").outcome, expected, "{by}");
        let settled = expected == Outcome::Unchanged;
        assert_eq!(judgement(&report, "time").by_instructions, settled);
        if settled {
            let reason = &judgement(&report, "time").reason;
            let start = "same instructions; clock inconclusive: too noisy: ";
            assert!(reason.starts_with(start), "{reason}");
        }
    }
    // An interval above the tolerance is a change, whatever the estimate.
    let steady = [100.0, 102.0, 98.0, 101.0, 99.0];
    let slower = steady.map(|value| value * 1.045);
    let report = verdict(
        &witnessed(&steady, &SAME, 1),
        &witnessed(&slower, &SAME, 1),
        "[verdict]\nalpha = \"0.1%\"\n",
    );
    assert_eq!(judgement(&report, "time").outcome, Outcome::Undecided);
    // A single run on each side does not show anything.
    let lone = witnessed(&[100.0], &SAME[..1], 1);
    assert_eq!(judgement(&verdict(&lone, &lone, ""), "time").outcome, Outcome::Undecided);
}

#[test]
fn a_count_that_is_not_exact_does_not_affect_the_clock() {
    let alone = verdict(&times(&[("a", &STEADY)]), &times(&[("a", &LITTLE_SLOWER)]), "");
    let expected = judgement(&alone, "time").clone();
    assert_eq!((expected.outcome, expected.severity), (Outcome::Regression, Severity::Fail));
    let unknown = |side: &Snapshot| {
        let mut side = side.clone();
        side.measurements.iter_mut().for_each(|counted| counted.costs = None);
        side
    };
    let single = |runs: &[f64], counted: &[f64]| witnessed(runs, counted, 1);
    let two = |runs: &[f64]| witnessed(runs, &SAME, 2);
    let mut elsewhere = single(&LITTLE_SLOWER, &SAME);
    elsewhere.runs.iter_mut().for_each(|run| run.environment.set(Field::Libc, "glibc 2.36"));
    let mut here = single(&STEADY, &SAME);
    here.runs.iter_mut().for_each(|run| run.environment.set(Field::Libc, "glibc 2.31"));
    for (base, head) in [
        (two(&STEADY), two(&LITTLE_SLOWER)),
        (single(&STEADY, &SAME), two(&LITTLE_SLOWER)),
        (single(&STEADY, &SAME), single(&LITTLE_SLOWER, &[100_000.0, 100_200.0])),
        (unknown(&single(&STEADY, &SAME)), single(&LITTLE_SLOWER, &SAME)),
        (times(&[("a", &STEADY)]), single(&LITTLE_SLOWER, &SAME)),
    ] {
        assert_eq!(judgement(&verdict(&base, &head, ""), "time"), &expected);
    }
    // Variation as small as that of a hash map's seed does not matter.
    let seeded = single(&LITTLE_SLOWER, &[100_000.0, 100_150.0]);
    let report = verdict(&single(&STEADY, &SAME), &seeded, "");
    assert_eq!(clock(&report), (Outcome::Regression, Severity::Warn, 0));
    // With another C library neither counts nor times are compared.
    let report = verdict(&here, &elsewhere, "");
    assert_eq!(judgement(&report, "time").outcome, Outcome::Undecided);
}

#[test]
fn the_policy_sets_the_witness_and_the_effect_of_a_slower_clock() {
    let base = witnessed(&STEADY, &SAME, 1);
    let slower = witnessed(&FIFTH_SLOWER, &SAME, 1);
    let little = witnessed(&LITTLE_SLOWER, &SAME, 1);
    let more = witnessed(&STEADY, &MORE, 1);
    let rule = |keys: &str| format!("[[rule]]\nbench = \"a\"\n{keys}\n");
    for (head, keys, code) in [
        (&slower, "witness = \"both\"", 0),
        (&slower, "witness = \"clock\"", 3),
        (&slower, "witness = \"instructions\"", 0),
        (&little, "witness = \"both\"", 0),
        (&little, "witness = \"clock\"", 3),
        (&more, "witness = \"both\"", 3),
        (&more, "witness = \"clock\"", 0),
        (&more, "witness = \"instructions\"", 3),
        (&slower, "slower_clock_unpinned = \"fail\"", 3),
        (&slower, "slower_clock = \"show\"", 0),
        (&slower, "slower_clock_unpinned = \"fail\"\nslower_clock_tolerance = \"50%\"", 0),
        (&little, "slower_clock_unpinned = \"fail\"", 0),
        (&little, "slower_clock_unpinned = \"fail\"\nslower_clock_tolerance = \"1%\"", 3),
    ] {
        assert_eq!(exit(&verdict(&base, head, &rule(keys))), code, "{keys}");
    }
    let severity = |keys: &str| judgement(&verdict(&base, &slower, &rule(keys)), "time").severity;
    assert_eq!(severity(""), Severity::Warn);
    assert_eq!(severity("slower_clock = \"show\""), Severity::Note);
    // If there is only one witness, it gates.
    let clocks = |runs: &[f64]| times(&[("a", runs)]);
    let rule = rule("witness = \"instructions\"");
    assert_eq!(exit(&verdict(&clocks(&STEADY), &clocks(&FIFTH_SLOWER), &rule)), 3);
    let rule = "[[rule]]\nbench = \"a\"\nwitness = \"clock\"\n";
    assert_eq!(exit(&verdict(&counts(&[("a", &SAME)]), &counts(&[("a", &MORE)]), rule)), 3);
}

/// Adds steady instruction counts of `a`.
pub(crate) fn with_equal_instructions(side: Snapshot) -> Snapshot {
    with_instructions(side, &SAME)
}

pub(super) fn with_instructions(mut side: Snapshot, counted: &[f64]) -> Snapshot {
    let mut counted = counts(&[("a", counted)]).measurements;
    counted[0].costs = Some(costs(1, &[]));
    side.measurements.append(&mut counted);
    side.sort();
    side
}

/// A trial of `a` with equal instructions.
fn trial(screened: Vec<f64>, then: Vec<f64>) -> (Snapshot, Snapshot) {
    counted_trial(screened, then, &SAME)
}

/// A trial of `a` with the head's instructions.
fn counted_trial(screened: Vec<f64>, then: Vec<f64>, head_counts: &[f64]) -> (Snapshot, Snapshot) {
    let (base, head) = from_differences(&[("a", [screened, then].concat())]);
    (with_instructions(base, &SAME), with_instructions(head, head_counts))
}

/// A rule by which a slower clock alone fails.
const FAILS: &str = "[[rule]]\nbench = \"**\"\nslower_clock_unpinned = \"fail\"\n";

/// Whether a trial continues under a rule with these keys.
fn confirm((base, head): &(Snapshot, Snapshot), keys: &str) -> bool {
    let policy = policy(&format!("[[rule]]\nbench = \"**\"\n{keys}\n"));
    let case =
        Case { baseline: Some(base), candidate: head, policy: &policy, noise: None, today: TODAY };
    !to_confirm(&case).is_empty()
}

#[test]
fn a_clock_is_not_confirmed_if_its_instructions_already_fail() {
    let suspect = |counted: &[f64]| counted_trial(alternating(0.08, 0.005, 8), Vec::new(), counted);
    let waiver = |up_to: &str| {
        format!(
            "[[waiver]]\nbench = \"a\"\nmetric = \"instructions\"\nup_to = \"{up_to}\"\nuntil =              \"2027-01-01\"\nreason = \"known\""
        )
    };
    let only_warns = [100_700.0; 2];
    for (counted, keys, expected) in [
        (&MORE[..], "", false),
        // Proven beyond the tolerance, but not beyond the failing limit.
        (&only_warns, "", true),
        (&[101_500.0, 101_600.0], "", false),
        // A count that its own runs do not repeat is not a witness.
        (&[101_500.0, 103_900.0], "", true),
        // The policy names the clock, or limits the effect of the count.
        (&MORE, "witness = \"clock\"", true),
        (&MORE, "witness = \"instructions\"", false),
        (&MORE, "metric = \"instructions\"\nwitness = \"clock\"", true),
        (&MORE, "metric = \"instructions\"\ngate = \"warn\"", true),
        (&MORE, "metric = \"instructions\"\nfail = \"2%\"", true),
        // A waiver for the count does not accept a slower clock.
        (&MORE, &waiver("5%"), true),
        (&SAME, "", true),
        (&FEWER, "", true),
    ] {
        assert_eq!(confirm(&suspect(counted), keys), expected, "{keys} {counted:?}");
    }

    // The reason says so, and the row stays undecided.
    let (base, head) = suspect(&MORE);
    let report = verdict(&base, &head, "");
    assert_eq!(clock(&report), (Outcome::Undecided, Severity::Note, 3));
    let reason = &judgement(&report, "time").reason;
    assert_eq!(reason, "not measured again: +1.5% instructions already fails the gate");
    // Confirming pairs that were measured under another policy still count.
    let (base, head) =
        counted_trial(alternating(0.08, 0.005, 8), alternating(0.08, 0.005, 14), &MORE);
    let report = verdict(&base, &head, "");
    assert_eq!(clock(&report), (Outcome::Regression, Severity::Fail, 3));
    assert!(judgement(&report, "time").reason.ends_with("; +1.5% instructions"));
    // A benchmark that the screening cleared does not get this reason.
    let (base, head) = counted_trial(alternating(0.0, 0.005, 8), Vec::new(), &MORE);
    assert_eq!(clock(&verdict(&base, &head, "")), (Outcome::Unchanged, Severity::Note, 3));
}

#[test]
fn a_trial_measures_only_suspects_that_can_change_its_verdict() {
    let both = "witness = \"both\"";
    let screened = |centre: f64, spread: f64| trial(alternating(centre, spread, 8), Vec::new());
    for (trial, keys, expected) in [
        (screened(0.001, 0.005), both, false),
        // A suspect of 3% with 5% ruled out: the instructions decide it.
        (screened(0.03, 0.005), both, false),
        (screened(0.03, 0.005), "witness = \"clock\"", true),
        (screened(0.03, 0.005), "witness = \"instructions\"", false),
        (screened(0.08, 0.005), both, true),
        (screened(0.08, 0.005), "slower_clock = \"show\"", false),
        (screened(-0.08, 0.005), both, true),
        (screened(0.0, 0.1), both, true),
    ] {
        assert_eq!(confirm(&trial, keys), expected, "{keys} {:?}", trial.1.measurements[1]);
    }
    // Decided by the screening; the reason says so.
    let (base, head) = screened(0.03, 0.005);
    let report = verdict(&base, &head, "");
    let settled = judgement(&report, "time");
    assert_eq!((settled.outcome, settled.by_instructions), (Outcome::Unchanged, true));
    assert!(settled.reason.ends_with("same instructions; the clock rules out 5%"));
    // A suspect that was not measured again is undecided.
    let (base, head) = screened(0.08, 0.005);
    assert_eq!(judgement(&verdict(&base, &head, ""), "time").outcome, Outcome::Undecided);

    // Slower, but not yet proven beyond 5%: more pairs may prove that.
    let further = trial(alternating(0.08, 0.05, 8), alternating(0.08, 0.05, 14));
    let report = verdict(&further.0, &further.1, "");
    assert_eq!(clock(&report), (Outcome::Regression, Severity::Warn, 0));
    assert!(confirm(&further, "slower_clock_unpinned = \"fail\""));
    assert!(!confirm(&further, both));
    let proven = trial(alternating(0.08, 0.05, 8), alternating(0.08, 0.01, 14));
    assert_eq!(
        clock(&verdict(&proven.0, &proven.1, FAILS)),
        (Outcome::Regression, Severity::Fail, 3)
    );
    assert!(!confirm(&proven, both));
    let little = trial(alternating(0.03, 0.05, 8), alternating(0.03, 0.005, 14));
    let report = verdict(&little.0, &little.1, "");
    assert_eq!(clock(&report), (Outcome::Regression, Severity::Warn, 0));
    assert!(!confirm(&little, both));
}

/// A trial of one benchmark with the same instructions on both sides: its clock is slower by
/// `slower`, and pairs differ by about `spread`.
fn same_instructions(random: &mut SplitMix64, slower: f64, spread: f64) -> (Outcome, u8) {
    let uniform = |random: &mut SplitMix64| random.index(1 << 20) as f64 / f64::from(1 << 20);
    let mut differences: Vec<f64> = Vec::new();
    let mut end = (Outcome::Undecided, 0);
    for pairs in [8, 22, 36, 88] {
        while differences.len() < pairs {
            let normal = (0..12).map(|_| uniform(random)).sum::<f64>() - 6.0;
            differences.push(slower.ln_1p() + spread * normal);
        }
        let (mut base, mut head) = from_differences(&[("a", differences.clone())]);
        for side in [&mut base, &mut head] {
            let mut counted = snapshot(&[("a", instructions(), &SAME)]).measurements;
            counted[0].costs = Some(costs(1, &[]));
            side.measurements.extend(counted);
            side.sort();
        }
        let report = verdict(&base, &head, FAILS);
        end = (judgement(&report, "time").outcome, exit(&report));
        let case = Case {
            baseline: Some(&base),
            candidate: &head,
            policy: &policy(FAILS),
            noise: None,
            today: TODAY,
        };
        if to_confirm(&case).is_empty() {
            break;
        }
    }
    end
}

#[test]
fn the_same_instructions_do_not_clear_what_the_clock_does_not() {
    let mut random = SplitMix64::new(12);
    let mut of = |slower: f64, spread: f64| -> Vec<(Outcome, u8)> {
        (0..30).map(|_| same_instructions(&mut random, slower, spread)).collect()
    };
    let count =
        |ends: &[(Outcome, u8)], outcome| ends.iter().filter(|end| end.0 == outcome).count();
    // Pairs that differ by 6% show in time that nothing changed.
    assert_eq!(count(&of(0.0, 0.057), Outcome::Unchanged), 30);
    // A slowdown of just the clock's own tolerance is a regression that warns. To be cleared
    // has a chance of 2% at each of four decisions: 8 of 30 or more has one of 0.2%.
    let tolerated = of(0.05, 0.057);
    assert!(count(&tolerated, Outcome::Unchanged) < 8, "{tolerated:?}");
    // However noisy, none of twice the tolerance is cleared.
    let noisy = of(0.1, 0.15);
    assert!(count(&noisy, Outcome::Unchanged) < 2, "{noisy:?}");
}
