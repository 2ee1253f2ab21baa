//! Responses read to their end.

use axum::body::{Body, Bytes, to_bytes};
use axum::http::Response;
use axum::http::response::Parts;
use axum::response::IntoResponse as _;

use super::problem::Problem;
use crate::sizes;

/// A response's head and all of its body; an error response where the body fails
/// or is longer than any that the service makes.
pub(super) async fn whole(response: Response<Body>) -> Result<(Parts, Bytes), Response<Body>> {
    let (parts, body) = response.into_parts();
    match to_bytes(body, sizes::SERVICE_RESPONSE_BYTES_MAX).await {
        Ok(bytes) => Ok((parts, bytes)),
        Err(error) => {
            tracing::error!(%error, "a response could not be finished");
            Err(Problem::internal().into_response())
        }
    }
}
