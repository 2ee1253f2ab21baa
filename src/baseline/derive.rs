//! One set of estimates out of several runs: what critcmp is shown.
//!
//! critcmp shows a mean and calls it the time, so each statistic is combined by
//! its mean, and the error given is the error of that mean. The gate itself
//! judges by the runs and never reads these numbers.

use std::f64::consts::PI;

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};
use statrs::statistics::{Data, OrderStatistics, Statistics};

use crate::model::{Estimate, Estimates, Reading, RunReading, Samples, SamplingMode};

/// Criterion's own default.
const LEVEL: f64 = 0.95;

/// Makes the median absolute deviation of normal data estimate their standard
/// deviation; criterion's `median_abs_dev` holds it too.
const MAD_SCALE: f64 = 1.4826;

/// Asymptotic efficiency of the scaled median absolute deviation against the
/// standard deviation, for normal data (Rousseeuw & Croux 1993, table 2).
const MAD_EFFICIENCY: f64 = 0.3674;

/// Combines the runs. One run keeps criterion's estimates as they are, or gets
/// them from its samples ([`of_samples`]). For k runs each statistic is the mean
/// of the runs' own, with standard error s/√k and the interval
/// mean ± t(0.975, k−1)·s/√k, s the standard deviation between runs.
///
/// Nothing where there is no run, or one that read a single value.
pub(super) fn over_runs(runs: &[RunReading]) -> Option<Estimates> {
    let each: Vec<Estimates> =
        runs.iter().map(|run| of_reading(&run.reading)).collect::<Option<_>>()?;
    if let [only] = each.as_slice() {
        return Some(*only);
    }
    let combine = |statistic: fn(&Estimates) -> Option<Estimate>| -> Option<Estimate> {
        let points: Vec<f64> =
            each.iter().map(|run| statistic(run).map(|e| e.point)).collect::<Option<_>>()?;
        let error = points.as_slice().std_dev() / (points.len() as f64).sqrt();
        Some(around(points.as_slice().mean(), error, points.len()))
    };
    if each.is_empty() {
        return None;
    }
    Some(Estimates {
        mean: combine(|run| Some(run.mean))?,
        median: combine(|run| Some(run.median))?,
        median_abs_dev: combine(|run| Some(run.median_abs_dev))?,
        // Only where every run has one.
        slope: combine(|run| run.slope),
        std_dev: combine(|run| Some(run.std_dev))?,
    })
}

fn of_reading(reading: &Reading) -> Option<Estimates> {
    match reading {
        Reading::Samples { estimates: Some(estimates), .. } | Reading::Estimates(estimates) => {
            Some(*estimates)
        }
        Reading::Samples { samples, estimates: None } if !samples.totals.is_empty() => {
            Some(of_samples(samples))
        }
        Reading::Samples { .. } | Reading::Value(_) => None,
    }
}

/// Estimates from n samples x (nanoseconds per iteration) with deviation s, in
/// closed form, each interval by Student's t with n−1 degrees of freedom:
///
/// | statistic | estimate | standard error |
/// |---|---|---|
/// | mean | mean of x | s/√n |
/// | median | median of x | s·√(π/2n), as for normal data |
/// | `median_abs_dev` | 1.4826 · median of abs(x − median) | s/√(2n·0.3674), as for normal data |
/// | `std_dev` | s | s/√(2(n−1)), as for normal data |
/// | slope (linear sampling) | Σnt/Σn², a line through the origin | residual deviation/√Σn² |
fn of_samples(samples: &Samples) -> Estimates {
    let times = samples.per_iteration();
    let count = times.len();
    let n = count as f64;
    let deviation = if count > 1 { times.as_slice().std_dev() } else { 0.0 };
    let median = median(times.clone());
    let distances = times.iter().map(|time| (time - median).abs()).collect();
    let spread = |per_deviation: f64| deviation * per_deviation;
    let freedom = (n - 1.0).max(1.0);
    Estimates {
        mean: around(times.as_slice().mean(), spread((1.0 / n).sqrt()), count),
        median: around(median, spread((PI / (2.0 * n)).sqrt()), count),
        median_abs_dev: around(
            MAD_SCALE * self::median(distances),
            spread((1.0 / (2.0 * n * MAD_EFFICIENCY)).sqrt()),
            count,
        ),
        slope: (samples.mode == SamplingMode::Linear).then(|| slope(samples)),
        std_dev: around(deviation, spread((1.0 / (2.0 * freedom)).sqrt()), count),
    }
}

fn slope(samples: &Samples) -> Estimate {
    let pairs = || samples.iterations.iter().zip(&samples.totals);
    let squares: f64 = samples.iterations.iter().map(|n| n * n).sum();
    let slope = pairs().map(|(n, total)| n * total).sum::<f64>() / squares;
    let residuals: f64 = pairs().map(|(n, total)| (total - slope * n).powi(2)).sum();
    let count = samples.totals.len();
    let variance = if count > 1 { residuals / (count as f64 - 1.0) } else { 0.0 };
    around(slope, (variance / squares).sqrt(), count)
}

fn median(values: Vec<f64>) -> f64 {
    Data::new(values).median()
}

/// The estimate with Student's t interval for `count` values. A single value
/// has no spread: its interval is the value itself. No interval goes below 0.
fn around(point: f64, error: f64, count: usize) -> Estimate {
    if count < 2 {
        return Estimate { point, standard_error: 0.0, level: LEVEL, lower: point, upper: point };
    }
    let half = t_quantile(count as f64 - 1.0) * error;
    Estimate {
        point,
        standard_error: error,
        level: LEVEL,
        lower: (point - half).max(0.0),
        upper: point + half,
    }
}

/// From here on the expansion of the quantile is right to eight digits, while
/// statrs 0.19 loses them (two are left for 10^7 degrees of freedom).
const MANY: f64 = 1000.0;

/// The quantile of Student's t that leaves (1 − [`LEVEL`])/2 above it.
///
/// For many degrees of freedom ν it is z + (z³+z)/4ν + (5z⁵+16z³+3z)/96ν² with
/// the normal quantile z (Abramowitz & Stegun, 26.7.5).
fn t_quantile(freedom: f64) -> f64 {
    let share = 0.5 + LEVEL / 2.0;
    if freedom < MANY {
        return StudentsT::new(0.0, 1.0, freedom)
            .map_or(f64::NAN, |student| student.inverse_cdf(share));
    }
    let z = Normal::standard().inverse_cdf(share);
    z + (z.powi(3) + z) / (4.0 * freedom)
        + (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / (96.0 * freedom.powi(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() <= 1e-6 * b.abs().max(1.0), "{a} is not {b}");
    }

    fn estimates(point: f64) -> Estimates {
        let one = |point| Estimate {
            point,
            standard_error: 0.25,
            level: 0.9,
            lower: point - 0.5,
            upper: point + 1.0,
        };
        Estimates {
            mean: one(point),
            median: one(point - 1.0),
            median_abs_dev: one(0.5),
            slope: Some(one(point + 1.0)),
            std_dev: one(2.0),
        }
    }

    fn run(run: u32, reading: Reading) -> RunReading {
        RunReading { run, reading }
    }

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (freedom, quantile) in [
            (1.0, 12.706_204_7),
            (2.0, 4.302_652_7),
            (4.0, 2.776_445_1),
            (99.0, 1.984_217_0),
            (999.0, 1.962_341_5),
            (1000.0, 1.962_339_1),
            (1e7, 1.959_964_2),
        ] {
            close(t_quantile(freedom), quantile);
        }
    }

    #[test]
    fn one_run_keeps_criterions_estimates() {
        let own = estimates(10.0);
        assert_eq!(over_runs(&[run(0, Reading::Estimates(own))]), Some(own));
    }

    #[test]
    fn several_runs_give_the_error_of_their_mean() {
        let mut last = estimates(14.0);
        last.slope = None;
        let runs = [
            run(0, Reading::Estimates(estimates(10.0))),
            run(1, Reading::Estimates(estimates(12.0))),
            run(2, Reading::Estimates(last)),
        ];
        let over = over_runs(&runs).expect("estimates");
        close(over.mean.point, 12.0);
        close(over.mean.standard_error, 1.154_700_5);
        close(over.mean.lower, 12.0 - 4.968_275_4);
        close(over.mean.upper, 12.0 + 4.968_275_4);
        close(over.mean.level, 0.95);
        close(over.median.point, 11.0);
        close(over.std_dev.point, 2.0);
        close(over.std_dev.standard_error, 0.0);
        assert_eq!(over.slope, None, "the last run has none");
        assert!(over_runs(&runs[..2]).expect("estimates").slope.is_some());
    }

    #[test]
    fn samples_without_estimates_are_estimated() {
        let samples = Samples {
            mode: SamplingMode::Linear,
            iterations: vec![1.0, 2.0, 3.0, 4.0],
            totals: vec![10.0, 22.0, 30.0, 44.0],
        };
        let of = of_samples(&samples);
        close(of.mean.point, 10.5);
        close(of.mean.standard_error, 0.288_675_1);
        // t(0.975, 3) is 3.1824463.
        close(of.mean.upper, 10.5 + 0.918_693_2);
        close(of.median.point, 10.5);
        close(of.median_abs_dev.point, 0.7413);
        close(of.median_abs_dev.lower, 0.0);
        close(of.std_dev.point, 0.577_350_3);
        let slope = of.slope.expect("linear sampling");
        close(slope.point, 32.0 / 3.0);
        // Residuals -2/3, 2/3, -2, 4/3: variance 20/9, over the squares 30.
        close(slope.standard_error, (20.0_f64 / 9.0 / 30.0).sqrt());
        assert_eq!(of_samples(&Samples { mode: SamplingMode::Flat, ..samples }).slope, None);
    }

    #[test]
    fn a_single_sample_has_no_spread() {
        let samples =
            Samples { mode: SamplingMode::Linear, iterations: vec![2.0], totals: vec![10.0] };
        let of = of_samples(&samples);
        let alone =
            Estimate { point: 5.0, standard_error: 0.0, level: 0.95, lower: 5.0, upper: 5.0 };
        assert_eq!((of.mean, of.slope), (alone, Some(alone)));
        assert_eq!((of.std_dev.point, of.median_abs_dev.point), (0.0, 0.0));
    }

    #[test]
    fn values_and_no_runs_give_nothing() {
        assert_eq!(over_runs(&[]), None);
        let mixed = [run(0, Reading::Estimates(estimates(10.0))), run(1, Reading::Value(3.0))];
        assert_eq!(over_runs(&mixed), None);
    }
}
