//! One set of estimates out of several runs, for critcmp to show.
//!
//! critcmp shows a mean and calls it the time, so each statistic is combined by
//! its mean, with the error of that mean. The gate itself judges by the runs and
//! never reads these numbers.

use std::f64::consts::PI;

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};
use statrs::statistics::{Data, OrderStatistics, Statistics};

use crate::model::{
    Estimate, Estimates, Interval, Location, Reading, RunReading, Samples, SamplingMode,
};

/// Criterion's own default.
const LEVEL: f64 = 0.95;

/// Makes the median absolute deviation of normal data estimate their standard
/// deviation; criterion's `median_abs_dev` holds it too.
const MAD_SCALE: f64 = 1.4826;

/// Asymptotic efficiency of the scaled median absolute deviation against the
/// standard deviation, for normal data (Rousseeuw & Croux 1993, table 2).
const MAD_EFFICIENCY: f64 = 0.3674;

/// Combines the runs. A single run keeps criterion's estimates unchanged, or gets
/// them from its samples ([`of_samples`]). For k runs each statistic is the mean
/// of the runs' own, with standard error s/√k and the interval
/// mean ± t(0.975, k−1)·s/√k, s being the standard deviation between runs.
///
/// `None` if there is no run, if a run read a single value, and if the numbers are too
/// large to be combined.
pub(super) fn over_runs(runs: &[RunReading]) -> Option<Estimates> {
    let each: Vec<Estimates> =
        runs.iter().map(|run| of_reading(&run.reading)).collect::<Option<_>>()?;
    if let [only] = each.as_slice() {
        return Some(*only);
    }
    let combine = |statistic: fn(&Estimates) -> Option<Estimate>| -> Option<Estimate> {
        let points: Vec<f64> =
            each.iter().map(|run| statistic(run).map(|e| e.point())).collect::<Option<_>>()?;
        let error = points.as_slice().std_dev() / (points.len() as f64).sqrt();
        around(points.as_slice().mean(), error, points.len())
    };
    let location = |estimate| Location::new(estimate).ok();
    if each.is_empty() {
        return None;
    }
    Some(Estimates {
        mean: combine(|run| Some(*run.mean)).and_then(location)?,
        median: combine(|run| Some(*run.median)).and_then(location)?,
        median_abs_dev: combine(|run| Some(run.median_abs_dev))?,
        // Only where every run has a slope.
        slope: combine(|run| run.slope.as_deref().copied()).and_then(location),
        std_dev: combine(|run| Some(run.std_dev))?,
    })
}

fn of_reading(reading: &Reading) -> Option<Estimates> {
    match reading {
        Reading::Samples { estimates: Some(estimates), .. } | Reading::Estimates(estimates) => {
            Some(*estimates)
        }
        Reading::Samples { samples, estimates: None } => of_samples(samples),
        Reading::Value(_) | Reading::Distribution(_) => None,
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
fn of_samples(samples: &Samples) -> Option<Estimates> {
    let times = samples.per_iteration();
    let count = times.len();
    let n = count as f64;
    let deviation = if count > 1 { times.as_slice().std_dev() } else { 0.0 };
    let median = median(times.clone());
    let distances = times.iter().map(|time| (time - median).abs()).collect();
    let spread = |per_deviation: f64| deviation * per_deviation;
    let freedom = (n - 1.0).max(1.0);
    let location = |estimate| Location::new(estimate).ok();
    Some(Estimates {
        mean: around(times.as_slice().mean(), spread((1.0 / n).sqrt()), count)
            .and_then(location)?,
        median: around(median, spread((PI / (2.0 * n)).sqrt()), count).and_then(location)?,
        median_abs_dev: around(
            MAD_SCALE * self::median(distances),
            spread((1.0 / (2.0 * n * MAD_EFFICIENCY)).sqrt()),
            count,
        )?,
        slope: match samples.mode() {
            SamplingMode::Linear => Some(slope(samples).and_then(location)?),
            SamplingMode::Flat => None,
        },
        std_dev: around(deviation, spread((1.0 / (2.0 * freedom)).sqrt()), count)?,
    })
}

fn slope(samples: &Samples) -> Option<Estimate> {
    let pairs = || samples.iterations().iter().zip(samples.totals());
    let squares: f64 = samples.iterations().iter().map(|n| n * n).sum();
    let slope = pairs().map(|(n, total)| n * total).sum::<f64>() / squares;
    let residuals: f64 = pairs().map(|(n, total)| (total - slope * n).powi(2)).sum();
    let count = samples.totals().len();
    let variance = if count > 1 { residuals / (count as f64 - 1.0) } else { 0.0 };
    around(slope, (variance / squares).sqrt(), count)
}

fn median(values: Vec<f64>) -> f64 {
    Data::new(values).median()
}

/// The estimate with Student's t interval for `count` values. A single value does not
/// have a spread: its interval is the value itself. An interval does not go below 0.
/// `None` if a number is too large.
fn around(point: f64, error: f64, count: usize) -> Option<Estimate> {
    let (error, half) =
        if count < 2 { (0.0, 0.0) } else { (error, t_quantile(count as f64 - 1.0) * error) };
    let interval = Interval::new(LEVEL, (point - half).max(0.0), point + half).ok()?;
    Estimate::new(point, error, interval).ok()
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
        let estimate = |point| {
            let interval = Interval::new(0.9, point - 0.5, point + 1.0).expect("an interval");
            Estimate::new(point, 0.25, interval).expect("an estimate")
        };
        let location = |point| Location::new(estimate(point)).expect("above 0");
        Estimates {
            mean: location(point),
            median: location(point - 1.0),
            median_abs_dev: estimate(0.5),
            slope: Some(location(point + 1.0)),
            std_dev: estimate(2.0),
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
        close(over.mean.point(), 12.0);
        close(over.mean.standard_error(), 1.154_700_5);
        close(over.mean.interval().lower(), 12.0 - 4.968_275_4);
        close(over.mean.interval().upper(), 12.0 + 4.968_275_4);
        close(over.mean.interval().level(), 0.95);
        close(over.median.point(), 11.0);
        close(over.std_dev.point(), 2.0);
        close(over.std_dev.standard_error(), 0.0);
        assert_eq!(over.slope, None, "the last run has none");
        assert!(over_runs(&runs[..2]).expect("estimates").slope.is_some());
    }

    #[test]
    fn samples_without_estimates_are_estimated() {
        let samples = |mode| {
            let iterations = vec![1.0, 2.0, 3.0, 4.0];
            Samples::new(mode, iterations, vec![10.0, 22.0, 30.0, 44.0]).expect("samples")
        };
        let of = of_samples(&samples(SamplingMode::Linear)).expect("estimates");
        close(of.mean.point(), 10.5);
        close(of.mean.standard_error(), 0.288_675_1);
        // t(0.975, 3) is 3.1824463.
        close(of.mean.interval().upper(), 10.5 + 0.918_693_2);
        close(of.median.point(), 10.5);
        close(of.median_abs_dev.point(), 0.7413);
        close(of.median_abs_dev.interval().lower(), 0.0);
        close(of.std_dev.point(), 0.577_350_3);
        let slope = of.slope.expect("linear sampling");
        close(slope.point(), 32.0 / 3.0);
        // Residuals -2/3, 2/3, -2, 4/3: variance 20/9, over the squares 30.
        close(slope.standard_error(), (20.0_f64 / 9.0 / 30.0).sqrt());
        let flat = of_samples(&samples(SamplingMode::Flat)).expect("estimates");
        assert_eq!(flat.slope, None);
    }

    #[test]
    fn a_single_sample_has_no_spread() {
        let samples = Samples::new(SamplingMode::Linear, vec![2.0], vec![10.0]).expect("samples");
        let of = of_samples(&samples).expect("estimates");
        let interval = Interval::new(0.95, 5.0, 5.0).expect("an interval");
        let alone = Estimate::new(5.0, 0.0, interval).expect("an estimate");
        assert_eq!((*of.mean, of.slope.as_deref()), (alone, Some(&alone)));
        assert_eq!((of.std_dev.point(), of.median_abs_dev.point()), (0.0, 0.0));
    }

    #[test]
    fn numbers_too_large_to_be_combined_give_nothing() {
        let totals = vec![1e300, 1e308];
        let samples = Samples::new(SamplingMode::Flat, vec![1.0, 1.0], totals).expect("samples");
        assert_eq!(over_runs(&[run(0, Reading::Samples { samples, estimates: None })]), None);
    }

    #[test]
    fn values_and_no_runs_give_nothing() {
        assert_eq!(over_runs(&[]), None);
        let mixed = [run(0, Reading::Estimates(estimates(10.0))), run(1, Reading::Value(3.0))];
        assert_eq!(over_runs(&mixed), None);
    }
}
