//! The sign-flip test of paired differences.

use super::{Side, SplitMix64, excesses};

/// Up to this many differences every flip is counted: 2^20 sums a half.
const EXACT: usize = 40;

/// What a sign-flip test found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SignFlip {
    /// The one-sided p-value.
    pub p: f64,
    /// How many flips were drawn at random; `None` if all were counted.
    pub draws: Option<u32>,
}

/// The sign-flip (one-sample permutation) test of the mean, one-sided: the
/// share of all ways to flip signs around `bound` that give a mean at least as
/// far beyond it. Exact for differences spread evenly around the bound, of
/// whatever shape. `None` of no differences, and where a number is not finite.
///
/// Up to 40 differences all 2^n flips are counted, by halves: a flip is as
/// extreme exactly if what it turns sums to at most 0, and such subsets are
/// counted over two sorted lists of 2^(n/2) sums. Beyond, `draws` flips are
/// drawn from `seed`, and p = (b + 1) / (draws + 1), where b of them were as
/// extreme: never 0, and still a true p-value. Sums that differ by no more than
/// rounding count as equal.
///
/// One wild difference weighs on the mean: where that is to be feared,
/// [`signed_rank`](super::signed_rank()) is the same test on ranks.
///
/// R. A. Fisher, "The Design of Experiments", 1935, section 21; E. Horowitz and
/// S. Sahni, "Computing partitions with applications to the knapsack problem",
/// JACM 21(2), 1974; B. Phipson and G. K. Smyth, "Permutation p-values should
/// never be zero", Statistical Applications in Genetics and Molecular Biology
/// 9(1), 2010.
pub fn sign_flip(
    differences: &[f64],
    bound: f64,
    side: Side,
    draws: u32,
    seed: u64,
) -> Option<SignFlip> {
    let mut excesses = excesses(differences, bound, side)?;
    // The order of the input must not show, not even in the rounding.
    excesses.sort_by(f64::total_cmp);
    let largest = excesses.iter().fold(0.0_f64, |largest, excess| largest.max(excess.abs()));
    if largest > 0.0 {
        // Sums that cannot overflow.
        for excess in &mut excesses {
            *excess /= largest;
        }
    }
    let magnitude: f64 = excesses.iter().map(|excess| excess.abs()).sum();
    let limit = excesses.len() as f64 * f64::EPSILON * magnitude;
    Some(if excesses.len() <= EXACT {
        SignFlip { p: share_of_subsets(&excesses, limit), draws: None }
    } else {
        SignFlip { p: share_of_draws(&excesses, limit, draws, seed), draws: Some(draws) }
    })
}

/// The share of all subsets that sum to at most `limit`.
fn share_of_subsets(values: &[f64], limit: f64) -> f64 {
    let (left, right) = values.split_at(values.len() / 2);
    let (left, right) = (sorted_sums(left), sorted_sums(right));
    let mut partners = right.len();
    let mut count: u64 = 0;
    for sum in &left {
        while partners > 0 && sum + right[partners - 1] > limit {
            partners -= 1;
        }
        count += partners as u64;
    }
    // Both are powers of two: at most 2^40 subsets, and the quotient is exact.
    count as f64 / left.len() as f64 / right.len() as f64
}

/// The sums of all subsets, sorted: each value doubles the list by merging it
/// with itself moved by the value.
fn sorted_sums(values: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0];
    for value in values {
        let mut merged = Vec::with_capacity(2 * sums.len());
        let mut moved = sums.iter().map(|sum| sum + value).peekable();
        for sum in &sums {
            while let Some(less) = moved.next_if(|moved| moved < sum) {
                merged.push(less);
            }
            merged.push(*sum);
        }
        merged.extend(moved);
        sums = merged;
    }
    sums
}

/// The share of random subsets that sum to at most `limit`, the observed one,
/// which is empty, included.
fn share_of_draws(values: &[f64], limit: f64, draws: u32, seed: u64) -> f64 {
    // A byte of random bits picks one of 256 ready sums of eight values.
    let tables: Vec<Vec<f64>> = values.chunks(8).map(sums_by_bits).collect();
    let mut random = SplitMix64::new(seed);
    let mut count: u64 = 1;
    for _ in 0..draws {
        let mut sum = 0.0;
        for tables in tables.chunks(8) {
            let bytes = random.next_bits().to_le_bytes();
            for (table, byte) in tables.iter().zip(bytes) {
                sum += table[usize::from(byte) % table.len()];
            }
        }
        count += u64::from(sum <= limit);
    }
    count as f64 / (f64::from(draws) + 1.0)
}

/// The sum of every subset of at most eight values; bit k of its place says
/// whether value k is in it.
fn sums_by_bits(values: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0];
    for value in values {
        let with: Vec<f64> = sums.iter().map(|sum| sum + value).collect();
        sums.extend(with);
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p(differences: &[f64], bound: f64) -> f64 {
        let result = sign_flip(differences, bound, Side::Above, 0, 0).unwrap();
        assert_eq!(result.draws, None);
        result.p
    }

    #[test]
    fn known_values() {
        assert_eq!(p(&[1.0, 2.0, 3.0], 0.0), 1.0 / 8.0);
        // Turning nothing, −1, −1 and 0.5, or (equal) −1 and 1.
        assert_eq!(p(&[3.0, -1.0], 0.0), 2.0 / 4.0);
        assert_eq!(p(&[0.0, 0.0], 0.0), 1.0);
        assert_eq!(p(&[1.0; 40], 0.0), 0.5_f64.powi(40));
        // 0.1 + 0.2 − 0.3 is not 0 in floats; it counts as equal.
        assert_eq!(p(&[0.1, 0.2, -0.3], 0.0), p(&[1.0, 2.0, -3.0], 0.0));
        assert_eq!(p(&[f64::MAX, f64::MAX / 2.0], 0.0), 0.25);
    }

    #[test]
    fn bad_input_is_none() {
        for bad in [&[][..], &[f64::NAN], &[1.0, f64::INFINITY]] {
            assert_eq!(sign_flip(bad, 0.0, Side::Above, 9, 0), None);
        }
        assert_eq!(sign_flip(&[1.0], f64::NAN, Side::Above, 9, 0), None);
    }

    #[test]
    fn sums_are_sorted_and_all_there() {
        let values = [0.3, -0.7, 0.1, 0.25, -0.05];
        let mut all = sums_by_bits(&values);
        all.sort_by(f64::total_cmp);
        assert_eq!(sorted_sums(&values), all);
        assert_eq!(all.len(), 32);
    }

    #[test]
    fn no_draws_say_nothing() {
        let result = sign_flip(&[1.0; 41], 0.0, Side::Above, 0, 0).unwrap();
        assert_eq!(result, SignFlip { p: 1.0, draws: Some(0) });
        let result = sign_flip(&[1.0; 41], 0.0, Side::Above, 999, 7).unwrap();
        assert_eq!(result, SignFlip { p: 0.001, draws: Some(999) });
    }
}
