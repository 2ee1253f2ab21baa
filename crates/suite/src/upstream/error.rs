//! Why the upstream gave no answer.

use std::sync::Arc;
use std::time::Duration;

use super::breaker::Rejected;

/// The cause of an error, shared because the error of a batch goes to many callers.
pub(super) type Source = Arc<dyn std::error::Error + Send + Sync>;

/// Why the upstream gave no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum UpstreamError {
    /// Nothing was sent, because the breaker is open.
    #[error("{uri}: not sent, {rejected}")]
    Open {
        /// The address of the request.
        uri: String,
        /// The breaker's reason.
        rejected: Rejected,
    },
    /// No answer within the time of one attempt.
    #[error("{uri}: no answer within {within:?}")]
    TimedOut {
        /// The address of the request.
        uri: String,
        /// The attempt's time-out.
        within: Duration,
    },
    /// No connection, or one that ended before the answer was complete.
    #[error("{uri}: no answer: {}", causes(source))]
    Connection {
        /// The address of the request.
        uri: String,
        /// The client's error.
        source: Source,
    },
    /// An answer with an error status.
    #[error("{uri}: answered {status}")]
    Status {
        /// The address of the request.
        uri: String,
        /// The status code.
        status: u16,
    },
    /// An answer that cannot be parsed.
    #[error("{uri}: cannot parse the answer: {source}")]
    Answer {
        /// The address of the request.
        uri: String,
        /// What is wrong with it.
        source: Source,
    },
    /// An invalid address.
    #[error("`{address}` is not the address of an upstream: {source}; write http://HOST:PORT")]
    Address {
        /// The address.
        address: String,
        /// What is wrong with it.
        source: Source,
    },
    /// The lookup's batch was never finished.
    #[error("the lookup's batch was abandoned, because its runtime has ended")]
    Lost,
    /// The faulty upstream could not be started.
    #[error("cannot {action}: {source}")]
    Start {
        /// What was being done.
        action: &'static str,
        /// The system's error.
        source: Source,
    },
}

impl UpstreamError {
    /// Whether the breaker counts it as a failure of the upstream. A refused request (4xx)
    /// is not one.
    pub fn is_failure(&self) -> bool {
        match self {
            Self::TimedOut { .. } | Self::Connection { .. } | Self::Answer { .. } => true,
            Self::Status { status, .. } => *status >= 500,
            Self::Open { .. } | Self::Address { .. } | Self::Lost | Self::Start { .. } => false,
        }
    }

    /// Whether the same request may succeed soon: without a connection or an answer in
    /// time, and with the statuses 429, 502, 503 and 504.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::TimedOut { .. } | Self::Connection { .. } => true,
            Self::Status { status, .. } => matches!(status, 429 | 502 | 503 | 504),
            Self::Open { .. }
            | Self::Answer { .. }
            | Self::Address { .. }
            | Self::Lost
            | Self::Start { .. } => false,
        }
    }
}

/// An error with all of its causes, as HTTP clients wrap them several times.
fn causes(source: &Source) -> String {
    let mut text = source.to_string();
    let mut beneath = source.source();
    while let Some(cause) = beneath {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        beneath = cause.source();
    }
    text
}

/// Converts the cause of an error.
pub(super) fn shared(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Source {
    Source::from(source.into())
}
