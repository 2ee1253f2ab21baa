//! Two independent groups of runs.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::{mean, variance};

/// The difference between the means of two independent groups.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TwoSample {
    /// Mean of the second group less mean of the first.
    pub difference: f64,
    /// Standard error of the difference.
    pub standard_error: f64,
    /// Degrees of freedom, at least 1.
    pub degrees: f64,
}

/// Compares the means of two groups by Student's two-sample t with pooled
/// variance: equal variances assumed, so that a side with a single run borrows
/// the other side's spread. `None` where no spread is known (a group is empty, or
/// both hold one value) or values are too large to be added up.
///
/// Student (W. S. Gosset), "The probable error of a mean", Biometrika 6(1),
/// 1908; the pooled form as in any text, e.g. NIST/SEMATECH e-Handbook of
/// Statistical Methods, 7.3.1.
pub fn two_sample(first: &[f64], second: &[f64]) -> Option<TwoSample> {
    let difference = mean(second)? - mean(first)?;
    let degrees = (first.len() + second.len()).checked_sub(2).filter(|degrees| *degrees > 0)?;
    let squares = |group: &[f64]| variance(group).unwrap_or(0.0) * (group.len() - 1) as f64;
    let pooled = (squares(first) + squares(second)) / degrees as f64;
    let standard_error = (pooled * (1.0 / first.len() as f64 + 1.0 / second.len() as f64)).sqrt();
    let finite = difference.is_finite() && standard_error.is_finite();
    finite.then_some(TwoSample { difference, standard_error, degrees: degrees as f64 })
}

/// Half the width of the two-sided Student interval of a mean at `level`
/// (between 0 and 1); `None` of fewer than two values.
///
/// Student, 1908; as in NIST/SEMATECH e-Handbook of Statistical Methods, 7.2.2.1.
pub fn mean_half_width(values: &[f64], level: f64) -> Option<f64> {
    let standard_error = (variance(values)? / values.len() as f64).sqrt();
    let student = student((values.len() - 1) as f64);
    standard_error.is_finite().then(|| standard_error * student.inverse_cdf(0.5 + level / 2.0))
}

fn student(degrees: f64) -> StudentsT {
    StudentsT::new(0.0, 1.0, degrees).expect("at least one degree of freedom")
}

impl TwoSample {
    /// The chance of a difference at least this large if the true one were
    /// `bound` or less (one-sided).
    pub fn p_above(&self, bound: f64) -> f64 {
        self.upper_tail(self.difference - bound)
    }

    /// The chance of a difference at most this large if the true one were
    /// `bound` or more (one-sided).
    pub fn p_below(&self, bound: f64) -> f64 {
        self.upper_tail(bound - self.difference)
    }

    /// Half the width of the two-sided interval at `level` (between 0 and 1).
    pub fn half_width(&self, level: f64) -> f64 {
        self.standard_error * student(self.degrees).inverse_cdf(0.5 + level / 2.0)
    }

    fn upper_tail(&self, excess: f64) -> f64 {
        if self.standard_error == 0.0 {
            // Runs that agree to the last bit: the difference is what it is.
            return if excess > 0.0 { 0.0 } else { 1.0 };
        }
        student(self.degrees).sf(excess / self.standard_error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `scipy.stats.ttest_ind(second, first, alternative="greater")` and its
    /// `confidence_interval`.
    #[test]
    fn agrees_with_scipy() {
        let first = [1.02, 0.98, 1.05, 1.00, 0.97];
        let second = [1.10, 1.08, 1.15, 1.04];
        let result = two_sample(&first, &second).unwrap();
        assert!((result.difference - 0.0885).abs() < 1e-12);
        assert!((result.degrees - 7.0).abs() < 1e-12);
        assert!((result.p_above(0.0) - 0.005_541_090_391_985_373).abs() < 1e-9);
        assert!((result.half_width(0.95) - 0.061_126_794_669_590_3).abs() < 1e-9);
    }

    /// `scipy.stats.t.interval(0.95, 4, loc=mean, scale=sem)`
    #[test]
    fn interval_of_one_mean_agrees_with_scipy() {
        let half = mean_half_width(&[1.02, 0.98, 1.05, 1.00, 0.97], 0.95).unwrap();
        assert!((half - 0.039_849_483_923_489_1).abs() < 1e-9, "{half}");
        assert_eq!(mean_half_width(&[1.0], 0.95), None);
    }

    #[test]
    fn one_run_borrows_the_others_spread() {
        assert_eq!(two_sample(&[1.0], &[1.0]), None);
        assert_eq!(two_sample(&[], &[1.0, 2.0]), None);
        let result = two_sample(&[1.0, 1.1, 0.9], &[2.0]).unwrap();
        assert!((result.degrees - 2.0).abs() < 1e-12);
        assert!(result.standard_error > 0.1);
    }

    #[test]
    fn no_spread_is_certain() {
        let result = two_sample(&[1.0, 1.0], &[2.0, 2.0]).unwrap();
        assert_eq!((result.p_above(0.5), result.p_above(1.5)), (0.0, 1.0));
        assert!(result.half_width(0.95).abs() < f64::EPSILON);
    }

    proptest! {
        #[test]
        fn swapping_the_groups_flips_the_sign(
            first in prop::collection::vec(-1.0f64..1.0, 2..8),
            second in prop::collection::vec(-1.0f64..1.0, 2..8),
        ) {
            let forth = two_sample(&first, &second).unwrap();
            let back = two_sample(&second, &first).unwrap();
            prop_assert!((forth.difference + back.difference).abs() < 1e-9);
            prop_assert!((forth.p_above(0.01) - back.p_below(-0.01)).abs() < 1e-9);
        }
    }
}
