//! The control: the base compared with itself.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::outcome::Outcome;

/// What holding the base against itself came to, by the rules of the report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// How many rows came out how.
    pub counts: BTreeMap<Outcome, usize>,
    /// Benchmarks that were called changed, by name.
    pub alarms: Vec<String>,
    /// The smallest change that was called one, as a share of either sign.
    pub smallest_false_change: Option<f64>,
}
