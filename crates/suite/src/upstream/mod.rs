//! Calls of another service over HTTP, with retries, a circuit breaker and batches; and a
//! faulty service to call.
//!
//! | type | purpose |
//! |---|---|
//! | [`Client`] | requests with a time-out, retries of idempotent requests, a breaker around each attempt |
//! | [`RetryPolicy`], [`RetryBudget`] | exponential backoff with seeded jitter, and a limit on the number of retries |
//! | [`Breaker`] | closed, open, half open; usable without the client |
//! | [`Batcher`] | joins single lookups into one; usable without the client |
//! | [`Valuations`] | the upstream's answers: one at a time, many at once, and in batches |
//! | [`FaultyUpstream`] | the upstream itself, on loopback, with [`Faults`] that a test sets |
//! | [`Fixture`] | the upstream and its caller together, for benchmarks |
//! | [`Clock`] | the system's time, or a clock that a test moves |
//!
//! ```
//! use benchgate_suite::upstream::{
//!     BatchConfig, Client, ClientConfig, Fault, Faults, FaultyUpstream, Valuations, valuation,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let upstream = FaultyUpstream::start(Faults::script([Fault::Unavailable]))?;
//! tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//!     let client = Client::new(&upstream.base(), ClientConfig::default())?;
//!     let valuations = Valuations::new(client, BatchConfig::default());
//!     // The first attempt fails; the retry succeeds.
//!     assert_eq!(valuations.one(7).await?, Some(valuation(7)));
//!     assert_eq!(upstream.requests(), 2);
//!     Ok(())
//! })
//! # }
//! ```

use std::sync::Arc;
use std::time::Duration;

pub use batch::{BatchConfig, BatchError, Batcher};
pub use breaker::{Breaker, BreakerConfig, Permit, Rejected, State};
pub use client::{Client, ClientConfig, Counts};
pub use clock::Clock;
pub use fault::{Fault, Faults, Shares};
pub use fixture::{
    Fixture, be_rejected, expected_checksum, record_requests, record_success_rates, value_property,
};
pub use retry::{RetryBudget, RetryPolicy};
pub use server::FaultyUpstream;
pub use valuations::{Valuation, Valuations, valuation};

mod batch;
mod breaker;
mod client;
mod clock;
mod fault;
mod fixture;
mod retry;
mod server;
mod valuations;

/// The cause of an error, shared because the error of a batch goes to many callers.
type Source = Arc<dyn std::error::Error + Send + Sync>;

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
fn shared(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Source {
    Source::from(source.into())
}
