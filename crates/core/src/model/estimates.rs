//! Criterion's estimates of one process.

use std::ops::Deref;

/// A confidence interval. Its ends are finite, not below 0, and in order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    level: f64,
    lower: f64,
    upper: f64,
}

impl Interval {
    /// The interval at a confidence level, between its two ends.
    ///
    /// # Errors
    ///
    /// Refuses a level that is not between 0 and 1, and ends that are negative, not
    /// finite or reversed.
    pub fn new(level: f64, lower: f64, upper: f64) -> Result<Self, EstimateFault> {
        size(lower)?;
        size(upper)?;
        if lower > upper {
            return Err(EstimateFault::Reversed { lower, upper });
        }
        if !(level > 0.0 && level < 1.0) {
            return Err(EstimateFault::Level { level });
        }
        Ok(Self { level, lower, upper })
    }

    /// The confidence level, between 0 and 1.
    pub fn level(&self) -> f64 {
        self.level
    }

    /// The lower end.
    pub fn lower(&self) -> f64 {
        self.lower
    }

    /// The upper end, at least as large.
    pub fn upper(&self) -> f64 {
        self.upper
    }
}

/// A point estimate with its error, in nanoseconds per iteration: finite and not
/// below 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    point: f64,
    standard_error: f64,
    interval: Interval,
}

impl Estimate {
    /// An estimate, its standard error and its confidence interval.
    ///
    /// # Errors
    ///
    /// Refuses numbers that are negative or not finite.
    pub fn new(point: f64, standard_error: f64, interval: Interval) -> Result<Self, EstimateFault> {
        size(point)?;
        size(standard_error)?;
        Ok(Self { point, standard_error, interval })
    }

    /// The estimate.
    pub fn point(&self) -> f64 {
        self.point
    }

    /// Its standard error.
    pub fn standard_error(&self) -> f64 {
        self.standard_error
    }

    /// Its confidence interval.
    pub fn interval(&self) -> Interval {
        self.interval
    }
}

/// An estimate of how long an iteration takes, not of how much iterations differ: it
/// is above 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Location(Estimate);

impl Location {
    /// The estimate as one of location.
    ///
    /// # Errors
    ///
    /// Refuses an estimate of 0.
    pub fn new(estimate: Estimate) -> Result<Self, EstimateFault> {
        if estimate.point > 0.0 { Ok(Self(estimate)) } else { Err(EstimateFault::Zero) }
    }
}

impl Deref for Location {
    type Target = Estimate;

    fn deref(&self) -> &Estimate {
        &self.0
    }
}

/// Criterion's estimates for one process, in nanoseconds per iteration.
///
/// They describe one process only, never how much processes differ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimates {
    /// Mean over samples.
    pub mean: Location,
    /// Median over samples.
    pub median: Location,
    /// Median absolute deviation over samples; 0 of equal samples.
    pub median_abs_dev: Estimate,
    /// Slope of time over iterations; flat sampling has none.
    pub slope: Option<Location>,
    /// Standard deviation over samples; 0 of equal samples.
    pub std_dev: Estimate,
}

/// Why numbers are not an estimate.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum EstimateFault {
    /// A number that is not a size.
    #[error("holds {number}; every number must be finite and not negative")]
    NotASize {
        /// The number.
        number: f64,
    },
    /// The ends of the interval are exchanged.
    #[error("has an interval from {lower} to {upper}; its ends are reversed")]
    Reversed {
        /// The lower end.
        lower: f64,
        /// The upper end.
        upper: f64,
    },
    /// The level is not a share.
    #[error("has a confidence level of {level}; it must be between 0 and 1")]
    Level {
        /// The level.
        level: f64,
    },
    /// No iteration takes no time.
    #[error("is 0; it must be above 0")]
    Zero,
}

/// Refuses a number that is negative or not finite.
fn size(number: f64) -> Result<(), EstimateFault> {
    if number.is_finite() && number >= 0.0 {
        Ok(())
    } else {
        Err(EstimateFault::NotASize { number })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate([point, error, level, lower, upper]: [f64; 5]) -> Result<Estimate, EstimateFault> {
        Estimate::new(point, error, Interval::new(level, lower, upper)?)
    }

    #[test]
    fn an_estimate_holds_the_numbers_that_it_was_made_from() {
        let estimate = estimate([5.0, 0.5, 0.95, 4.0, 6.0]).expect("an estimate");
        let interval = estimate.interval();
        assert_eq!((estimate.point(), estimate.standard_error()), (5.0, 0.5));
        assert_eq!((interval.level(), interval.lower(), interval.upper()), (0.95, 4.0, 6.0));
        assert_eq!(Location::new(estimate).map(|location| location.point()), Ok(5.0));
    }

    #[test]
    fn numbers_that_no_measurement_gives_are_refused() {
        let good = [5.0, 0.5, 0.95, 4.0, 6.0];
        for (at, number, expected) in [
            (0, -1.0, "holds -1; every number must be finite and not negative"),
            (1, f64::NAN, "holds NaN; every number must be finite and not negative"),
            (2, 95.0, "has a confidence level of 95; it must be between 0 and 1"),
            (2, f64::NAN, "has a confidence level of NaN; it must be between 0 and 1"),
            (3, 7.0, "has an interval from 7 to 6; its ends are reversed"),
            (4, f64::INFINITY, "holds inf; every number must be finite and not negative"),
        ] {
            let mut numbers = good;
            numbers[at] = number;
            let fault = estimate(numbers).expect_err(expected);
            assert_eq!(fault.to_string(), expected);
        }
    }

    #[test]
    fn a_spread_may_be_0_and_a_time_may_not() {
        let zero = estimate([0.0, 0.0, 0.95, 0.0, 0.0]).expect("equal samples");
        assert_eq!(Location::new(zero), Err(EstimateFault::Zero));
    }
}
