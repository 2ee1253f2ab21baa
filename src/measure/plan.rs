//! The plan of `gate run`.

use std::path::PathBuf;
use std::time::Duration;

use crate::build::BuildOptions;
use crate::drive::{BenchExecutable, Command, CriterionTimes, Filter};
use crate::model::{NotRun, Pattern};

/// What to measure, and how.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The snapshot's name.
    pub name: String,
    /// The executables.
    pub executables: Vec<BenchExecutable>,
    /// Commands of the policy, which are measured like the executables.
    pub commands: Vec<Command>,
    /// Targets that cannot run: [`Built::not_run`](crate::build::Built::not_run).
    pub not_run: Vec<NotRun>,
    /// How the executables were built, for the fingerprint. The revision is that of
    /// [`BuildOptions::directory`].
    pub build: BuildOptions,
    /// Runs: fresh processes of each executable. At least 1.
    pub repeats: u32,
    /// The benchmarks to measure; all of them if `None`.
    pub filter: Option<Filter>,
    /// Criterion's times for each benchmark.
    pub criterion: CriterionTimes,
    /// How often the instructions of each criterion benchmark are counted after all
    /// runs, at most once for each run; 0 turns counting off.
    pub counts: u32,
    /// Benchmarks that are not counted.
    pub uncounted: Vec<Pattern>,
    /// The longest time that a process may take, unless a command has a limit of its own.
    pub time_limit: Duration,
    /// The parent of a private directory, which is removed at the end:
    /// `<target>/gate`.
    pub scratch: PathBuf,
    /// The directory for the processes' output, a file for each:
    /// `<target>/gate/logs`.
    pub logs: Option<PathBuf>,
}
