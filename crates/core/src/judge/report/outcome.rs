//! The outcomes of rows, and their severity.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy::{Gate, Level};

/// The outcome of a row.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Proven worse, beyond the tolerance.
    Regression,
    /// Neither a change nor its absence could be shown.
    Undecided,
    /// Only the baseline has it.
    Missing,
    /// Only the candidate has it.
    New,
    /// Proven better, beyond the tolerance.
    Improvement,
    /// A change of the target's size is ruled out, or there is none.
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
                "The row is worse, beyond its tolerance, and noise is an unlikely explanation: \
                 over all sampled rows of a comparison the chance of any false regression is \
                 verdict.alpha, assuming that the noise of the runs and of the known sessions \
                 is all there is. The row fails the \
                 gate if it is proven beyond `fail`, and warns if beyond `warn`. Between saved \
                 snapshots a clock only warns until it is known how much sessions differ. A \
                 slower clock whose instructions are steady and not more fails beyond \
                 `slower_clock_tolerance`. If the layout of the two builds was not pinned, it \
                 only warns, because a new build alone moves code, and that changes times; \
                 between saved snapshots it fails beyond `slower_clock_ceiling`. To accept a \
                 regression for a while, add a [[waiver]]."
            }
            Self::Undecided => {
                "Neither a change nor its absence could be shown: the runs differ too much, there \
                 are too few of them, or the sides are not comparable. The row's reason says \
                 which, and gives the smallest change that could have been shown. More runs help, \
                 and so do instruction counts."
            }
            Self::Missing => {
                "Only the baseline has the row: see benchmark-missing and metric-missing. \
                 verdict.missing sets the severity."
            }
            Self::New => {
                "Only the candidate has the row, so there is nothing to compare it with until a \
                 baseline has it: see benchmark-new."
            }
            Self::Improvement => {
                "The row is better, beyond its tolerance, by the same test in the other \
                 direction."
            }
            Self::Unchanged => {
                "The whole 95% interval is below the target, so a change for the worse of that \
                 size is ruled out; or a count is within its tolerance. A clock that is \
                 inconclusive but does not look slower is also unchanged if the same benchmark's \
                 instructions are steady and not more; `witness = \"clock\"` leaves such rows \
                 undecided."
            }
        }
    }
}

/// What a row or a finding does to the gate.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// It fails the gate.
    Fail,
    /// It warns.
    Warn,
    /// It is reported.
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
