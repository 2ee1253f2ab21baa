//! The limits of rows: relative ones, budgets, and waivers.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::quantity::Quantity;
use crate::model::{BenchId, Pattern};

/// The most that a row may do.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Gate {
    /// Be compared and shown.
    Show,
    /// Warn.
    Warn,
    /// Fail the gate.
    Fail,
}

/// Which of a benchmark's two witnesses may do what `gate` says, where it has
/// both: a time, and the count of its instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Witness {
    /// Each of them.
    Both,
    /// The time; the instructions are shown.
    Clock,
    /// The instructions; the time is shown.
    Instructions,
}

/// The limits of one row. Relative ones are changes such as 0.01 for 1%.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Up to here nothing is a regression.
    pub tolerance: f64,
    /// A change of this size must be found.
    pub target: f64,
    /// Beyond this a proven regression is a warning; at least `tolerance`.
    pub warn: f64,
    /// Beyond this a proven regression fails; at least `tolerance`.
    pub fail: f64,
    /// A difference up to here never counts; absolute.
    pub floor: Quantity,
    /// The most that the row may do.
    pub gate: Gate,
    /// Which witness gates, where there are two.
    pub witness: Witness,
    /// The most that a slower clock may do where the instructions are not more.
    pub slower_clock: Gate,
    /// The same, where the layout of the two builds was not pinned.
    pub slower_clock_unpinned: Gate,
    /// Proven beyond this, such a clock does that; below it warns at most. At
    /// least `fail`.
    pub slower_clock_tolerance: f64,
}

/// An absolute limit on the candidate.
#[derive(Clone, Debug)]
pub struct Budget {
    /// Which benchmarks.
    pub bench: Pattern,
    /// Which metric, by its exact name.
    pub metric: String,
    /// The limit, and on which side of it values must lie.
    pub bound: Bound,
    /// Why, in the user's words.
    pub reason: Option<String>,
}

/// Which side of a limit is allowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// Values must not exceed it.
    AtMost(Quantity),
    /// Values must reach it.
    AtLeast(Quantity),
}

/// An accepted regression of one row.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiver {
    /// The benchmark's exact name, or `package/target::name`.
    pub bench: String,
    /// The metric's exact name.
    pub metric: String,
    /// The ceiling, a change such as 0.12 for 12%.
    pub up_to: f64,
    /// The last day on which it holds.
    pub until: Date,
    /// Why, in the user's words.
    pub reason: String,
}

impl Waiver {
    /// Whether that row is meant.
    pub fn covers(&self, id: &BenchId, metric: &str) -> bool {
        self.metric == metric && self.names(id)
    }

    /// Whether that benchmark is meant, whatever the metric.
    pub fn names(&self, id: &BenchId) -> bool {
        self.bench == id.name || self.bench == id.qualified()
    }
}
