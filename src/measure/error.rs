//! Why nothing was measured.

use std::io;
use std::time::Duration;

use crate::build::BuildError;
use crate::drive::process::ProcessError;
use crate::model::NotRun;
use benchgate_core::text::listed;

/// Why there is no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// The build failed.
    #[error(transparent)]
    Build(BuildError),
    /// The plan cannot be carried out.
    #[error("nothing can be measured this way: {0}")]
    Plan(String),
    /// The time would be spent without a verdict.
    #[error(
        "{} is too short for any verdict: screening takes about {} ({pairs} pairs of processes \
         for benchmarks: {benchmarks}), and confirming one suspect {} more ({least} pairs); give \
         `--budget {}`, or fewer benchmarks by --filter or --bench{}",
        shown(*.budget), shown(*.screening), shown(*.confirming),
        shown_budget(*.screening + *.confirming), shown_own_times(.own_times)
    )]
    Budget {
        /// What was given.
        budget: Duration,
        /// How many benchmarks there are.
        benchmarks: usize,
        /// Pairs for screening.
        pairs: u32,
        /// What those take.
        screening: Duration,
        /// Pairs without which nothing can be confirmed.
        least: u32,
        /// What those take, for one benchmark.
        confirming: Duration,
        /// Benchmarks whose code sets their times or samples.
        own_times: Vec<String>,
    },
    /// A scratch directory could not be made.
    #[error("cannot make a scratch directory: {0}")]
    Scratch(#[source] io::Error),
    /// A process could not be handled; one that merely fails is no error.
    #[error(transparent)]
    Process(ProcessError),
    /// The gate was asked to stop; all processes are gone.
    #[error("interrupted by signal {signal}; nothing was saved")]
    Interrupted {
        /// The signal.
        signal: i32,
    },
    /// No benchmark has such a name.
    #[error("no benchmark matches {filter:?}: the filter is a regular expression over whole names")]
    NothingMatched {
        /// The filter.
        filter: String,
    },
    /// No process gave a result.
    #[error("nothing was measured{}", reasons(.not_run))]
    NothingMeasured {
        /// Why, for each executable.
        not_run: Vec<NotRun>,
    },
}

/// A length of time, in the way in which options are written.
fn shown(time: Duration) -> String {
    match time.as_secs() {
        0..10 => format!("{:.1}s", time.as_secs_f64()),
        seconds @ 10..600 => format!("{seconds}s"),
        seconds => format!("{}m", seconds.div_ceil(60)),
    }
}

/// Why the times of the policy do not shorten some benchmarks.
fn shown_own_times(benchmarks: &[String]) -> String {
    if benchmarks.is_empty() {
        return String::new();
    }
    format!("; the code of {} sets its own times or samples", listed(benchmarks, 5))
}

/// The same with a fifth on top: estimates are rough, and a budget that was named
/// must not be refused in its turn.
fn shown_budget(time: Duration) -> String {
    let seconds = (time.as_secs_f64() * 1.2).ceil();
    shown(Duration::from_secs_f64(seconds.max(1.0)))
}

fn reasons(not_run: &[NotRun]) -> String {
    let each = not_run.iter().map(|one| format!("\n  {}: {}", one.subject, one.reason));
    each.collect::<Vec<_>>().concat()
}

impl From<ProcessError> for MeasureError {
    fn from(error: ProcessError) -> Self {
        match error {
            ProcessError::Interrupted { signal } => Self::Interrupted { signal },
            other => Self::Process(other),
        }
    }
}

impl From<BuildError> for MeasureError {
    fn from(error: BuildError) -> Self {
        match error {
            BuildError::Process(ProcessError::Interrupted { signal }) => {
                Self::Interrupted { signal }
            }
            other => Self::Build(other),
        }
    }
}
