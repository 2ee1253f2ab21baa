//! Round trips over loopback: a [`Server`] on threads of its own, and a
//! [`Client`] that keeps its connection, of HTTP/1.1 or h2. Or to a service of
//! the user's own: see [`Target`].

pub use client::{Call, Client, Protocol, Reply};
pub use server::Server;
pub use target::Target;

use super::SuiteError;

mod client;
mod server;
mod target;

fn failed<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
    action: &'static str,
) -> impl FnOnce(E) -> SuiteError {
    move |source| SuiteError::Http { action, source: source.into() }
}
