//! Pooled SQL: leads, properties, organisations, users and audit logs in an
//! `SQLite` file in WAL mode, and in `PostgreSQL`.
//!
//! | item | what |
//! |---|---|
//! | [`Database`] | the seeded database: where to write, where to read |
//! | [`Pool`], [`Connection`] | acquiring and executing, measured apart |
//! | [`Form`] | a list and what belongs to it: a join, two queries, or one for each row |
//! | [`Pressure`] | many callers and few connections: who waits, and for how long |
//! | [`Queries`], [`growing`] | the queries of an operation, counted; those that grow with its rows |
//! | [`Fetched`], [`normalise`] | reading rows, and telling statements apart, without a database |
//! | [`schema`] | tables, indexes, and the rule that each row follows |
//!
//! The file is seeded once and kept in a [`Store`](super::services::Store); each
//! process works on a copy. In `PostgreSQL` all of it lies in one schema, which is
//! made where it is not there, and what is written is deleted again.

pub use counted::{Growing, Queries, count_queries, growing, query_layer, record_growing};
pub use database::{Connection, Database, Kind, Pool};
pub use memory::Fetched;
pub use normalise::normalise;
pub use postgres::connect_anew;
pub use pressure::Pressure;
pub use reads::{Form, Page};
pub use rows::{AuditLog, Columns, Lead, Organisation, OrganisationUsers, Property, User, town};
pub use shapes::{ScoredLead, TownPrices};

mod counted;
mod database;
mod memory;
mod normalise;
mod postgres;
mod pressure;
mod reads;
mod rows;
pub mod schema;
mod shapes;
mod sqlite;
mod writes;
