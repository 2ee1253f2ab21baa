//! What a trial measures, how, and its result.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use crate::build::BuiltSide;
use crate::drive::{CriterionTimes, Filter};
use crate::model::{Layout, Pattern, Snapshot, TargetId};

/// What to measure in turn, and how. The default is refused: it has no pairs.
#[derive(Clone, Debug, Default)]
pub struct TrialPlan {
    /// The side that is held against.
    pub base: BuiltSide,
    /// The side that is judged.
    pub head: BuiltSide,
    /// Bench targets of the same code: listed, not measured.
    pub identical: BTreeSet<TargetId>,
    /// Where functions lie on the two sides, where they were built for the trial.
    pub layouts: Vec<Layout>,
    /// Seeds the order in each pair and the length of each environment.
    pub seed: u64,
    /// Pairs in which everything is screened.
    pub screening: u32,
    /// Numbers of confirming pairs after which is decided, rising.
    pub looks: Vec<u32>,
    /// How often the instructions of each criterion benchmark are counted on each
    /// side, before any clock runs; no more often than `screening`. 0 for not at all.
    pub counts: u32,
    /// Benchmarks that are not counted.
    pub uncounted: Vec<Pattern>,
    /// The first look that can confirm anything, be it one suspect alone.
    pub least: u32,
    /// Whether the base is also measured against itself.
    pub control: bool,
    /// No pair is begun that would end later than this; nothing limits it without.
    pub budget: Option<Duration>,
    /// Which benchmarks; all, without one.
    pub filter: Option<Filter>,
    /// How long criterion takes for each benchmark in each process.
    pub criterion: CriterionTimes,
    /// How long one process may take.
    pub time_limit: Duration,
    /// Where a private directory is made and removed again.
    pub scratch: PathBuf,
    /// Where the processes' output stays, a file each.
    pub logs: Option<PathBuf>,
    /// What was selected, in the words of the command line.
    pub selection: Option<String>,
}

/// Base and head as measured so far.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The base.
    pub base: Snapshot,
    /// The head.
    pub head: Snapshot,
    /// The base once more, where that was asked for.
    pub control: Option<Snapshot>,
}
