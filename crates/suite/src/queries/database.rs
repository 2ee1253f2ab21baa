//! Pools of either database behind one type, with separate pools to read and write.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use sqlx::pool::PoolConnection;
use sqlx::{PgPool, Postgres, Sqlite, SqlitePool};

use super::{Kind, QueryError};
use crate::services::OwnCopy;

/// Converts an error of the driver.
pub(super) fn failed(
    database: Kind,
    action: &'static str,
) -> impl FnOnce(sqlx::Error) -> QueryError {
    move |source| QueryError::Sql { database, action, source }
}

/// A pool of connections. A clone is another handle to the same pool.
#[derive(Clone, Debug)]
pub enum Pool {
    /// To an `SQLite` file.
    Sqlite(SqlitePool),
    /// To a `PostgreSQL` server.
    Postgres(PgPool),
}

/// Evaluates `$body` with `$inner` bound to the content of a pool or a connection.
macro_rules! either {
    ($of:ident, $value:expr, $inner:pat => $body:expr) => {
        match $value {
            $of::Sqlite($inner) => $body,
            $of::Postgres($inner) => $body,
        }
    };
}
pub(super) use either;

impl Pool {
    /// The database that it connects to.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Sqlite(_) => Kind::Sqlite,
            Self::Postgres(_) => Kind::Postgres,
        }
    }

    /// Acquires a connection, which returns to the pool when it is dropped.
    pub async fn acquire(&self) -> Result<Connection, QueryError> {
        let acquired = match self {
            Self::Sqlite(pool) => pool.acquire().await.map(Connection::Sqlite),
            Self::Postgres(pool) => pool.acquire().await.map(Connection::Postgres),
        };
        acquired.map_err(failed(self.kind(), "acquire a connection"))
    }

    /// The number of open connections.
    pub fn size(&self) -> u32 {
        either!(Self, self, pool => pool.size())
    }

    /// The number of idle connections.
    pub fn idle(&self) -> usize {
        either!(Self, self, pool => pool.num_idle())
    }

    /// Closes all connections, once those in use have been returned.
    pub async fn close(&self) {
        either!(Self, self, pool => pool.close().await);
    }
}

/// A pooled connection, on which queries run.
#[derive(Debug)]
pub enum Connection {
    /// To an `SQLite` file.
    Sqlite(PoolConnection<Sqlite>),
    /// To a `PostgreSQL` server.
    Postgres(PoolConnection<Postgres>),
}

impl Connection {
    /// The database that it connects to.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Sqlite(_) => Kind::Sqlite,
            Self::Postgres(_) => Kind::Postgres,
        }
    }
}

/// A seeded database, with a pool for writing and one for reading. A clone is
/// another handle to the same pools.
#[derive(Clone, Debug)]
pub struct Database {
    writer: Pool,
    reader: Pool,
    process: i64,
    // Dropped after the pools: fields are dropped in order.
    copies: Vec<Arc<OwnCopy>>,
}

impl Database {
    pub(super) fn new(pool: Pool, copy: Option<OwnCopy>) -> Self {
        let random = RandomState::new().hash_one(std::process::id());
        let process = i64::try_from(random >> 1).unwrap_or(0);
        let copies = copy.into_iter().map(Arc::new).collect();
        Self { reader: pool.clone(), writer: pool, process, copies }
    }

    /// Sends all reads to `replica`. Writes go where they went before.
    #[must_use]
    pub fn with_replica(mut self, replica: Self) -> Self {
        self.reader = replica.reader;
        self.copies.extend(replica.copies);
        self
    }

    /// The database system.
    pub fn kind(&self) -> Kind {
        self.writer.kind()
    }

    /// The pool of the primary.
    pub fn writer(&self) -> &Pool {
        &self.writer
    }

    /// The pool of the replica, or of the primary if there is no replica.
    pub fn reader(&self) -> &Pool {
        &self.reader
    }

    /// The number that marks the rows written through this value, as other processes
    /// may write to the same table.
    pub fn process(&self) -> i64 {
        self.process
    }

    /// Closes all connections, once those in use have been returned.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }
}
