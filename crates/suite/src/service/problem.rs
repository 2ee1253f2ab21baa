//! Errors as sent to clients: RFC 9457 problem details.

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use serde::Serialize;

use super::leads::LeadError;
use crate::inference::BatcherError;
use crate::queries::QueryError;

/// The media type of every error.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// An error for the client: what was wrong with the request, or that the service failed.
/// Internal details are only in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    detail: Cow<'static, str>,
    retry_after: Option<u16>,
}

/// The wire format. A missing `type` means `about:blank`: the status alone describes the
/// kind of problem.
#[derive(Serialize)]
struct Wire<'a> {
    title: &'a str,
    status: u16,
    detail: &'a str,
}

impl Problem {
    /// Creates a problem with a status and a readable detail.
    pub fn new(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { status, detail: detail.into(), retry_after: None }
    }

    /// The requested resource does not exist.
    pub fn not_found(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// An internal failure, which the caller has logged.
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the service failed; its log says more")
    }

    /// Too many requests are under way. The request is rejected at once, as a queue would
    /// make all requests late.
    pub fn overloaded() -> Self {
        Self::unavailable("too many requests are under way")
    }

    /// A part that is needed for the answer is not available now.
    pub fn unavailable(detail: impl Into<Cow<'static, str>>) -> Self {
        Self { retry_after: Some(1), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, detail) }
    }

    /// The answer took too long.
    pub fn timed_out() -> Self {
        Self::new(StatusCode::GATEWAY_TIMEOUT, "the answer took too long")
    }

    /// The problem for an error status that was set without a detail.
    pub fn of_status(status: StatusCode) -> Self {
        let detail = match status {
            StatusCode::NOT_FOUND => "there is nothing at this address",
            StatusCode::METHOD_NOT_ALLOWED => "this address does not accept the method: see Allow",
            StatusCode::PAYLOAD_TOO_LARGE => "the body is too large",
            _ if status.is_server_error() => return Self { status, ..Self::internal() },
            _ => "the request cannot be answered as it is",
        };
        Self::new(status, detail)
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response<Body> {
        let Self { status, detail, retry_after } = self;
        let wire = Wire {
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: &detail,
        };
        // Strings and a number can always be serialised.
        let body = serde_json::to_vec(&wire).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if let Some(seconds) = retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// Logs the error. The client only learns that the service failed.
fn internal(error: &dyn std::error::Error) -> Problem {
    tracing::error!(%error, "a request failed");
    Problem::internal()
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        internal(&error)
    }
}

impl From<BatcherError> for Problem {
    fn from(error: BatcherError) -> Self {
        match error {
            BatcherError::Overloaded { .. } => Self::overloaded(),
            BatcherError::Ended => Self::unavailable("the service is stopping"),
            error => internal(&error),
        }
    }
}

impl From<&LeadError> for Problem {
    fn from(error: &LeadError) -> Self {
        match error {
            LeadError::Unknown(number) => Self::not_found(format!("there is no lead {number}")),
            error => internal(error),
        }
    }
}

impl From<LeadError> for Problem {
    fn from(error: LeadError) -> Self {
        Self::from(&error)
    }
}

impl From<Arc<LeadError>> for Problem {
    fn from(error: Arc<LeadError>) -> Self {
        Self::from(&*error)
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        let status = rejection.status();
        if status == StatusCode::PAYLOAD_TOO_LARGE {
            return Self::of_status(status);
        }
        Self::new(status, rejection.body_text())
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}
