//! Counts of successes: exact tails, and what they say of the true rate.

use super::{Interval, is_one_sided};

/// Counting out more would take seconds.
pub(super) const MOST_TRIALS: u64 = 1 << 36;

/// The exact (Clopper–Pearson) interval of a rate, from the successes among
/// independent trials; each end is wrong with a chance of at most `alpha`. So
/// the upper end is the one-sided bound that "no event in 299 trials" supports.
/// `None` without trials, with more than 2^36 of them, with more successes than
/// trials, or with an `alpha` outside 0 to ½. Takes time that grows with the
/// root of the trials.
///
/// C. J. Clopper and E. S. Pearson, "The use of confidence or fiducial limits
/// illustrated in the case of the binomial", Biometrika 26(4), 1934.
pub fn binomial_interval(successes: u64, trials: u64, alpha: f64) -> Option<Interval> {
    if !(1..=MOST_TRIALS).contains(&trials) || successes > trials || !is_one_sided(alpha) {
        return None;
    }
    let lower = match successes {
        0 => 0.0,
        _ => crossing(|rate| Binomial::new(trials, rate, alpha).at_least(successes) > alpha),
    };
    let upper = match trials - successes {
        0 => 1.0,
        _ => crossing(|rate| Binomial::new(trials, rate, alpha).at_most(successes) <= alpha),
    };
    Some(Interval { lower, upper })
}

/// The one-sided sign test: the chance of at least `successes` in that many trials, each as
/// likely a success as not. 1 without trials; `NaN` never, as more than 2^36 trials count
/// as 2^36.
///
/// W. J. Dixon and A. M. Mood, "The statistical sign test", JASA 41, 1946.
pub fn sign_test(successes: u64, trials: u64) -> f64 {
    let trials = trials.min(MOST_TRIALS);
    Binomial::new(trials, 0.5, f64::MIN_POSITIVE).at_least(successes)
}

/// The rate from which on `holds`, which is false at 0 and true at 1.
fn crossing(holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    loop {
        let between = 0.5 * low + 0.5 * high;
        if between <= low || between >= high {
            return high;
        }
        if holds(between) { high = between } else { low = between }
    }
}

/// The number of successes in independent trials with one rate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Binomial {
    trials: u64,
    rate: f64,
    /// A chance, relative to the likeliest count's, that may be left out.
    negligible: f64,
}

impl Binomial {
    /// Of at most [`MOST_TRIALS`], with a rate from 0 to 1; tails will be
    /// compared with `alpha`.
    pub(super) fn new(trials: u64, rate: f64, alpha: f64) -> Self {
        // Products of numbers below the normal ones would not shrink any more.
        Self { trials, rate, negligible: (alpha * 1e-20).max(f64::MIN_POSITIVE) }
    }

    /// The chance of at most that many successes.
    pub(super) fn at_most(self, successes: u64) -> f64 {
        self.share(|count| count <= successes)
    }

    /// The chance of at least that many successes.
    pub(super) fn at_least(self, successes: u64) -> f64 {
        self.share(|count| count >= successes)
    }

    /// The chance of the counts that are `wanted`.
    ///
    /// Adds up chances relative to the likeliest count's, from there outwards
    /// until they are negligible, and divides by their sum: no logarithm, so the
    /// same bits everywhere, and tails keep their digits.
    fn share(self, wanted: impl Fn(u64) -> bool) -> f64 {
        let Self { trials, rate, negligible } = self;
        let odds = rate / (1.0 - rate);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to trials")]
        let mode = (((trials as f64 + 1.0) * rate) as u64).min(trials);
        let (mut inside, mut outside) = (0.0, 0.0);
        let mut add = |count: u64, relative: f64| {
            if wanted(count) { inside += relative } else { outside += relative }
        };
        add(mode, 1.0);
        let (mut count, mut relative) = (mode, 1.0);
        while count < trials && relative > negligible {
            relative *= (trials - count) as f64 / (count + 1) as f64 * odds;
            count += 1;
            add(count, relative);
        }
        let (mut count, mut relative) = (mode, 1.0);
        while count > 0 && relative > negligible {
            relative *= count as f64 / ((trials - count + 1) as f64 * odds);
            count -= 1;
            add(count, relative);
        }
        inside / (inside + outside)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tails_of_few_trials() {
        let coins = Binomial::new(4, 0.5, 0.01);
        let tails: Vec<f64> = (0..=4).map(|count| coins.at_most(count) * 16.0).collect();
        for (got, want) in tails.iter().zip([1.0, 5.0, 11.0, 15.0, 16.0]) {
            assert!((got - want).abs() < 1e-13, "{got} is not {want}");
        }
        assert!((coins.at_least(3) * 16.0 - 5.0).abs() < 1e-13);
    }

    #[test]
    fn certain_rates() {
        let never = Binomial::new(5, 0.0, 0.01);
        assert_eq!((never.at_most(0), never.at_least(1)), (1.0, 0.0));
        let always = Binomial::new(5, 1.0, 0.01);
        assert_eq!((always.at_most(4), always.at_least(5)), (0.0, 1.0));
    }

    /// Where quantiles of the beta distribution lose digits: the sum of eight
    /// chances solved with mpmath in forty.
    #[test]
    fn rare_events_keep_their_digits() {
        let upper = binomial_interval(7, 1_000_000_000, 0.05).unwrap().upper;
        assert!((upper / 13.148_113_762_014_07e-9 - 1.0).abs() < 1e-13, "{upper}");
    }

    #[test]
    fn the_sign_test_counts_coins() {
        assert_eq!(sign_test(0, 0), 1.0);
        assert!((sign_test(8, 8) * 256.0 - 1.0).abs() < 1e-12);
        assert!((sign_test(3, 4) * 16.0 - 5.0).abs() < 1e-12);
        assert!((sign_test(0, 9) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn bad_input_is_none() {
        assert_eq!(binomial_interval(0, 0, 0.05), None);
        assert_eq!(binomial_interval(3, 2, 0.05), None);
        assert_eq!(binomial_interval(1, u64::MAX, 0.05), None);
        assert_eq!(binomial_interval(1, 2, 0.5), None);
        assert_eq!(binomial_interval(1, 2, f64::NAN), None);
    }

    proptest! {
        #[test]
        fn successes_and_failures_mirror(
            (trials, successes) in (1_u64..400).prop_flat_map(|n| (Just(n), 0..=n)),
            alpha in 1e-6_f64..0.49,
        ) {
            let one = binomial_interval(successes, trials, alpha).unwrap();
            let other = binomial_interval(trials - successes, trials, alpha).unwrap();
            prop_assert!((one.lower - (1.0 - other.upper)).abs() < 1e-12);
            prop_assert!((one.upper - (1.0 - other.lower)).abs() < 1e-12);
            prop_assert!(one.contains(successes as f64 / trials as f64));
        }
    }
}
