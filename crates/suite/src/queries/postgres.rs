//! `PostgreSQL`: a schema of our own in the user's database or in a private one.

use std::time::Instant;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};

use super::database::{Database, Kind, Pool, failed};
use super::schema;
use crate::services::Postgres;
use crate::{SuiteError, sizes};

/// Who seeds holds this lock: an arbitrary number, the same in every process.
const LOCK: i64 = 7_113_092_284_551_207_425;

impl Database {
    /// The seeded schema on this server, behind a pool of so many connections, all
    /// of them open; reads go to its replica where there is one, through a pool
    /// as large. The schema is seeded where it is not there.
    ///
    /// Nothing outside of it is written. One of its name without our mark is
    /// refused.
    pub async fn postgres(server: &Postgres, connections: u32) -> Result<Self, SuiteError> {
        seed(server.primary()).await?;
        let primary = Self::new(pool(server.primary(), connections).await?, None);
        primary.writer().acquire().await?.delete_old_written().await?;
        match server.replica() {
            Some(replica) => {
                wait_for_rows(replica).await?;
                let replica = Self::new(pool(replica, connections).await?, None);
                Ok(primary.with_replica(replica))
            }
            None => Ok(primary),
        }
    }
}

/// Connects anew, asks the least of queries and closes the connection: what a
/// pool saves. The checksum is the answer, 1.
pub async fn connect_anew(server: &Postgres) -> Result<u64, SuiteError> {
    let mut connection = connect(server.primary()).await?;
    let one: i32 = sqlx::query_scalar("SELECT 1")
        .fetch_one(&mut connection)
        .await
        .map_err(failed(Kind::Postgres, "ask a new connection"))?;
    connection.close().await.map_err(failed(Kind::Postgres, "close a connection"))?;
    Ok(u64::from(one.unsigned_abs()))
}

async fn pool(options: &PgConnectOptions, connections: u32) -> Result<Pool, SuiteError> {
    PgPoolOptions::new()
        .max_connections(connections)
        .min_connections(connections)
        .acquire_timeout(sizes::POOL_ACQUIRE_TIMEOUT)
        .connect_with(options.clone().options([("search_path", schema::postgres_schema())]))
        .await
        .map(Pool::Postgres)
        .map_err(failed(Kind::Postgres, "connect"))
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection, SuiteError> {
    options.connect().await.map_err(failed(Kind::Postgres, "connect"))
}

/// Whether the schema is there with our mark; an error where it is somebody's.
async fn is_seeded(connection: &mut PgConnection) -> Result<bool, SuiteError> {
    let failed = |action| failed(Kind::Postgres, action);
    let name = schema::postgres_schema();
    let there: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1)")
            .bind(&name)
            .fetch_one(&mut *connection)
            .await
            .map_err(failed("look for the schema"))?;
    if !there {
        return Ok(false);
    }
    let marked: bool = sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL")
        .bind(format!("{name}.benchgate_seed"))
        .fetch_one(&mut *connection)
        .await
        .map_err(failed("look for the schema's mark"))?;
    if !marked {
        return Err(SuiteError::SchemaTaken { schema: name });
    }
    let found: Option<String> =
        sqlx::query_scalar(AssertSqlSafe(format!("SELECT content FROM {name}.benchgate_seed")))
            .fetch_optional(connection)
            .await
            .map_err(failed("read the schema's mark"))?;
    let wanted = schema::postgres_content();
    match found {
        Some(found) if found == wanted => Ok(true),
        Some(found) => Err(SuiteError::OtherContent { database: Kind::Postgres, found, wanted }),
        None => Err(SuiteError::SchemaTaken { schema: name }),
    }
}

/// All in one transaction: a killed process leaves nothing, and of two at once
/// one finds what the other has made.
async fn seed(options: &PgConnectOptions) -> Result<(), SuiteError> {
    let failed = |action| failed(Kind::Postgres, action);
    let mut connection = connect(options).await?;
    if is_seeded(&mut connection).await? {
        return Ok(());
    }
    let mut transaction = connection.begin().await.map_err(failed("begin the seeding"))?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(LOCK)
        .execute(&mut *transaction)
        .await
        .map_err(failed("wait for others who seed"))?;
    if is_seeded(&mut transaction).await? {
        return transaction.rollback().await.map_err(failed("end the seeding"));
    }
    sqlx::raw_sql(AssertSqlSafe(schema::postgres_statements()))
        .execute(&mut *transaction)
        .await
        .map_err(failed("make the schema and write the rows"))?;
    transaction.commit().await.map_err(failed("commit the rows"))?;
    sqlx::raw_sql(AssertSqlSafe(schema::postgres_vacuum()))
        .execute(&mut connection)
        .await
        .map_err(failed("analyse the tables"))?;
    connection.close().await.map_err(failed("close a connection"))
}

/// A replica gets the rows from its primary, if not at once.
async fn wait_for_rows(options: &PgConnectOptions) -> Result<(), SuiteError> {
    let mut connection = connect(options).await?;
    let start = Instant::now();
    while !is_seeded(&mut connection).await? {
        if start.elapsed() > sizes::REPLICA_TIMEOUT {
            return Err(SuiteError::NoReplica { schema: schema::postgres_schema() });
        }
        tokio::time::sleep(sizes::REPLICA_TIMEOUT / 100).await;
    }
    connection.close().await.map_err(failed(Kind::Postgres, "close a connection"))
}
