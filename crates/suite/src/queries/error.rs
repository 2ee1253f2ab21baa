//! Why a database cannot be used.

use super::Kind;
use crate::services::SetUpError;
use crate::sizes;

/// Why a database could not be set up or queried.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// A database or its pool failed.
    #[error("{database}: cannot {action}: {source}")]
    Sql {
        /// The database.
        database: Kind,
        /// What was being done.
        action: &'static str,
        /// The driver's error.
        source: sqlx::Error,
    },
    /// A file or process that the database needs failed.
    #[error(transparent)]
    SetUp(#[from] SetUpError),
    /// A database that carries benchgate's marker holds other rows.
    #[error(
        "{database}: its marker says `{found}` instead of `{wanted}`: delete it, and it is created \
         again"
    )]
    OtherContent {
        /// The database.
        database: Kind,
        /// What the marker says.
        found: String,
        /// What it should say.
        wanted: String,
    },
    /// A schema of the expected name belongs to someone else.
    #[error(
        "PostgreSQL: there is a schema `{schema}` without benchgate's marker; nothing was written; \
         rename or drop it, or set DATABASE_URL to another database"
    )]
    SchemaTaken {
        /// The schema's name.
        schema: String,
    },
    /// The primary's rows have not reached the replica.
    #[error(
        "PostgreSQL: the server at DATABASE_REPLICA_URL has no schema `{schema}` after {} s: check \
         that it is a replica of the server at DATABASE_URL and that it keeps up",
        sizes::REPLICA_TIMEOUT.as_secs()
    )]
    NoReplica {
        /// The schema's name.
        schema: String,
    },
    /// The process has a tracing subscriber that does not count queries.
    #[error(
        "queries cannot be counted: this process has another tracing subscriber; add \
         `queries::query_layer` to it"
    )]
    OtherSubscriber,
    /// The process has no tracing subscriber that counts queries.
    #[error("queries were not counted: call `queries::count_queries` first")]
    NotCounted,
    /// A seeded row is missing.
    #[error("row {number} of the seeded table `{table}` is missing")]
    RowMissing {
        /// The table.
        table: &'static str,
        /// The row, from 0.
        number: u32,
    },
}
