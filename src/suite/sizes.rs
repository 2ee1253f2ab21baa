//! How large the workloads are: the one place to look, and to change.
//!
//! A changed size is a changed benchmark: its baseline has to be measured anew.

use std::time::Duration;

use super::cache::Lifetimes;

/// Criterion's warm-up for each benchmark of the cache under a plain `cargo
/// bench`; its options, and so the gate, set other times.
pub const CLOCK_WARM_UP: Duration = Duration::from_millis(300);
/// The time that it measures for.
pub const CLOCK_TIME: Duration = Duration::from_secs(1);
/// Its samples.
pub const CLOCK_SAMPLES: usize = 50;

/// Values of [`PAYLOAD_BYTES`] that the in-process cache has room for.
pub const L1_CAPACITY: u32 = 50_000;
/// Entries that it holds in most benchmarks: 10 MiB of payloads, more than most
/// L2 caches of processors.
pub const L1_ENTRIES: u32 = 10_000;
/// Long enough that nothing expires while a benchmark runs.
pub const L1_LIFETIMES: Lifetimes = Lifetimes {
    live: Duration::from_mins(15),
    standard: Duration::from_mins(30),
    reference: Duration::from_hours(2),
};
/// Bytes of one cached value: a lead with its scores, as JSON.
pub const PAYLOAD_BYTES: usize = 1024;
/// Keys that a lookup benchmark goes through before it starts again.
pub const LOOKUP_KEYS: u32 = 4096;
/// Bytes, at least, of a large value: a lead with its history.
pub const DOCUMENT_BYTES: usize = 16 * 1024;
/// Values of this size and more are compressed where anything is.
pub const COMPRESSION_THRESHOLD: usize = 4 * 1024;
/// No value is larger: what says that it is, is damaged.
pub const VALUE_BYTES_MAX: usize = 1024 * 1024;
/// Different values that the source behind the cache hands out.
pub const SOURCE_VALUES: u32 = 1024;

/// The default pattern's working set: twice as many leads as there is room for.
pub const ZIPF_KEYS: u32 = 100_000;
/// The default pattern's skew.
pub const ZIPF_SKEW: f64 = 1.1;
/// Working sets whose hit rates are recorded, each at each of [`ZIPF_SKEWS`].
pub const ZIPF_WORKING_SETS: [u32; 2] = [ZIPF_KEYS, 500_000];
/// Skews whose hit rates are recorded.
pub const ZIPF_SKEWS: [f64; 3] = [0.8, ZIPF_SKEW, 1.3];
/// The hot and cold split: leads, how many of them are hot, and the share of
/// lookups that goes to these.
pub const HOT_COLD: (u32, u32, f64) = (ZIPF_KEYS, ZIPF_KEYS / 5, 0.9);
/// Lookups of a full cache before hits are counted.
pub const ZIPF_WARM_UP: u32 = 100_000;
/// Lookups of which hits are counted.
pub const ZIPF_LOOKUPS: u32 = 100_000;

/// Tasks that look up at the same time.
pub const CONTENTION_TASKS: [usize; 3] = [1, 2, 8];
/// Threads that these tasks run on.
pub const CONTENTION_THREADS: usize = 2;
/// Lookups of all these tasks together.
pub const CONTENTION_LOOKUPS: u32 = 4000;
/// Callers who want the same missing value at once.
pub const STAMPEDE_CALLERS: usize = 8;

/// Entries put into Redis.
pub const REDIS_ENTRIES: u32 = 1000;
/// Large values put into Redis.
pub const REDIS_DOCUMENTS: u32 = 64;
/// Leads in one batch from Redis.
pub const REDIS_BATCH: u32 = 32;
/// GETs of which the latency's quantile is recorded. A 99th percentile with ten
/// samples above it takes a thousand.
pub const REDIS_LATENCY_LOOKUPS: u32 = 3000;
/// Entries expire by themselves if a killed program could not remove them.
pub const REDIS_LIFETIMES: Lifetimes = Lifetimes {
    live: Duration::from_mins(20),
    standard: Duration::from_mins(30),
    reference: Duration::from_hours(2),
};
/// Bytes that a server with a limit must have left: several times what is
/// written.
pub const REDIS_ROOM: u64 = 64 * 1024 * 1024;
/// A reply that takes longer is an error.
pub const REDIS_RESPONSE_TIMEOUT: Duration = Duration::from_secs(1);
/// A connection that takes longer is an error.
pub const REDIS_CONNECTION_TIMEOUT: Duration = Duration::from_secs(2);

/// Leads of the pattern on both levels: the first has room for a tenth of them,
/// and the second holds half.
pub const TIERED_KEYS: u32 = 4000;
/// Its skew.
pub const TIERED_SKEW: f64 = 1.0;
/// Lookups of that pattern.
pub const TIERED_LOOKUPS: u32 = 5000;

/// How long a privately started server may take until it answers.
pub const SERVICE_START_TIMEOUT: Duration = Duration::from_secs(10);

/// Organisations in the database of the query workload.
pub const ORGANISATIONS: u32 = 500;
/// Users: ten of each organisation.
pub const USERS: u32 = 5000;
/// Properties; as many again in a table without the index.
pub const PROPERTIES: u32 = 20_000;
/// Leads.
pub const LEADS: u32 = 50_000;
/// Audit logs. With all the others 135,500 rows.
pub const AUDIT_LOGS: u32 = 40_000;
/// Rows on one page of a list.
pub const PAGE_ROWS: u32 = 20;
/// Width of the range of prices that is asked for: about ten properties of a town.
pub const PRICE_SPAN: i64 = 90_000;
/// Rows of one insert.
pub const INSERT_ROWS: u32 = 100;
/// Connections in the pool.
pub const POOL_CONNECTIONS: u32 = 5;
/// A connection that cannot be had within this time is an error.
pub const POOL_ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// Tasks that wait for one of them in the benchmark of a full pool.
pub const POOL_CALLERS: u32 = 32;
/// Connections that these take together in one iteration.
pub const POOL_ACQUIRES: u32 = 4 * POOL_CALLERS;
/// Sizes of pools whose efficiency is recorded, each under each of
/// [`PRESSURE_CALLERS`].
pub const PRESSURE_POOLS: [u32; 4] = [1, POOL_CONNECTIONS, 20, 50];
/// Callers at a time.
pub const PRESSURE_CALLERS: [u32; 4] = [1, 8, POOL_CALLERS, 100];
/// Connections that they take together, one after the other. A 99th percentile
/// with ten samples above it takes a thousand.
pub const PRESSURE_ACQUIRES: u32 = 1000;
/// Rows of a page when its queries are counted; the count must be the same for
/// a page of one.
pub const COUNTED_ROWS: u32 = 10;
/// A `PostgreSQL` server that takes longer to answer is not there.
pub const POSTGRES_CONNECTION_TIMEOUT: Duration = Duration::from_secs(5);
/// A replica that has not received the seeded rows by then is an error.
pub const REPLICA_TIMEOUT: Duration = Duration::from_secs(10);
/// Written rows that killed programs left are deleted when they are so old, in
/// seconds.
pub const WRITTEN_ROWS_KEPT: i64 = 3600;

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
