//! How large the workloads are: the one place to look, and to change.
//!
//! A changed size is a changed benchmark: its baseline has to be measured anew.

use std::time::Duration;

/// Entries that the in-process cache may hold.
pub const L1_CAPACITY: u64 = 50_000;
/// Entries that it does hold: 10 MiB of payloads, more than most L2 caches.
pub const L1_ENTRIES: u32 = 10_000;
/// Long enough that nothing expires while a benchmark runs.
pub const L1_TIME_TO_LIVE: Duration = Duration::from_mins(30);
/// Bytes of one cached value: a lead with its scores, as JSON.
pub const PAYLOAD_BYTES: usize = 1024;
/// Keys that a lookup benchmark goes through before it starts again.
pub const LOOKUP_KEYS: u32 = 4096;

/// Entries put into Redis.
pub const REDIS_ENTRIES: u32 = 1000;
/// Entries expire by themselves if a killed program could not remove them.
pub const REDIS_TIME_TO_LIVE: Duration = Duration::from_mins(30);
/// A reply that takes longer is an error.
pub const REDIS_RESPONSE_TIMEOUT: Duration = Duration::from_secs(1);
/// A connection that takes longer is an error.
pub const REDIS_CONNECTION_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a privately started server may take until it answers.
pub const SERVICE_START_TIMEOUT: Duration = Duration::from_secs(10);

/// Rows in the table of leads.
pub const LEADS: u32 = 10_000;
/// Connections in the pool.
pub const POOL_CONNECTIONS: u32 = 5;
/// A connection that cannot be had within this time is an error.
pub const POOL_ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// Features of one row of the scorer's input; the model's shape.
pub const FEATURES: usize = 32;
/// Rows in a batch.
pub const BATCH: usize = 32;

/// Worker threads of the HTTP server's own runtime.
pub const HTTP_SERVER_THREADS: usize = 1;
/// Leads that the HTTP server knows.
pub const HTTP_LEADS: u64 = 1000;
/// A round trip that takes longer is an error.
pub const HTTP_TIMEOUT: Duration = Duration::from_secs(5);
