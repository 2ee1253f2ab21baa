//! Values that fall into two heaps.

use super::{mean, median, variance};

/// How far apart two normal distributions must lie to be two heaps: Ashman's D.
/// The halves of a single normal one reach 2.65.
const APART: f64 = 5.0;

/// The least share of the values that is a heap rather than outliers.
const LEAST_SHARE: f64 = 0.15;

/// The fewest values that are a heap.
const LEAST_VALUES: usize = 3;

/// Two heaps of values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Modes {
    /// The median of the lower heap.
    pub lower: f64,
    /// The median of the upper heap.
    pub upper: f64,
    /// The share of the values that lie in the upper heap.
    pub share: f64,
}

/// The two heaps that the values fall into, if they plainly do: cut where the sum
/// of squares within the parts is least, each part holding 15% of the values and
/// at least three, and Ashman's D of the parts, √2·|Δmean| / √(s₁² + s₂²), above
/// 5. `None` for all else, also for values that are not finite.
///
/// K. M. Ashman, C. M. Bird and S. E. Zepf, "Detecting bimodality in astronomical
/// datasets", Astronomical Journal 108, 1994; the cut is W. D. Fisher's, "On
/// grouping for maximum homogeneity", JASA 53, 1958.
pub fn two_modes(values: &[f64]) -> Option<Modes> {
    if !values.iter().all(|value| value.is_finite()) {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of len")]
    let least = LEAST_VALUES.max((LEAST_SHARE * sorted.len() as f64).ceil() as usize);
    let squares = |part: &[f64]| variance(part).unwrap_or(0.0) * (part.len() - 1) as f64;
    let cuts = least..(sorted.len() + 1).saturating_sub(least);
    let cut = cuts.min_by(|a, b| {
        let within = |cut: usize| squares(&sorted[..cut]) + squares(&sorted[cut..]);
        within(*a).total_cmp(&within(*b))
    })?;
    let (low, high) = sorted.split_at(cut);
    let spread = (variance(low)? + variance(high)?).sqrt();
    let apart = std::f64::consts::SQRT_2 * (mean(high)? - mean(low)?);
    (apart > APART * spread && apart > 0.0).then(|| Modes {
        lower: median(low).unwrap_or_default(),
        upper: median(high).unwrap_or_default(),
        share: high.len() as f64 / sorted.len() as f64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::SplitMix64;

    #[test]
    fn two_heaps_are_found_and_outliers_are_none() {
        let heaps = [8.0, 8.1, 7.9, 8.2, 70.0, 71.0, 69.0, 70.5];
        let modes = two_modes(&heaps).unwrap();
        assert_eq!((modes.lower, modes.upper, modes.share), (8.05, 70.25, 0.5));
        assert_eq!(two_modes(&[8.0, 8.1, 7.9, 8.2, 8.0, 8.1, 8.3, 70.0]), None);
        for values in [&[][..], &[1.0; 5], &[1.0; 40], &[f64::NAN; 8], &[1.0, 1.0, 1.0, 2.0, 2.0]] {
            assert_eq!(two_modes(values), None, "{values:?}");
        }
    }

    #[test]
    fn one_heap_with_heavy_tails_is_seldom_two() {
        let mut random = SplitMix64::new(3);
        let mut uniform = || (random.next_bits() >> 11) as f64 / (1_u64 << 53) as f64;
        let found = (0..1000).filter(|_| {
            let values: Vec<f64> = (0..40)
                .map(|_| {
                    let far = if uniform() < 0.1 { 5.0 } else { 1.0 };
                    far * ((0..12).map(|_| uniform()).sum::<f64>() - 6.0)
                })
                .collect();
            two_modes(&values).is_some()
        });
        assert!(found.count() <= 2);
    }
}
