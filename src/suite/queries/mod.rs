//! Pooled SQL: leads, properties, organisations, users and audit logs in an
//! `SQLite` file in WAL mode.
//!
//! | item | what |
//! |---|---|
//! | [`Database`] | the seeded database: where to write, where to read |
//! | [`Pool`], [`Connection`] | acquiring and executing, measured apart |
//! | [`Form`] | a list and what belongs to it: a join, two queries, or one for each row |
//! | [`Store`] | where what was seeded is kept from run to run |
//! | [`schema`] | tables, indexes, and the rule that each row follows |

pub use database::{Connection, Database, Kind, Pool};
pub use reads::{Form, Page};
pub use rows::{AuditLog, Columns, Lead, Organisation, OrganisationUsers, Property, User, town};
pub use store::{OwnCopy, Store};

mod database;
mod reads;
mod rows;
pub mod schema;
mod sqlite;
mod store;
