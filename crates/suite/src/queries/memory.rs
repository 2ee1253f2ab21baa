//! Fetched rows in memory, to measure decoding without fetching.

use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};

use super::database::failed;
use super::rows::{AuditLog, User};
use super::schema::EPOCH;
use super::{Kind, QueryError};
use crate::sizes;

/// Rows of audit logs with their users, fetched from a database in memory.
#[expect(missing_debug_implementations, reason = "sqlx's rows have none")]
pub struct Fetched(Vec<SqliteRow>);

impl Fetched {
    /// Fetches the first `rows` rows, which the query itself computes.
    pub async fn in_memory(rows: u32) -> Result<Self, QueryError> {
        let failed = |action| failed(Kind::Sqlite, action);
        let mut connection = SqliteConnection::connect("sqlite::memory:")
            .await
            .map_err(failed("open a database in memory"))?;
        let (users, owners, leads) = (sizes::USERS, sizes::ORGANISATIONS, sizes::LEADS);
        let statement = format!(
            "WITH RECURSIVE numbers (n, u) AS (
                 SELECT 0, 0 UNION ALL SELECT n + 1, (n + 1) * 31 % {users} FROM numbers
             )
             SELECT n + 1,
                    CASE n % 4 WHEN 0 THEN 'created' WHEN 1 THEN 'viewed' WHEN 2 THEN 'scored'
                               ELSE 'changed' END,
                    n * 17 % {leads} + 1, {EPOCH} + n * 90, u + 1, 'User ' || u,
                    'user' || u || '@example.com',
                    CASE WHEN u < {owners} THEN 'owner' ELSE 'agent' END
             FROM numbers LIMIT {rows}"
        );
        let rows = sqlx::query(AssertSqlSafe(statement))
            .fetch_all(&mut connection)
            .await
            .map_err(failed("compute rows"))?;
        connection.close().await.map_err(failed("close a database in memory"))?;
        Ok(Self(rows))
    }

    /// Decodes all rows: integers and text into structs.
    pub fn decode(&self) -> Result<Vec<AuditLog>, QueryError> {
        self.0
            .iter()
            .map(|row| AuditLog::read(row, User::read(row, 4)?))
            .collect::<Result<_, sqlx::Error>>()
            .map_err(failed(Kind::Sqlite, "decode rows"))
    }
}
