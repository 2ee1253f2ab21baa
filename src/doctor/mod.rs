//! Checks for anything that degrades or prevents measurements, with a remedy for each.
//!
//! Each function checks a place: the machine (`/proc` and `/sys` below any root), the
//! tools, the project, the repository, the services. Each result is a [`Check`] with a
//! stable name; nothing is changed.

mod address;
mod machine;
mod project;
mod repository;
mod services;
mod tools;

use schemars::JsonSchema;
use serde::Serialize;

pub use machine::machine;
pub use project::project;
pub use repository::repository;
pub use services::{Services, services};
pub use tools::{Tools, tools};

/// The version of the JSON form.
const SCHEMA_VERSION: u32 = 1;

/// The severity of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Nothing needs to be done.
    Ok,
    /// Measurements are worse than they could be, or incomplete.
    Warning,
    /// Something cannot be measured, or measurements are wrong.
    Problem,
}

impl Status {
    /// The stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

/// The result of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Check {
    /// Its stable name.
    pub name: String,
    /// Its severity.
    pub status: Status,
    /// The finding.
    pub found: String,
    /// The remedy, on one line; absent if nothing needs to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Check {
    fn ok(name: &str, found: impl Into<String>) -> Self {
        Self { name: name.to_owned(), status: Status::Ok, found: found.into(), remedy: None }
    }

    fn warning(name: &str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { status: Status::Warning, remedy: Some(remedy.into()), ..Self::ok(name, found) }
    }

    fn problem(name: &str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { status: Status::Problem, remedy: Some(remedy.into()), ..Self::ok(name, found) }
    }
}

/// All checks, in the order in which they were made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(title = "benchgate diagnosis")]
pub struct Diagnosis {
    /// The version of this format.
    pub schema_version: u32,
    /// The program that wrote it: `benchgate 0.1.0`.
    pub tool: String,
    /// The checks.
    pub checks: Vec<Check>,
}

impl Diagnosis {
    /// A diagnosis of these checks.
    pub fn new(checks: Vec<Check>) -> Self {
        let tool = concat!("benchgate ", env!("CARGO_PKG_VERSION")).to_owned();
        Self { schema_version: SCHEMA_VERSION, tool, checks }
    }

    /// The worst status; `Ok` without any checks.
    pub fn worst(&self) -> Status {
        self.checks.iter().map(|check| check.status).max().unwrap_or(Status::Ok)
    }

    /// The number of checks with this status.
    pub fn count(&self, status: Status) -> usize {
        self.checks.iter().filter(|check| check.status == status).count()
    }
}

/// The JSON Schema of a [`Diagnosis`].
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Diagnosis).to_value()
}
