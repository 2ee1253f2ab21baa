//! `SQLite`: a file in WAL mode, seeded once and copied for each process.

use std::path::Path;

use sqlx::ConnectOptions as _;
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::database::{Database, Pool, failed};
use super::schema;
use super::{Kind, QueryError};
use crate::services::{SetUpError, Store};
use crate::sizes;

const FILE: &str = "queries.db";
const COPYING: &str = "copy the seeded database";

impl Database {
    /// Opens this process's own copy of the seeded file, with a pool of `connections`
    /// open connections. The file is seeded first if it is not in this user's
    /// [`Store`].
    ///
    /// The pool tests each connection before it hands it out, as it does by default.
    pub async fn sqlite(connections: u32) -> Result<Self, QueryError> {
        Self::sqlite_in(&Store::find()?, connections).await
    }

    /// Like [`sqlite`](Self::sqlite), with another store.
    pub async fn sqlite_in(store: &Store, connections: u32) -> Result<Self, QueryError> {
        let store = store.clone();
        let runtime = tokio::runtime::Handle::current();
        // Locking and copying block.
        let own = tokio::task::spawn_blocking(move || {
            let own = store.own_copy()?;
            let content = schema::content(Kind::Sqlite);
            let copy = own.path().join(FILE);
            store.with(
                &format!("sqlite-{content}"),
                |directory| runtime.block_on(seed(&directory.join(FILE), &content)),
                |directory| {
                    std::fs::copy(directory.join(FILE), &copy)
                        .map_err(|source| SetUpError { action: COPYING, source })?;
                    runtime.block_on(check(&copy, &content))
                },
            )?;
            Ok::<_, QueryError>(own)
        })
        .await
        .map_err(|source| SetUpError { action: COPYING, source: source.into() })??;
        let pool = SqlitePoolOptions::new()
            .max_connections(connections)
            .min_connections(connections)
            .acquire_timeout(sizes::POOL_ACQUIRE_TIMEOUT)
            // The copy need not survive a crash, so no checkpoint waits for the disk (nor
            // does a commit of the private PostgreSQL). A checkpoint within a short
            // measurement made a transaction four times as slow.
            .connect_with(options(&own.path().join(FILE)).synchronous(SqliteSynchronous::Off))
            .await
            .map_err(failed(Kind::Sqlite, "open the database"))?;
        Ok(Self::new(Pool::Sqlite(pool), Some(own)))
    }
}

fn options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .journal_mode(SqliteJournalMode::Wal)
        // The usual setting with WAL; full synchronisation would measure the disk.
        .synchronous(SqliteSynchronous::Normal)
}

async fn seed(file: &Path, content: &str) -> Result<(), QueryError> {
    let failed = |action| failed(Kind::Sqlite, action);
    let mut connection = options(file)
        .create_if_missing(true)
        .connect()
        .await
        .map_err(failed("create the database"))?;
    let mut transaction = connection.begin().await.map_err(failed("begin the seeding"))?;
    sqlx::raw_sql(sqlx::AssertSqlSafe(schema::statements(Kind::Sqlite)))
        .execute(&mut *transaction)
        .await
        .map_err(failed("write the rows"))?;
    sqlx::query("INSERT INTO benchgate_seed (content) VALUES ($1)")
        .bind(content)
        .execute(&mut *transaction)
        .await
        .map_err(failed("write the database's marker"))?;
    transaction.commit().await.map_err(failed("commit the rows"))?;
    // Statistics for the planner, as in a well-maintained database; and everything in
    // the one file that is copied.
    sqlx::raw_sql("ANALYZE; PRAGMA wal_checkpoint(TRUNCATE)")
        .execute(&mut connection)
        .await
        .map_err(failed("analyse the tables"))?;
    connection.close().await.map_err(failed("close the database"))
}

/// Checks that the copy is complete and has the right content. `SQLite` itself refuses
/// a truncated file.
async fn check(file: &Path, content: &str) -> Result<(), QueryError> {
    let failed = |action| failed(Kind::Sqlite, action);
    let mut connection =
        options(file).connect().await.map_err(failed("open the seeded database"))?;
    let found: String = sqlx::query_scalar("SELECT content FROM benchgate_seed")
        .fetch_one(&mut connection)
        .await
        .map_err(failed("read the seeded database's marker"))?;
    connection.close().await.map_err(failed("close the database"))?;
    if found == content {
        return Ok(());
    }
    Err(QueryError::OtherContent { database: Kind::Sqlite, found, wanted: content.to_owned() })
}
