//! How the gate measures, and what decides a verdict besides single rows.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::command::Command;
use crate::model::Pattern;

/// What decides the verdict beyond single rows.
#[derive(Clone, Debug)]
pub struct VerdictRules {
    /// Family-wise chance of a false regression, 0 to 1.
    pub alpha: f64,
    /// The effect of undecided rows.
    pub undecided: OnUndecided,
    /// A comparison without any row to compare, even if budgets were judged.
    pub nothing_compared: Level,
    /// A benchmark that only the baseline has.
    pub missing: Level,
    /// A benchmark that only the candidate has.
    pub new: Level,
    /// Results that cannot be read, or programs that crashed or hung.
    pub unreadable: Level,
    /// Two results that claim the same benchmark.
    pub duplicate: Level,
    /// Results that an earlier run left behind.
    pub stale: Level,
    /// A change that most times share.
    pub suite_shift: Level,
    /// The names of benchmarks that must be measured.
    pub require: Vec<Pattern>,
}

/// The effect of undecided rows on the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnUndecided {
    /// Any of them blocks.
    Block,
    /// They block if no row is decided.
    BlockIfNoneDecided,
    /// They never block.
    Allow,
}

/// The effect of a finding.
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

/// How much sessions differ where no earlier session of the machine class shows it:
/// standard deviations of logarithms, not negative.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SessionRules {
    /// Of the part that all benchmarks of a session have in common.
    pub common: f64,
    /// Of each benchmark's own part.
    pub own: f64,
}

/// Criterion's times and samples in each process.
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
    /// Criterion's times and samples in each process.
    pub process: ProcessRules,
    /// Counts of each criterion benchmark's instructions; 0 for none.
    pub counts: u32,
    /// Benchmarks that neither `gate run` nor `gate ab` counts.
    pub uncounted: Vec<Pattern>,
    /// The longest time that a process may take.
    pub time_limit: Duration,
    /// Programs in any language that are measured like bench targets, of different names.
    pub command: Vec<Command>,
}

/// How `gate ab` measures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AbRules {
    /// Pairs that screen every benchmark.
    pub screening: u32,
    /// Rising numbers of confirming pairs at which a decision is tried.
    pub looks: Vec<u32>,
    /// Criterion's times and samples in each process.
    pub process: ProcessRules,
    /// The time after which no new pair is started.
    pub budget: Duration,
    /// Counts of each criterion benchmark's instructions on each side; 0 for none.
    pub counts: u32,
    /// Whether both sides are linked again, with unchanged functions at the same
    /// addresses.
    pub pin_layout: bool,
    /// Whether the base is also measured against itself.
    pub control: bool,
    /// A trial whose head and base are the same files.
    pub head_is_base: Level,
    /// Files that git does not track and that benchmarks read.
    pub extra_files: ExtraFiles,
    /// The verdict if the base does not build or run.
    pub base_broken: BaseBroken,
    /// The effect of other programs that kept the machine busy.
    pub machine_busy: MachineBusy,
    /// The clock of a benchmark that can reach only code that is the same on both sides.
    pub same_code_clock: SameCodeClock,
}

/// How `gate ab` handles files that git does not track and that benchmarks read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExtraFiles {
    /// Both sides get a copy of them.
    Copy,
    /// The trial is refused.
    Refuse,
    /// Both sides get a copy of the files that match one of these globs, before they
    /// are built; the trial is refused if benchmarks read any other.
    Only(Vec<Pattern>),
}

/// The effect of other programs that kept the machine busy during a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MachineBusy {
    /// It is reported.
    Allow,
    /// It is a warning.
    Warn,
    /// It is a warning, and rows that only the clock calls unchanged are undecided.
    ClearNothing,
    /// It is a warning, and rows that only the clock decides are undecided.
    DecideNothing,
    /// The whole verdict is undecided.
    Fail,
}

/// The clock of a benchmark that can reach only code that is the same on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SameCodeClock {
    /// It is not measured: the benchmark is unchanged.
    Skip,
    /// It is measured like any other.
    Measure,
}

/// The verdict of a trial whose base does not build or run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BaseBroken {
    /// Undecided: the base says nothing about the head.
    Undecided,
    /// Incomplete: the gate could not do its work.
    Fail,
}

/// How `gate calibrate` measures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalibrateRules {
    /// Pairs of processes of the same executables.
    pub pairs: u32,
    /// The time after which no new pair is started.
    pub budget: Duration,
}
