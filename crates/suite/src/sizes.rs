//! How large the workloads are: the one place to look, and to change.
//!
//! A changed size is a changed benchmark: its baseline has to be measured anew.

use std::time::Duration;

use super::cache::Lifetimes;
use super::inference::Batching;
use super::service::Limits;
use super::upstream::{BatchConfig, BreakerConfig, ClientConfig, RetryPolicy, Shares};

/// Criterion's warm-up for each benchmark of the cache under a plain `cargo
/// bench`; its options, and so the gate, set other times.
pub const CLOCK_WARM_UP: Duration = Duration::from_millis(300);
/// The time that it measures for.
pub const CLOCK_TIME: Duration = Duration::from_secs(1);
/// Its samples.
pub const CLOCK_SAMPLES: usize = 50;

/// Values of [`PAYLOAD_BYTES`] that the in-process cache has room for.
pub const L1_CAPACITY: u32 = 50_000;
/// Entries that it holds in most benchmarks: what lookups touch of them has room in
/// a processor core's own cache. Of ten times as many it lay in the one that all
/// cores share, on a virtual machine with its neighbours too: the same lookup took
/// 0.4 µs in one hour and 1.2 µs two hours later.
pub const L1_ENTRIES: u32 = 1000;
/// Long enough that nothing expires while a benchmark runs.
pub const L1_LIFETIMES: Lifetimes = Lifetimes {
    live: Duration::from_mins(15),
    standard: Duration::from_mins(30),
    reference: Duration::from_hours(2),
};
/// Bytes of one cached value: a lead with its scores, as JSON.
pub const PAYLOAD_BYTES: usize = 1024;
/// Keys that a lookup benchmark goes through before it starts again.
pub const LOOKUP_KEYS: u32 = L1_ENTRIES;
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
pub const ZIPF_WARM_UP: u32 = 50_000;
/// Lookups of which hits are counted.
pub const ZIPF_LOOKUPS: u32 = 50_000;

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
/// Connections that they take together, one after the other: five are above a 99th
/// percentile, in each of several processes.
pub const PRESSURE_ACQUIRES: u32 = 500;
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
/// Rows of the batches whose rates are recorded; the first is a single row.
pub const BATCHES: [usize; 5] = [1, 8, 16, 32, 64];

/// A batch's rate is measured so often; the fastest counts.
pub const RATE_ROUNDS: u32 = 6;
/// For so long each time, and for one batch at least.
pub const RATE_SLICE: Duration = Duration::from_millis(2);
/// How single callers are gathered into batches.
pub const BATCHING: Batching =
    Batching { max_rows: 64, max_wait: Duration::from_micros(200), queue: 1024 };
/// What it is held against: the same queue and thread, each caller alone.
pub const UNBATCHED: Batching = Batching { max_rows: 1, max_wait: Duration::ZERO, queue: 1024 };
/// Callers at once.
pub const SCORE_CALLERS: [usize; 3] = [1, 8, 64];
/// Calls of which the latency's quantile is recorded, at least. A 99th
/// percentile with ten samples above it takes a thousand.
pub const SCORE_LATENCIES: usize = 1000;
/// Workers with a session each, and threads within a session, where there are
/// several.
pub const SCORE_WORKERS: usize = 2;
/// Callers whom these workers share.
pub const WORKER_CALLERS: usize = 16;

/// Worker threads of the HTTP server's own runtime.
pub const HTTP_SERVER_THREADS: usize = 1;
/// Leads that its benchmarks ask for.
pub const HTTP_LEADS: u32 = 128;
/// Requests at once on one h2 connection.
pub const HTTP_STREAMS: usize = 16;
/// Round trips of which the latency's quantile is recorded: ten are above a 99th
/// percentile.
pub const HTTP_LATENCY_CALLS: usize = 1000;
/// A round trip that takes longer is an error.
pub const HTTP_TIMEOUT: Duration = Duration::from_secs(5);

/// How much the reference service takes on unless told otherwise.
pub const SERVICE_LIMITS: Limits = Limits {
    requests: 128,
    connections: 1024,
    streams: 128,
    timeout: Duration::from_secs(5),
    head: Duration::from_secs(30),
    body_bytes: 64 * 1024,
    drain: Duration::from_secs(10),
};
/// Connections in its pool.
pub const SERVICE_POOL: u32 = 5;
/// Redis is passed over where it takes longer.
pub const SERVICE_REDIS_TIMEOUT: Duration = Duration::from_millis(250);
/// And not asked again for so long.
pub const SERVICE_REDIS_PAUSE: Duration = Duration::from_secs(1);
/// A part that takes longer to say how it does is down.
pub const SERVICE_HEALTH_TIMEOUT: Duration = Duration::from_secs(1);
/// Rows on one page at most.
pub const SERVICE_PAGE_ROWS_MAX: u32 = 200;
/// Bytes that the response cache has room for.
pub const RESPONSE_CACHE_BYTES: u64 = 16 * 1024 * 1024;
/// Responses of more bytes than that are compressed for who accepts it.
pub const RESPONSE_COMPRESSION_ABOVE: u64 = 1024;
/// No response is longer: the service makes none.
pub const SERVICE_RESPONSE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Worker threads of the faulty upstream's own runtime.
pub const UPSTREAM_THREADS: usize = 1;
/// Properties that it knows.
pub const UPSTREAM_PROPERTIES: u64 = 1000;
/// How its client retries, if nothing else is said.
pub const UPSTREAM_RETRY: RetryPolicy = RetryPolicy {
    retries: 2,
    first: Duration::from_millis(20),
    longest: Duration::from_millis(500),
    seed: 20_260_101,
    budget_percent: 20,
    budget_reserve: 10,
};
/// When its client's breaker opens: at half of the last twenty.
pub const UPSTREAM_BREAKER: BreakerConfig =
    BreakerConfig { window: 20, failures: 10, open_for: Duration::from_secs(5) };
/// All that its client does.
pub const UPSTREAM_CLIENT: ClientConfig = ClientConfig {
    attempt_timeout: Duration::from_secs(1),
    deadline: Duration::from_secs(3),
    retry: UPSTREAM_RETRY,
    breaker: UPSTREAM_BREAKER,
    answer_bytes_max: VALUE_BYTES_MAX,
};
/// A connection to it that nobody used for so long is closed.
pub const UPSTREAM_IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Lookups that are joined into one request, and how long the first waits.
pub const UPSTREAM_BATCH: BatchConfig =
    BatchConfig { max_size: 32, max_wait: Duration::from_millis(2) };
/// Lookups that may wait for a place in a batch; more wait for a place here.
pub const UPSTREAM_BATCH_QUEUE: usize = 1024;
/// Lookups that are compared singly and in one batch.
pub const UPSTREAM_LOOKUPS: u64 = 32;
/// The same batches, which are full before their time: none is split.
pub const UPSTREAM_BATCH_FULL: BatchConfig =
    BatchConfig { max_wait: Duration::from_secs(10), ..UPSTREAM_BATCH };
/// Retries at once and as often as there are failures; the breaker never opens.
pub const UPSTREAM_CLIENT_PATIENT: ClientConfig = ClientConfig {
    attempt_timeout: HTTP_TIMEOUT,
    retry: RetryPolicy {
        first: Duration::ZERO,
        budget_percent: 200,
        budget_reserve: 1000,
        ..UPSTREAM_RETRY
    },
    breaker: BreakerConfig { window: 1, failures: 2, ..UPSTREAM_BREAKER },
    ..UPSTREAM_CLIENT
};
/// Opens at the first failure, for longer than any benchmark takes.
pub const UPSTREAM_CLIENT_OPEN: ClientConfig = ClientConfig {
    retry: RetryPolicy::NONE,
    breaker: BreakerConfig { window: 1, failures: 1, open_for: Duration::from_hours(1) },
    ..UPSTREAM_CLIENT
};
/// What fails at the faulty upstream where its success rate is recorded: one
/// request in five, in a fixed order. Delays would only make it slower.
pub const UPSTREAM_SHARES: Shares =
    Shares { unavailable: 0.15, delayed: 0.0, reset: 0.05, delay: Duration::ZERO };
/// The seed of that order.
pub const UPSTREAM_SEED: u64 = 20_260_101;
/// Calls of which that success rate is taken.
pub const UPSTREAM_FAULTY_CALLS: u32 = 500;
