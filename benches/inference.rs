//! Inference on tract, the backend that is always there.

use benchgate_suite::inference::Backend;
use criterion::{Criterion, criterion_group, criterion_main};

mod scorer;

fn tract(criterion: &mut Criterion) {
    scorer::built_in(criterion, "inference", &Backend::Tract, 1);
    scorer::named(criterion, "inference_model", &Backend::Tract);
}

criterion_group! {
    name = benches;
    config = scorer::times();
    targets = tract
}
criterion_main!(benches);
