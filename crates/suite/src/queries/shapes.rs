//! Queries of different shapes: a point, a range with and without an index, and an
//! aggregate; and the database's plans for them.

use serde::Serialize;
use sqlx::{AssertSqlSafe, Error, Row as _};

use super::QueryError;
use super::database::{Connection, either, failed};
use super::rows::{Columns, Property};

/// A lead, found by the two times in the index.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ScoredLead {
    /// From 1.
    pub id: i64,
    /// Between 0 and 1.
    pub score: f64,
    /// The email address.
    pub email: String,
}

/// The prices of the properties in one town.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TownPrices {
    /// The town.
    pub location: String,
    /// The number of properties.
    pub count: i64,
    /// The sum of their prices.
    pub sum: i64,
    /// The lowest price.
    pub least: i64,
    /// The highest price.
    pub most: i64,
}

const POINT: &str = "SELECT id, score, email FROM leads WHERE created_at = $1 AND scored_at = $2";

const RANGE: &str = "
SELECT id, location, price, bedrooms FROM properties
WHERE location = $1 AND price BETWEEN $2 AND $3 ORDER BY price, id";

const RANGE_UNINDEXED: &str = "
SELECT id, location, price, bedrooms FROM properties_unindexed
WHERE location = $1 AND price BETWEEN $2 AND $3 ORDER BY price, id";

const AGGREGATE: &str = "
SELECT location, COUNT(*), CAST(SUM(price) AS BIGINT), MIN(price), MAX(price)
FROM properties GROUP BY location ORDER BY location";

impl Connection {
    /// Selects the lead that was created and scored at these times, with the index
    /// `idx_leads_created_scored`. Unless `prepared`, the database parses and plans the
    /// statement each time.
    pub async fn point(
        &mut self,
        created_at: i64,
        scored_at: i64,
        prepared: bool,
    ) -> Result<Option<ScoredLead>, QueryError> {
        let failed = failed(self.kind(), "select a lead by its times");
        either!(Self, self, connection => {
            sqlx::query(POINT)
                .persistent(prepared)
                .bind(created_at)
                .bind(scored_at)
                .fetch_optional(&mut **connection)
                .await
                .and_then(|row| {
                    let read = |row| -> Result<_, Error> {
                        Ok(ScoredLead {
                            id: Columns::int(&row, 0)?,
                            score: Columns::real(&row, 1)?,
                            email: Columns::text(&row, 2)?,
                        })
                    };
                    row.map(read).transpose()
                })
        })
        .map_err(failed)
    }

    /// Selects the properties of a town in a range of prices, the cheapest first:
    /// with the index `idx_properties_location_price`, or from the table without one.
    pub async fn range(
        &mut self,
        town: &str,
        prices: (i64, i64),
        indexed: bool,
    ) -> Result<Vec<Property>, QueryError> {
        let failed = failed(self.kind(), "select properties by place and price");
        either!(Self, self, connection => {
            sqlx::query(range_statement(indexed))
                .bind(town)
                .bind(prices.0)
                .bind(prices.1)
                .fetch_all(&mut **connection)
                .await
                .and_then(|rows| rows.iter().map(|row| Property::read(row, 0)).collect())
        })
        .map_err(failed)
    }

    /// Aggregates the prices of properties by town, in the byte order of the towns'
    /// names.
    pub async fn prices(&mut self) -> Result<Vec<TownPrices>, QueryError> {
        let failed = failed(self.kind(), "aggregate prices");
        let mut prices: Vec<TownPrices> = either!(Self, self, connection => {
            sqlx::query(AGGREGATE).fetch_all(&mut **connection).await.and_then(|rows| {
                let read = |row| -> Result<_, Error> {
                    Ok(TownPrices {
                        location: Columns::text(row, 0)?,
                        count: Columns::int(row, 1)?,
                        sum: Columns::int(row, 2)?,
                        least: Columns::int(row, 3)?,
                        most: Columns::int(row, 4)?,
                    })
                };
                rows.iter().map(read).collect()
            })
        })
        .map_err(failed)?;
        // A server sorts by its own locale.
        prices.sort_unstable_by(|a, b| a.location.cmp(&b.location));
        Ok(prices)
    }

    /// The database's plan for [`Self::point`], one line per step.
    pub async fn point_plan(&mut self) -> Result<Vec<String>, QueryError> {
        // Values of existing rows.
        self.plan(&POINT.replace("$1", "1700000000").replace("$2", "1700000000")).await
    }

    /// The database's plan for [`Self::range`].
    pub async fn range_plan(&mut self, indexed: bool) -> Result<Vec<String>, QueryError> {
        let statement = range_statement(indexed).replace("$1", "'Town 1'");
        self.plan(&statement.replace("$2", "200000").replace("$3", "300000")).await
    }

    async fn plan(&mut self, statement: &str) -> Result<Vec<String>, QueryError> {
        let failed = failed(self.kind(), "explain a query");
        match self {
            Self::Sqlite(connection) => {
                let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
                sqlx::query(explain)
                    .fetch_all(&mut **connection)
                    .await
                    .and_then(|rows| rows.iter().map(|row| row.try_get(3)).collect())
            }
            Self::Postgres(connection) => {
                let explain = AssertSqlSafe(format!("EXPLAIN (COSTS OFF) {statement}"));
                sqlx::query(explain)
                    .fetch_all(&mut **connection)
                    .await
                    .and_then(|rows| rows.iter().map(|row| row.try_get(0)).collect())
            }
        }
        .map_err(failed)
    }
}

fn range_statement(indexed: bool) -> &'static str {
    if indexed { RANGE } else { RANGE_UNINDEXED }
}
