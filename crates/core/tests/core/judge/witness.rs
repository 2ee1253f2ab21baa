//! How the clock and the instruction count combine, and why a count grew.

use std::collections::BTreeMap;

use benchgate_core::judge::{Case, Code, Judgement, Outcome, Report, Severity, to_confirm};
use benchgate_core::model::{AllocatorCount, Costs, CountScope, Field, Metric, Snapshot, Unit};

use super::common::{
    FIFTH_SLOWER, NOISY, STEADY, TODAY, codes, counts, exit, policy, snapshot, times, verdict,
};
use super::trial::{alternating, from_differences};
use benchgate_core::stats::SplitMix64;

fn instructions() -> Metric {
    Metric::counted(Metric::INSTRUCTIONS, Unit::Count)
}

fn costs(threads: u32, functions: &[(&str, u64)]) -> Costs {
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
fn witnessed(clock: &[f64], counted: &[f64], threads: u32) -> Snapshot {
    let mut both = snapshot(&[("a", Metric::time(), clock), ("a", instructions(), counted)]);
    for counted in both.measurements.iter_mut().filter(|it| it.metric == instructions()) {
        counted.costs = Some(costs(threads, &[]));
    }
    both
}

fn judgement<'a>(report: &'a Report, metric: &str) -> &'a Judgement {
    let row = report.rows.iter().find(|row| row.metric == metric).expect("the row is there");
    row.judgement.as_ref().expect("judged")
}

/// The outcome and the severity of the clock's row, and the exit code.
fn clock(report: &Report) -> (Outcome, Severity, u8) {
    let clock = judgement(report, "time");
    (clock.outcome, clock.severity, exit(report))
}

const SAME: [f64; 2] = [100_000.0; 2];
const MORE: [f64; 2] = [101_500.0; 2];
const FEWER: [f64; 2] = [90_000.0; 2];
/// Runs that are 4% slower than [`STEADY`]; a slowdown of about 2% is proven.
const LITTLE_SLOWER: [f64; 5] = [104.0, 105.0, 103.0, 104.5, 103.5];

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

#[test]
fn counts_that_overlap_are_unchanged_however_much_they_vary() {
    let (low, high) = (100_000.0, 130_000.0);
    for (base, head, expected) in [
        // Two values, which alternate by timing.
        (&[low, low, high][..], &[high, high, low][..], Outcome::Unchanged),
        (&[low, low, low, high], &[high; 4], Outcome::Unchanged),
        (&[low; 3], &[low, high, high], Outcome::Unchanged),
        (&[high; 3], &[low, low, high], Outcome::Unchanged),
        // A difference of more than three times the variation.
        (&[low, low + 100.0], &[103_000.0, 103_100.0], Outcome::Regression),
        (&[103_000.0, 103_100.0], &[low, low + 100.0], Outcome::Improvement),
        // A smaller difference.
        (&[low, low + 2_000.0], &[103_000.0, 105_000.0], Outcome::Unchanged),
        // A difference of less than 0.5%.
        (&[low, low + 1.0], &[100_401.0, 100_402.0], Outcome::Unchanged),
    ] {
        let report = verdict(&counts(&[("a", base)]), &counts(&[("a", head)]), "");
        assert_eq!(judgement(&report, "instructions").outcome, expected, "{base:?} {head:?}");
        assert!(codes(&report).contains(&(Code::UnsteadyCount, Severity::Note)));
    }
}

#[test]
fn functions_that_grew_are_the_probable_cause() {
    let side = |total: f64, functions: &[(&str, u64)]| {
        let mut side = counts(&[("a", &[total, total])]);
        side.measurements[0].costs = Some(costs(1, functions));
        side
    };
    let base = side(1000.0, &[("main", 100), ("shrinks", 400), ("grows", 500)]);
    let head =
        side(1500.0, &[("main", 101), ("shrinks", 300), ("grows", 800), ("\u{1b}[31mnew", 299)]);
    let report = verdict(&base, &head, "");
    let cause: Vec<_> = judgement(&report, "instructions")
        .cause
        .iter()
        .map(|part| (part.function.as_str(), part.baseline, part.candidate))
        .collect();
    // `main` accounts for less than 2%.
    assert_eq!(cause, [("grows", Some(500), 800), ("\u{1b}[31mnew", Some(0), 299)]);

    // A function that the baseline does not list is not assumed to be zero.
    let mut cut = base.clone();
    cut.measurements[0].costs.as_mut().unwrap().total += 350;
    let report = verdict(&cut, &head, "");
    let cause = &judgement(&report, "instructions").cause;
    assert_eq!((cause[1].function.as_str(), cause[1].baseline), ("\u{1b}[31mnew", None));
    // Without costs or without growth there is no cause.
    assert_eq!(judgement(&verdict(&counts(&[("a", &SAME)]), &head, ""), "instructions").cause, []);
    assert_eq!(judgement(&verdict(&head, &base, ""), "instructions").cause, []);
}

#[test]
fn only_the_costs_of_the_largest_functions_are_kept() {
    let functions: BTreeMap<String, u64> =
        (1..=50).map(|n| (format!("f{n:02}"), n * 100)).chain([("tiny".to_owned(), 1)]).collect();
    let of = |total, functions: &BTreeMap<String, u64>| Costs {
        total,
        functions: functions.clone(),
        ..costs(1, &[])
    };
    let kept = of(functions.values().sum(), &functions).kept(&["f01"].into());
    // The forty largest functions, and the named one.
    assert_eq!((kept.functions.len(), kept.functions["f01"]), (41, 100));
    assert!(kept.functions.contains_key("f11") && !kept.functions.contains_key("f10"));
    let few: BTreeMap<String, u64> =
        [("big".to_owned(), 99_901), ("at".to_owned(), 100), ("below".to_owned(), 99)].into();
    let kept = of(100_100, &few).kept(&[].into());
    assert_eq!(kept.functions.keys().collect::<Vec<_>>(), ["big"]);
    assert_eq!(of(100_000, &few).kept(&[].into()).functions.len(), 2);
}

/// Adds steady instruction counts of `a`.
pub(crate) fn with_equal_instructions(side: Snapshot) -> Snapshot {
    with_instructions(side, &SAME)
}

fn with_instructions(mut side: Snapshot, counted: &[f64]) -> Snapshot {
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

/// Counts of a benchmark with a steady clock, with a scope.
fn scoped(counted: &[f64], scope: Option<CountScope>) -> Snapshot {
    let mut side = witnessed(&STEADY, counted, 1);
    for costs in side.measurements.iter_mut().filter_map(|it| it.costs.as_mut()) {
        costs.scope = scope;
    }
    side
}

#[test]
fn a_count_that_includes_the_set_up_does_not_fail_and_is_not_a_witness() {
    use CountScope::{Timed, Whole};
    let fails = (Outcome::Regression, Severity::Fail);
    let shown = (Outcome::Regression, Severity::Note);
    let barred = (Outcome::Undecided, Severity::Note);
    for (base, head, expected, reason, code) in [
        (Some(Timed), Some(Timed), fails, "beyond the tolerance of 0.5%", 3),
        // Counts of iai-callgrind and of an earlier gate.
        (None, None, fails, "beyond the tolerance of 0.5%", 3),
        (
            Some(Whole),
            Some(Whole),
            shown,
            "beyond the tolerance of 0.5%; the count includes the set-up and the drops, so the clock \
             decides",
            0,
        ),
        (Some(Whole), Some(Timed), barred, "not comparable: only one side's count is known", 0),
        (None, Some(Timed), barred, "not comparable: only one side's count is known", 0),
    ] {
        let report = verdict(&scoped(&SAME, base), &scoped(&MORE, head), "");
        let row = judgement(&report, "instructions");
        assert_eq!((row.outcome, row.severity), expected, "{base:?} {head:?}: {}", row.reason);
        assert!(row.reason.starts_with(reason), "{base:?} {head:?}: {}", row.reason);
        assert_eq!(exit(&report), code, "{base:?} {head:?}");
    }

    // Equal counts that include the set-up do not explain a slower clock.
    let mut base = witnessed(&STEADY, &SAME, 1);
    let mut head = witnessed(&FIFTH_SLOWER, &SAME, 1);
    assert!(judgement(&verdict(&base, &head, ""), "time").reason.contains("same instructions"));
    for side in [&mut base, &mut head] {
        for costs in side.measurements.iter_mut().filter_map(|it| it.costs.as_mut()) {
            costs.scope = Some(Whole);
        }
    }
    let report = verdict(&base, &head, "");
    assert_eq!(clock(&report), (Outcome::Regression, Severity::Fail, 3));
    assert!(!judgement(&report, "time").reason.contains("instructions"));

    // Under a policy in which only counts gate, they still gate.
    let (base, head) = (scoped(&SAME, Some(Whole)), scoped(&MORE, Some(Whole)));
    let only = "[[rule]]\nbench = \"**\"\nwitness = \"instructions\"";
    let report = verdict(&base, &head, only);
    assert_eq!(judgement(&report, "instructions").severity, Severity::Fail);
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

/// Instructions of `a`, with changes to how they were counted, and with a clock if one is given.
fn counted_so(clock: Option<&[f64]>, counted: &[f64], change: impl Fn(&mut Costs)) -> Snapshot {
    let mut side = match clock {
        Some(clock) => witnessed(clock, counted, 1),
        None => with_instructions(snapshot(&[]), counted),
    };
    side.measurements.iter_mut().filter_map(|it| it.costs.as_mut()).for_each(change);
    side
}

fn executed(costs: &mut Costs) {
    costs.allocator = AllocatorCount::Executed;
}

fn asks_kernel(costs: &mut Costs) {
    costs.system_calls = true;
}

#[test]
fn counts_of_two_ways_to_count_an_allocator_are_never_mixed() {
    let charged = counted_so(None, &SAME, |_| {});
    let mut unknown = counts(&[("a", &SAME)]);
    unknown.measurements[0].costs = None;
    for (base, head) in [
        (counted_so(None, &MORE, executed), charged.clone()),
        (charged.clone(), counted_so(None, &MORE, executed)),
        (unknown, counted_so(None, &SAME, |costs| costs.scope = None)),
    ] {
        let report = verdict(&base, &head, "");
        let row = judgement(&report, "instructions");
        assert_eq!((row.outcome, row.severity), (Outcome::Undecided, Severity::Note));
        let reason = "not comparable: only one side's count charges the allocator by the call";
        assert!(row.reason.starts_with(reason), "{}", row.reason);
    }
}

#[test]
fn a_count_that_follows_more_than_the_code_is_not_exact() {
    let much_more = [112_000.0; 2];
    for (change, reason) in [
        (executed as fn(&mut Costs), "not exact: the count includes what the allocator executed"),
        (asks_kernel, "not exact: the body makes system calls"),
        (|costs: &mut Costs| costs.threads = 2, "not exact: the process has several threads"),
    ] {
        let judged = |clock: Option<&[f64]>, head: &[f64]| {
            let base = counted_so(clock, &SAME, change);
            verdict(&base, &counted_so(clock, head, change), "")
        };
        // Up to a tenth is not called a change, though every run repeats it.
        let report = judged(None, &MORE);
        let row = judgement(&report, "instructions");
        assert_eq!((row.outcome, exit(&report)), (Outcome::Unchanged, 0), "{}", row.reason);
        assert!(row.reason.ends_with(reason), "{}", row.reason);
        let shown = report.rows[0].change.expect("there is one");
        assert_eq!((shown.lower, shown.upper), (None, None), "it is not shown as exact");
        // Nor is the same for the better.
        let report =
            verdict(&counted_so(None, &MORE, change), &counted_so(None, &SAME, change), "");
        assert_eq!(judgement(&report, "instructions").outcome, Outcome::Unchanged);
        // More than that fails where nothing else could, and leaves it to a clock.
        assert_eq!(exit(&judged(None, &much_more)), 3);
        let report = judged(Some(&STEADY), &much_more);
        assert_eq!(judgement(&report, "instructions").severity, Severity::Note);
        assert_eq!(clock(&report).0, Outcome::Unchanged);
        assert_eq!(exit(&report), 0);
        // It is not a witness of a clock that is slower.
        let base = counted_so(Some(&STEADY), &SAME, change);
        let head = counted_so(Some(&LITTLE_SLOWER), &SAME, change);
        let report = verdict(&base, &head, "");
        assert!(!judgement(&report, "time").reason.contains("instructions"));
    }
}
