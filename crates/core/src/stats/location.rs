//! Where values lie and how far they spread.

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
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = level.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to len − 1")]
    let below = rank.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    let share = rank - rank.floor();
    if share == 0.0 {
        return Some(sorted[below]);
    }
    Some(sorted[below] * (1.0 - share) + sorted[above] * share)
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

    #[test]
    fn too_few_values_are_none() {
        assert_eq!(mean(&[]), None);
        assert_eq!(median(&[]), None);
        assert_eq!(variance(&[1.0]), None);
        assert_eq!(median(&[2.0]), Some(2.0));
    }
}
