//! Many variances of few runs each: what all of them say about each.

use statrs::distribution::{ContinuousCDF, FisherSnedecor};
use statrs::function::gamma::digamma;

use super::{mean, variance};

/// A sample variance and the degrees of freedom that it rests on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SampleVariance {
    /// The variance.
    pub variance: f64,
    /// Its degrees of freedom; of n runs, n − 1. Infinite: known.
    pub degrees: f64,
}

impl SampleVariance {
    /// Several estimates of one variance, weighed by their degrees of freedom;
    /// `None` without any degrees.
    pub fn pooled(samples: impl IntoIterator<Item = Self>) -> Option<Self> {
        let (mut squares, mut degrees) = (0.0, 0.0);
        for sample in samples {
            squares += sample.variance * sample.degrees;
            degrees += sample.degrees;
        }
        (degrees > 0.0).then(|| Self { variance: squares / degrees, degrees })
    }

    /// Whether the true variance behind this one is larger than that behind
    /// `other`, by the one-sided F test at `alpha`. Not where degrees of freedom
    /// are missing or infinite.
    ///
    /// NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.5.9.
    pub fn exceeds(self, other: Self, alpha: f64) -> bool {
        FisherSnedecor::new(self.degrees, other.degrees).is_ok_and(|f| {
            let larger = self.variance > other.variance;
            // Zero has no ratio to it, and anything is more.
            larger && (other.variance == 0.0 || f.sf(self.variance / other.variance) < alpha)
        })
    }
}

/// How the true variances of many benchmarks are spread: each is a draw from
/// `variance` · `degrees` / χ²(`degrees`).
///
/// G. K. Smyth, "Linear models and empirical Bayes methods for assessing
/// differential expression in microarray experiments", Statistical Applications
/// in Genetics and Molecular Biology 3(1), 2004, section 6.2 and appendix.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VariancePrior {
    /// The typical variance, above 0.
    pub variance: f64,
    /// As how many degrees of freedom the prior counts beside a sample's own;
    /// infinite if the samples differ no more than equal variances would.
    pub degrees: f64,
}

impl VariancePrior {
    /// Fits the prior to sample variances by the moments of their logarithms.
    /// A variance of 0 has none and is left out of the fit, as are those without
    /// degrees of freedom; so the fit errs towards larger variances. `None` if
    /// fewer than two are left.
    pub fn fit(samples: &[SampleVariance]) -> Option<Self> {
        let usable = samples.iter().filter(|sample| {
            let usable = |value: f64| value > 0.0 && value.is_finite();
            usable(sample.variance) && usable(sample.degrees)
        });
        // ln s² = ln s0² + (ln of an F variate), whose moments are known.
        let (logs, sampling): (Vec<f64>, Vec<f64>) = usable
            .map(|sample| {
                let half = sample.degrees / 2.0;
                (sample.variance.ln() - digamma(half) + half.ln(), trigamma(half))
            })
            .unzip();
        let centre = mean(&logs)?;
        let between = variance(&logs)? - mean(&sampling)?;
        let prior = if between > 0.0 {
            let half = inverse_trigamma(between);
            let variance = (centre + digamma(half) - half.ln()).exp();
            Self { variance, degrees: 2.0 * half }
        } else {
            Self { variance: centre.exp(), degrees: f64::INFINITY }
        };
        (prior.variance > 0.0 && prior.variance.is_finite() && prior.degrees > 0.0).then_some(prior)
    }

    /// A sample's variance drawn towards the typical one, by their degrees of
    /// freedom; it has the degrees of both. A sample without degrees of freedom
    /// (a single run) takes the prior unchanged.
    #[must_use]
    pub fn moderate(&self, sample: SampleVariance) -> SampleVariance {
        let degrees = self.degrees + sample.degrees;
        if sample.degrees == 0.0 || self.degrees.is_infinite() {
            return SampleVariance { variance: self.variance, degrees };
        }
        // Weights rather than sums of squares: infinite degrees stay a number.
        let own = 1.0 / (1.0 + self.degrees / sample.degrees);
        SampleVariance { variance: own * sample.variance + (1.0 - own) * self.variance, degrees }
    }
}

/// The trigamma function ψ′ of a positive number.
///
/// M. Abramowitz and I. A. Stegun, "Handbook of Mathematical Functions", 1964,
/// 6.4.6 (the recurrence) and 6.4.12 (the expansion for large arguments).
fn trigamma(x: f64) -> f64 {
    /// Beyond it the expansion's first term left out is below 1e-16.
    const LARGE: f64 = 15.0;
    let (mut at, mut sum) = (x, 0.0);
    while at < LARGE {
        sum += 1.0 / (at * at);
        at += 1.0;
    }
    let inverse = 1.0 / at;
    let square = inverse * inverse;
    // Bernoulli numbers.
    let series = [1.0 / 6.0, -1.0 / 30.0, 1.0 / 42.0, -1.0 / 30.0, 5.0 / 66.0, -691.0 / 2730.0]
        .iter()
        .rev()
        .fold(0.0, |series, term| (series + term) * square);
    sum + inverse + square / 2.0 + inverse * series
}

/// The number whose trigamma is `value`, which is positive. Found by halving
/// between 1/y < ψ′(y) < 1/y + 1/y², solved for y.
fn inverse_trigamma(value: f64) -> f64 {
    let mut low = 1.0 / value;
    let mut high = (1.0 + (1.0 + 4.0 * value).sqrt()) / (2.0 * value);
    loop {
        let between = 0.5 * low + 0.5 * high;
        if between <= low || between >= high {
            return between;
        }
        if trigamma(between) > value { low = between } else { high = between }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trigamma_where_it_is_known() {
        let pi_squared = std::f64::consts::PI.powi(2);
        assert!((trigamma(1.0) - pi_squared / 6.0).abs() < 1e-14);
        assert!((trigamma(0.5) - pi_squared / 2.0).abs() < 1e-14);
        // scipy.special.polygamma(1, [0.01, 7.25, 1e6])
        assert!((trigamma(0.01) / 10_001.621_213_528_311 - 1.0).abs() < 1e-14);
        assert!((trigamma(7.25) / 0.147_879_233_158_932_2 - 1.0).abs() < 1e-14);
        assert!((trigamma(1e6) / 1.000_000_500_000_166_7e-6 - 1.0).abs() < 1e-14);
    }

    #[test]
    fn inverse_trigamma_inverts() {
        for x in [1e-6, 0.03, 0.5, 1.0, 4.2, 37.0, 1e5] {
            assert!((inverse_trigamma(trigamma(x)) / x - 1.0).abs() < 1e-9, "{x}");
        }
    }

    #[test]
    fn estimates_are_pooled_and_compared() {
        let sample = |variance, degrees| SampleVariance { variance, degrees };
        assert_eq!(
            SampleVariance::pooled([sample(1.0, 6.0), sample(4.0, 2.0)]),
            Some(sample(1.75, 8.0))
        );
        assert_eq!(SampleVariance::pooled([]), None);
        // scipy.stats.f.ppf(0.95, 8, 39) is 2.1887…
        assert!(!sample(2.18, 8.0).exceeds(sample(1.0, 39.0), 0.05));
        assert!(sample(2.19, 8.0).exceeds(sample(1.0, 39.0), 0.05));
        assert!(!sample(9.0, 0.0).exceeds(sample(1.0, 39.0), 0.05));
    }

    #[test]
    fn too_few_variances_are_none() {
        let sample = |variance, degrees| SampleVariance { variance, degrees };
        assert_eq!(VariancePrior::fit(&[]), None);
        assert_eq!(VariancePrior::fit(&[sample(1.0, 4.0)]), None);
        let unusable =
            [sample(1.0, 4.0), sample(0.0, 4.0), sample(2.0, 0.0), sample(f64::NAN, 1.0)];
        assert_eq!(VariancePrior::fit(&unusable), None);
    }

    #[test]
    fn moderation_weighs_by_degrees() {
        let sample = |variance, degrees| SampleVariance { variance, degrees };
        let prior = VariancePrior { variance: 4.0, degrees: 6.0 };
        assert_eq!(prior.moderate(sample(8.0, 2.0)), sample(5.0, 8.0));
        assert_eq!(prior.moderate(sample(0.0, 0.0)), sample(4.0, 6.0));
        assert_eq!(prior.moderate(sample(8.0, f64::INFINITY)), sample(8.0, f64::INFINITY));
        let known = VariancePrior { variance: 4.0, degrees: f64::INFINITY };
        assert_eq!(known.moderate(sample(8.0, 2.0)), sample(4.0, f64::INFINITY));
    }
}
