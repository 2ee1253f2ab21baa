//! The plan and the result of a trial.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use crate::build::BuiltSide;
use crate::drive::{CriterionTimes, Filter};
use crate::model::{Layout, Pattern, ShardNumber, Sides, Snapshot, Sources, TargetId};

/// What to measure in turn, and how. The default value is refused: it has no pairs.
#[derive(Clone, Debug, Default)]
pub struct TrialPlan {
    /// The side to compare with.
    pub base: BuiltSide,
    /// The side to judge.
    pub head: BuiltSide,
    /// Bench targets whose code is identical on both sides: listed, not measured.
    pub identical: BTreeSet<TargetId>,
    /// The layout of each target's functions on the two sides, if the trial built them.
    pub layouts: Vec<Layout>,
    /// The linker's maps of the bench targets whose functions can be compared one by one.
    pub maps: BTreeMap<TargetId, Sides<PathBuf>>,
    /// What the sides were built from.
    pub sources: Sources,
    /// The seed of the order in each pair and of the length of each environment.
    pub seed: u64,
    /// Pairs that screen every benchmark.
    pub screening: u32,
    /// Rising numbers of confirming pairs at which a decision is tried.
    pub looks: Vec<u32>,
    /// The chance of any false regression, which the looks share. A look is raised if it
    /// leaves too little for each of many suspects.
    pub alpha: f64,
    /// How often the instructions of each criterion benchmark are counted on each side,
    /// before times are measured; at most `screening`. 0 turns counting off.
    pub counts: u32,
    /// Whether the clock of a benchmark is not measured if its counting run executed only
    /// code that is the same on both sides.
    pub skip_same_code: bool,
    /// Benchmarks that are not counted.
    pub uncounted: Vec<Pattern>,
    /// The first look that can confirm a single suspect.
    pub least: u32,
    /// By which share the head's processes are slowed from outside, to try whether that is
    /// found.
    pub slow_head: Option<f64>,
    /// Whether the base is also measured against itself.
    pub control: bool,
    /// The time budget: no pair is started that would end later; unlimited if `None`.
    pub budget: Option<Duration>,
    /// The benchmarks to measure; all of them if `None`.
    pub filter: Option<Filter>,
    /// The part of the benchmarks that this machine measures; all of them if `None`.
    pub shard: Option<ShardPlan>,
    /// Criterion's times for each benchmark in each process.
    pub criterion: CriterionTimes,
    /// The longest time that a process may take.
    pub time_limit: Duration,
    /// The parent of a private directory, which is removed at the end.
    pub scratch: PathBuf,
    /// The directory for the processes' output, a file for each.
    pub logs: Option<PathBuf>,
    /// What was selected, in the words of the command line.
    pub selection: Option<String>,
}

/// Which shard of the benchmarks to measure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardPlan {
    /// Which of how many.
    pub number: ShardNumber,
    /// The digest of the policy, which all shards share.
    pub policy: String,
}

/// Base and head as measured so far.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The base.
    pub base: Snapshot,
    /// The head.
    pub head: Snapshot,
    /// The control, if it was requested.
    pub control: Option<Snapshot>,
}
