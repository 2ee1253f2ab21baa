//! Inference on ONNX Runtime, where its library is found.
//!
//! A target and ids of its own: a process holds one backend, and a machine that
//! gets the library later must not compare it with tract.

use benchgate_record as record;
use benchgate_suite::{inference, sizes};
use criterion::{Criterion, criterion_group, criterion_main};

mod scorer;

fn onnx_runtime(criterion: &mut Criterion) {
    const GROUP: &str = "inference_onnxruntime";
    // Started here, so that a library of another kind is a reason, too.
    let backend = inference::onnx_runtime().map_err(|unavailable| unavailable.reason);
    match backend.and_then(|backend| match backend.start() {
        Ok(()) => Ok(backend),
        Err(error) => Err(error.to_string()),
    }) {
        Ok(backend) => {
            scorer::built_in(criterion, GROUP, &backend, sizes::SCORE_WORKERS);
            scorer::named(criterion, "inference_model_onnxruntime", &backend);
        }
        Err(reason) => record::not_run(GROUP, &reason).expect("recorded"),
    }
}

criterion_group! {
    name = benches;
    config = scorer::times();
    targets = onnx_runtime
}
criterion_main!(benches);
