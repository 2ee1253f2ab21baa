//! The stored file, schema version 1.
//!
//! A later version that changes a meaning gets types of its own; these stay as
//! the reader of what was written before. The comments below are the
//! descriptions in the committed JSON Schema.

mod measurement;

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde::{Deserialize, Serialize};

use super::critcmp::format;
use super::number::Number;
use super::unique;
use crate::criterion;
use crate::model;
pub(super) use measurement::{
    AllocatorCount, Costs, CountScope, CriterionParts, Measurement, Metric, Run, Samples,
    Throughput,
};

/// The version of the files that are written.
pub const SCHEMA_VERSION: u32 = 1;

/// The JSON Schema (draft 2020-12) of the files that are written, as committed
/// in `docs/schema/snapshot.schema.json`.
pub fn schema() -> serde_json::Value {
    SchemaGenerator::new(SchemaSettings::draft2020_12()).into_root_schema_for::<File>().to_value()
}

/// What one invocation of the gate measured. A superset of critcmp's export
/// format: critcmp reads it as it is and passes over each field `benchgate`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "benchgate snapshot")]
pub(super) struct File {
    /// The snapshot's name: `main`, a branch, a tag.
    pub(super) name: String,
    /// Criterion's times, each under its `full_id`; where two bench targets
    /// have the same, under `package/target::full_id`.
    #[serde(deserialize_with = "unique::keys")]
    pub(super) benchmarks: BTreeMap<String, Benchmark>,
    /// All that critcmp does not know.
    pub(super) benchgate: Header,
}

/// A criterion time.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Benchmark {
    /// The snapshot's name again.
    pub(super) baseline: String,
    /// The snapshot's name, a slash, and the benchmark's key.
    pub(super) fullname: String,
    /// Criterion's parts of the name, as critcmp reads them.
    pub(super) criterion_benchmark_v1: format::Info,
    /// What critcmp shows: criterion's own estimates of a single run, or the
    /// mean over the runs, with the error of that mean.
    pub(super) criterion_estimates_v1: criterion::Estimates,
    /// The data of each run; where it says otherwise than the estimates, it is
    /// right.
    pub(super) benchgate: Extension,
}

/// What is known of a benchmark beyond critcmp's fields.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Extension {
    /// Criterion's `full_id`, where the key is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    /// The cargo package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) package: Option<String>,
    /// The bench target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) target: Option<String>,
    /// Work in one iteration, where critcmp's field cannot say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) throughput: Option<Throughput>,
    /// One reading a run, in the order of runs.
    pub(super) runs: Vec<Run>,
}

/// The snapshot's own data.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Header {
    /// The version of this format. A reader refuses one that it does not know.
    #[schemars(extend("const" = SCHEMA_VERSION))]
    pub(super) schema_version: u32,
    /// The version of benchgate that wrote the file.
    pub(super) tool_version: String,
    /// When the snapshot was taken.
    pub(super) created: Timestamp,
    /// The source that was measured, where a repository could say.
    pub(super) revision: Option<Revision>,
    /// What was selected, in the words of the command line; null where
    /// everything was.
    pub(super) selection: Option<String>,
    /// How it was measured in turn with another snapshot, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pairing: Option<Pairing>,
    /// The runs (fresh processes), in the order they were started.
    pub(super) runs: Vec<RunInfo>,
    /// All that is not a criterion time: counts, rates, times without
    /// criterion's names.
    pub(super) measurements: Vec<Measurement>,
    /// What was asked for and could not be measured.
    pub(super) not_run: Vec<NotRun>,
    /// Results that were found and could not be used.
    pub(super) problems: Vec<Problem>,
}

/// Two snapshots that were measured in turn: runs of one index belong together.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Pairing {
    /// Names the trial: equal on its two sides, and on no other snapshot.
    pub(super) trial: String,
    /// Seeds the order within each pair and the length of each environment.
    pub(super) seed: u64,
    /// Pairs for screening: runs below this index. The others confirm.
    pub(super) screening: u32,
    /// The numbers of confirming pairs at which a decision is made, rising.
    pub(super) looks: Vec<u32>,
    /// Whether the budget ended before everything was decided.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) out_of_time: bool,
    /// Benchmarks whose executables hold the same code on both sides.
    pub(super) identical: Vec<Id>,
    /// Benchmarks that can reach only code that is the same on both sides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) same_code: Vec<Id>,
    /// Benchmarks whose clocks were not measured before the time budget ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) not_reached: Vec<Id>,
    /// Whether the base was also measured against itself, into a third snapshot
    /// of the same trial.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) control: bool,
    /// What starting the processes of each bench target cost.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) set_up: Vec<SetUp>,
    /// Where functions lie on the two sides, for each bench target that differs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) layouts: Vec<Layout>,
    /// Whether both sides were built from the same files.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) same_source: bool,
    /// Inputs of both sides that are not part of the commits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) shared: Vec<SharedInput>,
    /// The git trees that were built; equal names are equal files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) trees: Option<Trees>,
    /// Which shard of a suite it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) shard: Option<Shard>,
    /// The trials of the shards that were merged, in the order of their runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) parts: Vec<Part>,
}

/// The names of the git trees of both sides.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Trees {
    /// The base's.
    pub(super) base: String,
    /// The head's.
    pub(super) head: String,
}

/// One shard of a suite.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Shard {
    /// Which one, from 1.
    #[schemars(range(min = 1))]
    pub(super) number: u32,
    /// The number of shards.
    #[schemars(range(min = 1, max = model::ShardNumber::MOST))]
    pub(super) of: u32,
    /// The digest of the policy.
    pub(super) policy: String,
    /// The version of benchgate that measured it.
    pub(super) tool_version: String,
    /// The benchmarks of all shards: `package/target::name`, or `package/target` of a target
    /// that one shard measures as a whole.
    pub(super) listing: Vec<String>,
}

/// The trial of one shard among those that were merged.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Part {
    /// The index of its first run.
    pub(super) first_run: u32,
    /// Its pairs for screening.
    pub(super) screening: u32,
    /// Its numbers of confirming pairs at which a decision is made, rising.
    pub(super) looks: Vec<u32>,
    /// Whether its budget ended before everything was decided.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) out_of_time: bool,
}

/// An input that is not part of the commits, so both sides use the same.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct SharedInput {
    /// A Cargo.lock (`lock_file`), a `path_dependency` outside the repository, or an
    /// `extra_file`, which git does not track and benchmarks read.
    #[serde(with = "SharedKind")]
    pub(super) kind: model::SharedKind,
    /// From the repository's root if it is inside.
    pub(super) path: String,
}

/// Where the functions of a bench target lie on the two sides of a trial.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Layout {
    /// The bench target.
    pub(super) target: String,
    /// The cargo package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) package: Option<String>,
    /// Functions of equal name and size.
    pub(super) functions: u64,
    /// Those of them that lie at the same place within a page.
    pub(super) same: u64,
    /// Why the layout could not be pinned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
}

/// What the processes of a bench target do besides measuring.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct SetUp {
    /// The bench target.
    pub(super) target: String,
    /// The cargo package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) package: Option<String>,
    /// Seconds of a process spent neither warming up nor measuring.
    pub(super) seconds: Number,
    /// Their share of the whole process, 0 to 1.
    pub(super) share: Number,
    /// Criterion's measuring time for each benchmark, in seconds.
    pub(super) time: Number,
}

/// The source that was measured.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Revision {
    /// The full commit hash.
    pub(super) commit: String,
    /// The branch, where there is one.
    pub(super) branch: Option<String>,
    /// Whether tracked files differed from the commit.
    pub(super) dirty: bool,
}

/// One run: fresh processes, one for each bench target.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct RunInfo {
    /// When it started, where known.
    pub(super) started: Option<Timestamp>,
    /// How long its processes took together, in seconds, where known.
    pub(super) seconds: Option<Number>,
    /// The share of the machine that other programs took meanwhile, 0 to 1,
    /// where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) busy: Option<Number>,
    /// Where and with what it ran: `cpu_model`, `rustc`, `kernel` …
    /// Absent is not known.
    pub(super) environment: BTreeMap<String, String>,
}

/// Something that was asked for and could not be measured.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct NotRun {
    /// A bench target, a group or a benchmark.
    pub(super) subject: String,
    /// Whether it was left out (`skipped`) or broke (`failed`).
    #[serde(with = "NotRunKind")]
    pub(super) kind: model::NotRunKind,
    /// Why, and what would help.
    pub(super) reason: String,
}

/// A result that was found and could not be used.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Problem {
    /// What is wrong.
    #[serde(with = "ProblemKind")]
    pub(super) kind: model::ProblemKind,
    /// Which benchmark, where the file could still say.
    pub(super) id: Option<Id>,
    /// The file or directory at fault; bytes that are no text are replaced.
    pub(super) path: String,
    /// What is wrong with it.
    pub(super) reason: String,
}

/// Names a benchmark.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Id {
    /// What its harness calls it.
    pub(super) name: String,
    /// The cargo package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) package: Option<String>,
    /// The bench target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) target: Option<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(remote = "model::NotRunKind", rename_all = "snake_case")]
enum NotRunKind {
    Skipped,
    Failed,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(remote = "model::SharedKind", rename_all = "snake_case")]
enum SharedKind {
    LockFile,
    PathDependency,
    ExtraFile,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(remote = "model::ProblemKind", rename_all = "snake_case")]
enum ProblemKind {
    Unreadable,
    Stale,
    Duplicate,
}
