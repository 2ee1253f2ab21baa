//! How the gate measures, and what decides a verdict besides single rows.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::model::Pattern;

/// What decides the verdict beyond single rows.
#[derive(Clone, Debug)]
pub struct VerdictRules {
    /// Family-wise chance of a false regression, 0 to 1.
    pub alpha: f64,
    /// What undecided rows do.
    pub undecided: OnUndecided,
    /// A comparison in which no row could be compared, though budgets were judged.
    pub nothing_compared: Level,
    /// A benchmark that only the baseline has.
    pub missing: Level,
    /// A benchmark that only the candidate has.
    pub new: Level,
    /// Results that cannot be read, programs that crashed.
    pub unreadable: Level,
    /// Two results of one name.
    pub duplicate: Level,
    /// Results of an earlier run.
    pub stale: Level,
    /// A change that most times have in common.
    pub suite_shift: Level,
    /// Names that must have been measured.
    pub require: Vec<Pattern>,
}

/// What undecided rows do to the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnUndecided {
    /// Any of them blocks.
    Block,
    /// They block where no row at all could be decided.
    BlockIfNoneDecided,
    /// They never block.
    Allow,
}

/// What a finding does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// It is reported.
    Allow,
    /// It is a warning.
    Warn,
    /// It fails the gate.
    Fail,
}

/// What criterion does in each process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProcessRules {
    /// Its warm-up.
    pub warm_up: Duration,
    /// Its measuring time for each benchmark.
    pub time: Duration,
    /// Its samples, at least 10.
    pub samples: u32,
}

/// How `gate run` measures.
#[derive(Clone, Debug)]
pub struct MeasureRules {
    /// Fresh processes for each bench target.
    pub repeat: u32,
    /// What criterion does in each of them.
    pub process: ProcessRules,
    /// Counts of each criterion benchmark's instructions; 0 for none.
    pub counts: u32,
    /// Benchmarks that are not counted, here and by `gate ab`.
    pub uncounted: Vec<Pattern>,
    /// What a single process may take.
    pub time_limit: Duration,
}

/// How `gate ab` measures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AbRules {
    /// Pairs in which everything is screened.
    pub screening: u32,
    /// Numbers of confirming pairs after which is decided, rising.
    pub looks: Vec<u32>,
    /// What criterion does in each process.
    pub process: ProcessRules,
    /// When no further pair is begun.
    pub budget: Duration,
    /// Counts of each criterion benchmark's instructions on each side; 0 for none.
    pub counts: u32,
    /// Whether both sides are linked once more, so that equal functions lie alike.
    pub pin_layout: bool,
    /// Whether the base is also measured against itself.
    pub control: bool,
    /// What becomes of a trial whose base does not build or run.
    pub base_broken: BaseBroken,
    /// That other programs kept the machine busy meanwhile.
    pub machine_busy: MachineBusy,
}

/// What it does that other programs kept the machine busy during a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MachineBusy {
    /// It is reported.
    Allow,
    /// It is a warning.
    Warn,
    /// A warning, and what the clock alone calls unchanged is undecided.
    ClearNothing,
    /// A warning, and what the clock alone decides is undecided.
    DecideNothing,
    /// It fails the gate: undecided.
    Fail,
}

/// What becomes of a trial whose base does not build or run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BaseBroken {
    /// Nothing can be said of the head, whose fault it is not.
    Undecided,
    /// The gate could not do its work.
    Fail,
}

/// How `gate calibrate` measures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalibrateRules {
    /// Pairs of processes of the same executables.
    pub pairs: u32,
    /// When no further pair is begun.
    pub budget: Duration,
}
