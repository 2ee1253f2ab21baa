//! Many concurrent callers who want one score each.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::{BatcherError, BatcherHandle, checksum, features_of_width};
use benchgate_record::{self as record, Latencies, Metric, RecordError, Unit};

/// Callers of one batcher, each with its own row.
#[derive(Clone, Debug)]
pub struct Callers {
    handle: BatcherHandle,
    rows: Vec<Vec<f32>>,
}

impl Callers {
    /// Creates `callers` callers, with the first rows of [`features`](super::features).
    pub fn new(handle: BatcherHandle, callers: usize) -> Self {
        let width = handle.width();
        let features = features_of_width(width, callers);
        Self { handle, rows: features.chunks(width).map(<[f32]>::to_vec).collect() }
    }

    /// All callers ask once, concurrently. Returns when the last one has its score.
    ///
    /// # Errors
    ///
    /// The first error that a caller gets.
    ///
    /// # Panics
    ///
    /// If a caller's task panics.
    pub async fn ask(&self) -> Result<Answers, BatcherError> {
        let mut running = JoinSet::new();
        for (number, row) in self.rows.iter().enumerate() {
            let (handle, row) = (self.handle.clone(), row.clone());
            running.spawn(async move {
                let start = Instant::now();
                let score = handle.score(row).await?;
                Ok::<_, BatcherError>((number, score, start.elapsed()))
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

    /// Asks repeatedly until there are at least `calls` latencies.
    pub async fn observe(&self, calls: usize) -> Result<Observed, BatcherError> {
        let mut latencies = Latencies::new();
        let start = Instant::now();
        while latencies.len() < calls as u64 {
            for latency in self.ask().await?.taken {
                latencies.record(latency);
            }
        }
        Ok(Observed { elapsed: start.elapsed(), latencies })
    }
}

/// The scores that callers got, and how long they waited.
#[derive(Clone, Debug, PartialEq)]
pub struct Answers {
    /// The scores, in the order of the callers.
    pub scores: Vec<f32>,
    /// How long each caller waited for its score, in no particular order.
    pub taken: Vec<Duration>,
}

impl Answers {
    /// The sum of the scores in thousandths.
    pub fn checksum(&self) -> u64 {
        checksum(&self.scores)
    }
}

/// The latencies of callers, from asking to having the score.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    latencies: Latencies,
    elapsed: Duration,
}

impl Observed {
    /// The 99th percentile of the latency.
    pub fn p99(&self) -> Duration {
        Duration::from_nanos(self.latencies.quantile(990))
    }

    /// Scores per second of all callers together.
    pub fn per_second(&self) -> f64 {
        self.latencies.len() as f64 / self.elapsed.as_secs_f64()
    }

    /// Records the latencies, which include waiting for other callers, and
    /// `predictions_per_second` for the benchmark `id`.
    pub fn record(&self, id: &str) -> Result<(), RecordError> {
        record::latencies(id, &self.latencies)?;
        let rate = Metric::sampled("predictions_per_second", Unit::PerSecond).higher();
        record::value(id, &rate, self.per_second())
    }
}
