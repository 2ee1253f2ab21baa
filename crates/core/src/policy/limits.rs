//! The relative limits of rows, and waivers.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::quantity::Quantity;
use crate::model::BenchId;

/// The most severe effect that a row may have.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Gate {
    /// It is compared and shown.
    Show,
    /// It may warn.
    Warn,
    /// It may fail the gate.
    Fail,
}

/// Which of a benchmark's two witnesses may gate, if it has both a time and an
/// instruction count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Witness {
    /// Both.
    Both,
    /// The time; the instructions are shown.
    Clock,
    /// The instructions; the time is shown.
    Instructions,
}

/// The limits of one row. Relative ones are changes such as 0.01 for 1%.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// A change for the worse up to here is never a regression.
    pub tolerance: f64,
    /// A change of this size must be found.
    pub target: f64,
    /// A regression proven beyond this is a warning; at least `tolerance`.
    pub warn: f64,
    /// A regression proven beyond this fails the gate; at least `tolerance`.
    pub fail: f64,
    /// A difference up to here never counts; absolute.
    pub floor: Quantity,
    /// The most severe effect that the row may have.
    pub gate: Gate,
    /// Which witness gates, if there are two.
    pub witness: Witness,
    /// The most severe effect of a slower clock if the instructions did not grow.
    pub slower_clock: Gate,
    /// Limits `slower_clock` further if the layout of the two builds was not pinned.
    pub slower_clock_unpinned: Gate,
    /// A slower clock has that effect only if it is proven beyond this; below, it is
    /// a warning at most. At least `fail`.
    pub slower_clock_tolerance: f64,
    /// Between saved snapshots, a slower clock that is proven beyond this fails, whatever
    /// `slower_clock_unpinned` says. At least `slower_clock_tolerance`.
    pub slower_clock_ceiling: f64,
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
    /// The last day on which it applies.
    pub until: Date,
    /// Why, in the user's words.
    pub reason: String,
}

impl Waiver {
    /// Whether the waiver is for that row.
    pub fn covers(&self, id: &BenchId, metric: &str) -> bool {
        self.metric == metric && self.names(id)
    }

    /// Whether the waiver is for that benchmark, whatever the metric.
    pub fn names(&self, id: &BenchId) -> bool {
        self.bench == id.name || self.bench == id.qualified()
    }
}
