//! Pooled SQL: an `SQLite` file in WAL mode, seeded the same way every time.

use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Row as _, Sqlite, SqlitePool};
use tempfile::TempDir;

use super::{SuiteError, sizes};

const SCHEMA: &str = "
CREATE TABLE leads (
    id INTEGER PRIMARY KEY,
    created_at INTEGER NOT NULL,
    scored_at INTEGER NOT NULL,
    score REAL NOT NULL,
    email TEXT NOT NULL
);
CREATE INDEX idx_leads_created_scored ON leads (created_at, scored_at);
";

/// Made by the database from the row's number alone: no generator to seed, no
/// rows to send.
const SEED: &str = "
WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < ?1)
INSERT INTO leads (id, created_at, scored_at, score, email)
SELECT n + 1, ?2 + n * 60, ?2 + n * 60 + n % 45, (n * 7919 % 1000) / 1000.0,
       'lead' || n || '@example.com'
FROM numbers
";

const POINT_SELECT: &str =
    "SELECT id, score, email FROM leads WHERE created_at = ?1 AND scored_at = ?2";

/// When the first lead was created, in Unix seconds.
const EPOCH: i64 = 1_700_000_000;

fn failed(action: &'static str) -> impl FnOnce(sqlx::Error) -> SuiteError {
    move |source| SuiteError::Sql { action, source }
}

/// A pool on a database of leads, which is deleted with it.
#[derive(Debug)]
pub struct Leads {
    pool: SqlitePool,
    rows: u32,
    // After the pool: fields are dropped in this order.
    _directory: TempDir,
}

impl Leads {
    /// A new database of `rows` leads behind a pool of
    /// [`sizes::POOL_CONNECTIONS`], all of them open.
    ///
    /// The pool keeps its default of testing a connection before it hands it out.
    pub async fn seeded(rows: u32) -> Result<Self, SuiteError> {
        let directory = tempfile::Builder::new()
            .prefix("benchgate-sqlite-")
            .tempdir()
            .map_err(|source| SuiteError::Io { action: "make a temporary directory", source })?;
        let options = SqliteConnectOptions::new()
            .filename(directory.path().join("leads.db"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // WAL's usual companion; full synchronisation would measure the disk.
            .synchronous(SqliteSynchronous::Normal);
        let pool = SqlitePoolOptions::new()
            .max_connections(sizes::POOL_CONNECTIONS)
            .min_connections(sizes::POOL_CONNECTIONS)
            .acquire_timeout(sizes::POOL_ACQUIRE_TIMEOUT)
            .connect_with(options)
            .await
            .map_err(failed("open the database"))?;

        let mut transaction = pool.begin().await.map_err(failed("begin the seeding"))?;
        sqlx::raw_sql(SCHEMA)
            .execute(&mut *transaction)
            .await
            .map_err(failed("create the schema"))?;
        sqlx::query(SEED)
            .bind(rows)
            .bind(EPOCH)
            .execute(&mut *transaction)
            .await
            .map_err(failed("write the rows"))?;
        transaction.commit().await.map_err(failed("commit the rows"))?;
        // The planner chooses by statistics, as in a database that is looked after.
        sqlx::raw_sql("ANALYZE").execute(&pool).await.map_err(failed("analyse the table"))?;
        Ok(Self { pool, rows, _directory: directory })
    }

    /// Takes a connection out of the pool, to run queries on.
    pub async fn connection(&self) -> Result<PoolConnection<Sqlite>, SuiteError> {
        self.pool.acquire().await.map_err(failed("acquire a connection"))
    }

    /// Acquires a connection and gives it back; the checksum is the pool's size.
    pub async fn acquire(&self) -> Result<u64, SuiteError> {
        let connection = self.connection().await?;
        drop(connection);
        Ok(u64::from(self.pool.size()))
    }

    /// Selects one lead by the index, on a connection that the caller holds, so
    /// that acquiring is not part of it; the checksum is its id and the length
    /// of its address. `number` wraps around at the number of rows.
    pub async fn point_select(
        &self,
        connection: &mut PoolConnection<Sqlite>,
        number: u32,
    ) -> Result<u64, SuiteError> {
        let number = i64::from(number % self.rows);
        let created = EPOCH + number * 60;
        let row = sqlx::query(POINT_SELECT)
            .bind(created)
            .bind(created + number % 45)
            .fetch_one(&mut **connection)
            .await
            .map_err(failed("select a lead"))?;
        let id: i64 = row.try_get(0).map_err(failed("read the id"))?;
        let _score: f64 = row.try_get(1).map_err(failed("read the score"))?;
        let email: &str = row.try_get(2).map_err(failed("read the address"))?;
        Ok(id.unsigned_abs() * 100 + email.len() as u64)
    }

    /// How the database says it would answer the point select, a line a step.
    pub async fn point_select_plan(&self) -> Result<Vec<String>, SuiteError> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {POINT_SELECT}")))
            .bind(EPOCH)
            .bind(EPOCH)
            .fetch_all(&self.pool)
            .await
            .map_err(failed("explain the query"))?;
        rows.iter().map(|row| row.try_get(3).map_err(failed("read the plan"))).collect()
    }
}
