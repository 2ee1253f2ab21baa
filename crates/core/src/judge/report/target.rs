//! Targets: the absolute limits of the policy, how the candidate meets them, and the grade.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::outcome::Severity;
use crate::model::BenchId;
use crate::policy::{TargetKind, TargetSeverity};

/// The absolute limits of the policy, and how the candidate meets them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Targets {
    /// The grade of all targets together.
    pub grade: Grade,
    /// The grade of each group.
    pub groups: BTreeMap<String, Grade>,
    /// One for each benchmark that a target names, or one for the target if nothing that it
    /// names was measured; worst first.
    pub rows: Vec<TargetRow>,
}

/// How many of some targets are met. A target is counted once, by the worst of its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Grade {
    /// The grade, by the share of targets that are met.
    pub letter: Letter,
    /// The number of targets.
    pub targets: usize,
    /// Targets that are met.
    pub met: usize,
    /// Targets that are missed.
    pub missed: usize,
    /// Targets on a quantile that the measurement does not support.
    pub unsupported: usize,
    /// Targets for which the runs show neither.
    pub undecided: usize,
    /// Targets of which nothing was measured.
    pub not_measured: usize,
}

/// A grade, the best first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum Letter {
    /// A+
    #[serde(rename = "A+")]
    APlus,
    /// A
    A,
    /// B+
    #[serde(rename = "B+")]
    BPlus,
    /// B
    B,
    /// C
    C,
    /// D
    D,
}

impl fmt::Display for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::APlus => "A+",
            Self::A => "A",
            Self::BPlus => "B+",
            Self::B => "B",
            Self::C => "C",
            Self::D => "D",
        })
    }
}

/// One absolute limit on one benchmark.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetRow {
    /// Which table of the policy it is written in.
    pub kind: TargetKind,
    /// The policy's glob over benchmarks.
    pub bench: String,
    /// The benchmark's name, which is arbitrary text; absent if nothing was measured.
    pub id: Option<String>,
    /// Its bench target, where known.
    pub target: Option<String>,
    /// Its package, where known.
    pub package: Option<String>,
    /// The metric's name.
    pub metric: String,
    /// The metric's unit; absent if nothing was measured.
    pub unit: Option<String>,
    /// Which side of the limit is allowed.
    pub bound: BoundKind,
    /// The limit as it is shown: `200 ms`.
    pub limit: String,
    /// The limit in the metric's unit; absent if the unit is unknown or does not fit.
    pub limit_value: Option<f64>,
    /// Whether the target is met.
    pub status: TargetStatus,
    /// What it does to the gate.
    pub effect: Severity,
    /// The baseline's value, in the metric's unit.
    pub before: Option<f64>,
    /// The candidate's value, in the metric's unit.
    pub after: Option<f64>,
    /// The share of the limit that is left: 0.25 if 150 ms of at most 200 ms are used, or if
    /// 75 is reached of at least 60. Negative beyond the limit; absent if the limit is zero.
    pub headroom: Option<f64>,
    /// How much a miss matters.
    pub severity: TargetSeverity,
    /// The group that it is graded with.
    pub group: Option<String>,
    /// The reason in the user's words.
    pub reason: Option<String>,
    /// Whether the target fails if nothing that it names was measured.
    pub required: bool,
    /// What is to be known about the status; absent if the numbers say it all.
    pub why: Option<String>,
}

impl TargetRow {
    /// Whether there is a measured row that it limits.
    pub fn is_measured(&self) -> bool {
        self.id.is_some()
    }

    /// The benchmark's identity; `None` if nothing was measured.
    pub fn bench_id(&self) -> Option<BenchId> {
        let name = self.id.clone()?;
        Some(BenchId::from_parts(name, self.target.clone(), self.package.clone()))
    }
}

/// Which side of a limit is allowed.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum BoundKind {
    /// Values must not exceed it.
    AtMost,
    /// Values must reach it.
    AtLeast,
}

/// Whether a target is met, the worst first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum TargetStatus {
    /// The candidate is beyond the limit.
    Missed,
    /// The measurement holds too few observations for the quantile.
    Unsupported,
    /// The runs show neither.
    Undecided,
    /// Nothing that the target names has a value.
    NotMeasured,
    /// The candidate keeps the limit.
    Met,
}

impl TargetStatus {
    /// The word that is shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missed => "missed",
            Self::Unsupported => "unsupported",
            Self::Undecided => "undecided",
            Self::NotMeasured => "not measured",
            Self::Met => "met",
        }
    }
}
