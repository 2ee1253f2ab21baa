//! The whole of it: executables, several times in turn, into one snapshot.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::driver::{Attempt, Driver, Start};
use super::error::MeasureError;
use super::merge::Merge;
use super::plan::Plan;
use crate::build::{probe, revision};
use crate::drive::process::ProcessError;
use crate::drive::{
    Event, Harness, Interrupt, Load, Prepared, Progress, Ready, machine, prepare, valgrind_version,
};
use crate::model::{Environment, Field, NotRun, RunInfo, Snapshot};

/// Carries out a plan.
///
/// Each run starts every executable with a clock once, in turn, so that the runs
/// of a benchmark are spread over time. Those that only count follow, as many at a
/// time as there are cores: counts do not mind. Of these, one that fails beside
/// others is tried once more on its own; one whose counts have repeated is not
/// started again, nor after three runs.
///
/// A process that crashes, hangs or writes nothing becomes a [`NotRun`] with its
/// last lines, what it wrote before counts, and the others still run. One that
/// reached its time limit is not started again: it would take that long each time.
///
/// Then the instructions of the criterion benchmarks that have a time are
/// [counted](super::count). Without valgrind, or where a benchmark cannot be
/// counted, there is a [`NotRun`] that says so, and the times stand alone.
pub fn run(
    plan: &Plan,
    interrupt: &Interrupt,
    progress: &mut dyn Progress,
) -> Result<Snapshot, MeasureError> {
    if plan.repeats == 0 {
        return Err(MeasureError::Plan("0 runs were asked for".to_owned()));
    }
    if plan.executables.is_empty() {
        return Err(MeasureError::Plan("there is no bench executable".to_owned()));
    }
    plan.criterion.check().map_err(MeasureError::Plan)?;

    let created = Timestamp::now();
    let Ready { prepared, not_run } =
        prepare(&plan.executables, plan.filter.as_ref(), plan.time_limit, interrupt)?;
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
    for one in prepared.iter().filter(|one| one.whole_seconds) {
        progress.event(&one.in_whole_seconds(plan.criterion));
    }
    progress.event(&Event::Planned { processes: prepared.len() * repeats, steps: steps * repeats });

    let harnesses: Vec<_> = prepared.iter().map(|one| one.harness).collect();
    let mut environment = probe(&plan.build, &harnesses);
    if plan.counts > 0 && harnesses.contains(&Harness::Criterion) {
        environment.set(Field::Valgrind, valgrind_version().unwrap_or_default());
    }
    let driver = Driver::new(&plan.scratch, plan.logs.as_deref(), plan.time_limit, interrupt)?;
    let mut results =
        Runs { plan, driver, environment, merge: Merge::default(), troubles: BTreeMap::new() };
    for one in plan.not_run.iter().cloned().chain(not_run) {
        results.merge.not_run(one);
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
        return Err(MeasureError::NothingMeasured { not_run });
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

/// The benchmarks that an executable will announce as they begin: criterion's.
fn steps(prepared: &Prepared<'_>) -> usize {
    prepared.listed.as_ref().map_or(0, Vec::len)
}

/// How a process's directory and log are called; another attempt needs another.
pub(super) fn scratch_name(run: u32, one: &Prepared<'_>) -> String {
    format!("{}-{run}", one.subject.replace(['/', '\\'], "-"))
}

/// What went wrong with an executable.
struct Trouble {
    /// In how many runs.
    runs: u32,
    /// The first time.
    reason: String,
    /// Whether it is not started again.
    given_up: bool,
}

/// What a run has come to so far.
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
}

impl Runs<'_> {
    /// One fresh process of each executable that has a clock.
    fn run(
        &mut self,
        run: u32,
        prepared: &[Prepared<'_>],
        progress: &mut dyn Progress,
    ) -> Result<RunInProgress, MeasureError> {
        let mut environment = self.environment.clone();
        machine(&mut environment);
        let mut taken = RunInProgress::begin(environment);
        for one in prepared.iter().filter(|one| !one.harness.counts()) {
            if self.is_given_up(one) {
                continue;
            }
            let runs = self.plan.repeats;
            progress.event(&Event::ProcessStarted { run, runs, target: &one.subject });
            let attempt = taken.load.during(|| {
                let name = scratch_name(run, one);
                self.process(&name, one, &mut |id| progress.event(&Event::Benchmark { id }))
            });
            self.take(run, one, attempt?, &mut taken, progress);
        }
        Ok(taken)
    }

    /// Whether it reached its time limit once.
    pub(super) fn is_given_up(&self, one: &Prepared<'_>) -> bool {
        self.troubles.get(&one.subject).is_some_and(|trouble| trouble.given_up)
    }

    /// Takes in what a process came to.
    pub(super) fn take(
        &mut self,
        run: u32,
        one: &Prepared<'_>,
        attempt: Attempt,
        taken: &mut RunInProgress,
        progress: &mut dyn Progress,
    ) {
        let given_up = attempt.timed_out();
        let Attempt { measured, failure } = attempt;
        if let Some(measured) = measured {
            taken.seconds += measured.seconds;
            taken.services.extend(measured.recorded.services);
            self.left_out(one, failure.is_some(), &measured.recorded.harvest);
            self.merge.add(run, &one.subject, measured.recorded.harvest);
        }
        progress.event(&Event::ProcessEnded {
            run,
            target: &one.subject,
            steps: steps(one),
            failure: failure.as_deref(),
        });
        if let Some(reason) = failure {
            let trouble = self.troubles.entry(one.subject.clone()).or_insert(Trouble {
                runs: 0,
                reason,
                given_up,
            });
            trouble.runs += 1;
            trouble.given_up |= given_up;
        }
    }

    /// One process of an executable, by the plan.
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
            environment: BTreeMap::new(),
        };
        self.driver.process(start, on_begin)
    }

    /// Notes criterion benchmarks that an executable listed and then, though it
    /// ended well, gave no result for.
    fn left_out(&mut self, one: &Prepared<'_>, failed: bool, harvest: &crate::sources::Harvest) {
        if failed || one.harness.counts() {
            return;
        }
        let names: BTreeSet<&str> = harvest
            .measurements
            .iter()
            .map(|measurement| &measurement.id)
            .chain(harvest.problems.iter().filter_map(|problem| problem.id.as_ref()))
            .map(|id| id.name.as_str())
            .collect();
        for listed in one.listed.iter().flatten() {
            // A title that two benchmarks share is listed again with ` #2` behind it.
            let shared = listed.name.rsplit_once(" #").map(|(name, _)| name);
            let found = names.iter().any(|name| listed.names(name))
                || shared.is_some_and(|name| names.contains(name));
            if !found {
                self.merge.not_run(NotRun::failed(
                    format!("{}::{}", one.subject, listed.name),
                    "its executable lists it, ended well and wrote no result for it",
                ));
            }
        }
    }

    fn finish(
        mut self,
        prepared: &[Prepared<'_>],
    ) -> (Vec<crate::model::Measurement>, Vec<NotRun>, Vec<crate::model::Problem>) {
        for one in prepared {
            let Some(trouble) = self.troubles.remove(&one.subject) else { continue };
            let times = match (self.plan.repeats, trouble.given_up) {
                (1, _) => String::new(),
                (runs, false) => format!("in {} of {runs} runs: ", trouble.runs),
                (runs, true) => format!("in {} of {runs} runs, the rest left out: ", trouble.runs),
            };
            let reason = format!("{times}{}", trouble.reason);
            self.merge.not_run(NotRun::failed(one.subject.clone(), reason));
        }
        self.merge.finish()
    }
}

#[cfg(test)]
mod tests;
