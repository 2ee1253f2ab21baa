//! How many pairs it takes, and what those at hand can find.

use statrs::distribution::{ContinuousCDF, Normal};

/// The fewest pairs whose sign-flip or signed-rank test can reach the level
/// `alpha` at all: n pairs that agree have p = 2^−n. So ⌈log2(1/alpha)⌉, and
/// `None` of an `alpha` that is not between 0 and 1.
pub fn smallest_n(alpha: f64) -> Option<u32> {
    if !(alpha > 0.0 && alpha < 1.0) {
        return None;
    }
    let (mut n, mut chance) = (0, 1.0);
    while chance > alpha {
        chance /= 2.0;
        n += 1;
    }
    Some(n)
}

/// The numbers of pairs after which to decide so that no look is hopeless: `looks`, which
/// rise, each raised to the fewest pairs that can still prove a change in one of `suspects`
/// benchmarks. Holm's method gives the first of them the level `alpha` over the number of
/// tests, two for each benchmark (its typical process and its slow ones), and each look has
/// its share of that. Two of the pairs, those with the smallest
/// differences, may then still go the other way: of n signed ranks, five sets of ranks on
/// the far side have a sum of 3 or less ({}, {1}, {2}, {3}, {1, 2}), each with the chance
/// 2^−n. Looks that suit one suspect are left as they are for one.
///
/// A look that is raised to the next or beyond replaces it. The number of suspects may be
/// used, since it is known before the first of these pairs.
pub fn hopeful_looks(looks: &[u32], alpha: f64, suspects: usize) -> Vec<u32> {
    const SMALL_SUMS: f64 = 5.0;
    const TESTS: usize = 2;
    let slack = if suspects > 1 { SMALL_SUMS } else { 1.0 };
    let share = alpha / (looks.len().max(1) * TESTS * suspects.max(1)) as f64;
    let least = smallest_n(share / slack).unwrap_or_default();
    let mut raised: Vec<u32> = looks.iter().map(|look| (*look).max(least)).collect();
    raised.dedup();
    raised
}

/// The pairs that a one-sided test at level `alpha` needs to find, with the
/// chance `power`, a centre that lies `gap` beyond its bound, where paired
/// differences have the standard deviation `deviation` (in the same unit):
/// ((z(1 − alpha) + z(power)) · deviation / gap)², rounded up, by the normal
/// formula. A rank test of normal data needs π/3 as many in the limit, of heavy
/// tails fewer; and never fewer than [`smallest_n`] serve. `None` if a number
/// makes no sense (gap not positive, deviation negative, chances not between 0
/// and 1) or the answer exceeds 2^53.
///
/// NIST/SEMATECH e-Handbook of Statistical Methods, 7.2.2.2.
pub fn pairs_needed(gap: f64, deviation: f64, alpha: f64, power: f64) -> Option<u64> {
    let deviations = quantiles_between(alpha, power)?;
    if !(gap > 0.0 && deviation >= 0.0) {
        return None;
    }
    let pairs = (deviations.max(0.0) * (deviation / gap)).powi(2).ceil().max(1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 2^53")]
    (pairs <= 2.0_f64.powi(53)).then_some(pairs as u64)
}

/// The same formula, solved for the gap: how far beyond its bound a centre must be for
/// this many pairs to find it, and so the change that an undecided comparison could have
/// found. `None` if a number makes no sense, or without pairs.
pub fn detectable_gap(pairs: u64, deviation: f64, alpha: f64, power: f64) -> Option<f64> {
    let deviations = quantiles_between(alpha, power)?;
    let gap = deviations.max(0.0) * deviation / (pairs as f64).sqrt();
    (pairs > 0 && deviation >= 0.0 && gap.is_finite()).then_some(gap)
}

/// z(1 − alpha) + z(power), from the tails, where small chances keep their digits.
fn quantiles_between(alpha: f64, power: f64) -> Option<f64> {
    let is_chance = |chance: f64| chance > 0.0 && chance < 1.0;
    let normal = Normal::new(0.0, 1.0).ok()?;
    (is_chance(alpha) && is_chance(power))
        .then(|| normal.inverse_cdf(power) - normal.inverse_cdf(alpha))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_within_reach() {
        assert_eq!(smallest_n(0.5), Some(1));
        assert_eq!(smallest_n(1.0 / 1024.0), Some(10));
        assert_eq!(smallest_n(0.01 / 3.0), Some(9));
        assert_eq!(smallest_n(3.3e-4), Some(12));
        for alpha in [0.0, -1.0, 1.0, f64::NAN] {
            assert_eq!(smallest_n(alpha), None);
        }
    }

    #[test]
    fn a_look_is_late_enough_for_all_suspects() {
        assert_eq!(hopeful_looks(&[14, 28, 80], 0.01, 1), [14, 28, 80]);
        assert_eq!(hopeful_looks(&[14, 28, 80], 0.01, 5), [14, 28, 80]);
        // Of 28 suspects, 14 pairs that all agree prove nothing: 3 · 2 · 28 · 2^−14 > 1%.
        assert_eq!(hopeful_looks(&[14, 28, 80], 0.01, 28), [17, 28, 80]);
        assert_eq!(hopeful_looks(&[14, 16, 80], 0.01, 28), [17, 80]);
        for suspects in [1, 10, 55, 1000, 100_000] {
            let looks = hopeful_looks(&[14, 28, 80], 0.01, suspects);
            // The two smallest of the ranks 1 to n on the far side.
            let n = looks[0];
            let mut pairs: Vec<f64> = (1..=n).map(f64::from).collect();
            (pairs[0], pairs[1]) = (-pairs[0], -pairs[1]);
            let p =
                crate::stats::signed_rank(&pairs, 0.0, crate::stats::Alternative::Above).unwrap();
            assert!(
                p * 3.0 * 2.0 * suspects as f64 <= 0.01,
                "{suspects} suspects, {n} pairs: p = {p}"
            );
        }
    }

    #[test]
    fn pairs_for_a_gap_of_two_percent() {
        let pairs = [0.005, 0.01, 0.02, 0.03, 0.04]
            .map(|deviation| pairs_needed(0.02, deviation, 3.3e-4, 0.97).unwrap());
        assert_eq!(pairs, [2, 7, 28, 63, 112]);
    }

    #[test]
    fn the_gap_belongs_to_the_pairs() {
        let gap = detectable_gap(28, 0.02, 3.3e-4, 0.97).unwrap();
        assert!(gap < 0.02 && pairs_needed(gap * 1.000_001, 0.02, 3.3e-4, 0.97) == Some(28));
    }

    #[test]
    fn senseless_numbers_are_none() {
        assert_eq!(pairs_needed(0.0, 0.01, 0.01, 0.9), None);
        assert_eq!(pairs_needed(0.01, -0.01, 0.01, 0.9), None);
        assert_eq!(pairs_needed(0.01, f64::NAN, 0.01, 0.9), None);
        assert_eq!(pairs_needed(1e-300, 1e300, 0.01, 0.9), None);
        assert_eq!(pairs_needed(0.01, 0.01, 0.0, 0.9), None);
        assert_eq!(pairs_needed(0.01, 0.0, 0.01, 0.9), Some(1));
        assert_eq!(detectable_gap(0, 0.01, 0.01, 0.9), None);
        assert_eq!(detectable_gap(9, f64::INFINITY, 0.01, 0.9), None);
    }
}
