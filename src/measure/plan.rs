//! What `gate run` measures, and how.

use std::path::PathBuf;
use std::time::Duration;

use crate::build::BuildOptions;
use crate::drive::{BenchExecutable, CriterionTimes, Filter};
use crate::model::{NotRun, Pattern};

/// What to measure, and how.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The snapshot's name.
    pub name: String,
    /// The executables.
    pub executables: Vec<BenchExecutable>,
    /// What is known already not to run: [`Built::not_run`](crate::build::Built::not_run).
    pub not_run: Vec<NotRun>,
    /// How they were built, for the fingerprint. The revision is that of
    /// [`BuildOptions::directory`].
    pub build: BuildOptions,
    /// Runs: fresh processes of each executable. At least 1.
    pub repeats: u32,
    /// Which benchmarks; all, without one.
    pub filter: Option<Filter>,
    /// How long criterion takes for each benchmark.
    pub criterion: CriterionTimes,
    /// How often the instructions of each criterion benchmark are counted once all
    /// runs are done, but no more often than there are runs; 0 for not at all.
    pub counts: u32,
    /// Benchmarks that are not counted.
    pub uncounted: Vec<Pattern>,
    /// How long one process may take.
    pub time_limit: Duration,
    /// Where a private directory is made and removed again: `<target>/gate`.
    pub scratch: PathBuf,
    /// Where the processes' output stays, a file each: `<target>/gate/logs`.
    pub logs: Option<PathBuf>,
}
