//! The measured reads and writes, with the results that they must give.

use std::collections::BTreeMap;
use std::fmt::Debug;

use super::schema::TOWNS;
use super::{
    AuditLog, Connection, Form, Lead, OrganisationUsers, Page, Property, QueryError, ScoredLead,
    TownPrices, town,
};
use crate::sizes;

/// A measured read. It is parameterised by a number, so that repeated reads differ.
#[expect(async_fn_in_trait, reason = "only benches and tests poll it, on one thread")]
pub trait Read {
    /// The rows that it gives.
    type Rows: PartialEq + Debug;

    /// Its name in benchmark ids, without the database.
    fn name(&self) -> String;

    /// Numbers below this are valid.
    fn numbers(&self) -> u32;

    /// Reads the rows for a number.
    async fn read(
        &self,
        connection: &mut Connection,
        number: u32,
    ) -> Result<Self::Rows, QueryError>;

    /// The seeded rows for a number.
    fn expected(&self, number: u32) -> Self::Rows;

    /// The number of reads whose latencies are recorded.
    fn latencies(&self) -> u32 {
        sizes::QUERY_LATENCIES
    }
}

/// A read of a page of a list, whose queries must not grow with the number of rows.
#[expect(async_fn_in_trait, reason = "only benches and tests poll it, on one thread")]
pub trait List: Read {
    /// Reads a page, and returns the number of its rows.
    async fn page(&self, connection: &mut Connection, page: Page) -> Result<usize, QueryError>;
}

/// A measured write. The rows that it writes are deleted again.
#[expect(async_fn_in_trait, reason = "only benches and tests poll it, on one thread")]
pub trait Write {
    /// Its name in benchmark ids, without the database.
    fn name(&self) -> String;

    /// The number of rows that one iteration writes.
    fn rows(&self) -> u32;

    /// Writes the rows of an iteration, and returns a checksum.
    async fn write(
        &self,
        connection: &mut Connection,
        process: i64,
        iteration: u32,
    ) -> Result<u64, QueryError>;

    /// The checksum of an iteration.
    fn expected(&self, iteration: u32) -> u64;
}

/// One lead by an index: [`Connection::point`].
#[derive(Clone, Copy, Debug)]
pub struct Point {
    /// Whether the statement is prepared once.
    pub prepared: bool,
}

impl Read for Point {
    type Rows = Option<ScoredLead>;

    fn name(&self) -> String {
        if self.prepared { "point" } else { "point_unprepared" }.to_owned()
    }

    fn numbers(&self) -> u32 {
        sizes::LEADS
    }

    async fn read(
        &self,
        connection: &mut Connection,
        number: u32,
    ) -> Result<Self::Rows, QueryError> {
        let (created_at, scored_at) = Lead::times(number);
        connection.point(created_at, scored_at, self.prepared).await
    }

    fn expected(&self, number: u32) -> Self::Rows {
        let Lead { id, score, email, .. } = Lead::seeded(number);
        Some(ScoredLead { id, score, email })
    }
}

/// About ten properties of a town in a range of prices: [`Connection::range`].
#[derive(Clone, Copy, Debug)]
pub struct Range {
    /// Whether the table has an index for it.
    pub indexed: bool,
}

/// The range of prices of [`Range`].
const PRICES: (i64, i64) = (200_000, 200_000 + sizes::PRICE_SPAN);

impl Read for Range {
    type Rows = Vec<Property>;

    fn name(&self) -> String {
        if self.indexed { "range" } else { "range_unindexed" }.to_owned()
    }

    fn numbers(&self) -> u32 {
        TOWNS
    }

    fn latencies(&self) -> u32 {
        if self.indexed { sizes::QUERY_LATENCIES } else { sizes::SLOW_QUERY_LATENCIES }
    }

    async fn read(
        &self,
        connection: &mut Connection,
        number: u32,
    ) -> Result<Self::Rows, QueryError> {
        connection.range(&town(i64::from(number)), PRICES, self.indexed).await
    }

    fn expected(&self, number: u32) -> Self::Rows {
        let town = town(i64::from(number));
        let mut seeded: Vec<Property> = (0..sizes::PROPERTIES)
            .map(Property::seeded)
            .filter(|property| property.location == town)
            .filter(|property| (PRICES.0..=PRICES.1).contains(&property.price))
            .collect();
        seeded.sort_by_key(|property| (property.price, property.id));
        seeded
    }
}

/// A lead with its property and organisation: [`Connection::lead`].
#[derive(Clone, Copy, Debug)]
pub struct Join;

impl Read for Join {
    type Rows = Option<Lead>;

    fn name(&self) -> String {
        "join".to_owned()
    }

    fn numbers(&self) -> u32 {
        sizes::LEADS
    }

    async fn read(
        &self,
        connection: &mut Connection,
        number: u32,
    ) -> Result<Self::Rows, QueryError> {
        connection.lead(i64::from(number) + 1).await
    }

    fn expected(&self, number: u32) -> Self::Rows {
        Some(Lead::seeded(number))
    }
}

/// The prices of all properties by town: [`Connection::prices`].
#[derive(Clone, Copy, Debug)]
pub struct Aggregate;

impl Read for Aggregate {
    type Rows = Vec<TownPrices>;

    fn name(&self) -> String {
        "aggregate".to_owned()
    }

    fn numbers(&self) -> u32 {
        1
    }

    fn latencies(&self) -> u32 {
        sizes::SLOW_QUERY_LATENCIES
    }

    async fn read(&self, connection: &mut Connection, _: u32) -> Result<Self::Rows, QueryError> {
        connection.prices().await
    }

    fn expected(&self, _: u32) -> Self::Rows {
        let mut towns: BTreeMap<String, TownPrices> = BTreeMap::new();
        for Property { location, price, .. } in (0..sizes::PROPERTIES).map(Property::seeded) {
            let town = towns.entry(location.clone()).or_insert_with(|| TownPrices {
                location,
                count: 0,
                sum: 0,
                least: price,
                most: price,
            });
            town.count += 1;
            town.sum += price;
            (town.least, town.most) = (town.least.min(price), town.most.max(price));
        }
        towns.into_values().collect()
    }
}

/// A page that begins after the row `number`, from 1.
fn page_after(number: u32) -> Page {
    Page { after: Some(i64::from(number)), ..Page::FIRST }
}

/// A page of organisations with their users: [`Connection::organisations`].
#[derive(Clone, Copy, Debug)]
pub struct Organisations(pub Form);

impl Read for Organisations {
    type Rows = Vec<OrganisationUsers>;

    fn name(&self) -> String {
        format!("organisations_{}", self.0.id())
    }

    fn numbers(&self) -> u32 {
        sizes::ORGANISATIONS - sizes::PAGE_ROWS + 1
    }

    fn latencies(&self) -> u32 {
        match self.0 {
            Form::NPlusOne => sizes::SLOW_QUERY_LATENCIES,
            Form::Join | Form::InBatch => sizes::QUERY_LATENCIES,
        }
    }

    async fn read(
        &self,
        connection: &mut Connection,
        number: u32,
    ) -> Result<Self::Rows, QueryError> {
        connection.organisations(page_after(number), self.0).await
    }

    fn expected(&self, number: u32) -> Self::Rows {
        (number..number + sizes::PAGE_ROWS).map(OrganisationUsers::seeded).collect()
    }
}

impl List for Organisations {
    async fn page(&self, connection: &mut Connection, page: Page) -> Result<usize, QueryError> {
        Ok(connection.organisations(page, self.0).await?.len())
    }
}

/// A page of audit logs with their users: [`Connection::audit_logs`].
#[derive(Clone, Copy, Debug)]
pub struct AuditLogs(pub Form);

impl Read for AuditLogs {
    type Rows = Vec<AuditLog>;

    fn name(&self) -> String {
        format!("audit_logs_{}", self.0.id())
    }

    fn numbers(&self) -> u32 {
        sizes::AUDIT_LOGS - sizes::PAGE_ROWS + 1
    }

    async fn read(
        &self,
        connection: &mut Connection,
        number: u32,
    ) -> Result<Self::Rows, QueryError> {
        connection.audit_logs(page_after(number + sizes::PAGE_ROWS + 1), self.0).await
    }

    fn expected(&self, number: u32) -> Self::Rows {
        (number..number + sizes::PAGE_ROWS).rev().map(AuditLog::seeded).collect()
    }
}

impl List for AuditLogs {
    async fn page(&self, connection: &mut Connection, page: Page) -> Result<usize, QueryError> {
        Ok(connection.audit_logs(page, self.0).await?.len())
    }
}

/// [`sizes::INSERT_ROWS`] rows in one statement: [`Connection::insert`].
#[derive(Clone, Copy, Debug)]
pub struct Insert;

impl Write for Insert {
    fn name(&self) -> String {
        format!("insert_{}", sizes::INSERT_ROWS)
    }

    fn rows(&self) -> u32 {
        sizes::INSERT_ROWS
    }

    async fn write(
        &self,
        connection: &mut Connection,
        process: i64,
        iteration: u32,
    ) -> Result<u64, QueryError> {
        let first = i64::from(iteration) * i64::from(sizes::INSERT_ROWS);
        connection.insert(process, first, sizes::INSERT_ROWS).await
    }

    fn expected(&self, _: u32) -> u64 {
        u64::from(sizes::INSERT_ROWS)
    }
}

/// One row in a transaction of three statements: [`Connection::transaction`].
#[derive(Clone, Copy, Debug)]
pub struct Transaction;

impl Write for Transaction {
    fn name(&self) -> String {
        "transaction".to_owned()
    }

    fn rows(&self) -> u32 {
        1
    }

    async fn write(
        &self,
        connection: &mut Connection,
        process: i64,
        iteration: u32,
    ) -> Result<u64, QueryError> {
        connection.transaction(process, i64::from(iteration)).await
    }

    fn expected(&self, iteration: u32) -> u64 {
        // A score in thousandths, to which the transaction adds 1.
        u64::from(iteration % 1000) + 1000
    }
}
