//! The control: the base compared with itself.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::outcome::Outcome;

/// The base compared with itself, by the rules of the report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// The number of rows with each outcome.
    pub counts: BTreeMap<Outcome, usize>,
    /// Benchmarks that were called changed, by name.
    pub alarms: Vec<String>,
    /// The smallest change that was called a regression or an improvement, as a share.
    pub smallest_false_change: Option<f64>,
}
