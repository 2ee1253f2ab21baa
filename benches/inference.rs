//! Inference on tract, the backend that is always there.

use benchgate::suite::inference::Backend;
use criterion::{Criterion, criterion_group, criterion_main};

mod scorer;

fn tract(criterion: &mut Criterion) {
    scorer::single_against_batch(criterion, "inference", &Backend::Tract);
}

criterion_group!(benches, tract);
criterion_main!(benches);
