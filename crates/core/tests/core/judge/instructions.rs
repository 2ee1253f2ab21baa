//! Which instruction counts are compared and are exact, and why a count grew.

use std::collections::BTreeMap;

use benchgate_core::judge::{Code, Outcome, Severity};
use benchgate_core::model::{AllocatorCount, Costs, CountScope, Snapshot};

use super::common::{FIFTH_SLOWER, STEADY, codes, counts, exit, snapshot, verdict};
use super::witness::{
    LITTLE_SLOWER, MORE, SAME, clock, costs, judgement, with_instructions, witnessed,
};

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
    // A row has no cause if the costs are missing or did not grow.
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

/// Counts of a benchmark with a steady clock, with a scope.
fn scoped(counted: &[f64], scope: Option<CountScope>) -> Snapshot {
    let mut side = witnessed(&STEADY, counted, 1);
    for costs in side.measurements.iter_mut().filter_map(|row| row.costs.as_mut()) {
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
        for costs in side.measurements.iter_mut().filter_map(|row| row.costs.as_mut()) {
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

/// Instructions of `a`, with changes to how they were counted, and with a clock if one is given.
fn counted_so(clock: Option<&[f64]>, counted: &[f64], change: impl Fn(&mut Costs)) -> Snapshot {
    let mut side = match clock {
        Some(clock) => witnessed(clock, counted, 1),
        None => with_instructions(snapshot(&[]), counted),
    };
    side.measurements.iter_mut().filter_map(|row| row.costs.as_mut()).for_each(change);
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
