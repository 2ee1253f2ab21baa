//! Inference on tract, the ONNX backend in pure Rust that is always available. The time of a
//! batch is the time of the whole batch.
//!
//! | benchmark | measures | other metrics | needs | noise |
//! |---|---|---|---|---|
//! | `inference/scorer_single` | One prediction of the multi-layer perceptron. | `predictions_per_second` | – | low |
//! | `inference/scorer_batch_{8,64}` | A batch of 8 or 64 rows. | `predictions_per_second`, `batch_speedup` | – | low |
//! | `inference/scorer_int8_batch_64` | A batch of 64 rows with the int8 model. | `predictions_per_second`, `batch_speedup` | – | low |
//! | `inference/encoder_load` | Loading the transformer: from the model's bytes to a session that can run. | `first_score`, `resident.peak` | – | middle |
//! | `inference/encoder_single` | One prediction of the transformer. | `predictions_per_second` | – | low |
//! | `inference/encoder_batch_8` | A batch of 8 rows. | `predictions_per_second`, `batch_speedup` | – | low |
//! | `inference/encoder_int8_batch_8` | A batch of 8 rows with the int8 model. | `predictions_per_second`, `batch_speedup` | – | low |
//! | `inference/unbatched_64` | 64 callers of the scorer at once, each answered alone. | `latency`, `predictions_per_second` | – | high |
//! | `inference/batcher_{1,64}` | 1 or 64 callers at once, gathered into batches. | `latency`, `predictions_per_second` | – | high |
//! | `inference/encoder_workers_2` | 16 callers of the transformer, shared by two workers with a session each. | `worker_speedup` | – | high |
//! | `inference_model/single` | One row with your own model. | `predictions_per_second` | `MODEL_PATH` | low |
//! | `inference_model/batch_{8,64}` | A batch of 8 or 64 rows with your own model. | `predictions_per_second`, `batch_speedup` | `MODEL_PATH` | low |
//!
//! Rates, and what callers see, are recorded for further sizes without a time of their own.
//!
//! | also recorded | what it is | metrics | needs |
//! |---|---|---|---|
//! | `inference/scorer_batch_{16,32}`, `inference/scorer_int8_batch_{8,16,32}` | The scorer in batches of other sizes. | `predictions_per_second`, `batch_speedup` | – |
//! | `inference/encoder_batch_{16,32,64}`, `inference/encoder_int8_batch_{16,32,64}` | The transformer in batches of other sizes. | `predictions_per_second`, `batch_speedup` | – |
//! | `inference/{scorer,encoder}_int8_single` | Single rows with the int8 models. | `predictions_per_second` | – |
//! | `inference/unbatched_{1,8}`, `inference/batcher_8`, `inference/encoder_{unbatched,batcher}_64` | Other numbers of callers, and the transformer with 64 of them. | `latency`, `predictions_per_second` | – |
//! | `inference_model/batch_{16,32}` | Your own model in batches of other sizes. | `predictions_per_second`, `batch_speedup` | `MODEL_PATH` |

use benchgate_suite::inference::Backend;
use criterion::{Criterion, criterion_group, criterion_main};

mod clock;
mod scorer;

fn tract(criterion: &mut Criterion) {
    scorer::built_in(criterion, "inference", &Backend::Tract, 1);
    scorer::named(criterion, "inference_model", &Backend::Tract);
}

criterion_group! {
    name = benches;
    config = clock::settings();
    targets = tract
}
criterion_main!(benches);
