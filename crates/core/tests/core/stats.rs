//! Compares the statistics with `SciPy`'s (`scripts/fixtures-stats`), and checks
//! properties that hold for any data.

use std::iter::repeat_with;

use benchgate_core::stats::{
    Alternative, Interval, SampleVariance, SplitMix64, VariancePrior, binomial_interval,
    detectable_gap, hodges_lehmann, hodges_lehmann_interval, pairs_needed, quantile_bounds,
    signed_rank, smallest_n,
};
use proptest::prelude::*;
use serde_json::Value;

/// The cases of a fixture, at least one.
fn cases(text: &str) -> Vec<Value> {
    let cases: Vec<Value> = serde_json::from_str(text).expect("a fixture is a list");
    assert!(!cases.is_empty());
    cases
}

fn number(case: &Value, key: &str) -> f64 {
    case[key].as_f64().unwrap_or_else(|| panic!("{key} is a number in {case}"))
}

fn count(case: &Value, key: &str) -> u64 {
    case[key].as_u64().unwrap_or_else(|| panic!("{key} is a count in {case}"))
}

fn numbers(list: &Value) -> Vec<f64> {
    let list = list.as_array().expect("a list of numbers");
    list.iter().map(|value| value.as_f64().expect("a number")).collect()
}

#[track_caller]
fn close(got: f64, want: f64, digits: i32, case: &Value) {
    let allowed = 10.0_f64.powi(-digits) * want.abs();
    assert!((got - want).abs() <= allowed, "{got} is not {want}: {case}");
}

#[test]
fn signed_rank_agrees_with_scipy() {
    for case in cases(include_str!("../../../../tests/fixtures/stats/signed_rank.json")) {
        let (differences, bound) = (numbers(&case["differences"]), number(&case, "bound"));
        // Enumerated values are exact; the normal tail comes from the library.
        let digits = if differences.len() > 300 { 9 } else { 12 };
        let p = |alternative| signed_rank(&differences, bound, alternative).unwrap();
        close(p(Alternative::Above), number(&case, "above"), digits, &case);
        close(p(Alternative::Below), number(&case, "below"), digits, &case);
    }
}

#[test]
fn hodges_lehmann_inverts_scipys_test() {
    for case in cases(include_str!("../../../../tests/fixtures/stats/hodges_lehmann.json")) {
        let (differences, alpha) = (numbers(&case["differences"]), number(&case, "alpha"));
        let estimate = hodges_lehmann(&differences).unwrap();
        assert!((estimate - number(&case, "estimate")).abs() < 1e-15, "{case}");
        let interval = hodges_lehmann_interval(&differences, alpha);
        assert_eq!(interval.is_some(), case["lower"].is_number(), "{case}");
        assert_eq!(interval.is_some(), differences.len() >= smallest_n(alpha).unwrap() as usize);
        if let Some(Interval { lower, upper }) = interval {
            assert!((lower - number(&case, "lower")).abs() < 1e-15, "{lower}: {case}");
            assert!((upper - number(&case, "upper")).abs() < 1e-15, "{upper}: {case}");
        }
    }
}

#[test]
fn quantile_bounds_agree_with_scipy() {
    for case in cases(include_str!("../../../../tests/fixtures/stats/quantile.json")) {
        let values = numbers(&case["values"]);
        for bound in case["bounds"].as_array().expect("a list of bounds") {
            let (level, alpha) = (number(bound, "level"), number(bound, "alpha"));
            let bounds = quantile_bounds(&values, level, alpha);
            let n = values.len();
            assert_eq!(bounds.lower, bound["lower"].as_f64(), "n = {n}: {bound}");
            assert_eq!(bounds.upper, bound["upper"].as_f64(), "n = {n}: {bound}");
        }
    }
}

#[test]
fn binomial_interval_agrees_with_scipy() {
    for case in cases(include_str!("../../../../tests/fixtures/stats/binomial.json")) {
        let (successes, trials) = (count(&case, "successes"), count(&case, "trials"));
        let interval = binomial_interval(successes, trials, number(&case, "alpha")).unwrap();
        close(interval.lower, number(&case, "lower"), 9, &case);
        close(interval.upper, number(&case, "upper"), 9, &case);
    }
}

/// The numbers behind the claims about the gate's accuracy.
#[test]
fn the_suites_needed_for_a_claim_are_exact() {
    let upper = |alarms, suites| binomial_interval(alarms, suites, 0.05).unwrap().upper;
    for (alarms, suites) in [(0, 299), (1, 473), (2, 628), (3, 773)] {
        assert!(upper(alarms, suites) <= 0.01 && upper(alarms, suites - 1) > 0.01);
    }
    let lower = |found, injected| binomial_interval(found, injected, 0.05).unwrap().lower;
    for (missed, injected) in [(0, 59), (1, 93), (2, 124)] {
        assert!(lower(injected - missed, injected) >= 0.95);
        assert!(lower(injected - 1 - missed, injected - 1) < 0.95);
    }
}

#[test]
fn planning_agrees_with_scipy() {
    for case in cases(include_str!("../../../../tests/fixtures/stats/planning.json")) {
        let [gap, deviation, alpha, power] =
            ["gap", "deviation", "alpha", "power"].map(|key| number(&case, key));
        let pairs = pairs_needed(gap, deviation, alpha, power).unwrap();
        assert_eq!(pairs, count(&case, "pairs"), "{case}");
        let gap = detectable_gap(30, deviation, alpha, power).unwrap();
        close(gap, number(&case, "gap_of_30"), 9, &case);
    }
}

#[test]
fn moderation_agrees_with_the_paper_in_scipy() {
    let mut unequal = 0;
    for case in cases(include_str!("../../../../tests/fixtures/stats/moderated.json")) {
        let samples: Vec<SampleVariance> = numbers(&case["variances"])
            .into_iter()
            .zip(numbers(&case["degrees"]))
            .map(|(variance, degrees)| SampleVariance { variance, degrees })
            .collect();
        let prior = VariancePrior::fit(&samples).unwrap();
        match case["prior_degrees"].as_f64() {
            // A difference of sums, and the root of a flat function.
            Some(degrees) => close(prior.degrees, degrees, 8, &case),
            None => assert_eq!(prior.degrees, f64::INFINITY),
        }
        unequal += usize::from(prior.degrees.is_finite());
        close(prior.variance, number(&case, "prior_variance"), 9, &case);
        for (sample, want) in samples.into_iter().zip(numbers(&case["posterior"])) {
            let moderated = prior.moderate(sample);
            close(moderated.variance, want, 9, &case);
            assert_eq!(moderated.degrees, prior.degrees + sample.degrees);
        }
    }
    assert!(unequal >= 3);
}

/// Differences around 0 whose magnitudes have heavy tails and unequal spreads,
/// rounded to a step so that some are equal; a step of 0 rounds nothing.
fn symmetric(random: &mut SplitMix64, n: usize, step: f64) -> Vec<f64> {
    let mut uniform = || (random.next_bits() >> 11) as f64 / 2.0_f64.powi(53);
    repeat_with(|| {
        let magnitude = uniform() / (uniform() + 0.02);
        let value = if uniform() < 0.5 { magnitude } else { -magnitude };
        if step > 0.0 { (value / step).round() * step } else { value }
    })
    .take(n)
    .collect()
}

/// The most occurrences in `trials` trials of something with a chance of at most `alpha`:
/// the mean and four standard deviations.
fn at_most(alpha: f64, trials: u32) -> f64 {
    let trials = f64::from(trials);
    alpha * trials + 4.0 * (alpha * (1.0 - alpha) * trials).sqrt()
}

#[test]
fn p_values_are_at_most_as_small_as_chance_allows() {
    const TRIALS: u32 = 3000;
    let mut random = SplitMix64::new(20);
    for (n, step) in [(5, 0.0), (12, 0.0), (12, 0.5), (30, 0.25), (45, 0.0)] {
        let p_values: Vec<f64> = (0..TRIALS)
            .map(|_| {
                signed_rank(&symmetric(&mut random, n, step), 0.0, Alternative::Above).unwrap()
            })
            .collect();
        for alpha in [0.2, 0.05, 0.01_f64] {
            let alarms = p_values.iter().filter(|p| **p <= alpha).count() as f64;
            assert!(alarms <= at_most(alpha, TRIALS), "{n} at {alpha}: {alarms}");
            // The test has power: most of the level is used if it can be reached.
            if alpha > 0.01 && step == 0.0 && n > 5 {
                assert!(alarms > 0.7 * alpha * f64::from(TRIALS), "{n} at {alpha}: {alarms}");
            }
        }
    }
}

#[test]
fn intervals_cover_the_centre_with_and_without_ties() {
    const TRIALS: u32 = 3000;
    let mut random = SplitMix64::new(21);
    for (n, step) in [(8, 0.0), (14, 0.0), (14, 0.5), (30, 1.0)] {
        for alpha in [0.1, 0.02] {
            let (mut above, mut below) = (0, 0);
            for _ in 0..TRIALS {
                let differences = symmetric(&mut random, n, step);
                let interval = hodges_lehmann_interval(&differences, alpha).unwrap();
                above += i32::from(interval.lower > 0.0);
                below += i32::from(interval.upper < 0.0);
            }
            let allowed = at_most(alpha, TRIALS);
            assert!(f64::from(above) <= allowed && f64::from(below) <= allowed, "{n} at {alpha}");
        }
    }
}

/// Multiples of 1/64: their sums and halves are exact, so ties are exact.
fn on_a_grid(n: std::ops::Range<usize>) -> impl Strategy<Value = Vec<f64>> {
    let value = (-512_i32..512).prop_map(|value| f64::from(value) / 64.0);
    prop::collection::vec(value, n)
}

/// Values whose Walsh averages all differ.
fn untied(n: std::ops::Range<usize>) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(-1.0_f64..1.0, n)
}

fn p_value(differences: &[f64], bound: f64, alternative: Alternative) -> f64 {
    signed_rank(differences, bound, alternative).unwrap()
}

fn mapped(values: &[f64], map: impl Fn(f64) -> f64) -> Vec<f64> {
    values.iter().map(|value| map(*value)).collect()
}

proptest! {
    #[test]
    fn changing_all_signs_swaps_the_sides(d in on_a_grid(1..26), bound in -4_i32..4) {
        let bound = f64::from(bound) / 8.0;
        let turned = mapped(&d, |value| -value);
        let below = p_value(&turned, -bound, Alternative::Below);
        prop_assert_eq!(p_value(&d, bound, Alternative::Above), below);
        prop_assert_eq!(hodges_lehmann(&turned), hodges_lehmann(&d).map(|value| 0.0 - value));
    }

    #[test]
    fn a_shift_of_all_values_shifts_the_centre_and_its_interval(d in on_a_grid(8..26), shift in -8_i32..8) {
        let shift = f64::from(shift) / 4.0;
        let moved = mapped(&d, |value| value + shift);
        prop_assert_eq!(hodges_lehmann(&moved), hodges_lehmann(&d).map(|value| value + shift));
        let interval = hodges_lehmann_interval(&d, 0.02).unwrap();
        let both = Interval { lower: interval.lower + shift, upper: interval.upper + shift };
        prop_assert_eq!(hodges_lehmann_interval(&moved, 0.02), Some(both));
        let stays = p_value(&d, 0.25, Alternative::Above);
        prop_assert_eq!(p_value(&moved, 0.25 + shift, Alternative::Above), stays);
    }

    #[test]
    fn scale_does_not_matter(d in on_a_grid(8..26), power in -60_i32..60) {
        let scale = 2.0_f64.powi(power);
        let scaled = mapped(&d, |value| value * scale);
        prop_assert_eq!(hodges_lehmann(&scaled), hodges_lehmann(&d).map(|value| value * scale));
        let stays = p_value(&d, 0.25, Alternative::Above);
        prop_assert_eq!(p_value(&scaled, 0.25 * scale, Alternative::Above), stays);
    }

    #[test]
    fn order_does_not_matter(d in untied(8..26), swaps in prop::collection::vec(any::<u64>(), 26)) {
        let mut shuffled: Vec<(u64, f64)> = swaps.into_iter().zip(d.iter().copied()).collect();
        shuffled.sort_by_key(|(swap, _)| *swap);
        let shuffled: Vec<f64> = shuffled.into_iter().map(|(_, value)| value).collect();
        let stays = p_value(&d, 0.1, Alternative::Above);
        prop_assert_eq!(p_value(&shuffled, 0.1, Alternative::Above), stays);
        prop_assert_eq!(hodges_lehmann(&shuffled), hodges_lehmann(&d));
        let interval = hodges_lehmann_interval(&d, 0.02);
        prop_assert_eq!(hodges_lehmann_interval(&shuffled, 0.02), interval);
    }

    #[test]
    fn p_values_grow_with_the_bound(d in on_a_grid(1..25), bounds in prop::array::uniform2(-512_i32..512)) {
        let [low, high] = bounds.map(|bound| f64::from(bound) / 128.0);
        let (low, high) = (low.min(high), low.max(high));
        let (first, second) = (p_value(&d, low, Alternative::Above), p_value(&d, high, Alternative::Above));
        prop_assert!(first <= second, "{first} {second}");
    }

    #[test]
    fn p_values_are_at_least_the_smallest_possible(d in untied(1..26), bound in -1.5_f64..1.5) {
        let p = p_value(&d, bound, Alternative::Above);
        prop_assert!(p <= 1.0 && p >= 0.5_f64.powi(i32::try_from(d.len()).unwrap()));
    }

    #[test]
    fn the_interval_contains_the_bounds_that_the_test_does_not_reject(
        d in untied(1..40), bound in -1.0_f64..1.0, alpha in 1e-4_f64..0.4,
    ) {
        let above = signed_rank(&d, bound, Alternative::Above).unwrap() <= alpha;
        let below = signed_rank(&d, bound, Alternative::Below).unwrap() <= alpha;
        match hodges_lehmann_interval(&d, alpha) {
            Some(Interval { lower, upper }) => {
                prop_assert_eq!(bound < lower, above);
                prop_assert_eq!(bound > upper, below);
            }
            None => prop_assert!(!above && !below),
        }
    }

    #[test]
    fn hostile_numbers_do_not_panic_or_return_nan(
        finite in prop_oneof![
            9 => prop::collection::vec(any::<f64>(), 0..26),
            1 => prop::collection::vec(any::<f64>(), 41..50),
        ],
        spoiled in prop::option::of(prop::num::f64::ANY),
        bound in any::<f64>(),
        alpha in prop::num::f64::ANY,
    ) {
        let d: Vec<f64> = finite.into_iter().chain(spoiled).collect();
        if let Some(p) = signed_rank(&d, bound, Alternative::Above) {
            prop_assert!(p > 0.0 && p <= 1.0);
        }
        for alpha in [alpha, 0.02] {
            if let Some(Interval { lower, upper }) = hodges_lehmann_interval(&d, alpha) {
                let estimate = hodges_lehmann(&d).unwrap();
                prop_assert!(lower <= estimate && estimate <= upper);
            }
            let bounds = quantile_bounds(&d, 0.5, alpha);
            prop_assert!(!bounds.lower.is_some_and(f64::is_nan));
            prop_assert!(detectable_gap(3, bound, alpha, 0.9).is_none_or(f64::is_finite));
            prop_assert!(pairs_needed(bound, alpha, 0.01, 0.9) != Some(0));
        }
        let samples: Vec<_> =
            d.iter().map(|d| SampleVariance { variance: d.abs(), degrees: bound.abs() }).collect();
        if let Some(prior) = VariancePrior::fit(&samples) {
            prop_assert!(prior.variance > 0.0 && prior.degrees > 0.0);
        }
    }
}
