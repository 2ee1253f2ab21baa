//! How rows come out, and how much that weighs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy::{Gate, Level};

/// How a row came out.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Proven worse, beyond the tolerance.
    Regression,
    /// It could not be told.
    Undecided,
    /// Only the baseline has it.
    Missing,
    /// Only the candidate has it.
    New,
    /// Proven better, beyond the tolerance.
    Improvement,
    /// Any change is below the target, or exactly none.
    Unchanged,
}

impl Outcome {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Self; 6] = [
        Self::Regression,
        Self::Improvement,
        Self::Unchanged,
        Self::Undecided,
        Self::Missing,
        Self::New,
    ];

    /// The word that is shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Regression => "regression",
            Self::Undecided => "undecided",
            Self::Missing => "missing",
            Self::New => "new",
            Self::Improvement => "improvement",
            Self::Unchanged => "unchanged",
        }
    }

    /// What it means, and what helps.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Regression => {
                "The row is worse, beyond its tolerance, and that is unlikely to be noise: over all \
                 sampled rows of a comparison the chance of any false regression is verdict.alpha, were \
                 the runs' own noise all there is; between a saved baseline and a later run other things \
                 may differ too. It fails the gate where it is proven beyond `fail`, warns beyond `warn`. A \
                 clock that is slower though the same benchmark's instructions are steady and not more \
                 fails beyond `slower_clock_tolerance`, and only warns where the layout of the two builds \
                 was not pinned: a new build alone moves code, and that moves times. To accept a \
                 regression for a while, add a [[waiver]]."
            }
            Self::Improvement => {
                "The row is better, beyond its tolerance, by the same test turned round."
            }
            Self::Unchanged => {
                "The whole 95% interval lies below the target, so a change for the worse of that size is \
                 ruled out; or a count is within its tolerance. Unchanged as far as can be known: the clock \
                 is undecided and does not look slower, and the same benchmark's instructions are \
                 steady and not more; `witness = \"clock\"` leaves such rows undecided."
            }
            Self::Undecided => {
                "Neither a change nor its absence could be shown: the runs differ too much, there are too \
                 few of them, or the sides are not comparable. The row's reason says which, and the \
                 smallest change that could have been shown. More runs help; so do instruction counts."
            }
            Self::Missing => {
                "Only the baseline has the row: see benchmark-missing and metric-missing, which \
                 verdict.missing sets the weight of."
            }
            Self::New => {
                "Only the candidate has the row, so there is nothing to compare it with until a baseline \
                 holds it: see benchmark-new."
            }
        }
    }
}

/// What a row or a finding does.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// It fails the gate.
    Fail,
    /// It warns.
    Warn,
    /// It is said.
    Note,
}

/// The most that the policy lets a row do.
impl From<Gate> for Severity {
    fn from(gate: Gate) -> Self {
        match gate {
            Gate::Fail => Self::Fail,
            Gate::Warn => Self::Warn,
            Gate::Show => Self::Note,
        }
    }
}

/// The severity of a finding whose level the policy sets.
impl From<Level> for Severity {
    fn from(level: Level) -> Self {
        match level {
            Level::Fail => Self::Fail,
            Level::Warn => Self::Warn,
            Level::Allow => Self::Note,
        }
    }
}
