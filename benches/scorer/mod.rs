//! The benchmarks of models, for either backend.
//!
//! `scorer` is the multi-layer perceptron, `encoder` the transformer. Times of a
//! batch are those of the whole batch.

use std::cell::{OnceCell, RefCell};
use std::time::Instant;

use benchgate_record::{self as record, RecordError};
use benchgate_record::{Metric, Unit};
use benchgate_suite::inference::{
    self, Backend, Batcher, Batching, BuiltIn, Callers, Model, Rates, Scorer,
};
use benchgate_suite::sizes;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput};
use tokio::runtime::Runtime;

pub(crate) fn times() -> Criterion {
    Criterion::default()
        .warm_up_time(sizes::CLOCK_WARM_UP)
        .measurement_time(sizes::CLOCK_TIME)
        .sample_size(sizes::CLOCK_SAMPLES)
}

/// The models that come with the suite. With more than one thread, the encoder
/// is measured with so many, too.
pub(crate) fn built_in(criterion: &mut Criterion, name: &str, backend: &Backend, threads: usize) {
    let mut group = criterion.benchmark_group(name);
    let bench = Bench { name, backend, told: OnceCell::new() };
    bench.load(&mut group);
    bench.batches(&mut group, BuiltIn::Scorer, &[1, 8, 64]);
    bench.batches(&mut group, BuiltIn::ScorerInt8, &[64]);
    bench.batches(&mut group, BuiltIn::Encoder, &[1, 8]);
    bench.batches(&mut group, BuiltIn::EncoderInt8, &[8]);
    if threads > 1 {
        bench.threads(&mut group, threads);
    }
    bench.callers(&mut group);
    bench.workers(&mut group);
}

/// The model that `MODEL_PATH` names.
pub(crate) fn named(criterion: &mut Criterion, name: &str, backend: &Backend) {
    let model = match Model::named() {
        Ok(Some(model)) => model,
        Ok(None) => {
            let reason = "MODEL_PATH is not set; set it to an ONNX model to measure that one, too";
            return record::not_run(name, reason).expect("recorded");
        }
        Err(unavailable) => {
            return record::not_run(name, &unavailable.reason).expect("recorded");
        }
    };
    // Loaded before it is known whether it is asked for: a model that cannot be
    // measured has no benchmarks.
    let mut scorer = match Scorer::load_model(backend, &model, 1) {
        Ok(scorer) => scorer,
        Err(error) => {
            return record::not_run(name, &format!("MODEL_PATH: {error}")).expect("recorded");
        }
    };
    if let Err(error) = scorer.score(&inference::features_of_width(scorer.width(), 8)) {
        return record::not_run(name, &format!("MODEL_PATH: {error}")).expect("recorded");
    }
    let mut group = criterion.benchmark_group(name);
    let recorded = OnceCell::new();
    for rows in [1, 8, 64] {
        let features = inference::features_of_width(scorer.width(), rows);
        group.throughput(Throughput::Elements(rows as u64));
        group.bench_function(batch(rows), |bencher| {
            recorded.get_or_init(|| {
                backend.record().expect("recorded");
                if record::wanted() {
                    rates(&mut scorer, |rows| format!("{name}/{}", batch(rows)));
                }
            });
            let first = scorer.score(&features).expect("scores");
            assert_eq!(first.len(), rows, "a score for each row");
            bencher.iter(|| scorer.score(&features).expect("scores"));
            assert_eq!(scorer.score(&features).expect("scores"), first, "the same scores again");
        });
    }
}

fn batch(rows: usize) -> String {
    if rows == 1 { "single".to_owned() } else { format!("batch_{rows}") }
}

fn rates(scorer: &mut Scorer, id: impl Fn(usize) -> String) {
    let rates = Rates::measure(scorer, &sizes::BATCHES).expect("scores");
    rates.record(id).expect("recorded");
}

type Group<'a> = BenchmarkGroup<'a, WallTime>;

struct Bench<'a> {
    name: &'a str,
    backend: &'a Backend,
    told: OnceCell<()>,
}

impl Bench<'_> {
    fn scorer(&self, model: BuiltIn, threads: usize) -> Scorer {
        let scorer = Scorer::load_model(self.backend, &model.into(), threads);
        // Once a model of its benchmarks is loaded, the backend has been measured.
        self.told.get_or_init(|| self.backend.record().expect("recorded"));
        scorer.expect("a loaded model")
    }

    /// From the model's bytes to a session that can run. First of all, so that
    /// the process has had nothing else in memory.
    fn load(&self, group: &mut Group<'_>) {
        let id = "encoder_load";
        let checked = OnceCell::new();
        group.bench_function(id, |bencher| {
            checked.get_or_init(|| {
                let start = Instant::now();
                let mut encoder = self.scorer(BuiltIn::Encoder, 1);
                let scores = encoder.score(&inference::features(1)).expect("a score");
                let first = start.elapsed();
                BuiltIn::Encoder.check(&scores).expect("the model's score");
                let metric = Metric::sampled("first_score", Unit::Nanoseconds);
                let id = format!("{}/{id}", self.name);
                record::value(&id, &metric, first.as_nanos() as f64).expect("recorded");
                // With room for a batch to compute with, too.
                encoder.score(&inference::features(64)).expect("scores");
                resident(&id).expect("recorded");
            });
            bencher.iter_with_large_drop(|| self.scorer(BuiltIn::Encoder, 1));
        });
    }

    /// A loaded model, one batch after the other. The sizes that have no time of
    /// their own are recorded as rates.
    fn batches(&self, group: &mut Group<'_>, model: BuiltIn, sizes: &[usize]) {
        let loaded = OnceCell::new();
        let get = || {
            loaded.get_or_init(|| {
                let mut loaded = self.scorer(model, 1);
                if record::wanted() {
                    let id = |rows| format!("{}/{}_{}", self.name, model.name(), batch(rows));
                    rates(&mut loaded, id);
                }
                RefCell::new(loaded)
            })
        };
        for rows in sizes.iter().copied() {
            let features = inference::features(rows);
            group.throughput(Throughput::Elements(rows as u64));
            group.bench_function(format!("{}_{}", model.name(), batch(rows)), |bencher| {
                let mut session = get().borrow_mut();
                let scores = session.score(&features).expect("scores");
                model.check(&scores).expect("the model's scores");
                bencher.iter(|| session.score(&features).expect("scores"));
            });
        }
    }

    /// Several threads within one session.
    fn threads(&self, group: &mut Group<'_>, threads: usize) {
        let (model, rows) = (BuiltIn::Encoder, 8);
        let features = inference::features(rows);
        let loaded = OnceCell::new();
        group.throughput(Throughput::Elements(rows as u64));
        group.bench_function(format!("encoder_batch_{rows}_threads_{threads}"), |bencher| {
            let mut session =
                loaded.get_or_init(|| RefCell::new(self.scorer(model, threads))).borrow_mut();
            let scores = session.score(&features).expect("scores");
            model.check(&scores).expect("the model's scores");
            bencher.iter(|| session.score(&features).expect("scores"));
        });
    }

    fn batcher(&self, model: BuiltIn, workers: usize, batching: Batching) -> Batcher {
        let scorers = (0..workers).map(|_| self.scorer(model, 1)).collect();
        Batcher::start(scorers, batching).expect("a batcher")
    }

    /// Callers of the scorer, gathered into batches and one by one. An iteration
    /// is over when each has its score.
    fn callers(&self, group: &mut Group<'_>) {
        let recorded = OnceCell::new();
        for (way, batching, callers) in [
            ("unbatched", sizes::UNBATCHED, 64),
            ("batcher", sizes::BATCHING, 1),
            ("batcher", sizes::BATCHING, 64),
        ] {
            let started = OnceCell::new();
            group.throughput(Throughput::Elements(callers as u64));
            group.bench_function(format!("{way}_{callers}"), |bencher| {
                recorded.get_or_init(|| {
                    if record::wanted() {
                        self.latencies().expect("recorded");
                    }
                });
                let (_batcher, callers, runtime) = started.get_or_init(|| {
                    let batcher = self.batcher(BuiltIn::Scorer, 1, batching);
                    let callers = Callers::new(batcher.handle(), callers);
                    let runtime = runtime();
                    let answers = runtime.block_on(callers.ask()).expect("scores");
                    BuiltIn::Scorer.check(&answers.scores).expect("the model's scores");
                    (batcher, callers, runtime)
                });
                bencher
                    .to_async(runtime)
                    .iter(async || callers.ask().await.expect("scores").checksum());
            });
        }
    }

    /// What callers see: of the scorer in small and large numbers, of the encoder
    /// in large ones.
    fn latencies(&self) -> Result<(), RecordError> {
        let runtime = runtime();
        for (way, batching) in [("unbatched", sizes::UNBATCHED), ("batcher", sizes::BATCHING)] {
            for (model, numbers) in
                [(BuiltIn::Scorer, &sizes::SCORE_CALLERS[..]), (BuiltIn::Encoder, &[64])]
            {
                let batcher = self.batcher(model, 1, batching);
                for number in numbers {
                    let callers = Callers::new(batcher.handle(), *number);
                    let observed =
                        runtime.block_on(callers.observe(sizes::SCORE_LATENCIES)).expect("scores");
                    let id = if model == BuiltIn::Scorer {
                        format!("{}/{way}_{number}", self.name)
                    } else {
                        format!("{}/{}_{way}_{number}", self.name, model.name())
                    };
                    observed.record(&id)?;
                }
            }
        }
        Ok(())
    }

    /// A session for each worker: the encoder, one row at a time, by two of them.
    fn workers(&self, group: &mut Group<'_>) {
        let workers = sizes::SCORE_WORKERS;
        let id = format!("encoder_workers_{workers}");
        let started = OnceCell::new();
        group.throughput(Throughput::Elements(sizes::WORKER_CALLERS as u64));
        group.bench_function(&id, |bencher| {
            let (_batcher, callers, runtime) = started.get_or_init(|| {
                let start = |workers| {
                    let batcher = self.batcher(BuiltIn::Encoder, workers, sizes::UNBATCHED);
                    let callers = Callers::new(batcher.handle(), sizes::WORKER_CALLERS);
                    (batcher, callers)
                };
                let (runtime, (batcher, callers)) = (runtime(), start(workers));
                let answers = runtime.block_on(callers.ask()).expect("scores");
                BuiltIn::Encoder.check(&answers.scores).expect("the model's scores");
                if record::wanted() {
                    let (_alone, of_one) = start(1);
                    let id = format!("{}/{id}", self.name);
                    speedup(&id, &runtime, &callers, &of_one).expect("recorded");
                }
                (batcher, callers, runtime)
            });
            bencher
                .to_async(runtime)
                .iter(async || callers.ask().await.expect("scores").checksum());
        });
    }
}

/// How many times as fast several workers are as one: the fastest rounds of
/// both, measured in turn.
fn speedup(
    id: &str,
    runtime: &Runtime,
    several: &Callers,
    one: &Callers,
) -> Result<(), RecordError> {
    let mut fastest = [0.0_f64; 2];
    for _ in 0..sizes::RATE_ROUNDS {
        for (rate, callers) in fastest.iter_mut().zip([several, one]) {
            let observed =
                runtime.block_on(callers.observe(sizes::WORKER_CALLERS)).expect("scores");
            *rate = rate.max(observed.per_second());
        }
    }
    let metric = Metric::sampled("worker_speedup", Unit::from("times")).higher();
    record::value(id, &metric, fastest[0] / fastest[1])
}

/// The program, criterion in it, the backend, the encoder and one batch of 64.
fn resident(id: &str) -> Result<(), RecordError> {
    match inference::resident_peak() {
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

/// For the callers; the models have threads of their own.
fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime")
}
