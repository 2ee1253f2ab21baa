//! Why an HTTP request or server failed.

/// Why the HTTP client or server failed.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The connection, the server or a part of it failed.
    #[error("HTTP: cannot {action}: {source}")]
    Failed {
        /// What was being done.
        action: &'static str,
        /// The cause.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server answered with an unexpected status.
    #[error("HTTP: {uri} answered {status}")]
    Status {
        /// The address of the request.
        uri: String,
        /// The status code.
        status: u16,
    },
}

impl HttpError {
    /// A short name of the kind, under which failures are counted: `status_503`.
    pub fn kind(&self) -> String {
        match self {
            Self::Failed { .. } => "connection".to_owned(),
            Self::Status { status, .. } => format!("status_{status}"),
        }
    }
}

/// Converts the cause of a failure.
pub(super) fn failed<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
    action: &'static str,
) -> impl FnOnce(E) -> HttpError {
    move |source| HttpError::Failed { action, source: source.into() }
}
