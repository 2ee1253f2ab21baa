//! Round trips over loopback between a [`Server`] on its own threads and a [`Client`]
//! that keeps its connection, over HTTP/1.1 or h2; or to the user's own service, see
//! [`Target`].
//!
//! | item | purpose |
//! |---|---|
//! | [`Server`] | the reference service, or other routes, on loopback |
//! | [`Client`], [`Call`] | one connection, and a request that is sent many times |
//! | [`Target`] | the user's own service, at `TARGET_URL` |
//! | [`Requests`] | the requests that benchmarks send, with the answers that they must get |
//! | [`Fixture`] | what benchmarks share: the client's runtime, the server, the metrics to record |

pub use client::{Call, Client, Protocol, Reply};
pub use error::HttpError;
pub use fixture::{Concurrent, Fixture, Prepared, record_round_trips};
pub use requests::Requests;
pub use server::Server;
pub use target::Target;

mod client;
mod error;
mod fixture;
mod requests;
mod server;
mod target;
