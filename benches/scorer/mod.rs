//! The benchmarks of models, for either backend.
//!
//! `scorer` is the multi-layer perceptron, `encoder` the transformer. The times of batches
//! are those of a whole batch.

use std::cell::{OnceCell, RefCell};

use benchgate_record as record;
use benchgate_suite::inference::{
    self, Backend, BuiltIn, Fixture, Scorer, batch_name, record_rates,
};
use benchgate_suite::sizes;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput};

type Group<'a> = BenchmarkGroup<'a, WallTime>;

/// The models that come with the suite. With more than one thread, the encoder is also
/// measured with that many threads in one session.
pub(crate) fn built_in(criterion: &mut Criterion, name: &str, backend: &Backend, threads: usize) {
    let mut group = criterion.benchmark_group(name);
    let fixture = Fixture::new(name, backend);
    load(&fixture, &mut group);
    batches(&fixture, &mut group, BuiltIn::Scorer, &[1, 8, 64]);
    batches(&fixture, &mut group, BuiltIn::ScorerInt8, &[64]);
    batches(&fixture, &mut group, BuiltIn::Encoder, &[1, 8]);
    batches(&fixture, &mut group, BuiltIn::EncoderInt8, &[8]);
    if threads > 1 {
        session_threads(&fixture, &mut group, threads);
    }
    callers(&fixture, &mut group);
    workers(&fixture, &mut group);
}

/// The user's model at `MODEL_PATH`.
pub(crate) fn named(criterion: &mut Criterion, name: &str, backend: &Backend) {
    // Loaded before it is known whether a benchmark is selected: a model that cannot be
    // measured has no benchmarks.
    let mut scorer = match Scorer::load_named(backend) {
        Ok(scorer) => scorer,
        Err(unavailable) => return record::not_run(name, &unavailable.reason).expect("recorded"),
    };
    let mut group = criterion.benchmark_group(name);
    let recorded = OnceCell::new();
    for rows in [1, 8, 64] {
        let features = inference::features_of_width(scorer.width(), rows);
        group.throughput(Throughput::Elements(rows as u64));
        group.bench_function(batch_name(rows), |bencher| {
            recorded.get_or_init(|| {
                backend.record().expect("recorded");
                if record::wanted() {
                    record_rates(&mut scorer, |rows| format!("{name}/{}", batch_name(rows)));
                }
            });
            let first = scorer.score(&features).expect("scores");
            assert_eq!(first.len(), rows, "a score for each row");
            bencher.iter(|| scorer.score(&features).expect("scores"));
            assert_eq!(scorer.score(&features).expect("scores"), first, "the same scores again");
        });
    }
}

/// Loading a model, until it can score. It comes first, before the process has used memory
/// for anything else.
fn load(fixture: &Fixture<'_>, group: &mut Group<'_>) {
    let name = "encoder_load";
    let checked = OnceCell::new();
    group.bench_function(name, |bencher| {
        checked.get_or_init(|| fixture.record_load(name));
        bencher.iter_with_large_drop(|| fixture.scorer(BuiltIn::Encoder, 1));
    });
}

/// Batches of one loaded model. Batch sizes that are not timed are recorded as rates.
fn batches(fixture: &Fixture<'_>, group: &mut Group<'_>, model: BuiltIn, sizes: &[usize]) {
    let loaded = OnceCell::new();
    for rows in sizes.iter().copied() {
        let features = inference::features(rows);
        group.throughput(Throughput::Elements(rows as u64));
        group.bench_function(format!("{}_{}", model.name(), batch_name(rows)), |bencher| {
            let scorer = loaded.get_or_init(|| RefCell::new(fixture.batch_scorer(model)));
            time_scores(bencher, &mut scorer.borrow_mut(), model, &features);
        });
    }
}

/// Several threads within one session.
fn session_threads(fixture: &Fixture<'_>, group: &mut Group<'_>, threads: usize) {
    let (model, rows) = (BuiltIn::Encoder, 8);
    let features = inference::features(rows);
    let loaded = OnceCell::new();
    group.throughput(Throughput::Elements(rows as u64));
    group.bench_function(format!("encoder_batch_{rows}_threads_{threads}"), |bencher| {
        let scorer = loaded.get_or_init(|| RefCell::new(fixture.scorer(model, threads)));
        time_scores(bencher, &mut scorer.borrow_mut(), model, &features);
    });
}

fn time_scores(
    bencher: &mut criterion::Bencher<'_>,
    scorer: &mut Scorer,
    model: BuiltIn,
    features: &[f32],
) {
    let once = scorer.score(features).expect("scores");
    model.check(&once).expect("the model's scores");
    bencher.iter(|| scorer.score(features).expect("scores"));
}

/// Callers of the scorer, batched and one by one. An iteration ends when each caller has its
/// score.
fn callers(fixture: &Fixture<'_>, group: &mut Group<'_>) {
    let recorded = OnceCell::new();
    for (name, batching, callers) in [
        ("unbatched", sizes::UNBATCHED, 64),
        ("batcher", sizes::BATCHING, 1),
        ("batcher", sizes::BATCHING, 64),
    ] {
        let started = OnceCell::new();
        group.throughput(Throughput::Elements(callers as u64));
        group.bench_function(format!("{name}_{callers}"), |bencher| {
            recorded.get_or_init(|| {
                if record::wanted() {
                    fixture.record_latencies().expect("recorded");
                }
            });
            let started =
                started.get_or_init(|| fixture.start(BuiltIn::Scorer, 1, batching, callers));
            bencher.to_async(started.runtime()).iter(async || started.ask().await.expect("scores"));
        });
    }
}

/// Several workers with a session each: the encoder, one row at a time.
fn workers(fixture: &Fixture<'_>, group: &mut Group<'_>) {
    let workers = sizes::SCORE_WORKERS;
    let name = format!("encoder_workers_{workers}");
    let started = OnceCell::new();
    group.throughput(Throughput::Elements(sizes::WORKER_CALLERS as u64));
    group.bench_function(&name, |bencher| {
        let started = started.get_or_init(|| {
            let callers = sizes::WORKER_CALLERS;
            let started = fixture.start(BuiltIn::Encoder, workers, sizes::UNBATCHED, callers);
            if record::wanted() {
                fixture.record_worker_speedup(&name, &started).expect("recorded");
            }
            started
        });
        bencher.to_async(started.runtime()).iter(async || started.ask().await.expect("scores"));
    });
}
