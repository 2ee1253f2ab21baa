//! `SQLite`: a file in WAL mode, seeded once and copied for each process.

use std::path::Path;

use sqlx::ConnectOptions as _;
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::database::{Database, Kind, Pool, failed};
use super::schema;
use crate::services::Store;
use crate::{SuiteError, sizes};

const FILE: &str = "queries.db";

impl Database {
    /// A copy of the seeded file, of this process alone, behind a pool of so many
    /// connections, all of them open. The file is seeded where it is not in this
    /// user's [`Store`] already.
    ///
    /// The pool keeps its default of testing a connection before it hands it out.
    pub async fn sqlite(connections: u32) -> Result<Self, SuiteError> {
        Self::sqlite_in(&Store::find()?, connections).await
    }

    /// The same with another store.
    pub async fn sqlite_in(store: &Store, connections: u32) -> Result<Self, SuiteError> {
        let store = store.clone();
        let runtime = tokio::runtime::Handle::current();
        // Locks wait, and copying blocks.
        let own = tokio::task::spawn_blocking(move || {
            let own = store.own_copy()?;
            let content = schema::content(Kind::Sqlite);
            let copy = own.path().join(FILE);
            store.with(
                &format!("sqlite-{content}"),
                |directory| runtime.block_on(seed(&directory.join(FILE), &content)),
                |directory| {
                    std::fs::copy(directory.join(FILE), &copy).map_err(|source| {
                        SuiteError::Io { action: "copy the seeded database", source }
                    })?;
                    runtime.block_on(check(&copy, &content))
                },
            )?;
            Ok::<_, SuiteError>(own)
        })
        .await
        .map_err(|source| SuiteError::Io {
            action: "copy the seeded database",
            source: source.into(),
        })??;
        let pool = SqlitePoolOptions::new()
            .max_connections(connections)
            .min_connections(connections)
            .acquire_timeout(sizes::POOL_ACQUIRE_TIMEOUT)
            // This copy is not to last: no checkpoint waits for a disk, as no commit of
            // the private PostgreSQL does. Whether one fell into a short measurement
            // made a transaction four times as slow.
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
        // WAL's usual companion; full synchronisation would measure the disk.
        .synchronous(SqliteSynchronous::Normal)
}

async fn seed(file: &Path, content: &str) -> Result<(), SuiteError> {
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
        .map_err(failed("mark the database"))?;
    transaction.commit().await.map_err(failed("commit the rows"))?;
    // The planner chooses by statistics, as in a database that is looked after.
    // And all of it in the one file that is copied.
    sqlx::raw_sql("ANALYZE; PRAGMA wal_checkpoint(TRUNCATE)")
        .execute(&mut connection)
        .await
        .map_err(failed("analyse the tables"))?;
    connection.close().await.map_err(failed("close the database"))
}

/// Whether the copy is whole and holds what it should: a file that was cut off is
/// refused by `SQLite` itself.
async fn check(file: &Path, content: &str) -> Result<(), SuiteError> {
    let failed = |action| failed(Kind::Sqlite, action);
    let mut connection =
        options(file).connect().await.map_err(failed("open the seeded database"))?;
    let found: String = sqlx::query_scalar("SELECT content FROM benchgate_seed")
        .fetch_one(&mut connection)
        .await
        .map_err(failed("read the seeded database's mark"))?;
    connection.close().await.map_err(failed("close the database"))?;
    if found == content {
        return Ok(());
    }
    Err(SuiteError::OtherContent { database: Kind::Sqlite, found, wanted: content.to_owned() })
}
