//! Why a model or a batcher gives no scores.

use std::io;
use std::sync::Arc;

use super::Backend;
use crate::sizes;

/// Why a model could not be loaded or run.
#[derive(Debug, thiserror::Error)]
pub enum InferenceError {
    /// The backend failed.
    #[error("inference on {backend}: cannot {action}: {source}")]
    Backend {
        /// The backend.
        backend: Backend,
        /// What was being done.
        action: &'static str,
        /// The backend's error.
        source: ort::Error,
    },
    /// ONNX Runtime's library could not be loaded.
    #[error(
        "cannot load ONNX Runtime: {source}; `scripts/setup` installs a suitable version, or set \
         ORT_DYLIB_PATH to another library"
    )]
    Library {
        /// The loader's error.
        source: ort::LoadDynamicError,
    },
    /// The process has already loaded another backend.
    #[error("this process already runs inference on {loaded}; {wanted} needs another process")]
    OtherBackend {
        /// The loaded backend.
        loaded: Backend,
        /// The requested backend.
        wanted: Backend,
    },
    /// The features are not a whole number of rows.
    #[error("{values} values are not a whole number of rows of {width} features")]
    Features {
        /// The number of values.
        values: usize,
        /// The number of features in a row.
        width: usize,
    },
    /// A model returned a wrong number of scores.
    #[error("the model returned {scores} scores for {rows} rows; expected one per row")]
    Scores {
        /// The number of scores.
        scores: usize,
        /// The number of rows.
        rows: usize,
    },
    /// The suite cannot use the model.
    #[error(
        "the model cannot be used: {problem}; it needs one input, a tensor of f32 [batch, n] with a \
         batch of any size, and an output of f32"
    )]
    Model {
        /// What is wrong with it.
        problem: String,
    },
    /// There are no reference scores for a batch of this size.
    #[error("no reference scores for a batch of {rows} rows, only for {:?}", sizes::BATCHES)]
    NoReference {
        /// The number of rows.
        rows: usize,
    },
    /// A score differs from numpy's.
    #[error("{model}, row {row}: the score is {score}, but numpy gives {reference}")]
    WrongScore {
        /// The model.
        model: &'static str,
        /// The first row with a wrong score.
        row: usize,
        /// The score.
        score: f32,
        /// Numpy's score.
        reference: f32,
    },
}

/// Why a batcher could not start, or gave no score.
#[derive(Debug, thiserror::Error)]
pub enum BatcherError {
    /// The configuration is not usable.
    #[error("cannot batch: {problem}")]
    Configuration {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The system refused to start a worker's thread.
    #[error("cannot start a thread of the batcher: {0}")]
    Thread(io::Error),
    /// The features are not exactly one row.
    #[error("{values} values are not one row of {width} features")]
    Features {
        /// The number of values.
        values: usize,
        /// The number of features in a row.
        width: usize,
    },
    /// The queue is full.
    #[error("overloaded: {waiting} callers are already waiting for a score; try again later")]
    Overloaded {
        /// The number of waiting callers.
        waiting: usize,
    },
    /// The model failed on the caller's batch.
    #[error("the batch failed: {source}")]
    Batch {
        /// The model's error, shared by all callers of the batch.
        source: Arc<InferenceError>,
    },
    /// The batcher was stopped, or its workers have died.
    #[error("no score: the batcher was stopped, or its workers have died; start another one")]
    Ended,
}
