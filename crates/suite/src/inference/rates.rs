//! Predictions per second, by batch size.

use std::time::{Duration, Instant};

use super::{InferenceError, Scorer, features_of_width};
use crate::sizes;
use benchgate_record::{self as record, RecordError};
use benchgate_record::{Metric, Unit};

/// The rate of batches of one size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Rows in a batch.
    pub rows: usize,
    /// Rows scored per second.
    pub per_second: f64,
}

/// The rates of one loaded model.
#[derive(Clone, Debug, PartialEq)]
pub struct Rates {
    rates: Vec<Rate>,
}

impl Rates {
    /// Measures batches of these sizes, [`sizes::RATE_ROUNDS`] times in turn, and keeps
    /// the fastest round of each size: slower rounds were interrupted.
    pub fn measure(scorer: &mut Scorer, batches: &[usize]) -> Result<Self, InferenceError> {
        let inputs: Vec<Vec<f32>> =
            batches.iter().map(|rows| features_of_width(scorer.width(), *rows)).collect();
        // The first run of each size may allocate memory.
        for input in &inputs {
            scorer.score(input)?;
        }
        let mut rates: Vec<Rate> =
            batches.iter().map(|rows| Rate { rows: *rows, per_second: 0.0 }).collect();
        for _ in 0..sizes::RATE_ROUNDS {
            for (rate, input) in rates.iter_mut().zip(&inputs) {
                let (calls, taken) = repeat(scorer, input)?;
                let per_second = (calls * rate.rows) as f64 / taken.as_secs_f64();
                rate.per_second = rate.per_second.max(per_second);
            }
        }
        Ok(Self { rates })
    }

    /// The rate of each size.
    pub fn rates(&self) -> &[Rate] {
        &self.rates
    }

    /// How many times as fast as single rows batches of `rows` rows are; `None` unless
    /// both were measured.
    pub fn speedup(&self, rows: usize) -> Option<f64> {
        let find = |rows| self.rates.iter().find(|rate| rate.rows == rows);
        Some(find(rows)?.per_second / find(1)?.per_second)
    }

    /// Records `predictions_per_second` and `batch_speedup`. `id` gives the id of the
    /// benchmark for each number of rows.
    pub fn record(&self, id: impl Fn(usize) -> String) -> Result<(), RecordError> {
        let per_second = Metric::sampled("predictions_per_second", Unit::PerSecond).higher();
        let speedup = Metric::sampled("batch_speedup", Unit::from("times")).higher();
        for rate in &self.rates {
            let id = id(rate.rows);
            record::value(&id, &per_second, rate.per_second)?;
            if let Some(times) = self.speedup(rate.rows).filter(|_| rate.rows > 1) {
                record::value(&id, &speedup, times)?;
            }
        }
        Ok(())
    }
}

/// Scores the same batch for [`sizes::RATE_SLICE`]. Returns the number of calls and the
/// time that they took.
fn repeat(scorer: &mut Scorer, input: &[f32]) -> Result<(usize, Duration), InferenceError> {
    let mut calls = 0;
    let start = Instant::now();
    loop {
        std::hint::black_box(scorer.score(std::hint::black_box(input))?);
        calls += 1;
        let taken = start.elapsed();
        if taken >= sizes::RATE_SLICE {
            return Ok((calls, taken));
        }
    }
}
