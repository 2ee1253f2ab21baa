//! Another service over HTTP, as a service calls it: with retries, a circuit
//! breaker and batches; and a faulty one to call.
//!
//! | module | what |
//! |---|---|
//! | [`Client`] | requests with a time-out, retries of what may be repeated, a breaker around each attempt |
//! | [`RetryPolicy`], [`RetryBudget`] | exponential backoff with jitter from a seed, and how many retries there may be at all |
//! | [`Breaker`] | closed, open, half open; usable without the client |
//! | [`Batcher`] | joins single lookups into one; usable without the client |
//! | [`Valuations`] | the upstream's answers: singly, many at once, and in batches |
//! | [`FaultyUpstream`] | the upstream itself, over loopback, with [`Faults`] that the test sets |
//! | [`Clock`] | the time, or one that a test moves |
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
//!     // The first attempt fails, the retry does not.
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
pub use retry::{RetryBudget, RetryPolicy};
pub use server::FaultyUpstream;
pub use valuations::{Valuation, Valuations, valuation};

mod batch;
mod breaker;
mod client;
mod clock;
mod fault;
mod retry;
mod server;
mod valuations;

/// What a library underneath says; shared, as a batch's error goes to many.
type Source = Arc<dyn std::error::Error + Send + Sync>;

/// Why the upstream gave no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum UpstreamError {
    /// Nothing was sent: the breaker is open.
    #[error("{uri}: not sent, {rejected}")]
    Open {
        /// What was asked for.
        uri: String,
        /// What the breaker says.
        rejected: Rejected,
    },
    /// No answer within the time of one attempt.
    #[error("{uri}: no answer within {within:?}")]
    TimedOut {
        /// What was asked for.
        uri: String,
        /// The attempt's time-out.
        within: Duration,
    },
    /// No connection, or one that ended before the answer did.
    #[error("{uri}: no answer: {}", causes(source))]
    Connection {
        /// What was asked for.
        uri: String,
        /// What the client says.
        source: Source,
    },
    /// An answer that is no success.
    #[error("{uri}: answered {status}")]
    Status {
        /// What was asked for.
        uri: String,
        /// The status code.
        status: u16,
    },
    /// An answer that cannot be read.
    #[error("{uri}: the answer cannot be read: {source}")]
    Answer {
        /// What was asked for.
        uri: String,
        /// What is wrong with it.
        source: Source,
    },
    /// No address of an HTTP service.
    #[error("`{address}` is no address of an upstream: {source}; write it as http://HOST:PORT")]
    Address {
        /// What was given.
        address: String,
        /// What is wrong with it.
        source: Source,
    },
    /// The lookup was in a batch that nobody finished.
    #[error("the batch that the lookup was in was given up; its runtime has ended")]
    Lost,
}

impl UpstreamError {
    /// Whether it speaks against the upstream, as the breaker counts: a request
    /// that the upstream refuses (4xx) does not.
    pub fn is_failure(&self) -> bool {
        match self {
            Self::TimedOut { .. } | Self::Connection { .. } | Self::Answer { .. } => true,
            Self::Status { status, .. } => *status >= 500,
            Self::Open { .. } | Self::Address { .. } | Self::Lost => false,
        }
    }

    /// Whether the same request may succeed a moment later: no connection, no
    /// answer in time, and the statuses that say so (429, 502, 503, 504).
    pub fn is_transient(&self) -> bool {
        match self {
            Self::TimedOut { .. } | Self::Connection { .. } => true,
            Self::Status { status, .. } => matches!(status, 429 | 502 | 503 | 504),
            Self::Open { .. } | Self::Answer { .. } | Self::Address { .. } | Self::Lost => false,
        }
    }
}

/// An error with what lies beneath it: HTTP clients wrap the cause several times.
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

/// Hands over what a library says.
fn shared(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Source {
    Source::from(source.into())
}
