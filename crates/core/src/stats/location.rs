//! Where values lie and how far they spread.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// The arithmetic mean; `None` of nothing.
pub fn mean(values: &[f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    Some(values.iter().sum::<f64>() / values.len() as f64)
}

/// The sample variance, with n − 1 below; `None` of fewer than two values.
pub fn variance(values: &[f64]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let centre = mean(values)?;
    let squares: f64 = values.iter().map(|value| (value - centre).powi(2)).sum();
    Some(squares / (values.len() - 1) as f64)
}

/// Half the width of the two-sided Student interval of a mean at `level`
/// (between 0 and 1); `None` of fewer than two values, and of values that are too
/// large to be added up.
///
/// Student (W. S. Gosset), "The probable error of a mean", Biometrika 6(1), 1908; as
/// in NIST/SEMATECH e-Handbook of Statistical Methods, 7.2.2.1.
pub fn mean_half_width(values: &[f64], level: f64) -> Option<f64> {
    let standard_error = (variance(values)? / values.len() as f64).sqrt();
    let student = StudentsT::new(0.0, 1.0, (values.len() - 1) as f64).ok()?;
    standard_error.is_finite().then(|| standard_error * student.inverse_cdf(0.5 + level / 2.0))
}

/// 1.4826 times the median absolute deviation from the median: of normal data
/// the standard deviation, and no outlier moves it far. `None` of nothing.
///
/// F. R. Hampel, "The influence curve and its role in robust estimation", Journal
/// of the American Statistical Association 69(346), 1974.
pub fn robust_deviation(values: &[f64]) -> Option<f64> {
    const NORMAL: f64 = 1.4826;
    let centre = median(values)?;
    let away: Vec<f64> = values.iter().map(|value| (value - centre).abs()).collect();
    Some(NORMAL * median(&away)?)
}

/// The quantile at `level` (0 to 1, clamped), interpolated between order
/// statistics; `None` of nothing. Infinite values are taken as they are, NaN
/// sorts last.
///
/// Definition 7 of Hyndman and Fan, "Sample quantiles in statistical packages",
/// The American Statistician 50(4), 1996: the default of R and `NumPy`.
pub fn quantile(values: &[f64], level: f64) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let rank = level.clamp(0.0, 1.0) * (values.len() - 1) as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to len − 1")]
    let below = rank.floor() as usize;
    let share = rank - rank.floor();
    let mut values = values.to_vec();
    let (_, lower, larger) = values.select_nth_unstable_by(below, f64::total_cmp);
    if share == 0.0 {
        return Some(*lower);
    }
    let upper = larger.iter().copied().min_by(f64::total_cmp).unwrap_or(*lower);
    Some(*lower * (1.0 - share) + upper * share)
}

/// The median; `None` of nothing.
pub fn median(values: &[f64]) -> Option<f64> {
    quantile(values, 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        // numpy.quantile([3, 1, 4, 1, 5, 9, 2, 6], [0, .25, .5, .9, 1])
        let values = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0];
        assert_eq!(quantile(&values, 0.0), Some(1.0));
        assert_eq!(quantile(&values, 0.25), Some(1.75));
        assert_eq!(median(&values), Some(3.5));
        assert!((quantile(&values, 0.9).unwrap() - 6.9).abs() < 1e-12);
        assert_eq!(quantile(&values, 1.0), Some(9.0));
        assert_eq!(mean(&values), Some(3.875));
        // statistics.variance([3, 1, 4, 1, 5, 9, 2, 6])
        assert!((variance(&values).unwrap() - 7.553_571_428_571_429).abs() < 1e-12);
    }

    /// `scipy.stats.t.interval(0.95, 4, loc=mean, scale=sem)`
    #[test]
    fn interval_of_a_mean_agrees_with_scipy() {
        let half = mean_half_width(&[1.02, 0.98, 1.05, 1.00, 0.97], 0.95).unwrap();
        assert!((half - 0.039_849_483_923_489_1).abs() < 1e-9, "{half}");
        assert_eq!(mean_half_width(&[1.0], 0.95), None);
        assert_eq!(mean_half_width(&[1e300, -1e300], 0.95), None);
    }

    #[test]
    fn too_few_values_are_none() {
        assert_eq!(mean(&[]), None);
        assert_eq!(median(&[]), None);
        assert_eq!(variance(&[1.0]), None);
        assert_eq!(median(&[2.0]), Some(2.0));
    }
}
