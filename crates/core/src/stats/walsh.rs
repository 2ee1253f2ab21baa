//! The Hodges–Lehmann estimate and the interval that belongs to the
//! signed-rank test: order statistics of Walsh averages.

use super::signed_rank::critical_sum;
use super::{Interval, is_one_sided};

/// The centre of paired differences: the median of their Walsh averages, the
/// means of all pairs of them, each with itself included. Few outliers cannot
/// move it far, and on normal data it is nearly as precise as the mean.
/// `None` of nothing, and where a number is not finite.
///
/// J. L. Hodges and E. L. Lehmann, "Estimates of location based on rank
/// tests", Annals of Mathematical Statistics 34(2), 1963.
pub fn hodges_lehmann(differences: &[f64]) -> Option<f64> {
    let walsh = Walsh::new(differences)?;
    let lower = walsh.smallest(walsh.count().div_ceil(2));
    if walsh.count().is_multiple_of(2) && walsh.count_up_to(lower) == walsh.count() / 2 {
        return Some(middle(lower, walsh.next_above(lower)));
    }
    Some(lower)
}

/// The interval of that centre whatever the shape of the (symmetric)
/// distribution, each end wrong with a chance of at most `alpha`: the bounds
/// that [`signed_rank`](super::signed_rank()) does not reject. `None` of input as
/// above, of an `alpha` outside 0 to ½, and of fewer than
/// [`smallest_n(alpha)`](super::smallest_n) differences, where no finite end
/// can have that level.
///
/// With ties among the averages it stays true to `alpha` (G. E. Noether,
/// "Wilcoxon confidence intervals for location parameters in the discrete
/// case", JASA 62, 1967), while the test, which counts with the ties, may
/// differ from it by a step.
///
/// J. W. Tukey, "The simplest signed-rank tests", Memorandum Report 17,
/// Princeton, 1949; Hollander, Wolfe and Chicken, 2014, section 3.3.
pub fn hodges_lehmann_interval(differences: &[f64], alpha: f64) -> Option<Interval> {
    let walsh = Walsh::new(differences).filter(|_| is_one_sided(alpha))?;
    // The sum of ranks on the far side of a bound counts the averages there.
    let rejected = critical_sum(differences.len(), alpha)?;
    let lower = walsh.smallest(rejected + 1);
    let upper = walsh.smallest(walsh.count() - rejected);
    Some(Interval { lower, upper })
}

/// The Walsh averages of sorted values, none of them stored.
struct Walsh {
    sorted: Vec<f64>,
}

impl Walsh {
    fn new(values: &[f64]) -> Option<Self> {
        if values.is_empty() || !values.iter().all(|value| value.is_finite()) {
            return None;
        }
        // Adding 0 leaves one zero of the two.
        let mut sorted: Vec<f64> = values.iter().map(|value| value + 0.0).collect();
        sorted.sort_by(f64::total_cmp);
        Some(Self { sorted })
    }

    fn count(&self) -> u64 {
        let n = self.sorted.len() as u64;
        n * (n + 1) / 2
    }

    /// The `rank`-th smallest average, from 1 to `count`.
    ///
    /// Halves the span of floats between the smallest and the largest value
    /// until one is left: some sixty passes over the values, without memory for
    /// the averages.
    fn smallest(&self, rank: u64) -> f64 {
        let [first, .., last] = self.sorted[..] else { return self.sorted[0] };
        let (mut low, mut high) = (key(first), key(last));
        while low < high {
            // Rounded down, without overflow.
            let between = (low & high) + ((low ^ high) >> 1);
            if self.count_up_to(from_key(between)) >= rank {
                high = between;
            } else {
                low = between + 1;
            }
        }
        from_key(low)
    }

    /// The smallest average above `limit`; the largest value if there is none.
    fn next_above(&self, limit: f64) -> f64 {
        let mut partners = self.sorted.len();
        let mut next = self.sorted[partners - 1];
        for (at, value) in self.sorted.iter().enumerate() {
            while partners > at && middle(*value, self.sorted[partners - 1]) > limit {
                partners -= 1;
            }
            // The first partner above the limit; smaller values were partners of it before.
            if let Some(partner) = self.sorted.get(partners.max(at)) {
                next = next.min(middle(*value, *partner));
            }
        }
        next
    }

    /// How many averages are at most `limit`.
    fn count_up_to(&self, limit: f64) -> u64 {
        let mut partners = self.sorted.len();
        let mut count = 0;
        for (at, value) in self.sorted.iter().enumerate() {
            while partners > at && middle(*value, self.sorted[partners - 1]) > limit {
                partners -= 1;
            }
            if partners <= at {
                break;
            }
            count += (partners - at) as u64;
        }
        count
    }
}

/// The mean of two numbers; grows with either, and cannot overflow.
fn middle(a: f64, b: f64) -> f64 {
    0.5 * a + 0.5 * b
}

/// Numbers the finite floats in their order.
fn key(value: f64) -> i64 {
    ordered(value.to_bits().cast_signed())
}

/// The float of that number.
fn from_key(key: i64) -> f64 {
    f64::from_bits(ordered(key).cast_unsigned())
}

/// Turns sign and magnitude into two's complement, and back.
fn ordered(bits: i64) -> i64 {
    bits ^ ((bits >> 63) & i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_values() {
        // Averages 1, 2, 3, 3, 4, 5 and 1, 1.5, 2, 3.5, 4, 6 of the pairs.
        assert_eq!(hodges_lehmann(&[5.0, 1.0, 3.0]), Some(3.0));
        assert_eq!(hodges_lehmann(&[1.0, 2.0, 6.0]), Some(2.75));
        assert_eq!(hodges_lehmann(&[7.0]), Some(7.0));
        assert_eq!(hodges_lehmann(&[-1.0, 1.0]), Some(0.0));
        let five = [1.0, 2.0, 4.0, 8.0, 16.0];
        let all = Some(Interval { lower: 1.0, upper: 16.0 });
        assert_eq!(hodges_lehmann_interval(&five, 1.0 / 32.0), all);
        assert_eq!(hodges_lehmann_interval(&five, 0.031), None);
    }

    #[test]
    fn bad_input_is_none() {
        for bad in [&[][..], &[f64::NAN], &[1.0, f64::INFINITY]] {
            assert_eq!(hodges_lehmann(bad), None);
            assert_eq!(hodges_lehmann_interval(bad, 0.1), None);
        }
        for alpha in [0.0, 0.5, -1.0, f64::NAN] {
            assert_eq!(hodges_lehmann_interval(&[1.0; 9], alpha), None);
        }
    }

    #[test]
    fn extreme_values() {
        let huge = [f64::MAX, f64::MAX, -f64::MAX];
        assert_eq!(hodges_lehmann(&huge), Some(0.5 * f64::MAX));
        assert_eq!(hodges_lehmann(&[-0.0, 0.0, f64::from_bits(1)]), Some(0.0));
    }

    proptest! {
        #[test]
        fn every_rank_is_the_one_in_the_sorted_list(
            values in prop::collection::vec(prop_oneof![-1.0..1.0, -9.0..9.0, Just(0.5)], 1..25),
        ) {
            let mut averages = Vec::new();
            for (at, a) in values.iter().enumerate() {
                averages.extend(values[at..].iter().map(|b| middle(*a, *b)));
            }
            averages.sort_by(f64::total_cmp);
            let walsh = Walsh::new(&values).unwrap();
            prop_assert_eq!(walsh.count(), averages.len() as u64);
            let (lower, upper) = (averages[(averages.len() - 1) / 2], averages[averages.len() / 2]);
            let centre = if averages.len() % 2 == 0 { middle(lower, upper) } else { upper };
            prop_assert_eq!(hodges_lehmann(&values), Some(centre));
            for (rank, average) in (1..).zip(averages) {
                prop_assert_eq!(walsh.smallest(rank), average);
            }
        }
    }
}
