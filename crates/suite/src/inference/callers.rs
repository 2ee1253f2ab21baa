//! Many callers who want a score each, at the same time.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::{BatcherHandle, checksum, features_of_width};
use crate::SuiteError;
use benchgate_record::{self as record, RecordError};
use benchgate_record::{Metric, Unit};

/// Callers of one batcher, each with a row of its own.
#[derive(Clone, Debug)]
pub struct Callers {
    handle: BatcherHandle,
    rows: Vec<Vec<f32>>,
}

impl Callers {
    /// So many, with the first rows of
    /// [`features`](super::features).
    pub fn new(handle: BatcherHandle, callers: usize) -> Self {
        let width = handle.width();
        let features = features_of_width(width, callers);
        Self { handle, rows: features.chunks(width).map(<[f32]>::to_vec).collect() }
    }

    /// Each asks once, all of them at once; done when the last one has its score.
    ///
    /// # Errors
    ///
    /// The first that a caller is told.
    ///
    /// # Panics
    ///
    /// When a caller's task does.
    pub async fn ask(&self) -> Result<Answers, SuiteError> {
        let mut running = JoinSet::new();
        for (number, row) in self.rows.iter().enumerate() {
            let (handle, row) = (self.handle.clone(), row.clone());
            running.spawn(async move {
                let start = Instant::now();
                let score = handle.score(row).await?;
                Ok::<_, SuiteError>((number, score, start.elapsed()))
            });
        }
        let mut answers = Answers {
            scores: vec![0.0; self.rows.len()],
            taken: Vec::with_capacity(self.rows.len()),
        };
        for answer in running.join_all().await {
            let (number, score, taken) = answer?;
            answers.scores[number] = score;
            answers.taken.push(taken);
        }
        Ok(answers)
    }

    /// Asks again and again until there are `calls` latencies at least.
    pub async fn observe(&self, calls: usize) -> Result<Observed, SuiteError> {
        let mut taken = Vec::with_capacity(calls + self.rows.len());
        let start = Instant::now();
        while taken.len() < calls {
            taken.append(&mut self.ask().await?.taken);
        }
        let elapsed = start.elapsed();
        taken.sort_unstable();
        Ok(Observed { taken, elapsed })
    }
}

/// What callers got.
#[derive(Clone, Debug, PartialEq)]
pub struct Answers {
    /// The scores, in the order of the callers.
    pub scores: Vec<f32>,
    /// How long each one waited, from asking to having it, in no order.
    pub taken: Vec<Duration>,
}

impl Answers {
    /// The sum of the scores in thousandths.
    pub fn checksum(&self) -> u64 {
        checksum(&self.scores)
    }
}

/// Latencies of callers, from the moment they asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// From the shortest to the longest.
    taken: Vec<Duration>,
    elapsed: Duration,
}

impl Observed {
    /// The time that 99 of 100 calls did not take longer than.
    pub fn p99(&self) -> Duration {
        // The nearest rank: the ceiling of 0.99 n, counted from 1.
        let rank = (self.taken.len() * 99).div_ceil(100).max(1);
        self.taken.get(rank - 1).copied().unwrap_or_default()
    }

    /// Scores a second, of all callers together.
    pub fn per_second(&self) -> f64 {
        self.taken.len() as f64 / self.elapsed.as_secs_f64()
    }

    /// Records both for the benchmark `id`: `latency.p99`, waiting for others
    /// included, and `predictions_per_second`.
    pub fn record(&self, id: &str) -> Result<(), RecordError> {
        let p99 = Metric::sampled("latency.p99", Unit::Nanoseconds);
        record::value(id, &p99, self.p99().as_nanos() as f64)?;
        let rate = Metric::sampled("predictions_per_second", Unit::PerSecond).higher();
        record::value(id, &rate, self.per_second())
    }
}
