//! The report: everything that was compared, decided and found.
//!
//! One structure for every renderer, and the JSON that `--format json` writes. Its JSON
//! Schema is committed, and its version changes when a meaning does. Only the vocabulary
//! is defined here: nothing in this module compares or decides.

mod code;
mod control;
mod explain;
mod finding;
mod outcome;
mod row;
mod snapshot;
mod target;
mod verdict;

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use code::Code;
pub use control::Control;
pub use explain::{explained, explanation};
pub use finding::Finding;
pub use outcome::{Outcome, Severity};
pub use row::{Change, FunctionChange, Judgement, Observations, Row, RowLimits, Side, Unmeasured};
pub use snapshot::{EnvironmentDifference, SnapshotSummary};
pub use target::{BoundKind, Grade, Letter, TargetRow, TargetStatus, Targets};
pub use verdict::{Verdict, VerdictOutcome};

/// The version of the report's format.
pub(crate) const SCHEMA_VERSION: u32 = 1;

/// Everything that was compared, decided and found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "benchgate report")]
pub struct Report {
    /// The version of this format.
    pub schema_version: u32,
    /// The program that wrote it: `benchgate 0.1.0`.
    pub tool: String,
    /// The verdict; absent if nothing was judged.
    pub verdict: Option<Verdict>,
    /// The snapshot that the candidate was compared with.
    pub baseline: Option<SnapshotSummary>,
    /// The snapshot that was measured.
    pub candidate: SnapshotSummary,
    /// The policy file in force; absent for the defaults.
    pub policy: Option<PathBuf>,
    /// Family-wise chance of a false regression among the sampled rows.
    pub alpha: f64,
    /// The base compared with itself, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<Control>,
    /// How the environments differ.
    pub environment_differences: Vec<EnvironmentDifference>,
    /// The number of rows with each outcome.
    pub counts: BTreeMap<Outcome, usize>,
    /// The absolute limits of the policy; absent if it has none, or if nothing was judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targets: Option<Targets>,
    /// One row for each metric of each benchmark, worst first.
    pub rows: Vec<Row>,
    /// Everything that was found besides the rows, worst first.
    pub findings: Vec<Finding>,
}

impl Report {
    /// How many of the rows have each outcome.
    pub(crate) fn count<'r>(rows: impl IntoIterator<Item = &'r Row>) -> BTreeMap<Outcome, usize> {
        let mut counts = BTreeMap::new();
        for outcome in rows.into_iter().filter_map(Row::outcome) {
            *counts.entry(outcome).or_insert(0) += 1;
        }
        counts
    }

    /// Sorts the rows and the findings, worst first.
    #[must_use]
    pub(crate) fn sorted(mut self) -> Self {
        self.rows.sort_by(by_weight);
        self.findings.sort_by(|a, b| {
            (a.severity, a.code, &a.id, &a.metric, &a.message)
                .cmp(&(b.severity, b.code, &b.id, &b.metric, &b.message))
        });
        self
    }
}

/// Worst first: failures, then warnings, then by outcome, then by the size of the change
/// for the worse, then by name.
fn by_weight(a: &Row, b: &Row) -> Ordering {
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
