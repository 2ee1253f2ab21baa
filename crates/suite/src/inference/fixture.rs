//! What the benchmarks of one backend share, and the metrics that they record.

#![expect(
    clippy::missing_panics_doc,
    reason = "a fixture panics if a body returns another checksum than it has to: that is its use"
)]

use std::cell::OnceCell;
use std::time::Instant;

use benchgate_record::{self as record, Metric, RecordError, Unit};
use tokio::runtime::Runtime;

use super::{
    Backend, Batcher, BatcherError, Batching, BuiltIn, Callers, Rates, Scorer, features,
    resident_peak,
};
use crate::sizes;

/// A backend and the name of its benchmark group.
///
/// Its methods panic when the backend fails or gives wrong scores: a benchmark cannot go on
/// then.
#[derive(Debug)]
pub struct Fixture<'a> {
    group: &'a str,
    backend: &'a Backend,
    recorded: OnceCell<()>,
}

/// The name of a benchmark of batches: `single`, `batch_8`.
pub fn batch_name(rows: usize) -> String {
    if rows == 1 { "single".to_owned() } else { format!("batch_{rows}") }
}

impl<'a> Fixture<'a> {
    /// For the benchmarks of `group` on `backend`.
    pub fn new(group: &'a str, backend: &'a Backend) -> Self {
        Self { group, backend, recorded: OnceCell::new() }
    }

    fn id(&self, benchmark: &str) -> String {
        format!("{}/{benchmark}", self.group)
    }

    /// Loads a model that computes each prediction with `threads` threads.
    pub fn scorer(&self, model: BuiltIn, threads: usize) -> Scorer {
        let scorer = Scorer::load_model(self.backend, &model.into(), threads);
        // The backend counts as measured once a model is loaded.
        self.recorded.get_or_init(|| self.backend.record().expect("recorded"));
        scorer.expect("a loaded model")
    }

    /// Loads the encoder, checks its first score, and records how long that took and the
    /// peak memory. Must run before anything else has used memory in this process.
    pub fn record_load(&self, benchmark: &str) {
        let id = self.id(benchmark);
        let start = Instant::now();
        let mut encoder = self.scorer(BuiltIn::Encoder, 1);
        let scores = encoder.score(&features(1)).expect("a score");
        let first = start.elapsed();
        BuiltIn::Encoder.check(&scores).expect("the model's score");
        let metric = Metric::sampled("first_score", Unit::Nanoseconds);
        record::value(&id, &metric, first.as_nanos() as f64).expect("recorded");
        // The peak includes the working memory of a batch.
        encoder.score(&features(64)).expect("scores");
        record_resident_peak(&id).expect("recorded");
    }

    /// Loads a model for the benchmarks of batches, and records the rates of all batch sizes.
    pub fn batch_scorer(&self, model: BuiltIn) -> Scorer {
        let mut scorer = self.scorer(model, 1);
        if record::wanted() {
            let id = |rows| self.id(&format!("{}_{}", model.name(), batch_name(rows)));
            record_rates(&mut scorer, id);
        }
        scorer
    }

    /// Starts workers with a model each, and callers of them whose scores are right.
    pub fn start(
        &self,
        model: BuiltIn,
        workers: usize,
        batching: Batching,
        callers: usize,
    ) -> Started {
        let batcher = self.batcher(model, workers, batching);
        let callers = Callers::new(batcher.handle(), callers);
        let started = Started { _batcher: batcher, callers, runtime: caller_runtime() };
        let answers = started.runtime.block_on(started.callers.ask()).expect("scores");
        model.check(&answers.scores).expect("the model's scores");
        started
    }

    fn batcher(&self, model: BuiltIn, workers: usize, batching: Batching) -> Batcher {
        let scorers = (0..workers).map(|_| self.scorer(model, 1)).collect();
        Batcher::start(scorers, batching).expect("a batcher")
    }

    /// Records the latencies of callers, batched and unbatched: of the scorer with few and
    /// many callers, and of the encoder with many.
    pub fn record_latencies(&self) -> Result<(), RecordError> {
        let runtime = caller_runtime();
        for (name, batching) in [("unbatched", sizes::UNBATCHED), ("batcher", sizes::BATCHING)] {
            for (model, counts) in
                [(BuiltIn::Scorer, &sizes::SCORE_CALLERS[..]), (BuiltIn::Encoder, &[64])]
            {
                let batcher = self.batcher(model, 1, batching);
                for count in counts {
                    let callers = Callers::new(batcher.handle(), *count);
                    let observed =
                        runtime.block_on(callers.observe(sizes::SCORE_LATENCIES)).expect("scores");
                    let id = if model == BuiltIn::Scorer {
                        self.id(&format!("{name}_{count}"))
                    } else {
                        self.id(&format!("{}_{name}_{count}", model.name()))
                    };
                    observed.record(&id)?;
                }
            }
        }
        Ok(())
    }

    /// Records how many times as fast `several` workers are as a single one: the fastest
    /// round of each, measured in turn.
    pub fn record_worker_speedup(
        &self,
        benchmark: &str,
        several: &Started,
    ) -> Result<(), RecordError> {
        let single = self.batcher(BuiltIn::Encoder, 1, sizes::UNBATCHED);
        let single_callers = Callers::new(single.handle(), sizes::WORKER_CALLERS);
        let mut fastest = [0.0_f64; 2];
        for _ in 0..sizes::RATE_ROUNDS {
            for (rate, callers) in fastest.iter_mut().zip([&several.callers, &single_callers]) {
                let observe = callers.observe(sizes::WORKER_CALLERS);
                let observed = several.runtime.block_on(observe).expect("scores");
                *rate = rate.max(observed.per_second());
            }
        }
        let metric = Metric::sampled("worker_speedup", Unit::from("times")).higher();
        record::value(&self.id(benchmark), &metric, fastest[0] / fastest[1])
    }
}

/// A running batcher with its callers.
#[derive(Debug)]
pub struct Started {
    // Dropping it ends its workers.
    _batcher: Batcher,
    callers: Callers,
    runtime: Runtime,
}

impl Started {
    /// The runtime of the callers. The models have their own threads.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// The body of the benchmark: each caller asks once. Returns the checksum of all scores.
    pub async fn ask(&self) -> Result<u64, BatcherError> {
        Ok(self.callers.ask().await?.checksum())
    }
}

/// Without timers and I/O, which callers do not need.
fn caller_runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime")
}

/// Measures and records the rates of all batch sizes. `id` gives the benchmark of a size.
///
/// # Panics
///
/// If the model fails.
pub fn record_rates(scorer: &mut Scorer, id: impl Fn(usize) -> String) {
    let rates = Rates::measure(scorer, &sizes::BATCHES).expect("scores");
    rates.record(id).expect("recorded");
}

/// Records the peak memory: the program with criterion, the backend, the model and a batch.
fn record_resident_peak(id: &str) -> Result<(), RecordError> {
    match resident_peak() {
        Some(bytes) => {
            let metric = Metric::sampled("resident.peak", Unit::Bytes);
            record::value(id, &metric, bytes as f64)
        }
        None => record::not_run(
            &format!("{id}, resident.peak"),
            "this system has no /proc/self/status; measure it on Linux",
        ),
    }
}
