//! Why nothing was measured.

use std::io;
use std::time::Duration;

use crate::build::BuildError;
use crate::drive::process::ProcessError;
use crate::model::NotRun;
use benchgate_core::text::{listed, plural};

/// Why a measurement did not give a snapshot.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// The build failed.
    #[error(transparent)]
    Build(BuildError),
    /// The plan cannot be carried out.
    #[error("nothing can be measured this way: {0}")]
    Plan(String),
    /// The time budget is too short for any verdict.
    #[error(
        "{} is too short for any verdict: {}screening takes about {} ({pairs} pairs of processes \
         for {}), and confirming one suspect {} more ({least} pairs); give `--budget {}`{}{}",
        shown(*.budget), shown_counting(*.counting), shown(*.screening), plural(*.benchmarks, "benchmark"),
        shown(*.confirming), shown_budget(*.counting + *.screening + *.confirming),
        shown_parts(*.benchmarks, *.counting + *.first + *.confirming),
        shown_own_times(.own_times)
    )]
    Budget {
        /// The time budget.
        budget: Duration,
        /// The time that counting instructions took.
        counting: Duration,
        /// The number of benchmarks.
        benchmarks: usize,
        /// Pairs for screening.
        pairs: u32,
        /// The time that these pairs take.
        screening: Duration,
        /// The time that these pairs take for the benchmark that is measured first.
        first: Duration,
        /// The fewest pairs that can confirm anything.
        least: u32,
        /// The time that these pairs take, for one benchmark.
        confirming: Duration,
        /// Benchmarks whose code sets their times or samples.
        own_times: Vec<String>,
    },
    /// A scratch directory could not be made.
    #[error("cannot make a scratch directory: {0}")]
    Scratch(#[source] io::Error),
    /// A process could not be handled. A process that fails by itself is not an error.
    #[error(transparent)]
    Process(ProcessError),
    /// The gate was asked to stop; all processes are gone.
    #[error("interrupted by signal {signal}; nothing was saved")]
    Interrupted {
        /// The signal.
        signal: i32,
    },
    /// No benchmark's name matches.
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

/// A duration in the form of the command line's options.
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

/// The duration with 20% added: estimates are rough, and a suggested budget must not
/// be refused again.
fn shown_budget(time: Duration) -> String {
    let seconds = (time.as_secs_f64() * 1.2).ceil();
    shown(Duration::from_secs_f64(seconds.max(1.0)))
}

fn shown_counting(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        return String::new();
    }
    format!("counting instructions took {}, ", shown(time))
}

/// The ways to measure a part of the benchmarks, of which one takes at least `least`.
fn shown_parts(benchmarks: usize, least: Duration) -> String {
    if benchmarks < 2 {
        return String::new();
    }
    format!(
        " for all, at least `--budget {}` for those that it reaches (what changed comes first), \
         or fewer benchmarks by --filter or --bench",
        shown_budget(least)
    )
}

fn reasons(not_run: &[NotRun]) -> String {
    let lines =
        not_run.iter().map(|skipped| format!("\n  {}: {}", skipped.subject, skipped.reason));
    lines.collect::<Vec<_>>().concat()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_budget_names_the_ways_out_that_exist() {
        let message = |benchmarks: usize, counting: u64| {
            let refused = MeasureError::Budget {
                budget: Duration::from_secs(25),
                counting: Duration::from_secs(counting),
                benchmarks,
                pairs: 8,
                screening: Duration::from_secs(32),
                first: Duration::from_secs(7),
                least: 14,
                confirming: Duration::from_secs(58),
                own_times: Vec::new(),
            };
            refused.to_string()
        };
        assert_eq!(
            message(1, 0),
            "25s is too short for any verdict: screening takes about 32s (8 pairs of processes for \
             1 benchmark), and confirming one suspect 58s more (14 pairs); give `--budget 108s`"
        );
        let ending = "10 benchmarks), and confirming one suspect 58s more (14 pairs); give `--budget 108s` \
             for all, at least `--budget 78s` for those that it reaches (what changed comes first), \
             or fewer benchmarks by --filter or --bench";
        assert!(message(10, 0).ends_with(ending), "{}", message(10, 0));
        let counted = message(1, 10);
        assert!(
            counted.contains("any verdict: counting instructions took 10s, screening"),
            "{counted}"
        );
        assert!(counted.ends_with("give `--budget 120s`"), "{counted}");
    }
}
