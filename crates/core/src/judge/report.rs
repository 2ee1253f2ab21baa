//! The report: everything that was compared, decided and found.
//!
//! One structure for every renderer, and the JSON that `--format json` writes.
//! Its JSON Schema is committed; its version moves when a meaning does.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Case;
use super::code::Code;
use super::comparability::Comparability;
use super::control::Control;
use crate::model::{BenchId, Field, Snapshot};
use crate::policy::Gate;

/// The version of the report's format.
pub(super) const SCHEMA_VERSION: u32 = 1;

/// Everything that was compared, decided and found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "benchgate report")]
pub struct Report {
    /// The version of this format.
    pub schema_version: u32,
    /// The program that wrote it: `benchgate 0.1.0`.
    pub tool: String,
    /// The verdict; absent where nothing was to be judged.
    pub verdict: Option<Verdict>,
    /// What the candidate was held against.
    pub baseline: Option<SnapshotSummary>,
    /// What was measured.
    pub candidate: SnapshotSummary,
    /// The policy file in force; absent for the defaults.
    pub policy: Option<PathBuf>,
    /// Family-wise chance of a false regression among the sampled rows.
    pub alpha: f64,
    /// What the base held against itself showed, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<Control>,
    /// How the environments differ.
    pub environment_differences: Vec<EnvironmentDifference>,
    /// How many rows came out how.
    pub counts: BTreeMap<Outcome, usize>,
    /// One row for each metric of each benchmark, worst first.
    pub rows: Vec<Row>,
    /// What was found besides, worst first.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Rows and findings, worst first.
    pub(super) fn sort(&mut self) {
        self.rows.sort_by(by_weight);
        self.findings.sort_by(|a, b| {
            (a.severity, a.code, &a.id, &a.metric, &a.message)
                .cmp(&(b.severity, b.code, &b.id, &b.metric, &b.message))
        });
    }
}

/// The verdict on the candidate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// Which.
    pub outcome: VerdictOutcome,
    /// The exit code that goes with it.
    pub exit_code: u8,
    /// One sentence that says why.
    pub reason: String,
}

/// What a pipeline is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum VerdictOutcome {
    /// The policy is met.
    Pass,
    /// A regression beyond its limit, or a budget exceeded.
    Fail,
    /// It could not be decided, and the policy blocks on that.
    Undecided,
    /// Nothing was compared, or a required benchmark is missing.
    NothingCompared,
    /// Results could not be read, or programs broke.
    Incomplete,
}

/// Where one side came from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SnapshotSummary {
    /// Its name.
    pub name: String,
    /// When it was taken.
    pub created: Timestamp,
    /// The commit, with `+` where tracked files differed from it.
    pub revision: Option<String>,
    /// How many runs it holds.
    pub runs: usize,
    /// What was selected, where not everything was.
    pub selection: Option<String>,
    /// Where and with what it was measured; `a | b` where runs differ.
    pub environment: BTreeMap<String, String>,
}

impl SnapshotSummary {
    fn of(snapshot: &Snapshot) -> Self {
        Self {
            name: snapshot.name.clone(),
            created: snapshot.created,
            revision: snapshot.revision.as_ref().map(|revision| {
                format!("{}{}", revision.commit, if revision.dirty { "+" } else { "" })
            }),
            runs: snapshot.runs.len(),
            selection: snapshot.selection.clone(),
            environment: snapshot
                .environment()
                .iter()
                .map(|(field, value)| (field.key().to_owned(), value.to_owned()))
                .collect(),
        }
    }
}

/// One fact in which the two environments differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentDifference {
    /// The field's name.
    pub field: String,
    /// The baseline's value.
    pub baseline: String,
    /// The candidate's value.
    pub candidate: String,
    /// Whether wall times cannot be compared for it.
    pub blocks_time: bool,
    /// Whether instruction counts cannot be compared for it.
    pub blocks_counts: bool,
}

impl EnvironmentDifference {
    pub(super) fn new(field: Field, baseline: &str, candidate: &str) -> Self {
        Self {
            field: field.key().to_owned(),
            baseline: baseline.to_owned(),
            candidate: candidate.to_owned(),
            blocks_time: false,
            blocks_counts: false,
        }
    }
}

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

/// Something that was found besides the rows' outcomes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// Which kind: `gate explain CODE` tells more.
    pub code: Code,
    /// What it does.
    pub severity: Severity,
    /// The benchmark, where it is about one.
    pub id: Option<String>,
    /// The metric, where it is about one.
    pub metric: Option<String>,
    /// What was found, in a sentence or two.
    pub message: String,
}

pub(super) fn assemble(
    case: &Case<'_>,
    comparability: Comparability,
    rows: Vec<Row>,
    findings: Vec<Finding>,
    verdict: Option<Verdict>,
) -> Report {
    let mut counts = BTreeMap::new();
    for judgement in rows.iter().filter_map(|row| row.judgement.as_ref()) {
        *counts.entry(judgement.outcome).or_insert(0) += 1;
    }
    let mut report = Report {
        schema_version: SCHEMA_VERSION,
        tool: concat!("benchgate ", env!("CARGO_PKG_VERSION")).to_owned(),
        verdict,
        baseline: case.baseline.map(SnapshotSummary::of),
        candidate: SnapshotSummary::of(case.candidate),
        policy: case.policy.source.clone(),
        alpha: case.policy.verdict.alpha,
        environment_differences: comparability.differences,
        control: None,
        counts,
        rows,
        findings,
    };
    report.sort();
    report
}

/// Worst first: what fails, then warnings, then by outcome, then by size of the
/// change for the worse, then by name.
fn by_weight(a: &Row, b: &Row) -> std::cmp::Ordering {
    fn rank(row: &Row) -> (Option<Severity>, Option<Outcome>) {
        let judgement = row.judgement.as_ref();
        (judgement.map(|j| j.severity), judgement.map(|j| j.outcome))
    }
    fn worse(row: &Row) -> f64 {
        let change = row.change.map_or(f64::NEG_INFINITY, |change| change.estimate);
        if row.higher_is_better && change.is_finite() { -change } else { change }
    }
    rank(a).cmp(&rank(b)).then_with(|| worse(b).total_cmp(&worse(a))).then_with(|| {
        (&a.id, &a.target, &a.package, &a.metric).cmp(&(&b.id, &b.target, &b.package, &b.metric))
    })
}
