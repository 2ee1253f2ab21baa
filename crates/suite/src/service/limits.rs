//! The limits of the service.

use std::time::Duration;

/// The limits of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Concurrent requests of the API; further ones are answered with 503.
    pub requests: usize,
    /// Concurrent connections; further ones wait.
    pub connections: usize,
    /// Concurrent requests on one h2 connection.
    pub streams: u32,
    /// The time for an answer, from the request's head; beyond it the answer is 504.
    pub timeout: Duration,
    /// The time for a request's head to arrive, and for a connection to be idle.
    pub head: Duration,
    /// Bytes of a request's body; beyond it the answer is 413.
    pub body_bytes: usize,
    /// The time to answer the requests under way when the service stops.
    pub drain: Duration,
}
