//! Criterion's samples: how long batches of iterations took.

/// How criterion chose the iterations of its samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SamplingMode {
    /// Sample k holds k·d iterations.
    Linear,
    /// Every sample holds the same number of iterations.
    Flat,
}

/// Batches of iterations and the time that each took. There is at least one.
#[derive(Clone, Debug, PartialEq)]
pub struct Samples {
    mode: SamplingMode,
    /// As many as totals; whole numbers of at least 1.
    iterations: Vec<f64>,
    /// Finite and above 0, in all and per iteration.
    totals: Vec<f64>,
}

impl Samples {
    /// The samples with these numbers of iterations, which took these times in
    /// nanoseconds, all iterations of a sample together.
    ///
    /// # Errors
    ///
    /// Refuses numbers that criterion cannot have measured: see [`SamplesFault`].
    pub fn new(
        mode: SamplingMode,
        iterations: Vec<f64>,
        totals: Vec<f64>,
    ) -> Result<Self, SamplesFault> {
        if iterations.len() != totals.len() {
            return Err(SamplesFault::Lengths {
                iterations: iterations.len(),
                totals: totals.len(),
            });
        }
        if totals.is_empty() {
            return Err(SamplesFault::Empty);
        }
        for (sample, &iterations) in (1..).zip(&iterations) {
            if !(iterations.is_finite() && iterations >= 1.0 && iterations.fract() == 0.0) {
                return Err(SamplesFault::Iterations { sample, iterations });
            }
        }
        for (sample, (&total, &iterations)) in (1..).zip(totals.iter().zip(&iterations)) {
            if !(total.is_finite() && total > 0.0) {
                return Err(SamplesFault::Total { sample, total });
            }
            if total / iterations <= 0.0 {
                return Err(SamplesFault::PerIteration { sample, total, iterations });
            }
        }
        Ok(Self { mode, iterations, totals })
    }

    /// How the iterations were chosen.
    pub fn mode(&self) -> SamplingMode {
        self.mode
    }

    /// Iterations in each sample: whole numbers of at least 1.
    pub fn iterations(&self) -> &[f64] {
        &self.iterations
    }

    /// Nanoseconds of each sample, all its iterations together.
    pub fn totals(&self) -> &[f64] {
        &self.totals
    }

    /// Nanoseconds per iteration of each sample, finite and above 0.
    pub fn per_iteration(&self) -> Vec<f64> {
        self.totals.iter().zip(&self.iterations).map(|(total, n)| total / n).collect()
    }
}

/// Why numbers are not samples. Samples are counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum SamplesFault {
    /// There is nothing to judge.
    #[error("holds no samples")]
    Empty,
    /// A sample lacks its iterations or its time.
    #[error(
        "holds {iterations} iteration counts and {totals} times; there must be as many of each"
    )]
    Lengths {
        /// Numbers of iterations.
        iterations: usize,
        /// Times.
        totals: usize,
    },
    /// A number of iterations that cannot be.
    #[error(
        "sample {sample} has {iterations} iterations; that must be a whole number of at least 1"
    )]
    Iterations {
        /// Which sample.
        sample: usize,
        /// Its iterations.
        iterations: f64,
    },
    /// A time that cannot be.
    #[error("sample {sample} took {total} ns; a time must be finite and above 0")]
    Total {
        /// Which sample.
        sample: usize,
        /// Its time in nanoseconds.
        total: f64,
    },
    /// A time so short that an iteration takes none.
    #[error(
        "sample {sample} took {total} ns for {iterations} iterations, which leaves 0 ns for each"
    )]
    PerIteration {
        /// Which sample.
        sample: usize,
        /// Its time in nanoseconds.
        total: f64,
        /// Its iterations.
        iterations: f64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linear(iterations: &[f64], totals: &[f64]) -> Result<Samples, SamplesFault> {
        Samples::new(SamplingMode::Linear, iterations.to_vec(), totals.to_vec())
    }

    #[test]
    fn samples_hold_the_numbers_that_they_were_made_from() {
        let samples = linear(&[1.0, 2.0], &[3.0, 5.0]).expect("samples");
        assert_eq!(samples.mode(), SamplingMode::Linear);
        assert_eq!((samples.iterations(), samples.totals()), (&[1.0, 2.0][..], &[3.0, 5.0][..]));
        assert_eq!(samples.per_iteration(), [3.0, 2.5]);
    }

    #[test]
    fn numbers_that_criterion_cannot_have_measured_are_refused() {
        const LEAST: f64 = 5e-324;
        for (iterations, totals, expected) in [
            (&[][..], &[][..], "holds no samples"),
            (&[1.0], &[], "holds 1 iteration counts and 0 times; there must be as many of each"),
            (
                &[1.0, 0.0],
                &[1.0, 1.0],
                "sample 2 has 0 iterations; that must be a whole number of at least 1",
            ),
            (
                &[1.5],
                &[1.0],
                "sample 1 has 1.5 iterations; that must be a whole number of at least 1",
            ),
            (
                &[f64::INFINITY],
                &[1.0],
                "sample 1 has inf iterations; that must be a whole number of at least 1",
            ),
            (&[1.0], &[0.0], "sample 1 took 0 ns; a time must be finite and above 0"),
            (&[1.0], &[f64::NAN], "sample 1 took NaN ns; a time must be finite and above 0"),
        ] {
            let fault = linear(iterations, totals).expect_err(expected);
            assert_eq!(fault.to_string(), expected);
        }
        assert!(matches!(
            linear(&[1.0, 4.0], &[LEAST, LEAST]),
            Err(SamplesFault::PerIteration { sample: 2, .. })
        ));
    }
}
