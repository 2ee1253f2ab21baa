//! When a batch of callers starts.

use std::time::Duration;

/// How callers are gathered into batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batching {
    /// The maximum number of rows in a batch.
    pub max_rows: usize,
    /// The maximum time that a caller waits for others. A batch starts sooner if it is
    /// full.
    pub max_wait: Duration,
    /// The maximum number of waiting callers, not counting those whose batch is
    /// running. Further callers are rejected at once: an unbounded queue would only
    /// make all of them late.
    pub queue: usize,
}
