//! Estimates from the differences of all pairs of values, which few outliers cannot move
//! far.

use super::{SampleVariance, median};

/// The shift between two groups: the median of the differences of all pairs, `second` −
/// `first`. `None` if a group is empty.
///
/// J. L. Hodges and E. L. Lehmann, "Estimates of location based on rank tests", Annals of
/// Mathematical Statistics 34(2), 1963.
pub fn hodges_lehmann_shift(first: &[f64], second: &[f64]) -> Option<f64> {
    let differences: Vec<f64> =
        second.iter().flat_map(|b| first.iter().map(move |a| b - a)).collect();
    median(&differences)
}

/// The variance that the bulk of the values show: of normal values their variance; outliers
/// that are fewer than 29% cannot make it large. The square of 1.0484 times the median
/// distance of all pairs, without the bias that the square has for so few values. `None` of
/// fewer than two values.
///
/// M. I. Shamos, "Geometry and statistics: problems at the interface", in "Algorithms and
/// Complexity", 1976; P. J. Rousseeuw and C. Croux, "Alternatives to the median absolute
/// deviation", Journal of the American Statistical Association 88(424), 1993.
pub fn robust_variance(values: &[f64]) -> Option<SampleVariance> {
    /// 1 / (√2 · the normal quantile of 3/4).
    const NORMAL: f64 = 1.048_358;
    let count = values.len();
    let distances: Vec<f64> = (0..count)
        .flat_map(|at| values[at + 1..].iter().map(move |other| (other - values[at]).abs()))
        .collect();
    let deviation = NORMAL * median(&distances)?;
    let variance = deviation * deviation / bias(count);
    Some(SampleVariance { variance, degrees: robust_degrees(count) })
}

/// The degrees of freedom of [`robust_variance`]: three quarters of those of the usual
/// variance. From 2·mean² / variance of the estimates of simulated normal values, which is
/// 0.71 to 0.88 of those for 3 to 40 values.
pub fn robust_degrees(count: usize) -> f64 {
    0.75 * count.saturating_sub(1) as f64
}

/// The mean of the squared estimate for normal values of variance 1: simulated with 10,000
/// draws and more for up to eight values; 1 + 1.8 / n fits the rest to within 2%.
fn bias(count: usize) -> f64 {
    match count {
        ..=2 => 2.22,
        3 => 2.20,
        4 => 1.59,
        5 => 1.43,
        6 => 1.37,
        7 => 1.28,
        8 => 1.24,
        _ => 1.0 + 1.8 / count as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{SplitMix64, mean};

    #[test]
    fn known_values() {
        assert_eq!(hodges_lehmann_shift(&[1.0, 2.0, 9.0], &[3.0, 4.0]), Some(1.5));
        assert_eq!(hodges_lehmann_shift(&[1.0], &[]), None);
        // Distances 1, 1, 2: the median is 1.
        let variance = robust_variance(&[1.0, 2.0, 3.0]).unwrap();
        assert!((variance.variance - 1.048_358_f64.powi(2) / 2.2).abs() < 1e-12);
        assert_eq!((variance.degrees, robust_variance(&[1.0])), (1.5, None));
    }

    #[test]
    fn outliers_move_neither_far() {
        let (calm, wild) = ([1.0, 2.0, 3.0, 4.0, 5.0], [1.0, 2.0, 3.0, 4.0, 1e9]);
        assert!(hodges_lehmann_shift(&calm, &wild).unwrap() <= 1.0);
        let ratio =
            robust_variance(&wild).unwrap().variance / robust_variance(&calm).unwrap().variance;
        assert!(ratio < 4.0, "{ratio}");
    }

    #[test]
    fn the_variance_of_normal_values_is_not_biased() {
        let mut random = SplitMix64::new(11);
        let mut uniform = || (random.next_bits() >> 11) as f64 / (1_u64 << 53) as f64;
        for count in [2, 3, 4, 5, 6, 7, 8, 10, 15, 20] {
            let variances: Vec<f64> = (0..4000)
                .map(|_| {
                    let values: Vec<f64> =
                        (0..count).map(|_| (0..12).map(|_| uniform()).sum::<f64>() - 6.0).collect();
                    robust_variance(&values).unwrap().variance
                })
                .collect();
            let mean = mean(&variances).unwrap();
            assert!((0.92..1.08).contains(&mean), "{count}: {mean}");
        }
    }
}
