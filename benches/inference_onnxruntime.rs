//! Inference on ONNX Runtime, where its library is found.
//!
//! A target and ids of its own: a process holds one backend, and a machine that
//! gets the library later must not compare it with tract.

use benchgate::record;
use benchgate::suite::inference;
use criterion::{Criterion, criterion_group, criterion_main};

mod scorer;

fn onnx_runtime(criterion: &mut Criterion) {
    const GROUP: &str = "inference_onnxruntime";
    match inference::onnx_runtime() {
        Ok(backend) => scorer::single_against_batch(criterion, GROUP, &backend),
        Err(unavailable) => record::not_run(GROUP, &unavailable.reason).expect("recorded"),
    }
}

criterion_group!(benches, onnx_runtime);
criterion_main!(benches);
