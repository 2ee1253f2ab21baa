//! Rows: one metric of one benchmark, with its judgement.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::outcome::{Outcome, Severity};
use crate::model::BenchId;
use crate::policy::Gate;

/// One metric of one benchmark.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The benchmark's name; arbitrary text.
    pub id: String,
    /// Its bench target, where known.
    pub target: Option<String>,
    /// Its package, where known.
    pub package: Option<String>,
    /// The metric's name.
    pub metric: String,
    /// The metric's unit: `ns`, `count`, `bytes`, `share`, `per_second`, or another.
    pub unit: String,
    /// Whether larger values are better.
    pub higher_is_better: bool,
    /// Whether equal programs give equal values.
    pub counted: bool,
    /// The most that the row may do, by the policy.
    pub gate: Gate,
    /// What the baseline showed.
    pub baseline: Option<Side>,
    /// What the candidate showed.
    pub candidate: Option<Side>,
    /// How far they are apart; absent where a side is, or the baseline is zero.
    pub change: Option<Change>,
    /// The change of each pair of processes that the decision rests on; empty where
    /// the sides were not measured in turn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pairs: Vec<f64>,
    /// The change without what the whole suite has in common; absent where nothing
    /// was subtracted (see the finding `suite-shift`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adjusted: Option<Change>,
    /// What was decided; absent where nothing was to be judged.
    pub judgement: Option<Judgement>,
}

impl Row {
    /// The benchmark's identity.
    pub fn bench_id(&self) -> BenchId {
        BenchId::from_parts(self.id.clone(), self.target.clone(), self.package.clone())
    }

    /// How it came out, where it was judged.
    pub fn outcome(&self) -> Option<Outcome> {
        self.judgement.as_ref().map(|judgement| judgement.outcome)
    }
}

/// What one side showed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Side {
    /// One value for all runs, in the row's unit: of a sampled metric the geometric
    /// mean (the median where a run is zero), of a count the median.
    pub value: f64,
    /// Each run's own number: for a clock, the median of its samples.
    pub runs: Vec<f64>,
}

/// How far the sides are apart: candidate / baseline − 1, so 0.03 is +3%.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The estimate. For sampled metrics the ratio of the geometric means of runs.
    pub estimate: f64,
    /// The 95% interval's lower end; absent where nothing is known of the spread
    /// between runs. Equal to the estimate for exact counts.
    pub lower: Option<f64>,
    /// The 95% interval's upper end.
    pub upper: Option<f64>,
}

/// What was decided about a row, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// How it came out.
    pub outcome: Outcome,
    /// What it does.
    pub severity: Severity,
    /// Why, in a few words.
    pub reason: String,
    /// The limits in force.
    pub limits: RowLimits,
    /// Chance of a change this far beyond the tolerance were there none, adjusted
    /// for all sampled rows (Holm); absent for counts and undecidable rows.
    pub p_value: Option<f64>,
    /// The smallest observed change that would have been called a regression.
    pub detectable: Option<f64>,
    /// Whether the clock alone would have left the row undecided: it is unchanged
    /// as far as can be known, as the benchmark's instructions are not more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_instructions: bool,
    /// The probable cause of instructions that grew: the functions that account
    /// for most of it, at most five, largest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cause: Vec<FunctionChange>,
}

/// A function that takes more instructions than before, itself, without what it
/// calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FunctionChange {
    /// Its demangled name; arbitrary text.
    pub function: String,
    /// Instructions in the baseline; absent where it was too little to be kept.
    pub baseline: Option<u64>,
    /// Instructions in the candidate.
    pub candidate: u64,
}

/// The limits of a row: changes such as 0.01 for 1%.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RowLimits {
    /// Up to here nothing is a regression.
    pub tolerance: f64,
    /// A change of this size must be found.
    pub target: f64,
    /// Proven beyond this, a warning.
    pub warn: f64,
    /// Proven beyond this, a failure.
    pub fail: f64,
    /// A difference up to here never counts, as it was written: `5ns`.
    pub floor: String,
}
