//! `PostgreSQL`: a schema of benchgate's in the user's database or in a private one.

use std::time::Instant;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};

use super::database::{Database, Pool, failed};
use super::schema;
use super::{Kind, QueryError};
use crate::services::Postgres;
use crate::sizes;

/// The advisory lock for seeding: an arbitrary number, the same in every process.
const LOCK: i64 = 7_113_092_284_551_207_425;

impl Database {
    /// Opens the seeded schema on a server, with a pool of `connections` open
    /// connections. Reads go to the server's replica if it has one, through another
    /// pool of the same size. The schema is created if it does not exist.
    ///
    /// Nothing outside the schema is written. A schema of the same name without
    /// benchgate's marker is refused.
    pub async fn postgres(server: &Postgres, connections: u32) -> Result<Self, QueryError> {
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

/// Opens a connection, sends the smallest query and closes the connection: the work
/// that a pool saves. The checksum is the answer, 1.
pub async fn connect_once(server: &Postgres) -> Result<u64, QueryError> {
    let mut connection = connect(server.primary()).await?;
    let answer: i32 = sqlx::query_scalar("SELECT 1")
        .fetch_one(&mut connection)
        .await
        .map_err(failed(Kind::Postgres, "query a new connection"))?;
    connection.close().await.map_err(failed(Kind::Postgres, "close a connection"))?;
    Ok(u64::from(answer.unsigned_abs()))
}

async fn pool(options: &PgConnectOptions, connections: u32) -> Result<Pool, QueryError> {
    PgPoolOptions::new()
        .max_connections(connections)
        .min_connections(connections)
        .acquire_timeout(sizes::POOL_ACQUIRE_TIMEOUT)
        .connect_with(options.clone().options([("search_path", schema::postgres_schema())]))
        .await
        .map(Pool::Postgres)
        .map_err(failed(Kind::Postgres, "connect"))
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection, QueryError> {
    options.connect().await.map_err(failed(Kind::Postgres, "connect"))
}

/// Whether the schema exists with benchgate's marker; an error if it has none.
async fn is_seeded(connection: &mut PgConnection) -> Result<bool, QueryError> {
    let failed = |action| failed(Kind::Postgres, action);
    let name = schema::postgres_schema();
    let exists: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1)")
            .bind(&name)
            .fetch_one(&mut *connection)
            .await
            .map_err(failed("look for the schema"))?;
    if !exists {
        return Ok(false);
    }
    let marked: bool = sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL")
        .bind(format!("{name}.benchgate_seed"))
        .fetch_one(&mut *connection)
        .await
        .map_err(failed("look for the schema's marker"))?;
    if !marked {
        return Err(QueryError::SchemaTaken { schema: name });
    }
    let found: Option<String> =
        sqlx::query_scalar(AssertSqlSafe(format!("SELECT content FROM {name}.benchgate_seed")))
            .fetch_optional(connection)
            .await
            .map_err(failed("read the schema's marker"))?;
    let wanted = schema::postgres_content();
    match found {
        Some(found) if found == wanted => Ok(true),
        Some(found) => Err(QueryError::OtherContent { database: Kind::Postgres, found, wanted }),
        None => Err(QueryError::SchemaTaken { schema: name }),
    }
}

/// Seeds the schema in one transaction: a killed process leaves nothing behind, and
/// of two concurrent processes the second finds the first one's rows.
async fn seed(options: &PgConnectOptions) -> Result<(), QueryError> {
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
        .map_err(failed("wait for another process that seeds it"))?;
    if is_seeded(&mut transaction).await? {
        return transaction.rollback().await.map_err(failed("end the seeding"));
    }
    sqlx::raw_sql(AssertSqlSafe(schema::postgres_statements()))
        .execute(&mut *transaction)
        .await
        .map_err(failed("create the schema and its rows"))?;
    transaction.commit().await.map_err(failed("commit the rows"))?;
    sqlx::raw_sql(AssertSqlSafe(schema::postgres_vacuum()))
        .execute(&mut connection)
        .await
        .map_err(failed("analyse the tables"))?;
    connection.close().await.map_err(failed("close a connection"))
}

/// Waits until the replica has received the rows.
async fn wait_for_rows(options: &PgConnectOptions) -> Result<(), QueryError> {
    let mut connection = connect(options).await?;
    let start = Instant::now();
    while !is_seeded(&mut connection).await? {
        if start.elapsed() > sizes::REPLICA_TIMEOUT {
            return Err(QueryError::NoReplica { schema: schema::postgres_schema() });
        }
        tokio::time::sleep(sizes::REPLICA_TIMEOUT / 100).await;
    }
    connection.close().await.map_err(failed(Kind::Postgres, "close a connection"))
}
