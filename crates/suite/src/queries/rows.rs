//! The rows that queries return: how they are read, and how they were seeded.

use serde::Serialize;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Error, Row as _};

use super::schema::{EPOCH, PRICE, PRICE_RANGE, TOWNS};
use crate::sizes;

/// The columns of a row by position, for both databases.
pub trait Columns {
    /// An integer.
    fn int(&self, column: usize) -> Result<i64, Error>;
    /// An integer or NULL.
    fn maybe_int(&self, column: usize) -> Result<Option<i64>, Error>;
    /// A floating-point number.
    fn real(&self, column: usize) -> Result<f64, Error>;
    /// Text.
    fn text(&self, column: usize) -> Result<String, Error>;
}

macro_rules! columns {
    ($row:ty) => {
        impl Columns for $row {
            fn int(&self, column: usize) -> Result<i64, Error> {
                self.try_get(column)
            }

            fn maybe_int(&self, column: usize) -> Result<Option<i64>, Error> {
                self.try_get(column)
            }

            fn real(&self, column: usize) -> Result<f64, Error> {
                self.try_get(column)
            }

            fn text(&self, column: usize) -> Result<String, Error> {
                self.try_get(column)
            }
        }
    };
}

columns!(SqliteRow);
columns!(PgRow);

/// A lead, with its property and the organisation that offers it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Lead {
    /// From 1.
    pub id: i64,
    /// In Unix seconds.
    pub created_at: i64,
    /// In Unix seconds.
    pub scored_at: i64,
    /// Between 0 and 1.
    pub score: f64,
    /// How far the lead has come.
    pub stage: String,
    /// The name of the interested person.
    pub name: String,
    /// Their email address.
    pub email: String,
    /// The property that they are interested in.
    pub property: Property,
    /// The organisation that offers the property.
    pub organisation: Organisation,
}

/// A property.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Property {
    /// From 1.
    pub id: i64,
    /// The town.
    pub location: String,
    /// In whole units of the currency.
    pub price: i64,
    /// The number of bedrooms.
    pub bedrooms: i64,
}

/// An organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Organisation {
    /// From 1.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// The plan that it pays for.
    pub plan: String,
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct User {
    /// From 1.
    pub id: i64,
    /// Their name.
    pub name: String,
    /// Their email address.
    pub email: String,
    /// Their role.
    pub role: String,
}

/// An organisation with its users.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OrganisationUsers {
    /// The organisation.
    #[serde(flatten)]
    pub organisation: Organisation,
    /// In the order of their ids.
    pub users: Vec<User>,
}

/// An entry of the audit log: what was done, and by whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditLog {
    /// From 1.
    pub id: i64,
    /// What was done.
    pub action: String,
    /// The lead.
    pub lead_id: i64,
    /// When, in Unix seconds.
    pub at: i64,
    /// The user who did it.
    pub user: User,
}

/// The number of columns of an organisation.
pub(super) const ORGANISATION_COLUMNS: usize = 3;

impl Organisation {
    pub(super) fn read(row: &impl Columns, first: usize) -> Result<Self, Error> {
        Ok(Self { id: row.int(first)?, name: row.text(first + 1)?, plan: row.text(first + 2)? })
    }

    /// The seeded row `number`, from 0.
    pub fn seeded(number: u32) -> Self {
        Self {
            id: i64::from(number) + 1,
            name: format!("Organisation {number}"),
            plan: ["starter", "team", "enterprise"][number as usize % 3].to_owned(),
        }
    }
}

impl Property {
    pub(super) fn read(row: &impl Columns, first: usize) -> Result<Self, Error> {
        Ok(Self {
            id: row.int(first)?,
            location: row.text(first + 1)?,
            price: row.int(first + 2)?,
            bedrooms: row.int(first + 3)?,
        })
    }

    /// The seeded row `number`, from 0.
    pub fn seeded(number: u32) -> Self {
        let n = i64::from(number);
        Self {
            id: n + 1,
            location: town(n * 7919),
            price: PRICE + n * 104_729 % PRICE_RANGE,
            bedrooms: 1 + n % 5,
        }
    }
}

/// The name of a town; `number` wraps around at [`TOWNS`].
pub fn town(number: i64) -> String {
    format!("Town {}", number % i64::from(TOWNS))
}

impl User {
    pub(super) fn read(row: &impl Columns, first: usize) -> Result<Self, Error> {
        Ok(Self {
            id: row.int(first)?,
            name: row.text(first + 1)?,
            email: row.text(first + 2)?,
            role: row.text(first + 3)?,
        })
    }

    /// The seeded row `number`, from 0.
    pub fn seeded(number: u32) -> Self {
        Self {
            id: i64::from(number) + 1,
            name: format!("User {number}"),
            email: format!("user{number}@example.com"),
            role: if number < sizes::ORGANISATIONS { "owner" } else { "agent" }.to_owned(),
        }
    }
}

impl Lead {
    pub(super) fn read(row: &impl Columns) -> Result<Self, Error> {
        Ok(Self {
            id: row.int(0)?,
            created_at: row.int(1)?,
            scored_at: row.int(2)?,
            score: row.real(3)?,
            stage: row.text(4)?,
            name: row.text(5)?,
            email: row.text(6)?,
            property: Property::read(row, 7)?,
            organisation: Organisation::read(row, 11)?,
        })
    }

    /// When the lead of the seeded row `number`, from 0, was created and scored.
    pub fn times(number: u32) -> (i64, i64) {
        let n = i64::from(number);
        (EPOCH + n * 60, EPOCH + n * 60 + n % 45)
    }

    /// The seeded row `number`, from 0.
    pub fn seeded(number: u32) -> Self {
        let n = i64::from(number);
        let property = n * 7919 % i64::from(sizes::PROPERTIES);
        let property = u32::try_from(property).unwrap_or(0);
        Self {
            id: n + 1,
            created_at: Self::times(number).0,
            scored_at: Self::times(number).1,
            score: (n * 7919 % 1000) as f64 / 1000.0,
            stage: ["new", "contacted", "qualified", "lost"][number as usize % 4].to_owned(),
            name: format!("Lead {number}"),
            email: format!("lead{number}@example.com"),
            property: Property::seeded(property),
            organisation: Organisation::seeded(property % sizes::ORGANISATIONS),
        }
    }
}

impl OrganisationUsers {
    /// The seeded organisation `number`, from 0, with its users.
    pub fn seeded(number: u32) -> Self {
        let first = number % sizes::ORGANISATIONS;
        let users = (first..sizes::USERS).step_by(sizes::ORGANISATIONS as usize);
        Self {
            organisation: Organisation::seeded(number),
            users: users.map(User::seeded).collect(),
        }
    }
}

impl AuditLog {
    pub(super) fn read(row: &impl Columns, user: User) -> Result<Self, Error> {
        Ok(Self {
            id: row.int(0)?,
            action: row.text(1)?,
            lead_id: row.int(2)?,
            at: row.int(3)?,
            user,
        })
    }

    /// The seeded row `number`, from 0.
    pub fn seeded(number: u32) -> Self {
        let n = i64::from(number);
        let user = n * 31 % i64::from(sizes::USERS);
        Self {
            id: n + 1,
            action: ["created", "viewed", "scored", "changed"][number as usize % 4].to_owned(),
            lead_id: n * 17 % i64::from(sizes::LEADS) + 1,
            at: EPOCH + n * 90,
            user: User::seeded(u32::try_from(user).unwrap_or(0)),
        }
    }
}
