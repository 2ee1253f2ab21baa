//! Complete bodies of responses.

use axum::body::{Body, Bytes, to_bytes};
use axum::http::Response;
use axum::http::response::Parts;
use axum::response::IntoResponse as _;

use super::problem::Problem;
use crate::sizes;

/// Reads a whole response. Returns an error response if the body fails or is longer than
/// any body of this service.
pub(super) async fn whole(response: Response<Body>) -> Result<(Parts, Bytes), Response<Body>> {
    let (parts, body) = response.into_parts();
    match to_bytes(body, sizes::SERVICE_RESPONSE_BYTES_MAX).await {
        Ok(bytes) => Ok((parts, bytes)),
        Err(error) => {
            tracing::error!(%error, "the body of a response failed");
            Err(Problem::internal().into_response())
        }
    }
}
