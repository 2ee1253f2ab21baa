//! Measures executables, several times in turn, into one snapshot.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::driver::{Attempt, Driver, Start};
use super::error::MeasureError;
use super::merge::{Merge, left_out};
use super::plan::Plan;
use crate::build::{probe, revision};
use crate::drive::process::ProcessError;
use crate::drive::{
    Event, Harness, Interrupt, Load, Prepared, Programs, Progress, Ready, machine, prepare,
    valgrind_version,
};
use crate::model::{Environment, Field, NotRun, RunInfo, Snapshot};

/// Carries out a plan.
///
/// Each run starts every executable that measures times once, in turn, so that the runs
/// of a benchmark are spread over time. Executables that only count follow, as many at
/// a time as there are cores, because counts do not depend on load. A counting
/// executable that fails while others run is tried once more alone. It is not started
/// again once its counts have repeated, or after three runs.
///
/// A process that crashes, hangs or writes nothing becomes a [`NotRun`] with its last
/// lines. The results that it wrote before are used, and the other executables still
/// run. An executable that reached its time limit is not started again: it would take
/// as long each time.
///
/// Then the instructions of the criterion benchmarks that have a time are
/// [counted](super::count). Without valgrind, or if a benchmark cannot be counted, a
/// [`NotRun`] reports that, and the times are used alone.
pub fn run(
    plan: &Plan,
    interrupt: &Interrupt,
    progress: &mut dyn Progress,
) -> Result<Snapshot, MeasureError> {
    if plan.repeats == 0 {
        return Err(MeasureError::Plan("0 runs were asked for".to_owned()));
    }
    if plan.executables.is_empty() && plan.commands.is_empty() {
        return Err(MeasureError::Plan(
            "the plan has neither bench executables nor commands".to_owned(),
        ));
    }
    plan.criterion.check().map_err(MeasureError::Plan)?;

    let created = Timestamp::now();
    let programs = Programs { executables: &plan.executables, commands: &plan.commands };
    let Ready { prepared, not_run } =
        prepare(programs, plan.filter.as_ref(), plan.time_limit, interrupt)?;
    if prepared.is_empty() {
        return Err(match &plan.filter {
            Some(filter) if not_run.is_empty() => {
                MeasureError::NothingMatched { filter: filter.as_str().to_owned() }
            }
            _ => MeasureError::NothingMeasured { not_run },
        });
    }
    let steps: usize = prepared.iter().map(steps).sum();
    let repeats = plan.repeats as usize;
    for bench in prepared.iter().filter(|bench| bench.whole_seconds) {
        progress.event(&bench.in_whole_seconds(plan.criterion));
    }
    progress.event(&Event::Planned { processes: prepared.len() * repeats, steps: steps * repeats });

    let harnesses: Vec<_> = prepared.iter().map(|bench| bench.harness).collect();
    let mut environment = probe(&plan.build, &harnesses);
    if plan.counts > 0 && harnesses.contains(&Harness::Criterion) {
        environment.set(Field::Valgrind, valgrind_version().unwrap_or_default());
    }
    let driver = Driver::new(&plan.scratch, plan.logs.as_deref(), interrupt)?;
    let mut results = Runs {
        plan,
        driver,
        environment,
        merge: Merge::default(),
        troubles: BTreeMap::new(),
        not_selected: BTreeSet::new(),
    };
    for not_run in plan.not_run.iter().cloned().chain(not_run) {
        results.merge.not_run(not_run);
    }
    let mut runs = Vec::new();
    for run in 0..plan.repeats {
        runs.push(results.run(run, &prepared, progress)?);
    }
    results.counting(&mut runs, &prepared, progress)?;
    results.count(&prepared, interrupt, progress)?;
    let runs = runs.into_iter().map(RunInProgress::into_info).collect();
    progress.event(&Event::Finished);
    let (measurements, not_run, problems) = results.finish(&prepared);
    if measurements.is_empty() && problems.is_empty() {
        return Err(match &plan.filter {
            Some(filter) if not_run.is_empty() => {
                MeasureError::NothingMatched { filter: filter.as_str().to_owned() }
            }
            _ => MeasureError::NothingMeasured { not_run },
        });
    }
    let directory = plan.build.directory.as_deref().unwrap_or(std::path::Path::new("."));
    let mut snapshot = Snapshot {
        name: plan.name.clone(),
        created,
        revision: revision(directory),
        selection: None,
        pairing: None,
        runs,
        measurements,
        not_run,
        problems,
    };
    snapshot.sort();
    Ok(snapshot)
}

/// The benchmarks that an executable will announce as they begin: criterion's. A command is one
/// step.
fn steps(prepared: &Prepared<'_>) -> usize {
    if prepared.is_command() {
        return 1;
    }
    prepared.listed.as_ref().map_or(0, Vec::len)
}

/// The name of a process's directory and log; each attempt needs a different name.
pub(super) fn scratch_name(run: u32, bench: &Prepared<'_>) -> String {
    format!("{}-{run}", bench.subject.replace(['/', '\\'], "-"))
}

/// The failures of an executable.
struct Trouble {
    /// The number of runs in which it failed.
    runs: u32,
    /// The reason of the first failure.
    reason: String,
    /// Whether it is not started again.
    given_up: bool,
}

/// A run and its results so far.
pub(super) struct RunInProgress {
    started: Timestamp,
    seconds: f64,
    load: Load,
    environment: Environment,
    /// By name and version.
    services: BTreeSet<(String, String)>,
}

impl RunInProgress {
    fn begin(environment: Environment) -> Self {
        let (load, services) = (Load::default(), BTreeSet::new());
        Self { started: Timestamp::now(), seconds: 0.0, load, environment, services }
    }

    fn into_info(mut self) -> RunInfo {
        let services = self.services.iter().map(|(name, version)| format!("{name} {version}"));
        let services = services.collect::<Vec<_>>().join(", ");
        self.environment.set(Field::Services, services);
        RunInfo {
            started: Some(self.started),
            seconds: Some(self.seconds),
            busy: self.load.share(),
            environment: self.environment,
        }
    }
}

/// The runs of a plan, and their results so far.
pub(super) struct Runs<'a> {
    pub(super) plan: &'a Plan,
    driver: Driver<'a>,
    environment: Environment,
    pub(super) merge: Merge,
    /// By subject.
    troubles: BTreeMap<String, Trouble>,
    /// Subjects of commands that have none of the benchmarks that are wanted.
    not_selected: BTreeSet<String>,
}

impl Runs<'_> {
    /// Runs one fresh process of each executable that measures times.
    fn run(
        &mut self,
        run: u32,
        prepared: &[Prepared<'_>],
        progress: &mut dyn Progress,
    ) -> Result<RunInProgress, MeasureError> {
        let mut environment = self.environment.clone();
        machine(&mut environment);
        let mut current = RunInProgress::begin(environment);
        for bench in prepared.iter().filter(|bench| !bench.harness.counts()) {
            if self.is_given_up(bench) {
                continue;
            }
            let runs = self.plan.repeats;
            progress.event(&Event::ProcessStarted { run, runs, target: &bench.subject });
            let attempt = current.load.during(|| {
                let name = scratch_name(run, bench);
                self.process(&name, bench, &mut |id| progress.event(&Event::Benchmark { id }))
            });
            self.take(run, bench, attempt?, &mut current, progress);
        }
        Ok(current)
    }

    /// Whether the executable has reached its time limit once, or has none of the benchmarks that
    /// are wanted.
    pub(super) fn is_given_up(&self, bench: &Prepared<'_>) -> bool {
        self.not_selected.contains(&bench.subject)
            || self.troubles.get(&bench.subject).is_some_and(|trouble| trouble.given_up)
    }

    /// Adds the outcome of one process.
    pub(super) fn take(
        &mut self,
        run: u32,
        bench: &Prepared<'_>,
        attempt: Attempt,
        current: &mut RunInProgress,
        progress: &mut dyn Progress,
    ) {
        let given_up = attempt.timed_out();
        if attempt.is_not_selected() {
            self.not_selected.insert(bench.subject.clone());
        }
        let Attempt { measured, failure } = attempt;
        if let Some(measured) = measured {
            current.seconds += measured.seconds;
            current.services.extend(measured.recorded.services);
            self.left_out(bench, failure.is_some(), &measured.recorded.harvest);
            self.merge.add(run, &bench.subject, measured.recorded.harvest);
        }
        progress.event(&Event::ProcessEnded {
            run,
            target: &bench.subject,
            steps: steps(bench),
            failure: failure.as_deref(),
        });
        if let Some(reason) = failure {
            let trouble = self.troubles.entry(bench.subject.clone()).or_insert(Trouble {
                runs: 0,
                reason,
                given_up,
            });
            trouble.runs += 1;
            trouble.given_up |= given_up;
        }
    }

    /// Runs one process of an executable, by the plan.
    pub(super) fn process(
        &self,
        name: &str,
        prepared: &Prepared<'_>,
        on_begin: &mut dyn FnMut(&str),
    ) -> Result<Attempt, ProcessError> {
        let start = Start {
            name,
            prepared,
            filter: self.plan.filter.as_ref(),
            times: prepared.times(self.plan.criterion),
            slowdown: None,
            environment: BTreeMap::new(),
        };
        self.driver.process(start, on_begin)
    }

    /// Adds the criterion benchmarks that an executable listed and has no result for,
    /// although it succeeded.
    fn left_out(&mut self, bench: &Prepared<'_>, failed: bool, harvest: &crate::sources::Harvest) {
        if !failed && !bench.harness.counts() {
            let listed = bench.listed.iter().flatten();
            for not_run in left_out(listed, &bench.subject, harvest) {
                self.merge.not_run(not_run);
            }
        }
    }

    fn finish(
        mut self,
        prepared: &[Prepared<'_>],
    ) -> (Vec<crate::model::Measurement>, Vec<NotRun>, Vec<crate::model::Problem>) {
        for bench in prepared {
            let Some(trouble) = self.troubles.remove(&bench.subject) else { continue };
            let times = match (self.plan.repeats, trouble.given_up) {
                (1, _) => String::new(),
                (runs, false) => format!("in {} of {runs} runs: ", trouble.runs),
                (runs, true) => format!("in {} of {runs} runs, the others skipped: ", trouble.runs),
            };
            let reason = format!("{times}{}", trouble.reason);
            self.merge.not_run(NotRun::failed(bench.subject.clone(), reason));
        }
        self.merge.finish()
    }
}

#[cfg(test)]
mod tests;
