//! Pooled SQL: leads, properties, organisations, users and audit logs in an
//! `SQLite` file in WAL mode, and in `PostgreSQL`.
//!
//! | item | purpose |
//! |---|---|
//! | [`Database`] | the seeded database, with a pool for writing and one for reading |
//! | [`Pool`], [`Connection`] | acquiring and executing, measured separately |
//! | [`Read`], [`List`], [`Write`] | the measured reads and writes, with the rows that they must give |
//! | [`Fixture`] | what benchmarks of one database share: a runtime, the database, a connection |
//! | [`Form`] | how a list gets its related rows: a join, two queries, or one query per row |
//! | [`Pressure`] | many callers and few connections: who waits, and for how long |
//! | [`Queries`], [`growing`] | counted queries of an operation, and those that grow with its rows |
//! | [`Fetched`], [`normalise`] | decoding rows and comparing statements, without a database |
//! | [`schema`] | tables, indexes and the rule that each row follows |
//!
//! The `SQLite` file is seeded once and kept in a [`Store`](super::services::Store);
//! each process works on a copy. In `PostgreSQL` everything is in one schema, which is
//! created if it does not exist; rows that benchmarks write are deleted again.

pub use bodies::{
    Aggregate, AuditLogs, Insert, Join, List, Organisations, Point, Range, Read, Transaction, Write,
};
pub use counted::{Growing, Queries, count_queries, growing, query_layer, record_growing};
pub use database::{Connection, Database, Pool};
pub use error::QueryError;
pub use fixture::Fixture;
pub use kind::Kind;
pub use memory::Fetched;
pub use normalise::normalise;
pub use postgres::connect_once;
pub use pressure::Pressure;
pub use reads::{Form, Page};
pub use rows::{AuditLog, Columns, Lead, Organisation, OrganisationUsers, Property, User, town};
pub use shapes::{ScoredLead, TownPrices};

mod bodies;
mod counted;
mod database;
mod error;
mod fixture;
mod kind;
mod memory;
mod normalise;
mod postgres;
mod pressure;
mod reads;
mod rows;
pub mod schema;
mod shapes;
mod sqlite;
mod tokens;
mod writes;
