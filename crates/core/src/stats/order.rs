//! Quantiles between order statistics, whatever the distribution.

use super::binomial::{Binomial, MOST_TRIALS};
use super::is_one_sided;

/// How exactly a tail is known: an `alpha` that equals one is met by it.
const ROUNDING: f64 = 1e-12;

/// The order statistics that bound a quantile, counted from 1 for the smallest
/// value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ranks {
    /// Bounds it from below; `None` if no value can.
    lower: Option<u64>,
    /// Bounds it from above; `None` if no value can.
    upper: Option<u64>,
}

/// The values that bound a quantile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// Bounds it from below; `None`: unsupported, too few values for any.
    pub lower: Option<f64>,
    /// Bounds it from above; `None`: unsupported, too few values for any.
    pub upper: Option<f64>,
}

/// The values, given in any order, that bound the quantile at `level`, each wrongly
/// with a chance of at most `alpha`. Neither does if `level` is not between 0 and 1,
/// or `alpha` not between 0 and ½, or if there are more than 2^36 values. Infinite
/// values are used unchanged; NaN sorts last and bounds nothing.
///
/// The number of values at or below the quantile is binomial, so this holds for
/// every distribution; ties only make it safer. W. R. Thompson, "On confidence
/// ranges for the median and other expectation distributions", Annals of
/// Mathematical Statistics 7(3), 1936; H. A. David and H. N. Nagaraja, "Order
/// Statistics", 3rd edition, 2003, section 7.1.
pub fn quantile_bounds(values: &[f64], level: f64, alpha: f64) -> Bounds {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let ranks = ranks(sorted.len() as u64, level, alpha);
    let value = |rank: u64| {
        let at = usize::try_from(rank - 1).ok()?;
        sorted.get(at).copied().filter(|value| !value.is_nan())
    };
    Bounds { lower: ranks.lower.and_then(value), upper: ranks.upper.and_then(value) }
}

/// Which of `n` sorted values bound a quantile: see [`quantile_bounds`].
fn ranks(n: u64, level: f64, alpha: f64) -> Ranks {
    if !(level > 0.0 && level < 1.0 && is_one_sided(alpha) && n <= MOST_TRIALS) {
        return Ranks { lower: None, upper: None };
    }
    let below = Binomial::new(n, level, alpha);
    let alpha = alpha * (1.0 + ROUNDING);
    // Ranks from 1 up serve as lower bounds while fewer values below are unlikely.
    let lower = last_that(n, |rank| below.at_most(rank - 1) <= alpha);
    // Ranks from n down serve as upper bounds while as many below are unlikely.
    let upper = last_that(n, |steps| below.at_least(n + 1 - steps) <= alpha);
    Ranks { lower, upper: upper.map(|steps| n + 1 - steps) }
}

/// The largest number from 1 to `n` that `holds`, which it does up to some
/// number and not beyond; `None` if not even 1 does.
fn last_that(n: u64, holds: impl Fn(u64) -> bool) -> Option<u64> {
    let (mut known, mut refused) = (0, n + 1);
    while refused - known > 1 {
        let between = known + (refused - known) / 2;
        if holds(between) { known = between } else { refused = between }
    }
    (known > 0).then_some(known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_tail_latencies_need() {
        // 0.99^367 > 0.025 >= 0.99^368.
        let unsupported = ranks(367, 0.99, 0.025);
        assert_eq!((unsupported.lower.is_some(), unsupported.upper), (true, None));
        assert_eq!(ranks(368, 0.99, 0.025).upper, Some(368));
        let none = Ranks { lower: None, upper: None };
        assert_eq!(ranks(u64::MAX, 0.99, 0.025), none);
    }

    #[test]
    fn the_median_of_few() {
        // 2^-5 on either side of five values.
        let values = [5.0, 1.0, 3.0, 2.0, 4.0];
        let bounds = quantile_bounds(&values, 0.5, 1.0 / 32.0);
        assert_eq!(bounds, Bounds { lower: Some(1.0), upper: Some(5.0) });
        let none = Bounds { lower: None, upper: None };
        assert_eq!(quantile_bounds(&values, 0.5, 0.031), none);
        assert_eq!(quantile_bounds(&[], 0.5, 0.1), none);
        assert_eq!(quantile_bounds(&values, f64::NAN, 0.1), none);
        assert_eq!(quantile_bounds(&values, 0.5, 0.5), none);
        assert_eq!(quantile_bounds(&[f64::NAN; 5], 0.5, 0.1), none);
    }

    proptest! {
        #[test]
        fn bounds_enclose_the_quantile(
            values in prop::collection::vec(-1.0_f64..1.0, 20..60),
            level in 0.05_f64..0.95,
        ) {
            let Bounds { lower, upper } = quantile_bounds(&values, level, 0.05);
            let estimate = super::super::quantile(&values, level).unwrap();
            prop_assert!(lower.is_none_or(|lower| lower <= estimate));
            prop_assert!(upper.is_none_or(|upper| upper >= estimate));
        }
    }
}
