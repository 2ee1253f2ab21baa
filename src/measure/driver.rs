//! Runs the processes of a measurement. `gate run` and trials decide which ones, and
//! in which order.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use super::error::MeasureError;
use crate::drive::process::{Ended, ProcessError};
use crate::drive::{
    CriterionTimes, Filter, Interrupt, Measured, Prepared, Process, Scratch, last_lines,
};

/// Settings that all processes of a measurement share.
pub(super) struct Driver<'a> {
    scratch: Scratch,
    logs: Option<&'a Path>,
    interrupt: &'a Interrupt,
}

/// One process to run.
pub(super) struct Start<'a> {
    /// The name of its directory and its log; each attempt needs a different name.
    pub(super) name: &'a str,
    /// The executable.
    pub(super) prepared: &'a Prepared<'a>,
    /// The benchmarks to run; all of them if `None`.
    pub(super) filter: Option<&'a Filter>,
    /// Criterion's times for each benchmark.
    pub(super) times: CriterionTimes,
    /// By which share everything that it does is to take longer.
    pub(super) slowdown: Option<f64>,
    /// Additional environment variables.
    pub(super) environment: BTreeMap<OsString, OsString>,
}

/// The outcome of one process.
#[derive(Debug)]
pub(super) struct Attempt {
    /// What it measured, unless it could not be started.
    pub(super) measured: Option<Measured>,
    /// Why it failed, if it did.
    pub(super) failure: Option<String>,
}

impl<'a> Driver<'a> {
    /// Creates a driver with a private directory inside `scratch`. Output goes to files
    /// in `logs`, if that is given.
    pub(super) fn new(
        scratch: &Path,
        logs: Option<&'a Path>,
        interrupt: &'a Interrupt,
    ) -> Result<Self, MeasureError> {
        let scratch = Scratch::create(scratch).map_err(MeasureError::Scratch)?;
        Ok(Self { scratch, logs, interrupt })
    }

    /// Runs one process. `on_begin` gets the name of each criterion benchmark as it
    /// begins.
    ///
    /// # Errors
    /// It was interrupted, or its files cannot be handled. A process that fails, or
    /// that cannot be started, is not an error.
    pub(super) fn process(
        &self,
        start: Start<'_>,
        on_begin: &mut dyn FnMut(&str),
    ) -> Result<Attempt, ProcessError> {
        let Start { name, prepared, filter, times, slowdown, environment } = start;
        let home = self.scratch.fresh(name).map_err(ProcessError::Log)?;
        let process = Process {
            executable: prepared.executable,
            harness: prepared.harness,
            filter,
            times,
            time_limit: prepared.time_limit,
            home: &home,
            log: self.logs.map(|logs| logs.join(format!("{name}.log"))),
            slowdown,
            environment,
        };
        let outcome = process.run(self.interrupt, on_begin);
        // Removed at once: results of hundreds of processes would fill the disk.
        let _ = fs_err::remove_dir_all(&home);
        match outcome {
            Ok(measured) => {
                let failure = failure(&measured, prepared);
                Ok(Attempt { measured: Some(measured), failure })
            }
            Err(error @ ProcessError::Start { .. }) => {
                Ok(Attempt { measured: None, failure: Some(error.to_string()) })
            }
            Err(error) => Err(error),
        }
    }
}

impl Attempt {
    /// Whether it reached its time limit.
    pub(super) fn timed_out(&self) -> bool {
        self.measured.as_ref().is_some_and(|run| matches!(run.ended, Ended::TimedOut(_)))
    }

    /// Whether it recorded results, but the filter selects none of them.
    pub(super) fn is_not_selected(&self) -> bool {
        self.measured.as_ref().is_some_and(|run| run.not_selected) && self.failure.is_none()
    }

    /// Whether it ran and failed by itself: another attempt may succeed.
    pub(super) fn failed(&self) -> bool {
        self.measured.is_some() && self.failure.is_some() && !self.timed_out()
    }
}

/// Why a process failed, if it did.
fn failure(measured: &Measured, prepared: &Prepared<'_>) -> Option<String> {
    let tail = last_lines(&measured.tail);
    if let Some(reason) = &measured.unreadable {
        return Some(format!("its results cannot be read: {reason}{tail}"));
    }
    if !measured.ended.success() {
        return Some(format!("its process ended with {}{tail}", measured.ended));
    }
    let harvest = &measured.recorded.harvest;
    let silent = harvest.measurements.is_empty()
        && harvest.problems.is_empty()
        && harvest.not_run.is_empty();
    if prepared.is_command() {
        let recorded_nothing = silent && !measured.not_selected;
        return recorded_nothing.then(|| {
            format!(
                "its process succeeded but recorded nothing; it has to write its results to the \
                 file that BENCHGATE_RECORD names{tail}"
            )
        });
    }
    silent.then(|| match &measured.elsewhere {
        Some(elsewhere) => format!(
            "its code sets an output directory, so its results are in {} instead of CRITERION_HOME; \
             remove the call of `Criterion::output_directory`, or make it only if CRITERION_HOME \
             is not set",
            elsewhere.display()
        ),
        None => format!("its process succeeded but wrote no results{tail}"),
    })
}
