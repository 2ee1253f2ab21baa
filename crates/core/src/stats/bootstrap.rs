//! Intervals by resampling what was sampled: pairs or runs, never the samples
//! of one process as if they were runs.

use super::{Interval, SplitMix64, is_one_sided};

/// How often to resample, and from which seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resampling {
    /// How many resamples; an interval of 95% wants at least 1,000.
    pub resamples: u32,
    /// Equal seeds give equal intervals.
    pub seed: u64,
}

/// The percentile interval of a statistic over units (pairs, or runs), each end
/// meant to be wrong with a chance of `alpha`: the k-th smallest and the k-th
/// largest of what the resamples give, k = ⌊(resamples + 1) · alpha⌋. `None` of no units or resamples,
/// of an `alpha` outside 0 to ½, and where a resample's statistic is not finite.
///
/// An interval to show, not to judge by: with few units it is too narrow.
///
/// B. Efron and R. J. Tibshirani, "An Introduction to the Bootstrap", 1993,
/// sections 12.5 and 13.3.
pub fn bootstrap(
    units: &[f64],
    resampling: Resampling,
    alpha: f64,
    statistic: impl Fn(&[f64]) -> f64,
) -> Option<Interval> {
    if units.is_empty() {
        return None;
    }
    let mut drawn = vec![0.0; units.len()];
    percentiles(resampling, alpha, |random| {
        resample(units, &mut drawn, random);
        statistic(&drawn)
    })
}

/// The same over two levels: units are drawn, and within each drawn unit the
/// samples of each of its sides (one side: a run; two: the baseline's and the
/// candidate's run of a pair), with replacement at both levels. `of_unit` makes
/// one number of a unit's samples, `statistic` one of those. `None` also where a
/// side holds no samples.
///
/// A. C. Davison and D. V. Hinkley, "Bootstrap Methods and their Application",
/// 1997, section 3.8; for runs and samples, T. Kalibera and R. Jones,
/// "Quantifying performance changes with effect size confidence intervals",
/// technical report 4-12, University of Kent, 2012.
pub fn bootstrap_nested<const SIDES: usize>(
    units: &[[&[f64]; SIDES]],
    resampling: Resampling,
    alpha: f64,
    of_unit: impl Fn(&[Vec<f64>; SIDES]) -> f64,
    statistic: impl Fn(&[f64]) -> f64,
) -> Option<Interval> {
    if units.is_empty() || units.iter().flatten().any(|samples| samples.is_empty()) {
        return None;
    }
    let mut of_units = vec![0.0; units.len()];
    let mut drawn = [const { Vec::new() }; SIDES];
    percentiles(resampling, alpha, |random| {
        for number in &mut of_units {
            let unit = &units[random.index(units.len())];
            for (samples, drawn) in unit.iter().zip(&mut drawn) {
                drawn.resize(samples.len(), 0.0);
                resample(samples, drawn, random);
            }
            *number = of_unit(&drawn);
        }
        statistic(&of_units)
    })
}

/// Fills `drawn` with values picked at random, with replacement.
fn resample(values: &[f64], drawn: &mut [f64], random: &mut SplitMix64) {
    for slot in drawn {
        *slot = values[random.index(values.len())];
    }
}

fn percentiles(
    Resampling { resamples, seed }: Resampling,
    alpha: f64,
    mut replicate: impl FnMut(&mut SplitMix64) -> f64,
) -> Option<Interval> {
    if !is_one_sided(alpha) {
        return None;
    }
    let mut random = SplitMix64::new(seed);
    let mut replicates = (0..resamples)
        .map(|_| Some(replicate(&mut random)).filter(|value| value.is_finite()))
        .collect::<Option<Vec<f64>>>()?;
    replicates.sort_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below resamples")]
    let rank = (((f64::from(resamples) + 1.0) * alpha) as usize).max(1);
    let lower = *replicates.get(rank - 1)?;
    Some(Interval { lower, upper: *replicates.get(replicates.len() - rank)? })
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use super::super::{mean, median};
    use super::*;

    const RESAMPLING: Resampling = Resampling { resamples: 200, seed: 1 };

    fn centre(values: &[f64]) -> f64 {
        mean(values).unwrap()
    }

    #[test]
    fn equal_units_have_no_width() {
        let interval = bootstrap(&[2.0; 5], RESAMPLING, 0.025, centre);
        assert_eq!(interval, Some(Interval { lower: 2.0, upper: 2.0 }));
    }

    #[test]
    fn samples_within_runs_add_width() {
        let runs = [[1.0, 3.0], [1.5, 3.5], [0.5, 2.5], [1.0, 3.0]];
        let units: Vec<[&[f64]; 1]> = runs.iter().map(|run| [&run[..]]).collect();
        let means: Vec<f64> = runs.iter().map(|run| centre(run)).collect();
        let outer = bootstrap(&means, RESAMPLING, 0.025, centre).unwrap();
        let of_run = |[run]: &[Vec<f64>; 1]| centre(run);
        let both = bootstrap_nested(&units, RESAMPLING, 0.025, of_run, centre).unwrap();
        assert!(both.upper - both.lower > outer.upper - outer.lower);
    }

    #[test]
    fn pairs_stay_together() {
        // Whatever pair is drawn, its sides differ by 1.
        let sides = [[1.0, 2.0], [5.0, 6.0], [9.0, 10.0]];
        let pairs: Vec<[&[f64]; 2]> =
            sides.iter().map(|[a, b]| [from_ref(a), from_ref(b)]).collect();
        let of_pair = |[baseline, candidate]: &[Vec<f64>; 2]| candidate[0] - baseline[0];
        let middle = |values: &[f64]| median(values).unwrap();
        let interval = bootstrap_nested(&pairs, RESAMPLING, 0.025, of_pair, middle);
        assert_eq!(interval, Some(Interval { lower: 1.0, upper: 1.0 }));
    }

    #[test]
    fn bad_input_is_none() {
        assert_eq!(bootstrap(&[], RESAMPLING, 0.1, centre), None);
        assert_eq!(bootstrap(&[1.0], RESAMPLING, 0.5, centre), None);
        assert_eq!(bootstrap(&[1.0, f64::NAN], RESAMPLING, 0.1, centre), None);
        let none = Resampling { resamples: 0, seed: 1 };
        assert_eq!(bootstrap(&[1.0], none, 0.1, centre), None);
        let units: [[&[f64]; 1]; 2] = [[&[1.0]], [&[]]];
        let of_run = |[run]: &[Vec<f64>; 1]| centre(run);
        assert_eq!(bootstrap_nested(&units, RESAMPLING, 0.1, of_run, centre), None);
    }
}
