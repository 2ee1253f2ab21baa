//! The settings of a client and of batches.

use std::time::Duration;

use super::{BreakerConfig, RetryPolicy};

/// The limits of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientConfig {
    /// The time for one attempt: connecting, sending and reading the whole answer.
    pub attempt_timeout: Duration,
    /// No retry starts later than this after the request.
    pub deadline: Duration,
    /// How failed requests are retried.
    pub retry: RetryPolicy,
    /// When the upstream is not called for a while.
    pub breaker: BreakerConfig,
    /// Bytes of an answer; a longer one is an error.
    pub answer_bytes_max: usize,
}

/// When a batch is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchConfig {
    /// The maximum number of lookups in a batch. With 0 or 1, each lookup is sent alone.
    pub max_size: usize,
    /// The maximum time after the first lookup. With zero, a batch holds only lookups that
    /// are already waiting.
    pub max_wait: Duration,
}
