//! The reads of a service: one lead, and pages of lists, each list in three forms.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sqlx::{AssertSqlSafe, Error};

use super::QueryError;
use super::database::{Connection, Database, either, failed};
use super::rows::{
    AuditLog, Columns, Lead, ORGANISATION_COLUMNS, Organisation, OrganisationUsers, User,
};
use crate::sizes;

/// How a list gets its related rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// With one query, a join.
    Join,
    /// With two queries: the list, then all related rows.
    InBatch,
    /// With one query for the list and one for each of its rows: the bad example.
    NPlusOne,
}

impl Form {
    /// All forms.
    pub const ALL: [Self; 3] = [Self::Join, Self::InBatch, Self::NPlusOne];

    /// Its name in benchmark ids.
    pub fn id(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::InBatch => "in_batch",
            Self::NPlusOne => "n_plus_1",
        }
    }
}

/// A page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// The id of the last row on the previous page; `None` for the first page.
    pub after: Option<i64>,
    /// The maximum number of rows.
    pub rows: u32,
}

impl Page {
    /// The first page, with [`sizes::PAGE_ROWS`] rows.
    pub const FIRST: Self = Self { after: None, rows: sizes::PAGE_ROWS };
}

const LEAD: &str = "
SELECT l.id, l.created_at, l.scored_at, l.score, l.stage, l.name, l.email,
       p.id, p.location, p.price, p.bedrooms, o.id, o.name, o.plan
FROM leads l
JOIN properties p ON p.id = l.property_id
JOIN organisations o ON o.id = p.organisation_id
WHERE l.id = $1";

const ORGANISATIONS_AND_USERS: &str = "
SELECT o.id, o.name, o.plan, u.id, u.name, u.email, u.role
FROM (SELECT id, name, plan FROM organisations WHERE id > $1 ORDER BY id LIMIT $2) o
LEFT JOIN users u ON u.organisation_id = o.id
ORDER BY o.id, u.id";

const ORGANISATIONS: &str =
    "SELECT id, name, plan FROM organisations WHERE id > $1 ORDER BY id LIMIT $2";

const USERS_OF_ONE: &str =
    "SELECT id, name, email, role FROM users WHERE organisation_id = $1 ORDER BY id";

const AUDIT_LOGS_AND_USERS: &str = "
SELECT a.id, a.action, a.lead_id, a.at, u.id, u.name, u.email, u.role
FROM audit_logs a
JOIN users u ON u.id = a.user_id
WHERE a.id < $1
ORDER BY a.id DESC
LIMIT $2";

const AUDIT_LOGS: &str = "
SELECT id, action, lead_id, at, user_id FROM audit_logs WHERE id < $1 ORDER BY id DESC LIMIT $2";

const USER: &str = "SELECT id, name, email, role FROM users WHERE id = $1";

/// `count` parameters: `$1, $2, …`.
fn parameters(count: usize) -> String {
    (1..=count).fold(String::new(), |mut text, number| {
        let comma = if number == 1 { "" } else { ", " };
        // Writing to a string cannot fail.
        let _ = write!(text, "{comma}${number}");
        text
    })
}

/// Selects rows with integer parameters, and reads each row.
macro_rules! select {
    ($connection:expr, $sql:expr, [$($value:expr),*], $read:expr) => {
        either!(Connection, $connection, connection => {
            sqlx::query($sql)
                $(.bind($value))*
                .fetch_all(&mut **connection)
                .await
                .and_then(|rows| rows.iter().map($read).collect::<Result<Vec<_>, Error>>())
        })
    };
}

/// Selects the rows for a list of ids, and reads each row.
macro_rules! select_any {
    ($connection:expr, $before:literal, $after:literal, $ids:expr, $read:expr) => {
        either!(Connection, $connection, connection => {
            let ids: &[i64] = $ids;
            let sql = format!(concat!($before, "({})", $after), parameters(ids.len()));
            let query = sqlx::query(AssertSqlSafe(sql));
            ids.iter()
                .fold(query, |query, id| query.bind(*id))
                .fetch_all(&mut **connection)
                .await
                .and_then(|rows| rows.iter().map($read).collect::<Result<Vec<_>, Error>>())
        })
    };
}

impl Connection {
    /// Selects the lead `id` with its property and organisation, in one query.
    pub async fn lead(&mut self, id: i64) -> Result<Option<Lead>, QueryError> {
        let kind = self.kind();
        let leads = select!(self, LEAD, [id], Lead::read);
        leads.map(|mut leads| leads.pop()).map_err(failed(kind, "select a lead"))
    }

    /// Selects a page of organisations in the order of their ids, with their users.
    pub async fn organisations(
        &mut self,
        page: Page,
        form: Form,
    ) -> Result<Vec<OrganisationUsers>, QueryError> {
        let failed = failed(self.kind(), "select organisations and their users");
        let (after, rows) = (page.after.unwrap_or(0), i64::from(page.rows));
        match form {
            Form::Join => self.organisations_joined(after, rows).await,
            Form::InBatch => self.organisations_batched(after, rows).await,
            Form::NPlusOne => self.organisations_singly(after, rows).await,
        }
        .map_err(failed)
    }

    async fn organisations_joined(
        &mut self,
        after: i64,
        rows: i64,
    ) -> Result<Vec<OrganisationUsers>, Error> {
        let rows = select!(self, ORGANISATIONS_AND_USERS, [after, rows], |row| {
            let user = match row.maybe_int(ORGANISATION_COLUMNS)? {
                Some(_) => Some(User::read(row, ORGANISATION_COLUMNS)?),
                None => None,
            };
            Ok((Organisation::read(row, 0)?, user))
        })?;
        let mut organisations: Vec<OrganisationUsers> = Vec::new();
        for (organisation, user) in rows {
            match organisations.last_mut() {
                Some(last) if last.organisation.id == organisation.id => last.users.extend(user),
                _ => organisations
                    .push(OrganisationUsers { organisation, users: user.into_iter().collect() }),
            }
        }
        Ok(organisations)
    }

    async fn organisations_alone(
        &mut self,
        after: i64,
        rows: i64,
    ) -> Result<Vec<OrganisationUsers>, Error> {
        select!(self, ORGANISATIONS, [after, rows], |row| {
            Ok(OrganisationUsers { organisation: Organisation::read(row, 0)?, users: Vec::new() })
        })
    }

    async fn organisations_batched(
        &mut self,
        after: i64,
        rows: i64,
    ) -> Result<Vec<OrganisationUsers>, Error> {
        let mut organisations = self.organisations_alone(after, rows).await?;
        let ids: Vec<i64> = organisations.iter().map(|found| found.organisation.id).collect();
        if ids.is_empty() {
            return Ok(organisations);
        }
        let users = select_any!(
            self,
            "SELECT organisation_id, id, name, email, role FROM users WHERE organisation_id IN ",
            " ORDER BY id",
            &ids,
            |row| Ok((row.int(0)?, User::read(row, 1)?))
        )?;
        let mut of: BTreeMap<i64, Vec<User>> = BTreeMap::new();
        for (organisation, user) in users {
            of.entry(organisation).or_default().push(user);
        }
        for found in &mut organisations {
            found.users = of.remove(&found.organisation.id).unwrap_or_default();
        }
        Ok(organisations)
    }

    async fn organisations_singly(
        &mut self,
        after: i64,
        rows: i64,
    ) -> Result<Vec<OrganisationUsers>, Error> {
        let mut organisations = self.organisations_alone(after, rows).await?;
        for found in &mut organisations {
            let id = found.organisation.id;
            found.users = select!(self, USERS_OF_ONE, [id], |row| User::read(row, 0))?;
        }
        Ok(organisations)
    }

    /// Selects a page of audit logs, the latest first, with their users.
    pub async fn audit_logs(
        &mut self,
        page: Page,
        form: Form,
    ) -> Result<Vec<AuditLog>, QueryError> {
        let failed = failed(self.kind(), "select audit logs and their users");
        let (before, rows) = (page.after.unwrap_or(i64::MAX), i64::from(page.rows));
        match form {
            Form::Join => select!(self, AUDIT_LOGS_AND_USERS, [before, rows], |row| {
                AuditLog::read(row, User::read(row, 4)?)
            }),
            Form::InBatch => self.audit_logs_batched(before, rows).await,
            Form::NPlusOne => self.audit_logs_singly(before, rows).await,
        }
        .map_err(failed)
    }

    /// Selects audit logs with the ids of their users only.
    async fn audit_logs_alone(&mut self, before: i64, rows: i64) -> Result<Vec<AuditLog>, Error> {
        select!(self, AUDIT_LOGS, [before, rows], |row| {
            let (name, email, role) = (String::new(), String::new(), String::new());
            AuditLog::read(row, User { id: row.int(4)?, name, email, role })
        })
    }

    async fn audit_logs_batched(&mut self, before: i64, rows: i64) -> Result<Vec<AuditLog>, Error> {
        let mut logs = self.audit_logs_alone(before, rows).await?;
        let mut ids: Vec<i64> = logs.iter().map(|log| log.user.id).collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            return Ok(logs);
        }
        let users = select_any!(
            self,
            "SELECT id, name, email, role FROM users WHERE id IN ",
            "",
            &ids,
            |row| User::read(row, 0)
        )?;
        let users: BTreeMap<i64, User> = users.into_iter().map(|user| (user.id, user)).collect();
        for log in &mut logs {
            log.user = users.get(&log.user.id).ok_or(Error::RowNotFound)?.clone();
        }
        Ok(logs)
    }

    async fn audit_logs_singly(&mut self, before: i64, rows: i64) -> Result<Vec<AuditLog>, Error> {
        let mut logs = self.audit_logs_alone(before, rows).await?;
        for log in &mut logs {
            let mut users = select!(self, USER, [log.user.id], |row| User::read(row, 0))?;
            log.user = users.pop().ok_or(Error::RowNotFound)?;
        }
        Ok(logs)
    }
}

/// Each method acquires a connection of the reader's pool and returns it.
impl Database {
    /// Selects the lead `id` with its property and organisation.
    pub async fn lead(&self, id: i64) -> Result<Option<Lead>, QueryError> {
        self.reader().acquire().await?.lead(id).await
    }

    /// Selects a page of organisations in the order of their ids, with their users.
    pub async fn organisations(
        &self,
        page: Page,
        form: Form,
    ) -> Result<Vec<OrganisationUsers>, QueryError> {
        self.reader().acquire().await?.organisations(page, form).await
    }

    /// Selects a page of audit logs, the latest first, with their users.
    pub async fn audit_logs(&self, page: Page, form: Form) -> Result<Vec<AuditLog>, QueryError> {
        self.reader().acquire().await?.audit_logs(page, form).await
    }
}
