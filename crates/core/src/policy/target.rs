//! Absolute limits on the candidate: `[[target]]` and `[[budget]]`.

use std::cmp::Ordering;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::quantity::Quantity;
use crate::model::Pattern;

/// An absolute limit on the candidate, whatever the baseline says.
#[derive(Clone, Debug)]
pub struct Target {
    /// Which table of the policy it is written in.
    pub kind: TargetKind,
    /// Which benchmarks.
    pub bench: Pattern,
    /// Which metric, by its exact name. A quantile is a part of the name: `latency.p99`.
    pub metric: String,
    /// The limit, and on which side of it values must be.
    pub bound: Bound,
    /// A value proven beyond this is a warning, although it keeps the limit.
    pub warn_at: Option<Quantity>,
    /// How much it matters if the target is missed.
    pub severity: TargetSeverity,
    /// The group that it is graded with.
    pub group: Option<String>,
    /// Why, in the user's words.
    pub reason: Option<String>,
    /// Whether it fails if nothing that it names was measured.
    pub required: bool,
}

/// Which table of the policy a limit is written in.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum TargetKind {
    /// `[[target]]`: met if the runs prove it.
    Target,
    /// `[[budget]]`: kept unless the runs prove that it is exceeded.
    Budget,
}

impl TargetKind {
    /// The word that is shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Target => "target",
            Self::Budget => "budget",
        }
    }
}

/// How much it matters if a target is missed.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum TargetSeverity {
    /// A miss fails, and so does a target that is undecided.
    Critical,
    /// A miss fails.
    #[default]
    High,
    /// A miss is a warning.
    Medium,
    /// A miss is shown.
    Low,
}

impl TargetSeverity {
    /// The word that is shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
}

/// Which side of a limit is allowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// Values must not exceed it.
    AtMost(Quantity),
    /// Values must reach it.
    AtLeast(Quantity),
}

impl Bound {
    /// The limit.
    pub fn quantity(self) -> Quantity {
        match self {
            Self::AtMost(quantity) | Self::AtLeast(quantity) => quantity,
        }
    }

    /// Whether no value can keep both limits. Amounts of different kinds are not compared.
    pub(super) fn contradicts(self, other: Self) -> bool {
        match (self, other) {
            (Self::AtMost(most), Self::AtLeast(least))
            | (Self::AtLeast(least), Self::AtMost(most)) => {
                most.compare(least) == Some(Ordering::Less)
            }
            _ => false,
        }
    }
}

/// The shares of targets that must be met for each grade: 0 to 1, falling.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GradeRules {
    /// For A+.
    pub a_plus: f64,
    /// For A.
    pub a: f64,
    /// For B+.
    pub b_plus: f64,
    /// For B.
    pub b: f64,
    /// For C; below, the grade is D.
    pub c: f64,
}
