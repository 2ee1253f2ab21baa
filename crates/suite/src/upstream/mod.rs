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

pub use batch::{BatchError, Batcher};
pub use breaker::{Breaker, BreakerConfig, Permit, Rejected, State};
pub use client::{Client, Counts};
pub use clock::Clock;
pub use config::{BatchConfig, ClientConfig};
pub use error::UpstreamError;
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
mod config;
mod error;
mod fault;
mod fixture;
mod retry;
mod server;
mod valuations;
