//! The sizes of all workloads, in one place.
//!
//! Changing a size changes a benchmark, whose baseline then has to be measured again.

use std::time::Duration;

use crate::cache::Lifetimes;
use crate::inference::Batching;
use crate::service::Limits;
use crate::upstream::{BatchConfig, BreakerConfig, ClientConfig, RetryPolicy, Shares};

/// Criterion's warm-up for each benchmark under a plain `cargo bench`. Options of the
/// command line, which the gate uses, override it.
pub const CLOCK_WARM_UP: Duration = Duration::from_millis(300);
/// Criterion's measuring time for each benchmark.
pub const CLOCK_TIME: Duration = Duration::from_secs(1);
/// Criterion's samples of each benchmark.
pub const CLOCK_SAMPLES: usize = 50;

/// The number of values of [`PAYLOAD_BYTES`] that the in-process cache has room for.
pub const L1_CAPACITY: u32 = 50_000;
/// The number of entries in most of its benchmarks: few enough that lookups stay within a
/// core's private cache. Ten times as many would use the shared cache, which a virtual
/// machine shares with its neighbours: the same lookup then took 0.4 µs in one hour and
/// 1.2 µs two hours later.
pub const L1_ENTRIES: u32 = 1000;
/// Lifetimes in the process: nothing expires while a benchmark runs.
pub const L1_LIFETIMES: Lifetimes = Lifetimes {
    live: Duration::from_mins(15),
    standard: Duration::from_mins(30),
    reference: Duration::from_hours(2),
};
/// Bytes of one cached value: a lead with its scores, as JSON.
pub const PAYLOAD_BYTES: usize = 1024;
/// The number of keys that a lookup benchmark cycles through.
pub const LOOKUP_KEYS: u32 = L1_ENTRIES;
/// Minimum bytes of a large value: a lead with its history.
pub const DOCUMENT_BYTES: usize = 16 * 1024;
/// Values of at least this size are compressed, if compression is on.
pub const COMPRESSION_THRESHOLD: usize = 4 * 1024;
/// The maximum size of a value. A larger stated size means that the value is damaged.
pub const VALUE_BYTES_MAX: usize = 1024 * 1024;
/// The number of different values of the source behind the cache.
pub const SOURCE_VALUES: u32 = 1024;

/// The working set of the default pattern: twice as many leads as the cache has room for.
pub const ZIPF_KEYS: u32 = 100_000;
/// The skew of the default pattern.
pub const ZIPF_SKEW: f64 = 1.1;
/// Working sets whose hit rates are recorded, each at each of [`ZIPF_SKEWS`].
pub const ZIPF_WORKING_SETS: [u32; 2] = [ZIPF_KEYS, 500_000];
/// Skews whose hit rates are recorded.
pub const ZIPF_SKEWS: [f64; 3] = [0.8, ZIPF_SKEW, 1.3];
/// The hot-and-cold pattern: the number of leads, the number of hot leads, and the share
/// of lookups that goes to hot leads.
pub const HOT_COLD: (u32, u32, f64) = (ZIPF_KEYS, ZIPF_KEYS / 5, 0.9);
/// Lookups in a full cache before hits are counted.
pub const ZIPF_WARM_UP: u32 = 50_000;
/// Lookups whose hits are counted.
pub const ZIPF_LOOKUPS: u32 = 50_000;

/// Numbers of concurrent tasks in the contention benchmarks.
pub const CONTENTION_TASKS: [usize; 3] = [1, 2, 8];
/// The number of threads that these tasks run on.
pub const CONTENTION_THREADS: usize = 2;
/// Lookups of all these tasks together.
pub const CONTENTION_LOOKUPS: u32 = 4000;
/// Callers who request the same missing value at once.
pub const STAMPEDE_CALLERS: usize = 8;

/// Entries written to Redis.
pub const REDIS_ENTRIES: u32 = 1000;
/// Large values written to Redis.
pub const REDIS_DOCUMENTS: u32 = 64;
/// Leads in one batch read from Redis.
pub const REDIS_BATCH: u32 = 32;
/// GETs whose 99th percentile is recorded; a thousand would leave ten samples above it.
pub const REDIS_LATENCY_LOOKUPS: u32 = 3000;
/// Lifetimes in Redis: the entries of a killed program expire.
pub const REDIS_LIFETIMES: Lifetimes = Lifetimes {
    live: Duration::from_mins(20),
    standard: Duration::from_mins(30),
    reference: Duration::from_hours(2),
};
/// Bytes that a server with a memory limit must have free: several times the size of what
/// is written.
pub const REDIS_ROOM: u64 = 64 * 1024 * 1024;
/// The time limit for a reply of Redis.
pub const REDIS_RESPONSE_TIMEOUT: Duration = Duration::from_secs(1);
/// The time limit for connecting to Redis.
pub const REDIS_CONNECTION_TIMEOUT: Duration = Duration::from_secs(2);

/// Leads of the pattern for both levels: the first level has room for a tenth of them, and
/// the second holds half.
pub const TIERED_KEYS: u32 = 4000;
/// The skew of that pattern.
pub const TIERED_SKEW: f64 = 1.0;
/// Lookups of that pattern.
pub const TIERED_LOOKUPS: u32 = 5000;

/// The time limit for a private server to start.
pub const SERVICE_START_TIMEOUT: Duration = Duration::from_secs(10);

/// Organisations in the database of the query workload.
pub const ORGANISATIONS: u32 = 500;
/// Users: ten per organisation.
pub const USERS: u32 = 5000;
/// Properties, with a second copy in a table without the index.
pub const PROPERTIES: u32 = 20_000;
/// Leads.
pub const LEADS: u32 = 50_000;
/// Audit logs. All tables together hold 135,500 rows.
pub const AUDIT_LOGS: u32 = 40_000;
/// Rows on one page of a list.
pub const PAGE_ROWS: u32 = 20;
/// The width of the queried range of prices, which holds about ten properties of a town.
pub const PRICE_SPAN: i64 = 90_000;
/// Rows of one insert.
pub const INSERT_ROWS: u32 = 100;
/// Connections in the pool.
pub const POOL_CONNECTIONS: u32 = 5;
/// The time limit for acquiring a connection.
pub const POOL_ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// Concurrent callers in the benchmark of a full pool.
pub const POOL_CALLERS: u32 = 32;
/// Acquires by all callers in one iteration.
pub const POOL_ACQUIRES: u32 = 4 * POOL_CALLERS;
/// Sizes of pools whose efficiency is recorded, each with each of [`PRESSURE_CALLERS`].
pub const PRESSURE_POOLS: [u32; 4] = [1, POOL_CONNECTIONS, 20, 50];
/// Numbers of concurrent callers.
pub const PRESSURE_CALLERS: [u32; 4] = [1, 8, POOL_CALLERS, 100];
/// Acquires by all these callers, of which ten are above the 99th percentile.
pub const PRESSURE_ACQUIRES: u32 = 1000;
/// Reads whose latencies are recorded, of which ten are above the 99th percentile.
pub const QUERY_LATENCIES: u32 = 1000;
/// The same for reads that take milliseconds: ten are above the 90th percentile. More would
/// take as long as all other measurements of queries.
pub const SLOW_QUERY_LATENCIES: u32 = 100;
/// Rows of a page whose queries are counted. The count must equal that of a page of one
/// row.
pub const COUNTED_ROWS: u32 = 10;
/// The time limit for a `PostgreSQL` server to answer.
pub const POSTGRES_CONNECTION_TIMEOUT: Duration = Duration::from_secs(5);
/// The time limit for a replica to receive the seeded rows.
pub const REPLICA_TIMEOUT: Duration = Duration::from_secs(10);
/// Rows that killed programs left behind are deleted after this many seconds.
pub const WRITTEN_ROWS_KEPT: i64 = 3600;

/// Features in one row of the models' input.
pub const FEATURES: usize = 32;
/// Batch sizes whose rates are recorded. The first is a single row.
pub const BATCHES: [usize; 5] = [1, 8, 16, 32, 64];

/// How often the rate of a batch size is measured. The fastest round counts.
pub const RATE_ROUNDS: u32 = 6;
/// The time for each round, which has at least one batch.
pub const RATE_SLICE: Duration = Duration::from_millis(2);
/// How single callers are batched.
pub const BATCHING: Batching =
    Batching { max_rows: 64, max_wait: Duration::from_micros(200), queue: 1024 };
/// For comparison: the same queue and thread, with each caller alone.
pub const UNBATCHED: Batching = Batching { max_rows: 1, max_wait: Duration::ZERO, queue: 1024 };
/// Numbers of concurrent callers.
pub const SCORE_CALLERS: [usize; 3] = [1, 8, 64];
/// Minimum number of calls whose 99th percentile is recorded, which leaves ten samples
/// above it.
pub const SCORE_LATENCIES: usize = 1000;
/// Workers with a session each, or threads within a session, in the benchmarks of several.
pub const SCORE_WORKERS: usize = 2;
/// Callers of these workers.
pub const WORKER_CALLERS: usize = 16;

/// Worker threads of the HTTP server.
pub const HTTP_SERVER_THREADS: usize = 1;
/// Leads that the HTTP benchmarks request.
pub const HTTP_LEADS: u32 = 128;
/// Concurrent requests on one h2 connection.
pub const HTTP_STREAMS: usize = 16;
/// Round trips whose 99th percentile is recorded, which leaves ten samples above it.
pub const HTTP_LATENCY_CALLS: usize = 1000;
/// The time limit for a round trip.
pub const HTTP_TIMEOUT: Duration = Duration::from_secs(5);

/// The default limits of the reference service.
pub const SERVICE_LIMITS: Limits = Limits {
    requests: 128,
    connections: 1024,
    streams: 128,
    timeout: Duration::from_secs(5),
    head: Duration::from_secs(30),
    body_bytes: 64 * 1024,
    drain: Duration::from_secs(10),
};
/// Connections in the reference service's pool.
pub const SERVICE_POOL: u32 = 5;
/// The time limit for Redis, after which it is skipped.
pub const SERVICE_REDIS_TIMEOUT: Duration = Duration::from_millis(250);
/// How long Redis is skipped after a failure.
pub const SERVICE_REDIS_PAUSE: Duration = Duration::from_secs(1);
/// The time limit for the health check of a part, after which it counts as down.
pub const SERVICE_HEALTH_TIMEOUT: Duration = Duration::from_secs(1);
/// The maximum number of rows on a page.
pub const SERVICE_PAGE_ROWS_MAX: u32 = 200;
/// Bytes that the response cache has room for.
pub const RESPONSE_CACHE_BYTES: u64 = 16 * 1024 * 1024;
/// Responses of more bytes are compressed if the client accepts it.
pub const RESPONSE_COMPRESSION_ABOVE: u64 = 1024;
/// The maximum size of a response; the service sends none that is larger.
pub const SERVICE_RESPONSE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Worker threads of the faulty upstream.
pub const UPSTREAM_THREADS: usize = 1;
/// Properties that the upstream knows.
pub const UPSTREAM_PROPERTIES: u64 = 1000;
/// The default retries of its client.
pub const UPSTREAM_RETRY: RetryPolicy = RetryPolicy {
    retries: 2,
    first: Duration::from_millis(20),
    longest: Duration::from_millis(500),
    seed: 20_260_101,
    budget_percent: 20,
    budget_reserve: 10,
};
/// The default breaker of its client, which opens if half of the last twenty calls failed.
pub const UPSTREAM_BREAKER: BreakerConfig =
    BreakerConfig { window: 20, failures: 10, open_for: Duration::from_secs(5) };
/// The default configuration of its client.
pub const UPSTREAM_CLIENT: ClientConfig = ClientConfig {
    attempt_timeout: Duration::from_secs(1),
    deadline: Duration::from_secs(3),
    retry: UPSTREAM_RETRY,
    breaker: UPSTREAM_BREAKER,
    answer_bytes_max: VALUE_BYTES_MAX,
};
/// How long a connection to the upstream may be idle.
pub const UPSTREAM_IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// How lookups are joined into one request.
pub const UPSTREAM_BATCH: BatchConfig =
    BatchConfig { max_size: 32, max_wait: Duration::from_millis(2) };
/// The number of lookups that can wait for a batch; further ones wait for a place in the
/// queue.
pub const UPSTREAM_BATCH_QUEUE: usize = 1024;
/// The number of lookups that are sent one by one and in one batch.
pub const UPSTREAM_LOOKUPS: u64 = 32;
/// Batches that always fill before their time is over, so that none is split.
pub const UPSTREAM_BATCH_FULL: BatchConfig =
    BatchConfig { max_wait: Duration::from_secs(10), ..UPSTREAM_BATCH };
/// A client that retries every failure at once and whose breaker never opens.
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
/// A client whose breaker opens at the first failure, for longer than any benchmark takes.
pub const UPSTREAM_CLIENT_OPEN: ClientConfig = ClientConfig {
    retry: RetryPolicy::NONE,
    breaker: BreakerConfig { window: 1, failures: 1, open_for: Duration::from_hours(1) },
    ..UPSTREAM_CLIENT
};
/// The faults of the upstream whose success rate is recorded: one request in five fails, in
/// a fixed order. None is delayed, as that would only take longer.
pub const UPSTREAM_SHARES: Shares =
    Shares { unavailable: 0.15, delayed: 0.0, reset: 0.05, delay: Duration::ZERO };
/// The seed of that order.
pub const UPSTREAM_SEED: u64 = 20_260_101;
/// The number of calls for that success rate.
pub const UPSTREAM_FAULTY_CALLS: u32 = 500;

// The defaults of settings are here with their values, so that the settings do not depend on
// the sizes.

impl Default for Limits {
    fn default() -> Self {
        SERVICE_LIMITS
    }
}

impl Default for BatchConfig {
    fn default() -> Self {
        UPSTREAM_BATCH
    }
}

impl Default for BreakerConfig {
    fn default() -> Self {
        UPSTREAM_BREAKER
    }
}

impl Default for ClientConfig {
    fn default() -> Self {
        UPSTREAM_CLIENT
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        UPSTREAM_RETRY
    }
}
