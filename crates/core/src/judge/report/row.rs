//! Rows: one metric of one benchmark, with its judgement.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::outcome::{Outcome, Severity};
use crate::model::{self, BenchId};
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
    /// The most that the policy lets the row do.
    pub gate: Gate,
    /// The baseline's values.
    pub baseline: Option<Side>,
    /// The candidate's values.
    pub candidate: Option<Side>,
    /// How many observations the values rest on, if the row is a statistic of a
    /// distribution. A side with fewer than it needs is *unsupported*: it was measured, but
    /// has no values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observations: Option<Observations>,
    /// The change between the sides; absent if a side is, or if the baseline is zero.
    pub change: Option<Change>,
    /// The change of each pair of processes that the decision is based on; empty if the
    /// sides were not measured in turn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pairs: Vec<f64>,
    /// The change without the shift that the whole suite has in common; absent if nothing
    /// was subtracted. The finding `suite-shift` reports a shift that most rows share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adjusted: Option<Change>,
    /// The decision; absent if nothing was judged.
    pub judgement: Option<Judgement>,
}

impl Row {
    /// The benchmark's identity.
    pub fn bench_id(&self) -> BenchId {
        BenchId::from_parts(self.id.clone(), self.target.clone(), self.package.clone())
    }

    /// Whether the baseline measured it, though it may be unsupported there.
    pub fn in_baseline(&self) -> bool {
        let observed = self.observations.is_some_and(|it| it.baseline.is_some());
        self.baseline.is_some() || observed
    }

    /// Whether the candidate measured it, though it may be unsupported there.
    pub fn in_candidate(&self) -> bool {
        let observed = self.observations.is_some_and(|it| it.candidate.is_some());
        self.candidate.is_some() || observed
    }

    /// The observations that the candidate's value needs and those that it has, if they are
    /// too few: then a limit on it is not met.
    pub fn unsupported(&self) -> Option<(u64, u64)> {
        let Observations { needed, candidate, .. } = self.observations?;
        candidate.filter(|has| *has < needed).map(|has| (needed, has))
    }

    /// The outcome, if the row was judged.
    pub fn outcome(&self) -> Option<Outcome> {
        self.judgement.as_ref().map(|judgement| judgement.outcome)
    }
}

/// The values of one side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Side {
    /// One value for all runs, in the row's unit: the Hodges–Lehmann centre of a sampled
    /// metric, on the scale of logarithms (the median if a run is zero); the median of a
    /// count; of a distribution, the statistic of the observations of all runs together.
    pub value: f64,
    /// Each run's own number: for a clock, the median of its samples. Empty if a run has too
    /// few observations for the statistic, though all runs together have enough.
    pub runs: Vec<f64>,
}

/// How many observations a statistic of a distribution rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Observations {
    /// The least number that supports it: of so many, ten are above a quantile.
    pub needed: u64,
    /// Those of all runs of the baseline; absent if the baseline lacks the row.
    pub baseline: Option<u64>,
    /// Those of all runs of the candidate; absent if the candidate lacks the row.
    pub candidate: Option<u64>,
}

/// The change between the sides: candidate / baseline − 1, so 0.03 is +3%.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The estimate. For sampled metrics the Hodges–Lehmann shift between the runs, on the
    /// scale of logarithms.
    pub estimate: f64,
    /// The lower end of the 95% interval; absent if nothing is known about the spread
    /// between runs. Equal to the estimate for exact counts.
    pub lower: Option<f64>,
    /// The upper end of the 95% interval.
    pub upper: Option<f64>,
}

/// The decision on a row, and its reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// The outcome.
    pub outcome: Outcome,
    /// What the outcome does to the gate.
    pub severity: Severity,
    /// The reason, in a few words.
    pub reason: String,
    /// The limits in force.
    pub limits: RowLimits,
    /// The chance of a change this far beyond the tolerance if there is none, adjusted for
    /// all sampled rows (Holm); absent for counts and undecidable rows.
    pub p_value: Option<f64>,
    /// The smallest observed change that would have been called a regression.
    pub detectable: Option<f64>,
    /// Whether the clock alone would have left the row undecided. It is called unchanged
    /// because the benchmark's instructions are not more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_instructions: bool,
    /// Why the clock was not measured, if it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unmeasured: Option<Unmeasured>,
    /// The probable cause of instructions that grew: the functions that account
    /// for most of it, at most five, largest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cause: Vec<FunctionChange>,
}

/// Why the clock of a benchmark was not measured in a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unmeasured {
    /// The executables of both sides are the same code.
    IdenticalCode,
    /// It can reach only code that is the same on both sides, with equal counts.
    SameCodeExecuted,
    /// The time budget ended before its turn.
    NotReached,
}

impl From<model::Unmeasured> for Unmeasured {
    fn from(why: model::Unmeasured) -> Self {
        match why {
            model::Unmeasured::IdenticalCode => Self::IdenticalCode,
            model::Unmeasured::SameCodeExecuted => Self::SameCodeExecuted,
            model::Unmeasured::NotReached => Self::NotReached,
        }
    }
}

/// A function that takes more instructions than before, not counting the functions that
/// it calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FunctionChange {
    /// Its demangled name; arbitrary text.
    pub function: String,
    /// Instructions in the baseline; absent if they were too few to be kept.
    pub baseline: Option<u64>,
    /// Instructions in the candidate.
    pub candidate: u64,
}

/// The limits of a row: changes such as 0.01 for 1%.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RowLimits {
    /// A change up to this is not a regression.
    pub tolerance: f64,
    /// A change of this size must be found.
    pub target: f64,
    /// Proven beyond this, a warning.
    pub warn: f64,
    /// Proven beyond this, a failure.
    pub fail: f64,
    /// A difference up to this never counts, in a unit of its metric: `5ns`.
    pub floor: String,
}
