//! The workloads under test: what a service spends its time on, as bodies that
//! any bench can time.
//!
//! | module | measures | needs |
//! |---|---|---|
//! | [`cache`] | lookups in the process, in Redis and through both | nothing; Redis where it is found |
//! | [`queries`] | pooled SQL | nothing: `SQLite` comes with it; `PostgreSQL` where it is found |
//! | [`inference`] | an ONNX model | nothing: tract comes with it; ONNX Runtime where it is found |
//! | [`http`] | round trips over loopback | nothing |
//! | [`services`] | finds and starts the servers | |
//! | [`sizes`] | how large all of it is | |
//!
//! A body does the work of one iteration and returns a checksum. The bench
//! asserts it outside the timed region, so a body that stopped doing its work
//! is a failure and not an improvement.
//!
//! Everything is seeded and made the same way in every process.

pub mod cache;
pub mod http;
pub mod inference;
pub mod queries;
pub mod services;
pub mod sizes;

/// Why a workload could not be set up or run.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// Redis refused, timed out or went away.
    #[error("Redis: cannot {action}: {source}")]
    Redis {
        /// What was being done.
        action: &'static str,
        /// What the client says.
        source: redis::RedisError,
    },
    /// The keys that a benchmark would write are not its own.
    #[error(
        "Redis: under `{prefix}` there are {found} already; nothing was written; wait until they \
         have expired, or take another prefix"
    )]
    KeysTaken {
        /// What the keys begin with.
        prefix: String,
        /// What is there.
        found: String,
    },
    /// The server would drop others' keys for the benchmark's.
    #[error(
        "Redis: it has {free} bytes left below its `maxmemory`, and would make room by dropping \
         keys; {} are needed: raise the limit, or set REDIS_URL to another server",
        sizes::REDIS_ROOM
    )]
    NoRoom {
        /// Bytes below the limit.
        free: u64,
    },
    /// What a cache holds is not what was put there.
    #[error("Redis: the value of `{key}` is damaged: {source}")]
    Cached {
        /// The key.
        key: String,
        /// What is wrong with it.
        source: cache::CodecError,
    },
    /// A database or its pool failed.
    #[error("{database}: cannot {action}: {source}")]
    Sql {
        /// Which database.
        database: queries::Kind,
        /// What was being done.
        action: &'static str,
        /// What the driver says.
        source: sqlx::Error,
    },
    /// A database that is marked as ours holds something else.
    #[error(
        "{database}: it is marked as `{found}` and not as `{wanted}`: delete it, and it is made anew"
    )]
    OtherContent {
        /// Which database.
        database: queries::Kind,
        /// What it says it holds.
        found: String,
        /// What it should.
        wanted: String,
    },
    /// Our schema's name is taken.
    #[error(
        "PostgreSQL: there is a schema `{schema}` without benchgate's mark; nothing was written; \
         rename or drop it, or set DATABASE_URL to another database"
    )]
    SchemaTaken {
        /// Its name.
        schema: String,
    },
    /// The rows of the primary have not come to the replica.
    #[error(
        "PostgreSQL: the server that DATABASE_REPLICA_URL names has no schema `{schema}` after {} \
         s: see whether it is a replica of the one that DATABASE_URL names, and keeps up",
        sizes::REPLICA_TIMEOUT.as_secs()
    )]
    NoReplica {
        /// Our schema's name.
        schema: String,
    },
    /// Queries are counted by the process's subscriber.
    #[error(
        "queries cannot be counted: this process has another tracing subscriber; put \
         `queries::query_layer` into that one"
    )]
    OtherSubscriber,
    /// Nobody has counted.
    #[error("queries were not counted: call `queries::count_queries` first")]
    NotCounted,
    /// A seeded row is not there.
    #[error("row {number} of the seeded table `{table}` is not there")]
    RowMissing {
        /// The table.
        table: &'static str,
        /// The row, from 0 on.
        number: u32,
    },
    /// The inference backend failed.
    #[error("inference on {backend}: cannot {action}: {source}")]
    Inference {
        /// The backend.
        backend: inference::Backend,
        /// What was being done.
        action: &'static str,
        /// What the backend says.
        source: ort::Error,
    },
    /// ONNX Runtime's library could not be loaded.
    #[error(
        "cannot load ONNX Runtime: {source}; `scripts/setup` installs the version that fits, and \
         ORT_DYLIB_PATH may name another one"
    )]
    Library {
        /// What the loader says.
        source: ort::LoadDynamicError,
    },
    /// A process holds one inference backend, and it already holds another.
    #[error("this process already runs inference on {loaded}; {wanted} needs a process of its own")]
    OtherBackend {
        /// The one that is there.
        loaded: inference::Backend,
        /// The one that was asked for.
        wanted: inference::Backend,
    },
    /// The features are not a whole number of rows.
    #[error("{values} values are no whole number of rows of {} features", sizes::FEATURES)]
    Features {
        /// How many values there are.
        values: usize,
    },
    /// The HTTP server or client failed.
    #[error("HTTP: cannot {action}: {source}")]
    Http {
        /// What was being done.
        action: &'static str,
        /// What failed.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The HTTP server answered with something else than success.
    #[error("HTTP: {uri} answered {status}")]
    Status {
        /// What was asked for.
        uri: String,
        /// The status code.
        status: u16,
    },
    /// A file or process could not be had.
    #[error("cannot {action}: {source}")]
    Io {
        /// What was being done.
        action: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
}
