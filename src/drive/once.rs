//! One fresh process of one executable: the unit of all measuring.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use fs_err as fs;

use super::printed::Printed;
use super::process::{self, Ended, Job, ProcessError};
use super::progress::benchmark_begun;
use super::times::CriterionTimes;
use super::{BenchExecutable, Filter, Harness, Interrupt};
use crate::sources::record::Recorded;
use crate::sources::{self, Harvest, SourceError, Stale};

/// The variables by which the runners get arguments for callgrind.
const IAI_ARGUMENTS: &str = "IAI_CALLGRIND_CALLGRIND_ARGS";
const GUNGRAUN_ARGUMENTS: &str = "GUNGRAUN_CALLGRIND_ARGS";

/// The variable by which a command learns which benchmarks are wanted: a regular expression over
/// their names. Unset if all are.
const FILTER: &str = "BENCHGATE_FILTER";

/// A file that is written now has the time of the kernel's last tick, up to 10 ms ago.
const TICK: Duration = Duration::from_millis(20);

/// How to run an executable once.
#[derive(Clone, Debug)]
pub struct Process<'a> {
    /// The executable.
    pub executable: &'a BenchExecutable,
    /// Its harness.
    pub harness: Harness,
    /// Which of its benchmarks; all, without one. A command learns it by a variable, and may run
    /// more.
    pub filter: Option<&'a Filter>,
    /// How long criterion takes for each.
    pub times: CriterionTimes,
    /// How long the process may take.
    pub time_limit: Duration,
    /// An empty directory of its own.
    pub home: &'a Path,
    /// A file for what it prints.
    pub log: Option<PathBuf>,
    /// By which share everything that it does is to take longer.
    pub slowdown: Option<f64>,
    /// More variables, such as one that varies the length of the environment.
    pub environment: BTreeMap<OsString, OsString>,
}

/// What one process measured.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Its results; what it wrote before it crashed counts. Paths in problems
    /// are relative to its directory.
    pub recorded: Recorded,
    /// How it ended.
    pub ended: Ended,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// The last lines it printed.
    pub tail: Vec<String>,
    /// Why its results could not be looked at, if so.
    pub unreadable: Option<String>,
    /// Where it wrote its results instead of its own directory, relative to where it
    /// ran.
    pub elsewhere: Option<PathBuf>,
    /// Whether it recorded results, but none of them for a benchmark of the filter.
    pub not_selected: bool,
    /// Criterion benchmarks whose code sets other times or samples than it was asked
    /// for.
    pub own_times: BTreeSet<String>,
}

impl Process<'_> {
    /// Runs it and reads what it wrote. `on_begin` gets the name of each
    /// criterion benchmark as it begins.
    pub fn run(
        &self,
        interrupt: &Interrupt,
        on_begin: &mut dyn FnMut(&str),
    ) -> Result<Measured, ProcessError> {
        let results = self.home.join("results");
        let record = self.home.join("record.jsonl");
        fs::create_dir_all(&results).map_err(ProcessError::Log)?;
        let job = self.job(&results, &record);
        let mut printed = Printed::new(self.times);
        let started = SystemTime::now() - TICK;
        let outcome = process::run(&job, interrupt, &mut |_, line| {
            if let Some(id) = benchmark_begun(line) {
                on_begin(id);
            }
            if self.harness == Harness::Criterion {
                printed.line(line);
            }
        })?;
        let (mut recorded, unreadable) = match self.read(&results, &record) {
            Ok(recorded) => (recorded, None),
            Err(error) => (Recorded::default(), Some(self.relative(&error.to_string()))),
        };
        let not_selected = self.harness == Harness::Command && self.select(&mut recorded.harvest);
        let harvest = &mut recorded.harvest;
        printed.correct(&mut harvest.measurements);
        let elsewhere = if self.harness == Harness::Criterion && harvest.measurements.is_empty() {
            self.elsewhere(started)
        } else {
            None
        };
        Ok(Measured {
            recorded,
            elsewhere,
            not_selected,
            own_times: printed.into_own_times(),
            ended: outcome.ended,
            seconds: outcome.seconds,
            tail: outcome.tail,
            unreadable,
        })
    }

    fn job(&self, results: &Path, record: &Path) -> Job {
        let mut job = self.executable.job();
        job.time_limit = Some(self.time_limit);
        job.log.clone_from(&self.log);
        job.slowdown = self.slowdown;
        for variable in self.harness.hidden_variables() {
            job.environment.insert(variable.into(), None);
        }
        if self.harness != Harness::Command {
            job = job.arg("--bench");
        }
        job = self.harness.with_home(job, results).env(crate::record::VARIABLE, record);
        match self.harness {
            Harness::Command => {
                let filter = self.filter.map(|filter| filter.pattern().into());
                job.environment.insert(FILTER.into(), filter);
            }
            Harness::Criterion => {
                job = job.arg("--noplot");
                job.arguments.extend(self.times.arguments().map(OsString::from));
                job.arguments.extend(self.filter.map(Filter::arguments).unwrap_or_default());
            }
            // Their filters mean something else, and their benchmarks are
            // quick: all run, and the others are left out when reading.
            Harness::IaiCallgrind => {
                job = job
                    .env("IAI_CALLGRIND_SAVE_SUMMARY", "json")
                    .env(IAI_ARGUMENTS, self.callgrind_arguments(IAI_ARGUMENTS));
            }
            Harness::Gungraun => {
                job = job
                    .env("GUNGRAUN_SAVE_SUMMARY", "json")
                    .env(GUNGRAUN_ARGUMENTS, self.callgrind_arguments(GUNGRAUN_ARGUMENTS));
            }
        }
        for (key, value) in &self.environment {
            job.environment.insert(key.clone(), Some(value.clone()));
        }
        job
    }

    /// The caller's own arguments for callgrind, and those that
    /// [`callgrind_profile`](sources::callgrind_profile) needs.
    fn callgrind_arguments(&self, variable: &str) -> OsString {
        let own = self.executable.environment.get(OsStr::new(variable)).cloned();
        let mut arguments = own.or_else(|| std::env::var_os(variable)).unwrap_or_default();
        if !arguments.is_empty() {
            arguments.push(" ");
        }
        arguments.push("--dump-instr=yes --collect-systime=yes");
        arguments
    }

    fn read(&self, results: &Path, record: &Path) -> Result<Recorded, SourceError> {
        let target = Some(&self.executable.target);
        let mut recorded = sources::record::read(record, target)?;
        let mut harvest = match self.harness {
            Harness::Command => Harvest::default(),
            Harness::Criterion => sources::criterion::read(results, "new", target, Stale::Never)?,
            Harness::IaiCallgrind | Harness::Gungraun => {
                let mut harvest = sources::callgrind::read(results, target, Stale::Never)?;
                if let Some(filter) = self.filter {
                    harvest.measurements.retain(|one| filter.accepts(&one.id.name));
                }
                harvest
            }
        };
        recorded.harvest.measurements.append(&mut harvest.measurements);
        recorded.harvest.not_run.append(&mut harvest.not_run);
        recorded.harvest.problems.append(&mut harvest.problems);
        for problem in &mut recorded.harvest.problems {
            let relative =
                problem.path.strip_prefix(results).or(problem.path.strip_prefix(self.home));
            if let Ok(relative) = relative {
                problem.path = relative.to_owned();
            }
            problem.reason = self.relative(&problem.reason);
        }
        Ok(recorded)
    }

    /// Keeps the results that the filter selects. Returns whether there were results, but none of
    /// them is selected.
    fn select(&self, harvest: &mut Harvest) -> bool {
        let Some(filter) = self.filter else { return false };
        let was_empty = harvest.is_empty();
        harvest.measurements.retain(|measurement| filter.accepts(&measurement.id.name));
        harvest
            .problems
            .retain(|problem| problem.id.as_ref().is_none_or(|id| filter.accepts(&id.name)));
        !was_empty && harvest.measurements.is_empty() && harvest.problems.is_empty()
    }

    /// Where below its working directory it wrote results of criterion's since it
    /// started, as its code sets an output directory.
    fn elsewhere(&self, started: SystemTime) -> Option<PathBuf> {
        let root = match &self.executable.directory {
            Some(directory) => directory.clone(),
            None => std::env::current_dir().ok()?,
        };
        let found = sources::criterion::written_below(&root, started)?;
        Some(found.strip_prefix(&root).map_or(found.clone(), Path::to_path_buf))
    }

    /// A message without the name of a directory that will be gone.
    fn relative(&self, message: &str) -> String {
        let home = self.home.to_string_lossy();
        message.replace(&format!("{home}/results/"), "").replace(&format!("{home}/"), "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: CriterionTimes = CriterionTimes {
        warm_up: Duration::from_millis(100),
        measurement: Duration::from_secs(2),
        samples: 20,
        resamples: 1000,
    };

    #[test]
    fn criterion_gets_its_arguments_and_a_home() {
        let executable = BenchExecutable::ready("/bench");
        let filter = Filter::exactly("a b");
        let process = Process {
            executable: &executable,
            harness: Harness::Criterion,
            filter: Some(&filter),
            times: TIMES,
            time_limit: Duration::from_secs(9),
            home: Path::new("/home"),
            log: None,
            slowdown: None,
            environment: BTreeMap::from([("PAD".into(), "xx".into())]),
        };
        let job = process.job(Path::new("/home/results"), Path::new("/home/record.jsonl"));
        let words: Vec<_> = job.arguments.iter().map(|word| word.to_string_lossy()).collect();
        assert_eq!(
            words.join(" "),
            "--bench --noplot --warm-up-time 0.1 --measurement-time 2 --sample-size 20 \
             --nresamples 1000 ^(?:a b)$"
        );
        let variable = |name: &str| job.environment.get(&OsString::from(name)).cloned();
        assert_eq!(variable("CRITERION_HOME"), Some(Some("/home/results".into())));
        assert_eq!(variable("BENCHGATE_RECORD"), Some(Some("/home/record.jsonl".into())));
        assert_eq!(variable("CARGO_CRITERION_PORT"), Some(None));
        assert_eq!(variable("PAD"), Some(Some("xx".into())));
        assert_eq!(process.relative("see /home/results/a/new, /home/x"), "see a/new, x");
    }

    #[test]
    fn whole_seconds_are_no_less_than_was_asked_for() {
        let seconds = Duration::from_secs;
        let whole = CriterionTimes { warm_up: seconds(1), measurement: seconds(2), ..TIMES };
        assert_eq!(TIMES.in_whole_seconds(), whole);
        assert_eq!(whole.in_whole_seconds(), whole);
        let words = whole.arguments().join(" ");
        assert!(words.starts_with("--warm-up-time 1 --measurement-time 2 "), "{words}");
    }

    #[test]
    fn times_that_criterion_refuses_are_refused() {
        assert_eq!(TIMES.check(), Ok(()));
        for bad in [
            CriterionTimes { samples: 9, ..TIMES },
            CriterionTimes { resamples: 0, ..TIMES },
            CriterionTimes { warm_up: Duration::ZERO, ..TIMES },
            CriterionTimes { measurement: Duration::ZERO, ..TIMES },
        ] {
            assert!(bad.check().is_err(), "{bad:?}");
        }
    }
}
