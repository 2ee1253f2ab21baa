//! Pools of either database behind one type, with reads and writes apart.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use sqlx::pool::PoolConnection;
use sqlx::{PgPool, Postgres, Sqlite, SqlitePool};

use crate::SuiteError;
use crate::services::OwnCopy;

/// Which database it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A file, in WAL mode, within this process.
    Sqlite,
    /// A server.
    Postgres,
}

impl Kind {
    /// As it stands in a benchmark's name.
    pub fn id(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}

/// What an error of the driver becomes.
pub(super) fn failed(
    database: Kind,
    action: &'static str,
) -> impl FnOnce(sqlx::Error) -> SuiteError {
    move |source| SuiteError::Sql { database, action, source }
}

/// A pool of connections. A clone is another handle on the same pool.
#[derive(Clone, Debug)]
pub enum Pool {
    /// To an `SQLite` file.
    Sqlite(SqlitePool),
    /// To a `PostgreSQL` server.
    Postgres(PgPool),
}

/// Evaluates `$body` with `$inner` for what is within a pool or a connection.
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
    /// Which database it leads to.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Sqlite(_) => Kind::Sqlite,
            Self::Postgres(_) => Kind::Postgres,
        }
    }

    /// Takes a connection out. It goes back when it is dropped.
    pub async fn acquire(&self) -> Result<Connection, SuiteError> {
        let acquired = match self {
            Self::Sqlite(pool) => pool.acquire().await.map(Connection::Sqlite),
            Self::Postgres(pool) => pool.acquire().await.map(Connection::Postgres),
        };
        acquired.map_err(failed(self.kind(), "acquire a connection"))
    }

    /// Connections that are open.
    pub fn size(&self) -> u32 {
        either!(Self, self, pool => pool.size())
    }

    /// Connections that nobody uses.
    pub fn idle(&self) -> usize {
        either!(Self, self, pool => pool.num_idle())
    }

    /// Closes all connections, waiting for those in use to come back.
    pub async fn close(&self) {
        either!(Self, self, pool => pool.close().await);
    }
}

/// A connection out of a pool, on which queries run.
#[derive(Debug)]
pub enum Connection {
    /// To an `SQLite` file.
    Sqlite(PoolConnection<Sqlite>),
    /// To a `PostgreSQL` server.
    Postgres(PoolConnection<Postgres>),
}

impl Connection {
    /// Which database it leads to.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Sqlite(_) => Kind::Sqlite,
            Self::Postgres(_) => Kind::Postgres,
        }
    }
}

/// A seeded database: where to write, and where to read. A clone is another
/// handle on the same pools.
#[derive(Clone, Debug)]
pub struct Database {
    writer: Pool,
    reader: Pool,
    process: i64,
    // After the pools: fields are dropped in this order.
    copies: Vec<Arc<OwnCopy>>,
}

impl Database {
    pub(super) fn new(pool: Pool, copy: Option<OwnCopy>) -> Self {
        let random = RandomState::new().hash_one(std::process::id());
        let process = i64::try_from(random >> 1).unwrap_or(0);
        let copies = copy.into_iter().map(Arc::new).collect();
        Self { reader: pool.clone(), writer: pool, process, copies }
    }

    /// With all reading going to `replica`, and writing where it went.
    #[must_use]
    pub fn with_replica(mut self, replica: Self) -> Self {
        self.reader = replica.reader;
        self.copies.extend(replica.copies);
        self
    }

    /// Which database it is.
    pub fn kind(&self) -> Kind {
        self.writer.kind()
    }

    /// The pool of the primary.
    pub fn writer(&self) -> &Pool {
        &self.writer
    }

    /// The pool of the replica; of the primary where there is none.
    pub fn reader(&self) -> &Pool {
        &self.reader
    }

    /// Marks the rows that are written through it: other processes may write to
    /// the same table.
    pub fn process(&self) -> i64 {
        self.process
    }

    /// Closes all connections, waiting for those in use to come back.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }
}
