//! Inference on ONNX Runtime, where its library is found.
//!
//! This is a separate target with names of its own: a process holds one backend, and a machine
//! that gets the library later must not compare its times with tract's.
//!
//! | benchmark | measures | other metrics | needs | noise |
//! |---|---|---|---|---|
//! | `inference_onnxruntime/scorer_single` | One prediction of the multi-layer perceptron. | `predictions_per_second` | ONNX Runtime | low |
//! | `inference_onnxruntime/scorer_batch_{8,64}` | A batch of 8 or 64 rows. | `predictions_per_second`, `batch_speedup` | ONNX Runtime | low |
//! | `inference_onnxruntime/scorer_int8_batch_64` | A batch of 64 rows with the int8 model. | `predictions_per_second`, `batch_speedup` | ONNX Runtime | low |
//! | `inference_onnxruntime/encoder_load` | Loading the transformer: from the model's bytes to a session that can run. | `first_score`, `resident.peak` | ONNX Runtime | middle |
//! | `inference_onnxruntime/encoder_single` | One prediction of the transformer. | `predictions_per_second` | ONNX Runtime | low |
//! | `inference_onnxruntime/encoder_batch_8` | A batch of 8 rows. | `predictions_per_second`, `batch_speedup` | ONNX Runtime | low |
//! | `inference_onnxruntime/encoder_int8_batch_8` | A batch of 8 rows with the int8 model. | `predictions_per_second`, `batch_speedup` | ONNX Runtime | low |
//! | `inference_onnxruntime/encoder_batch_8_threads_2` | A batch of 8 rows with two threads in the session. | – | ONNX Runtime | high |
//! | `inference_onnxruntime/unbatched_64` | 64 callers of the scorer at once, each answered alone. | `latency`, `predictions_per_second` | ONNX Runtime | high |
//! | `inference_onnxruntime/batcher_{1,64}` | 1 or 64 callers at once, gathered into batches. | `latency`, `predictions_per_second` | ONNX Runtime | high |
//! | `inference_onnxruntime/encoder_workers_2` | 16 callers of the transformer, shared by two workers with a session each. | `worker_speedup` | ONNX Runtime | high |
//! | `inference_model_onnxruntime/single` | One row with your own model. | `predictions_per_second` | ONNX Runtime, `MODEL_PATH` | low |
//! | `inference_model_onnxruntime/batch_{8,64}` | A batch of 8 or 64 rows with your own model. | `predictions_per_second`, `batch_speedup` | ONNX Runtime, `MODEL_PATH` | low |
//!
//! Rates, and what callers see, are recorded for further sizes without a time of their own.
//!
//! | also recorded | what it is | metrics | needs |
//! |---|---|---|---|
//! | `inference_onnxruntime/scorer_batch_{16,32}`, `inference_onnxruntime/scorer_int8_batch_{8,16,32}` | The scorer in batches of other sizes. | `predictions_per_second`, `batch_speedup` | ONNX Runtime |
//! | `inference_onnxruntime/encoder_batch_{16,32,64}`, `inference_onnxruntime/encoder_int8_batch_{16,32,64}` | The transformer in batches of other sizes. | `predictions_per_second`, `batch_speedup` | ONNX Runtime |
//! | `inference_onnxruntime/{scorer,encoder}_int8_single` | Single rows with the int8 models. | `predictions_per_second` | ONNX Runtime |
//! | `inference_onnxruntime/unbatched_{1,8}`, `inference_onnxruntime/batcher_8`, `inference_onnxruntime/encoder_{unbatched,batcher}_64` | Other numbers of callers, and the transformer with 64 of them. | `latency`, `predictions_per_second` | ONNX Runtime |
//! | `inference_model_onnxruntime/batch_{16,32}` | Your own model in batches of other sizes. | `predictions_per_second`, `batch_speedup` | ONNX Runtime, `MODEL_PATH` |

use benchgate_record as record;
use benchgate_suite::{inference, sizes};
use criterion::{Criterion, criterion_group, criterion_main};

mod clock;
mod scorer;

fn onnx_runtime(criterion: &mut Criterion) {
    const GROUP: &str = "inference_onnxruntime";
    // Started here, so that a file that is not such a library is a reason too.
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
    config = clock::settings();
    targets = onnx_runtime
}
criterion_main!(benches);
