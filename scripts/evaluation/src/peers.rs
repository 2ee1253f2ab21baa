//! The rules of other tools, on the same pairs.
//!
//! Each rule sees the samples of several processes per side, although these rules are usually
//! used with one process. Successive samples of several processes are averaged until a hundred
//! are left, as many as criterion takes, as if one process had run for the whole time. This
//! favours the rules, as a real long process would not average over processes.

use benchgate::stats;
use statrs::distribution::{ContinuousCDF as _, Normal};

use crate::pairs::Pair;

/// Criterion's level, and the change up to which it reports noise.
const CRITERION_ALPHA: f64 = 0.05;
const CRITERION_NOISE: f64 = 0.01;
/// Its confidence level.
const CRITERION_LEVEL: f64 = 0.95;
/// Resamples of its bootstraps. Criterion's default is 100,000, but its verdicts depend on
/// quantiles of 5% and 2.5%, for which 4,000 are enough.
const RESAMPLES: usize = 4_000;
/// Criterion's default number of samples.
const SAMPLES: usize = 100;

/// A rule of another tool, with its usual threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Peer {
    /// criterion 0.8: bootstrapped t-test with p < 0.05, and the bootstrapped 95%
    /// interval of the change of the mean above 1%.
    Criterion,
    /// Mann–Whitney's U, two-sided p < 0.05, the head being slower.
    RankSum,
    /// Means further apart than 2.6 standard errors, and than 0.5%.
    Z,
    /// The ratio of means above 1.05, 1.2 or 2.
    Ratio,
}

impl Peer {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Criterion, Self::RankSum, Self::Z, Self::Ratio];

    /// The usual thresholds of its score, with the name of the rule for each.
    pub fn thresholds(self) -> &'static [(f64, &'static str)] {
        match self {
            Self::Criterion => &[(CRITERION_NOISE, "criterion's rule")],
            Self::RankSum => &[(0.95, "Mann–Whitney U, p < 0.05")],
            Self::Z => &[(2.6, "z > 2.6 and > 0.5%")],
            Self::Ratio => {
                &[(0.05, "ratio > 1.05"), (0.2, "ratio > 1.2"), (1.0, "ratio > 2 (a 200% alert)")]
            }
        }
    }

    /// Its name in the picture.
    pub fn name(self) -> &'static str {
        match self {
            Self::Criterion => "criterion, by its noise threshold",
            Self::RankSum => "Mann–Whitney U, by its level",
            Self::Z => "z with a 0.5% floor, by z",
            Self::Ratio => "ratio of means, by the ratio",
        }
    }
}

/// The scores of all rules for one comparison. A rule reports a regression if its score is
/// above its threshold.
#[derive(Clone, Copy, Debug)]
pub struct Scores {
    /// The lower end of the interval of the change, if the t-test is significant.
    pub criterion: f64,
    /// 1 − p, if the head is slower.
    pub rank_sum: f64,
    /// The number of standard errors between the means, if these differ by more than 0.5%.
    pub z: f64,
    /// The change of the mean.
    pub ratio: f64,
}

impl Scores {
    /// Compares a benchmark over several pairs: all processes of the base with all of the head.
    pub fn of(pairs: &[Pair<'_>], subject: usize, random: &mut fastrand::Rng) -> Self {
        let side = |process: &dyn Fn(&Pair<'_>) -> Vec<f64>| {
            together(pairs.iter().flat_map(process).collect())
        };
        let base = side(&|pair| pair.base.times[subject].clone());
        let head = side(&|pair| pair.head.times[subject].clone());
        Self::between(&base, &head, random)
    }

    /// Compares the samples of two sides, in time per iteration.
    pub fn between(base: &[f64], head: &[f64], random: &mut fastrand::Rng) -> Self {
        let ratio = mean(head) / mean(base) - 1.0;
        let z = -t(base, head);
        Self {
            criterion: criterion(base, head, random),
            rank_sum: rank_sum(base, head),
            z: if ratio > 0.005 { z } else { f64::NEG_INFINITY },
            ratio,
        }
    }

    /// The score of a rule.
    pub fn get(&self, peer: Peer) -> f64 {
        match peer {
            Peer::Criterion => self.criterion,
            Peer::RankSum => self.rank_sum,
            Peer::Z => self.z,
            Peer::Ratio => self.ratio,
        }
    }
}

/// Averages successive samples until at most a hundred are left.
fn together(samples: Vec<f64>) -> Vec<f64> {
    let count = samples.len();
    if count <= SAMPLES {
        return samples;
    }
    (0..SAMPLES)
        .map(|at| mean(&samples[at * count / SAMPLES..(at + 1) * count / SAMPLES]))
        .collect()
}

fn mean(values: &[f64]) -> f64 {
    stats::mean(values).expect("there are samples")
}

/// The t of two samples, positive where the first is larger: criterion's
/// `Sample::t`, Welch's.
fn t(a: &[f64], b: &[f64]) -> f64 {
    let part = |values: &[f64]| stats::variance(values).unwrap_or(0.0) / values.len() as f64;
    (mean(a) - mean(b)) / (part(a) + part(b)).sqrt()
}

/// Criterion's comparison (`analysis/compare.rs` and `report.rs` of 0.8): the lower end of the
/// 95% interval of the mean's relative change, or minus infinity if its t-test is not
/// significant.
fn criterion(base: &[f64], head: &[f64], random: &mut fastrand::Rng) -> f64 {
    let observed = t(head, base);
    // Resamples of the pooled samples, cut in two: the distribution of t if both sides were
    // equal.
    let all = [head, base].concat();
    let mut drawn = vec![0.0; all.len()];
    let (mut below, mut finite) = (0_usize, 0_usize);
    for _ in 0..RESAMPLES {
        draw(&all, &mut drawn, random);
        let t = t(&drawn[..head.len()], &drawn[head.len()..]);
        if t.is_finite() {
            finite += 1;
            below += usize::from(t < observed);
        }
    }
    let p = 2.0 * below.min(finite - below) as f64 / finite as f64;
    if p.is_nan() || p >= CRITERION_ALPHA {
        return f64::NEG_INFINITY;
    }
    // As in criterion, each resample of the head is compared with many of the base.
    let root = (RESAMPLES as f64).sqrt().ceil() as usize;
    let mut changes = Vec::with_capacity(RESAMPLES);
    let (mut heads, mut bases) = (head.to_vec(), base.to_vec());
    for _ in 0..root {
        draw(head, &mut heads, random);
        let head = mean(&heads);
        for _ in 0..RESAMPLES.div_ceil(root) {
            draw(base, &mut bases, random);
            changes.push(head / mean(&bases) - 1.0);
        }
    }
    stats::quantile(&changes, (1.0 - CRITERION_LEVEL) / 2.0).expect("there are resamples")
}

fn draw(from: &[f64], to: &mut [f64], random: &mut fastrand::Rng) {
    to.fill_with(|| from[random.usize(0..from.len())]);
}

/// 1 minus the two-sided p-value of the rank sum, by the normal approximation with corrections
/// for ties and continuity; 0 if the head is not slower.
fn rank_sum(base: &[f64], head: &[f64]) -> f64 {
    let mut all: Vec<(f64, bool)> = base.iter().map(|time| (*time, false)).collect();
    all.extend(head.iter().map(|time| (*time, true)));
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (n, m) = (head.len() as f64, base.len() as f64);
    let (mut ranks, mut ties, mut before) = (0.0, 0.0, 0.0);
    for tied in all.chunk_by(|a, b| a.0 == b.0) {
        let count = tied.len() as f64;
        ranks +=
            tied.iter().filter(|sample| sample.1).count() as f64 * (before + (count + 1.0) / 2.0);
        ties += count.powi(3) - count;
        before += count;
    }
    let u = ranks - n * (n + 1.0) / 2.0;
    let total = n + m;
    let variance = n * m / 12.0 * (total + 1.0 - ties / (total * (total - 1.0)));
    let z = (u - n * m / 2.0 - 0.5) / variance.sqrt();
    if z.is_nan() || z <= 0.0 {
        return 0.0;
    }
    let normal = Normal::new(0.0, 1.0).expect("a deviation above zero");
    1.0 - 2.0 * normal.sf(z)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rank_sums_are_those_of_scipy() {
        // scipy.stats.mannwhitneyu(head, base, method="asymptotic").pvalue
        let base = [1.0, 2.0, 3.0, 4.0, 5.0, 5.0, 6.0, 7.0];
        let head = [4.5, 5.0, 6.5, 8.0, 9.0, 10.0, 11.0, 2.5];
        let p = 1.0 - rank_sum(&base, &head);
        assert!((p - 0.065_285_648_928).abs() < 1e-9, "{p}");
        assert_eq!(rank_sum(&head, &base), 0.0);
    }

    #[test]
    fn criterion_sees_a_change_beyond_its_threshold_only() {
        let mut random = fastrand::Rng::with_seed(1);
        let base: Vec<f64> = (0..50).map(|at| 100.0 + f64::from(at % 7) / 10.0).collect();
        let times = |by: f64| base.iter().map(|time| time * by).collect::<Vec<_>>();
        let mut score = |by| Scores::between(&base, &times(by), &mut random).criterion;
        assert!(score(1.03) > 0.028 && score(1.03) < 0.03);
        // Significant, but within criterion's noise threshold.
        assert!(score(1.005) < CRITERION_NOISE && score(1.005) > 0.0);
        assert_eq!(score(1.0), f64::NEG_INFINITY);
        assert!(score(0.97) < 0.0);
    }

    #[test]
    fn many_samples_become_a_hundred() {
        let samples: Vec<f64> = (0..250).map(f64::from).collect();
        let fewer = together(samples.clone());
        assert_eq!((fewer.len(), fewer[0]), (100, 0.5));
        assert!((mean(&fewer) - 124.5).abs() < 0.5);
        assert_eq!(together(samples[..20].to_vec()).len(), 20);
    }
}
