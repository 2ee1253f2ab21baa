//! The writes of a service: a batch in one statement, and a transaction. All rows go
//! into a separate table, marked with the number of the process.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use sqlx::{AssertSqlSafe, Connection as _, Error, Row as _};

use super::QueryError;
use super::database::{Connection, either, failed};
use crate::sizes;

const INSERT: &str =
    "INSERT INTO written_leads (process, number, written_at, score, email) VALUES ";

const INSERT_ONE: &str = "
INSERT INTO written_leads (process, number, written_at, score, email) VALUES ($1, $2, $3, $4, $5)";

const RESCORE: &str =
    "UPDATE written_leads SET score = score + 1 WHERE process = $1 AND number = $2";

const SCORE: &str = "
SELECT CAST(ROUND(score * 1000) AS BIGINT) FROM written_leads WHERE process = $1 AND number = $2";

/// Now, in Unix seconds.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// The number of columns of a written row.
const COLUMNS: usize = 5;

fn score(number: i64) -> f64 {
    (number % 1000) as f64 / 1000.0
}

fn email(number: i64) -> String {
    format!("lead{number}@example.com")
}

/// The parameters of `rows` rows: `($1, …, $5), ($6, …`.
fn values(rows: usize) -> String {
    let mut text = String::new();
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..COLUMNS {
            let comma = if column == 0 { "" } else { ", " };
            // Writing to a string cannot fail.
            let _ = write!(text, "{comma}${}", row * COLUMNS + column + 1);
        }
        text.push(')');
    }
    text
}

impl Connection {
    /// Inserts `rows` rows, numbered from `first`, in one statement that commits by
    /// itself. Returns how many were written.
    pub async fn insert(&mut self, process: i64, first: i64, rows: u32) -> Result<u64, QueryError> {
        let failed = failed(self.kind(), "insert rows");
        let now = now();
        let statement = AssertSqlSafe([INSERT, &values(rows as usize)].concat());
        either!(Self, self, connection => {
            let mut query = sqlx::query(statement);
            for number in first..first + i64::from(rows) {
                query = query.bind(process).bind(number).bind(now);
                query = query.bind(score(number)).bind(email(number));
            }
            query.execute(&mut **connection).await.map(|done| done.rows_affected())
        })
        .map_err(failed)
    }

    /// Inserts a row, updates it and reads its score in one transaction. The checksum
    /// is the score in thousandths.
    pub async fn transaction(&mut self, process: i64, number: i64) -> Result<u64, QueryError> {
        let failed = failed(self.kind(), "write a row in a transaction");
        let now = now();
        let score: Result<i64, Error> = either!(Self, self, connection => async {
            let mut transaction = connection.begin().await?;
            sqlx::query(INSERT_ONE)
                .bind(process)
                .bind(number)
                .bind(now)
                .bind(score(number))
                .bind(email(number))
                .execute(&mut *transaction)
                .await?;
            sqlx::query(RESCORE).bind(process).bind(number).execute(&mut *transaction).await?;
            let row =
                sqlx::query(SCORE).bind(process).bind(number).fetch_one(&mut *transaction).await?;
            let score = row.try_get(0)?;
            transaction.commit().await?;
            Ok(score)
        }.await);
        score.map(i64::unsigned_abs).map_err(failed)
    }

    /// Returns how many rows this process has written, and the sum of their numbers.
    pub async fn written(&mut self, process: i64) -> Result<(i64, i64), QueryError> {
        let failed = failed(self.kind(), "count written rows");
        either!(Self, self, connection => {
            sqlx::query(
                "SELECT COUNT(*), CAST(COALESCE(SUM(number), 0) AS BIGINT) \
                 FROM written_leads WHERE process = $1",
            )
            .bind(process)
            .fetch_one(&mut **connection)
            .await
            .and_then(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        })
        .map_err(failed)
    }

    /// Deletes the rows that this process has written, and returns how many.
    pub async fn delete_written(&mut self, process: i64) -> Result<u64, QueryError> {
        let failed = failed(self.kind(), "delete written rows");
        either!(Self, self, connection => {
            sqlx::query("DELETE FROM written_leads WHERE process = $1")
                .bind(process)
                .execute(&mut **connection)
                .await
                .map(|done| done.rows_affected())
        })
        .map_err(failed)
    }

    /// Deletes the rows that killed programs left behind.
    pub(super) async fn delete_old_written(&mut self) -> Result<u64, QueryError> {
        let failed = failed(self.kind(), "delete rows of killed programs");
        let before = now() - sizes::WRITTEN_ROWS_KEPT;
        either!(Self, self, connection => {
            sqlx::query("DELETE FROM written_leads WHERE written_at < $1")
                .bind(before)
                .execute(&mut **connection)
                .await
                .map(|done| done.rows_affected())
        })
        .map_err(failed)
    }
}
