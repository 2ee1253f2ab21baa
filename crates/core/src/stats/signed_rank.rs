//! The signed-rank test of paired differences.

use statrs::distribution::{ContinuousCDF, Normal};

use super::{Alternative, excesses};

/// Up to this many differences the null distribution is counted out, in time
/// that grows with the cube of their number; beyond, it is taken as normal.
const EXACT: usize = 300;

/// Wilcoxon's signed-rank test, one-sided: the chance of ranks at least as
/// extreme if the differences were spread evenly around `bound`, or around a
/// centre on its other side. `None` of no differences, and where a number is
/// not finite.
///
/// Equal magnitudes share their mean rank, and a difference equal to the bound
/// takes a rank that counts for neither side (J. W. Pratt, "Remarks on zeros
/// and ties in the Wilcoxon signed rank procedures", JASA 54, 1959): dropping
/// such differences can make a sample more significant by making it smaller.
/// The null distribution is exact given those ranks, counted by the recurrence
/// over subsets of ranks; above 300 differences it is the normal one with
/// continuity correction, which errs towards large p-values far out.
///
/// F. Wilcoxon, "Individual comparisons by ranking methods", Biometrics
/// Bulletin 1(6), 1945; M. Hollander, D. A. Wolfe and E. Chicken,
/// "Nonparametric Statistical Methods", 3rd edition, 2014, section 3.1.
pub fn signed_rank(differences: &[f64], bound: f64, alternative: Alternative) -> Option<f64> {
    let mut excesses = excesses(differences, bound, alternative)?;
    excesses.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
    let ranks = Ranks::new(&excesses);
    if ranks.moving.len() > EXACT {
        return Some(ranks.normal_tail());
    }
    // By symmetry as likely as the rest of the rank sum or less: the shorter sum.
    let rest = ranks.total - ranks.positive;
    let count: f64 = rank_sum_counts(&ranks.moving, rest).iter().sum();
    Some(count * half_to_the(ranks.moving.len()))
}

/// The most that a rank sum of `n` untied differences may be so that a sum as
/// low has a chance of at most `alpha`; `None` if even 0 is likelier, which is
/// so below `smallest_n(alpha)` differences.
pub(super) fn critical_sum(n: usize, alpha: f64) -> Option<u64> {
    let ranks: Vec<u64> = (1..=n as u64).collect();
    let total: u64 = ranks.iter().sum();
    if n > EXACT {
        let deviation = squares_below(n as f64).sqrt() / 2.0;
        let below = standard_normal().inverse_cdf(alpha) * deviation;
        let critical = total as f64 / 2.0 + below - 0.5;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative"
        )]
        return (critical >= 0.0).then_some(critical as u64);
    }
    let unit = half_to_the(n);
    let mut count = 0.0;
    // alpha is below one half, so the sum is in the lower half.
    let counts = rank_sum_counts(&ranks, total / 2);
    let likelier = counts.iter().position(|more| {
        count += more;
        count * unit > alpha
    });
    likelier.unwrap_or(counts.len()).checked_sub(1).map(|critical| critical as u64)
}

/// The ranks of sorted magnitudes, in units that make them all whole.
struct Ranks {
    /// The ranks of those that can be on either side.
    moving: Vec<u64>,
    /// Their sum over the side of the alternative.
    positive: u64,
    /// Their sum over both sides.
    total: u64,
    /// How many units one rank is: two if some of the ranks are halves.
    one: u64,
}

impl Ranks {
    fn new(by_magnitude: &[f64]) -> Self {
        let (mut moving, mut positive) = (Vec::with_capacity(by_magnitude.len()), 0);
        let mut before = 0;
        for tied in by_magnitude.chunk_by(|a, b| a.abs() == b.abs()) {
            // Twice the mean of the ranks from before + 1 to before + tied.len().
            let doubled = (2 * before + tied.len() + 1) as u64;
            before += tied.len();
            if tied[0] != 0.0 {
                moving.extend(tied.iter().map(|_| doubled));
                positive += doubled * tied.iter().filter(|excess| **excess > 0.0).count() as u64;
            }
        }
        let mut one = 2;
        if moving.iter().all(|rank| rank.is_multiple_of(2)) {
            for rank in &mut moving {
                *rank /= 2;
            }
            positive /= 2;
            one = 1;
        }
        let total = moving.iter().sum();
        Self { moving, positive, total, one }
    }

    fn normal_tail(&self) -> f64 {
        let squares: f64 = self.moving.iter().map(|rank| (*rank as f64).powi(2)).sum();
        let beyond = self.positive as f64 - (self.total + self.one) as f64 / 2.0;
        standard_normal().sf(beyond / (squares.sqrt() / 2.0))
    }
}

/// How many subsets of the ranks have each sum from 0 to `up_to`: exact while
/// below 2^53, and beyond that correct to as many digits as a float has.
fn rank_sum_counts(ranks: &[u64], up_to: u64) -> Vec<f64> {
    #[expect(clippy::cast_possible_truncation, reason = "ranks of slices in memory")]
    let (up_to, ranks) = (up_to as usize, ranks.iter().map(|rank| *rank as usize));
    let mut counts = vec![0.0; up_to + 1];
    counts[0] = 1.0;
    let mut reached = 0;
    for rank in ranks {
        reached = up_to.min(reached + rank);
        for sum in (rank..=reached).rev() {
            counts[sum] += counts[sum - rank];
        }
    }
    counts
}

/// The sum of the squares of 1 to n.
fn squares_below(n: f64) -> f64 {
    n * (n + 1.0) * (2.0 * n + 1.0) / 6.0
}

/// 2^−n, exactly.
fn half_to_the(n: usize) -> f64 {
    (0..n).fold(1.0, |chance, _| chance / 2.0)
}

fn standard_normal() -> Normal {
    Normal::new(0.0, 1.0).expect("a deviation above zero")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_critical_values() {
        // Hollander, Wolfe and Chicken, and any table: n = 10, one-sided.
        assert_eq!(critical_sum(10, 0.05), Some(10));
        assert_eq!(critical_sum(10, 0.025), Some(8));
        assert_eq!(critical_sum(10, 0.005), Some(3));
        assert_eq!(critical_sum(30, 0.05), Some(151));
        assert_eq!(critical_sum(50, 0.005), Some(373));
    }

    #[test]
    fn the_level_must_be_within_reach() {
        assert_eq!(critical_sum(5, 1.0 / 32.0), Some(0));
        assert_eq!(critical_sum(5, 1.0 / 32.1), None);
        assert_eq!(critical_sum(0, 0.4), None);
    }

    #[test]
    fn counting_and_the_normal_agree_where_they_meet() {
        for alpha in [0.2, 0.01, 1e-4] {
            let exact = critical_sum(EXACT, alpha).unwrap() as f64;
            let normal = critical_sum(EXACT + 1, alpha).unwrap() as f64;
            // One more difference moves the sum by half a rank on average.
            assert!((normal - exact).abs() < 200.0, "{alpha}: {exact} and {normal}");
        }
    }
}
