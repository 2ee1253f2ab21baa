//! The workloads under test: what a service spends its time on, as bodies that
//! any bench can time.
//!
//! | module | measures | needs |
//! |---|---|---|
//! | [`cache`] | lookups in the process, in Redis and through both | nothing; Redis where it is found |
//! | [`queries`] | pooled SQL | nothing: `SQLite` comes with it; `PostgreSQL` where it is found |
//! | [`inference`] | an ONNX model | nothing: tract comes with it; ONNX Runtime where it is found |
//! | [`http`] | round trips over loopback | nothing |
//! | [`service`] | the service that these ask | nothing; servers and libraries where they are named |
//! | [`command`] | the command line that runs it | nothing; servers and libraries where they are named |
//! | [`upstream`] | calls of another service: retries, batches, a circuit breaker | nothing |
//! | [`services`] | finds and starts the servers | |
//! | [`sizes`] | how large all of it is | |
//!
//! A body does the work of one iteration and returns a checksum. The bench
//! asserts it outside the timed region, so a body that stopped doing its work
//! is a failure and not an improvement.
//!
//! Everything is seeded and made the same way in every process.

pub mod cache;
pub mod command;
pub mod http;
pub mod inference;
pub mod queries;
pub mod service;
pub mod services;
pub mod sizes;
pub mod upstream;

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
    /// The features are not a whole number of rows, or not the one row that was
    /// asked for.
    #[error("{values} values are no whole number of rows of {width} features")]
    Features {
        /// How many values there are.
        values: usize,
        /// How many make a row.
        width: usize,
    },
    /// A model gave another number of scores than it was given rows.
    #[error("the model gives {scores} scores for {rows} rows; one for each row is wanted")]
    Scores {
        /// How many it gave.
        scores: usize,
        /// How many rows there were.
        rows: usize,
    },
    /// A model is not of the kind that is scored with here.
    #[error(
        "the model cannot be used: {what}; one input is wanted, a tensor of f32 [batch, n] with a \
         batch of any size, and an output of f32"
    )]
    Model {
        /// What it is instead.
        what: String,
    },
    /// There is nothing to hold scores against.
    #[error(
        "no reference scores for a batch of {rows} rows; there are some for {:?}",
        sizes::BATCHES
    )]
    NoReference {
        /// The rows.
        rows: usize,
    },
    /// A score is not the one that numpy gives.
    #[error("{model}, row {row}: the score is {score}, numpy gives {reference}")]
    WrongScore {
        /// The model.
        model: &'static str,
        /// The first row that is wrong.
        row: usize,
        /// Its score.
        score: f32,
        /// What it should be.
        reference: f32,
    },
    /// A batcher cannot work as it was set up.
    #[error("cannot batch: {what}")]
    Batching {
        /// What stands against it.
        what: &'static str,
    },
    /// So many callers wait for a score already that one more is turned away.
    #[error("overloaded: {waiting} callers wait for a score already; try again later")]
    Overloaded {
        /// How many.
        waiting: usize,
    },
    /// The model failed on the batch that a caller's row was in.
    #[error("the batch failed: {source}")]
    Batch {
        /// Why, shared by all callers of the batch.
        source: std::sync::Arc<SuiteError>,
    },
    /// There is nobody to score: the batcher was stopped, or the worker that had
    /// the row died.
    #[error("no score: the batcher was stopped, or its worker died; start another one")]
    BatcherEnded,
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
    /// A service that is called cannot be.
    #[error(transparent)]
    Upstream(#[from] upstream::UpstreamError),
    /// A file or process could not be had.
    #[error("cannot {action}: {source}")]
    Io {
        /// What was being done.
        action: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
}
