//! The content of the databases: one schema and one set of rows, for both systems.
//!
//! The database computes every row from its number: nothing is random, and no rows
//! are sent.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::Kind;
use crate::sizes;

/// When the first rows were created, in Unix seconds.
pub const EPOCH: i64 = 1_700_000_000;

/// The number of towns that the properties are in.
pub const TOWNS: u32 = 200;
/// The lowest price.
pub const PRICE: i64 = 100_000;
/// The range of prices above the lowest.
pub const PRICE_RANGE: i64 = 900_000;

/// `{id}` stands for an integer primary key.
const TABLES: &str = "
CREATE TABLE organisations (
    id {id}, name TEXT NOT NULL, plan TEXT NOT NULL, created_at BIGINT NOT NULL
);
CREATE TABLE users (
    id {id}, organisation_id BIGINT NOT NULL REFERENCES organisations (id),
    name TEXT NOT NULL, email TEXT NOT NULL, role TEXT NOT NULL
);
CREATE TABLE properties (
    id {id}, organisation_id BIGINT NOT NULL REFERENCES organisations (id),
    location TEXT NOT NULL, price BIGINT NOT NULL, bedrooms BIGINT NOT NULL
);
CREATE TABLE properties_unindexed (
    id {id}, organisation_id BIGINT NOT NULL,
    location TEXT NOT NULL, price BIGINT NOT NULL, bedrooms BIGINT NOT NULL
);
CREATE TABLE leads (
    id {id}, property_id BIGINT NOT NULL REFERENCES properties (id),
    created_at BIGINT NOT NULL, scored_at BIGINT NOT NULL, score DOUBLE PRECISION NOT NULL,
    stage TEXT NOT NULL, name TEXT NOT NULL, email TEXT NOT NULL
);
CREATE TABLE audit_logs (
    id {id}, user_id BIGINT NOT NULL REFERENCES users (id),
    action TEXT NOT NULL, lead_id BIGINT NOT NULL REFERENCES leads (id), at BIGINT NOT NULL
);
CREATE TABLE written_leads (
    process BIGINT NOT NULL, number BIGINT NOT NULL, written_at BIGINT NOT NULL,
    score DOUBLE PRECISION NOT NULL, email TEXT NOT NULL, PRIMARY KEY (process, number)
);
CREATE TABLE benchgate_seed (content TEXT NOT NULL);
";

/// `{organisations}`, `{users}` and so on stand for rows of one column `n`, from 0 to
/// below the number of rows of that table.
const ROWS: &str = "
INSERT INTO organisations
SELECT n + 1, 'Organisation ' || n,
       CASE n % 3 WHEN 0 THEN 'starter' WHEN 1 THEN 'team' ELSE 'enterprise' END, {epoch} + n * 3600
FROM {organisations};
INSERT INTO users
SELECT n + 1, n % {organisation_count} + 1, 'User ' || n, 'user' || n || '@example.com',
       CASE WHEN n < {organisation_count} THEN 'owner' ELSE 'agent' END
FROM {users};
INSERT INTO properties
SELECT n + 1, n % {organisation_count} + 1, 'Town ' || (n * 7919 % {towns}),
       {price} + n * 104729 % {price_range}, 1 + n % 5
FROM {properties};
INSERT INTO properties_unindexed SELECT * FROM properties ORDER BY id;
INSERT INTO leads
SELECT n + 1, n * 7919 % {property_count} + 1, {epoch} + n * 60, {epoch} + n * 60 + n % 45,
       (n * 7919 % 1000) / 1000.0,
       CASE n % 4 WHEN 0 THEN 'new' WHEN 1 THEN 'contacted' WHEN 2 THEN 'qualified' ELSE 'lost' END,
       'Lead ' || n, 'lead' || n || '@example.com'
FROM {leads};
INSERT INTO audit_logs
SELECT n + 1, n * 31 % {user_count} + 1,
       CASE n % 4 WHEN 0 THEN 'created' WHEN 1 THEN 'viewed' WHEN 2 THEN 'scored' ELSE 'changed' END,
       n * 17 % {lead_count} + 1, {epoch} + n * 90
FROM {audit_logs};
";

/// Created after the rows, so that each index is built at once.
const INDEXES: &str = "
CREATE INDEX idx_leads_created_scored ON leads (created_at, scored_at);
CREATE INDEX idx_properties_location_price ON properties (location, price);
CREATE INDEX idx_users_organisation ON users (organisation_id);
";

/// All statements except the marker, in order: tables, rows, indexes.
pub(super) fn statements(kind: Kind) -> String {
    let numbers = |count: u32| match kind {
        Kind::Sqlite => format!(
            "(WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE \
             n + 1 < {count}) SELECT n FROM numbers)"
        ),
        Kind::Postgres => format!("generate_series(0::bigint, {count} - 1) AS numbers (n)"),
    };
    let id = match kind {
        // The order of the table itself, without a second index.
        Kind::Sqlite => "INTEGER PRIMARY KEY",
        Kind::Postgres => "BIGINT PRIMARY KEY",
    };
    let mut text = [TABLES, ROWS, INDEXES].concat();
    for (name, value) in [
        ("{id}", id.to_owned()),
        ("{organisations}", numbers(sizes::ORGANISATIONS)),
        ("{users}", numbers(sizes::USERS)),
        ("{properties}", numbers(sizes::PROPERTIES)),
        ("{leads}", numbers(sizes::LEADS)),
        ("{audit_logs}", numbers(sizes::AUDIT_LOGS)),
        ("{organisation_count}", sizes::ORGANISATIONS.to_string()),
        ("{user_count}", sizes::USERS.to_string()),
        ("{property_count}", sizes::PROPERTIES.to_string()),
        ("{lead_count}", sizes::LEADS.to_string()),
        ("{towns}", TOWNS.to_string()),
        ("{price}", PRICE.to_string()),
        ("{price_range}", PRICE_RANGE.to_string()),
        ("{epoch}", EPOCH.to_string()),
    ] {
        text = text.replace(name, &value);
    }
    text
}

/// A name for the content that [`statements`] create: a hash, so that another
/// schema, seed or size has another name.
pub(super) fn content(kind: Kind) -> String {
    let hash = Sha256::digest(statements(kind).as_bytes());
    hash[..8].iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The content of `PostgreSQL`'s schema.
pub fn postgres_content() -> String {
    content(Kind::Postgres)
}

/// The name of the schema in `PostgreSQL`. It depends on the content, so that two
/// versions of the suite can be measured in turn on one server.
pub fn postgres_schema() -> String {
    format!("benchgate_{}", &postgres_content()[..8])
}

/// The statements that create and fill the schema.
pub(super) fn postgres_statements() -> String {
    let schema = postgres_schema();
    format!(
        "CREATE SCHEMA {schema};\nSET LOCAL search_path TO {schema};\n{}\n\
         INSERT INTO benchgate_seed (content) VALUES ('{}');\n",
        statements(Kind::Postgres),
        postgres_content()
    )
}

/// Updates the planner's statistics and the visibility map, as in a well-maintained
/// database.
pub(super) fn postgres_vacuum() -> String {
    let schema = postgres_schema();
    let tables: Vec<String> = SEEDED.iter().map(|table| format!("{schema}.{table}")).collect();
    format!("VACUUM (ANALYZE) {};\n", tables.join(", "))
}

/// The tables that are only read.
const SEEDED: [&str; 6] =
    ["organisations", "users", "properties", "properties_unindexed", "leads", "audit_logs"];

/// The same as input of the server's single-user mode with `-j`, where a command ends
/// with a semicolon and an empty line. All rows are in one command, and so in one
/// transaction.
pub fn postgres_script() -> String {
    let mut commands = postgres_statements();
    while commands.contains("\n\n") {
        commands = commands.replace("\n\n", "\n");
    }
    format!("{commands}\n{}\n", postgres_vacuum())
}
