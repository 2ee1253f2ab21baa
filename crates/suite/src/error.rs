//! The error of any workload.

use crate::cache::CacheError;
use crate::http::HttpError;
use crate::inference::{BatcherError, InferenceError};
use crate::queries::QueryError;
use crate::services::SetUpError;
use crate::upstream::UpstreamError;

/// The error of any workload, for code that uses several of them.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub enum SuiteError {
    /// The cache in Redis failed.
    Cache(#[from] CacheError),
    /// A database failed.
    Query(#[from] QueryError),
    /// A model failed.
    Inference(#[from] InferenceError),
    /// The batcher failed.
    Batcher(#[from] BatcherError),
    /// The HTTP client or server failed.
    Http(#[from] HttpError),
    /// A call of the upstream failed.
    Upstream(#[from] UpstreamError),
    /// A file or process could not be set up.
    SetUp(#[from] SetUpError),
}
