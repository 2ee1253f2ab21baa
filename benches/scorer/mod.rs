//! The scorer's benchmarks, for either backend: one row against a batch.

use std::cell::{OnceCell, RefCell};

use benchgate::suite::inference::{self, Backend, Scorer};
use benchgate::suite::sizes;
use criterion::{Criterion, Throughput};

/// What numpy gives for one row and for a batch, in thousandths: scripts/models
/// prints it.
const SINGLE: u64 = 294;
const BATCH: u64 = 14_599;

pub(crate) fn single_against_batch(criterion: &mut Criterion, group: &str, backend: &Backend) {
    let loaded = OnceCell::new();
    let scorer = || {
        loaded.get_or_init(|| {
            let scorer = Scorer::load(backend).expect("a loaded model");
            scorer.record().expect("recorded");
            RefCell::new(scorer)
        })
    };
    let mut group = criterion.benchmark_group(group);
    for (name, rows, expected) in
        [("single".to_owned(), 1, SINGLE), (format!("batch_{}", sizes::BATCH), sizes::BATCH, BATCH)]
    {
        let features = inference::features(rows);
        group.throughput(Throughput::Elements(rows as u64));
        group.bench_function(name, |bencher| {
            let mut scorer = scorer().borrow_mut();
            let sum = scorer.checksum_of(&features).expect("scores");
            assert_eq!(sum, expected, "the scores of {rows} rows");
            bencher.iter(|| scorer.checksum_of(&features).expect("scores"));
        });
    }
}
