//! A difference whose uncertainty has several sources.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::SampleVariance;

/// How often the bracket around a p-value is halved, on its logarithm: to within
/// a hundredth of itself, however small.
const HALVINGS: usize = 12;

/// Smaller chances are known by their upper bound alone: no level is that strict, and
/// quantiles so far out cannot be computed reliably.
const SMALLEST: f64 = 1e-12;

/// More degrees of freedom change no digit that matters.
const MOST_DEGREES: f64 = 1e6;

/// A difference and the independent sources of its variance, each estimated with
/// its own degrees of freedom.
///
/// The half width at a level is √Σ tᵢ²·vᵢ, tᵢ being Student's quantile with the
/// degrees of vᵢ. Its confidence is never below the level, however the true
/// variances are divided; of a single source it is Student's own interval. An
/// effective number of degrees for the sum (Welch, Satterthwaite) errs to the
/// other side if a source with few degrees looks small by chance.
///
/// S. K. Banerjee, "Approximate confidence interval for linear functions of means
/// of k populations when the population variances are not equal", Sankhyā 22,
/// 1960.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The difference.
    pub difference: f64,
    /// The sources of its variance; those of 0 are left out.
    sources: Vec<SampleVariance>,
}

impl Difference {
    /// A difference with its sources; `None` if a number is not finite or a source
    /// does not have degrees of freedom. Without sources it is known exactly.
    pub fn new(difference: f64, sources: &[SampleVariance]) -> Option<Self> {
        let sound = |source: &SampleVariance| {
            source.variance.is_finite() && source.variance >= 0.0 && source.degrees > 0.0
        };
        if !difference.is_finite() || !sources.iter().all(sound) {
            return None;
        }
        let sources = sources.iter().copied().filter(|source| source.variance > 0.0).collect();
        Some(Self { difference, sources })
    }

    /// The same uncertainty around another difference.
    #[must_use]
    pub fn at(&self, difference: f64) -> Self {
        Self { difference, ..self.clone() }
    }

    /// The chance of a difference at least this large if the true one were
    /// `bound` or less (one-sided); at most this.
    pub fn p_above(&self, bound: f64) -> f64 {
        self.upper_tail(self.difference - bound)
    }

    /// The chance of a difference at most this large if the true one were
    /// `bound` or more (one-sided); at most this.
    pub fn p_below(&self, bound: f64) -> f64 {
        self.upper_tail(bound - self.difference)
    }

    /// Half the width of the two-sided interval at `level` (between 0 and 1).
    pub fn half_width(&self, level: f64) -> f64 {
        self.bound_at((1.0 - level) / 2.0)
    }

    /// How far the one-sided bound at `alpha` lies from the difference.
    fn bound_at(&self, alpha: f64) -> f64 {
        let squares = self.sources.iter().map(|source| {
            // The lower quantile keeps the digits of a small chance.
            source.variance * student(source.degrees).inverse_cdf(alpha).powi(2)
        });
        squares.sum::<f64>().sqrt()
    }

    fn upper_tail(&self, excess: f64) -> f64 {
        if excess <= 0.0 {
            return if self.sources.is_empty() { 1.0 } else { 1.0 - self.upper_tail_of(-excess) };
        }
        self.upper_tail_of(excess)
    }

    fn upper_tail_of(&self, excess: f64) -> f64 {
        let total: f64 = self.sources.iter().map(|source| source.variance).sum();
        if total == 0.0 {
            return if excess > 0.0 { 0.0 } else { 0.5 };
        }
        let degrees = || self.sources.iter().map(|source| source.degrees);
        let (fewest, most) =
            (degrees().fold(f64::INFINITY, f64::min), degrees().fold(0.0, f64::max));
        // As if all had the degrees of the best known source, or of the worst.
        let [mut low, mut high] =
            [most, fewest].map(|degrees| student(degrees).sf(excess / total.sqrt()));
        low = low.max(SMALLEST);
        if low >= high {
            return high;
        }
        for _ in 0..HALVINGS {
            let between = (low * high).sqrt();
            if self.bound_at(between) > excess { low = between } else { high = between }
        }
        high
    }
}

fn student(degrees: f64) -> StudentsT {
    StudentsT::new(0.0, 1.0, degrees.min(MOST_DEGREES)).expect("degrees of freedom above 0")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{mean, variance};
    use proptest::prelude::*;

    fn source(variance: f64, degrees: f64) -> SampleVariance {
        SampleVariance { variance, degrees }
    }

    /// `scipy.stats.ttest_ind(second, first, alternative="greater")` and its
    /// `confidence_interval`, of 1.02, 0.98, 1.05, 1.00, 0.97 and
    /// 1.10, 1.08, 1.15, 1.04.
    #[test]
    fn one_source_is_student() {
        let (first, second) = ([1.02, 0.98, 1.05, 1.00, 0.97], [1.10, 1.08, 1.15, 1.04]);
        let own = |runs: &[f64]| {
            let degrees = (runs.len() - 1) as f64;
            SampleVariance { variance: variance(runs).unwrap(), degrees }
        };
        let pooled = SampleVariance::pooled([own(&first), own(&second)]).unwrap();
        let of_means = pooled.variance * (1.0 / 5.0 + 1.0 / 4.0);
        let difference = mean(&second).unwrap() - mean(&first).unwrap();
        let result = Difference::new(difference, &[source(of_means, pooled.degrees)]).unwrap();
        assert!((result.p_above(0.0) - 0.005_541_090_391_985_373).abs() < 1e-9);
        assert!((result.half_width(0.95) - 0.061_126_794_669_590_3).abs() < 1e-9);
    }

    #[test]
    fn without_a_source_a_difference_is_certain() {
        let sure = Difference::new(1.0, &[source(0.0, 3.0)]).unwrap();
        assert_eq!((sure.p_above(0.5), sure.p_above(1.0), sure.p_above(1.5)), (0.0, 1.0, 1.0));
        assert_eq!(sure.half_width(0.95), 0.0);
        for (difference, source) in [
            (f64::NAN, source(1.0, 1.0)),
            (1.0, source(f64::INFINITY, 1.0)),
            (1.0, source(1.0, 0.0)),
            (1.0, source(-1.0, 1.0)),
        ] {
            assert_eq!(Difference::new(difference, &[source]), None);
        }
    }

    #[test]
    fn a_source_with_few_degrees_weighs_by_its_own_quantile() {
        // t(0.995) with 4 and 40 degrees: 4.604095 and 2.704459.
        let both = Difference::new(0.0, &[source(1.0, 4.0), source(1.0, 40.0)]).unwrap();
        let want = (4.604_094_871_4_f64.powi(2) + 2.704_459_267_4_f64.powi(2)).sqrt();
        assert!((both.half_width(0.99) - want).abs() < 1e-6);
        let p = both.at(want).p_above(0.0);
        assert!((0.005..0.00505).contains(&p), "{p}");
    }

    /// A search for a quantile far out, or with many degrees, could go on for ever.
    #[test]
    fn extreme_numbers_come_to_an_end() {
        for degrees in [1.0, 1.5, 3.0, 8.0, 39.0, 1e3, 1e6, 1e12] {
            for other in [1.0, 2.5, 77.0, 1e5] {
                for excess in [1e-300, 1e-9, 0.1, 3.0, 1e3, 1e9, 1e150] {
                    for variance in [1e-300, 1e-8, 1.0, 1e30] {
                        let sources = [source(variance, degrees), source(1e-4, other)];
                        let p = Difference::new(excess, &sources).unwrap().p_above(0.0);
                        assert!((0.0..=0.5).contains(&p), "{p}");
                    }
                }
            }
            for alpha in [1e-12, 1e-6, 1e-3, 0.05, 0.4] {
                let difference = Difference::new(0.0, &[source(1.0, degrees)]).unwrap();
                assert!(difference.bound_at(alpha) > 0.0);
            }
        }
    }

    proptest! {
        #[test]
        fn chances_are_chances_and_mirror(
            difference in -1.0f64..1.0,
            sources in prop::collection::vec((1e-6f64..1.0, 1.0f64..60.0), 0..4),
        ) {
            let sources: Vec<_> = sources.into_iter().map(|(v, d)| source(v, d)).collect();
            let forth = Difference::new(difference, &sources).unwrap();
            let back = Difference::new(-difference, &sources).unwrap();
            let p = forth.p_above(0.01);
            prop_assert!((0.0..=1.0).contains(&p));
            prop_assert!((p - back.p_below(-0.01)).abs() < 1e-12);
            // More variance never makes it surer.
            let more = [&sources[..], &[source(0.1, 5.0)]].concat();
            let wider = Difference::new(difference, &more).unwrap();
            prop_assert!(wider.half_width(0.99) > forth.half_width(0.99));
        }
    }
}
