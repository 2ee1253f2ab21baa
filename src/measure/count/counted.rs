//! Counted instructions as measurements: of what `gate run` has timed, and of
//! the two sides of a trial.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use super::super::error::MeasureError;
use super::super::run::{RunInProgress, Runs, scratch_name};
use super::{Basis, CountError, CountOptions, CountTarget, Counts, Uncounted, count};
use crate::drive::BenchExecutable;
use crate::drive::{
    Event, Harness, Interrupt, JobEvent, Listed, Prepared, Progress, parallel_map, workers,
};
use crate::model::{
    AllocatorCount, BenchId, Costs, Measurement, Metric, NotRun, Pattern, Reading, RunReading, Unit,
};
use crate::sources::Harvest;

/// What counting came to.
#[derive(Default)]
pub(in crate::measure) struct Counted {
    /// The index of its target, a benchmark, its counts; in the order of targets.
    pub(in crate::measure) found: Vec<(usize, Listed, Counts)>,
    /// What was not counted and why; with the index of its target, where it is
    /// about one.
    pub(in crate::measure) not_run: Vec<(Option<usize>, NotRun)>,
}

/// Counts all but those that are not to be, and gives a reason for each benchmark that has no count.
pub(in crate::measure) fn counted(
    targets: &[CountTarget<'_>],
    uncounted: &[Pattern],
    options: &CountOptions,
    interrupt: &Interrupt,
    progress: &mut dyn Progress,
) -> Result<Counted, MeasureError> {
    let mut all = Counted::default();
    let mut targets = targets.to_vec();
    for (at, target) in targets.iter_mut().enumerate() {
        let left = |one: &Listed| {
            let id = id(target.executable, one.name.clone());
            uncounted.iter().any(|pattern| pattern.matches(&id))
        };
        let (left, wanted): (Vec<_>, Vec<_>) =
            std::mem::take(&mut target.benchmarks).into_iter().partition(left);
        target.benchmarks = wanted;
        if !left.is_empty() {
            let names: Vec<_> = left.into_iter().map(|one| one.name).collect();
            let reason = "`uncounted` under [measure] names them";
            all.not_run.push((Some(at), not_counted(target.subject, &names, reason)));
        }
    }
    let counted = match count(&targets, options, interrupt, progress) {
        Ok(counted) => counted,
        Err(error @ CountError::NoValgrind) => {
            all.not_run.push((None, NotRun::skipped("instructions", error.to_string())));
            return Ok(all);
        }
        Err(CountError::Scratch(error)) => return Err(MeasureError::Scratch(error)),
        Err(CountError::Process(error)) => return Err(error.into()),
    };
    let mut uncounted: BTreeMap<_, Vec<String>> = BTreeMap::new();
    let mut whole: BTreeMap<_, Vec<String>> = BTreeMap::new();
    let mut uncharged: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for one in counted {
        match one.outcome {
            Ok(counts) => {
                if let Some(reason) = counts.untimed() {
                    let names: &mut Vec<String> = whole.entry((one.target, reason)).or_default();
                    names.push(one.listed.name.clone());
                }
                if let Some(reason) = counts.uncharged() {
                    let names: &mut Vec<_> = uncharged.entry((one.target, reason)).or_default();
                    names.push(one.listed.name.clone());
                }
                all.found.push((one.target, one.listed, counts));
            }
            // Its set-up printed a line that looks like one of a list.
            Err(Uncounted::NoBenchmark) => {}
            Err(reason) => {
                uncounted.entry((one.target, reason)).or_default().push(one.listed.name);
            }
        }
    }
    all.not_run.extend(whole.into_iter().map(|((target, reason), names)| {
        let subject = format!("instructions of {}", targets[target].subject);
        let names = names.join(", ");
        let reason = format!("counted with the set-up and the drops for {names}: {reason}");
        (Some(target), NotRun::skipped(subject, reason))
    }));
    all.not_run.extend(uncharged.into_iter().map(|((target, reason), names)| {
        let subject = format!("instructions of {}", targets[target].subject);
        let names = names.join(", ");
        let reason =
            format!("counted with the allocator's own, so not exactly, for {names}: {reason}");
        (Some(target), NotRun::skipped(subject, reason))
    }));
    all.not_run.extend(uncounted.into_iter().map(|((target, reason), names)| {
        (Some(target), not_counted(targets[target].subject, &names, reason))
    }));
    Ok(all)
}

fn not_counted(subject: &str, names: &[String], reason: impl Display) -> NotRun {
    let subject = format!("instructions of {subject}");
    NotRun::skipped(subject, format!("not counted for {}: {reason}", names.join(", ")))
}

/// The id of a benchmark in an executable.
pub(in crate::measure) fn id(executable: &BenchExecutable, name: String) -> BenchId {
    BenchId { name, target: Some(executable.target.clone()) }
}

/// The instructions on that basis, with what the functions took: those that matter and
/// those that are named; all instructions that were executed; and the allocations, where
/// they are known. Each has a reading for each run, from the first on.
pub(in crate::measure) fn measurements(
    id: &BenchId,
    counts: &Counts,
    basis: Basis,
    named: &BTreeSet<&str>,
) -> Vec<Measurement> {
    let threads = u32::try_from(counts.threads).unwrap_or(u32::MAX).max(1);
    let Basis { scope, allocator } = basis;
    let measurement = |name: &str, allocator, values: Vec<u64>, functions: BTreeMap<_, _>| {
        let costs = Costs {
            threads,
            scope: Some(scope),
            allocator,
            system_calls: counts.asks_kernel(scope),
            total: values.first().copied().unwrap_or(0),
            functions,
        };
        let readings = (0..).zip(values);
        Measurement {
            id: id.clone(),
            metric: Metric::counted(name, Unit::Count),
            runs: readings
                .map(|(run, count)| RunReading { run, reading: Reading::Value(count as f64) })
                .collect(),
            criterion: None,
            throughput: None,
            costs: Some(costs.kept(named)),
        }
    };
    let executed = Basis { scope, allocator: AllocatorCount::Executed };
    let functions = counts.functions(basis).unwrap_or_default();
    let mut all = vec![
        measurement(Metric::INSTRUCTIONS, allocator, counts.values(basis), functions),
        // Its functions are those of the first, but for the allocator's own.
        measurement(
            Metric::TOTAL_INSTRUCTIONS,
            executed.allocator,
            counts.values(executed),
            BTreeMap::new(),
        ),
    ];
    if let Some(allocations) = counts.allocations(scope) {
        let allocator = AllocatorCount::Charged;
        all.push(measurement(Metric::ALLOCATIONS, allocator, allocations, BTreeMap::new()));
    }
    all
}

/// Runs of a counting harness after which it is not started again, if its counts
/// were the same in all of them.
const STEADY_RUNS: u32 = 2;
/// Counts after which no more are taken, though they differ: enough for their
/// spread, of which their tolerance is made, and valgrind is slow.
const UNSTEADY_COUNTS: u32 = 3;

/// Whether a counting harness is started in this run, the first of which is 0.
fn counts_again(run: u32, repeated: bool) -> bool {
    run < if repeated { STEADY_RUNS } else { UNSTEADY_COUNTS }
}

impl Runs<'_> {
    /// Counts what has a time; a count that there is none of is a reason.
    pub(in crate::measure) fn count(
        &mut self,
        prepared: &[Prepared<'_>],
        interrupt: &Interrupt,
        progress: &mut dyn Progress,
    ) -> Result<(), MeasureError> {
        let targets: Vec<CountTarget<'_>> = prepared
            .iter()
            .filter(|one| one.harness == Harness::Criterion)
            .map(|one| CountTarget {
                executable: one.executable,
                subject: &one.subject,
                // The names in the results are whole, those in a list may be cut.
                benchmarks: (self.merge.timed(one.executable).into_iter())
                    .map(|name| Listed { name, cut: false })
                    .collect(),
            })
            .filter(|target| !target.benchmarks.is_empty())
            .collect();
        if self.plan.counts == 0 || targets.is_empty() {
            return Ok(());
        }
        let options = CountOptions {
            counts: self.plan.counts.min(self.plan.repeats),
            unsteady_counts: UNSTEADY_COUNTS.min(self.plan.repeats),
            time_limit: self.plan.time_limit,
            scratch: self.plan.scratch.clone(),
            profiles: true,
            until: None,
        };
        let Counted { found, not_run } =
            counted(&targets, &self.plan.uncounted, &options, interrupt, progress)?;
        for (target, listed, counts) in found {
            let CountTarget { executable, subject, .. } = targets[target];
            let id = id(executable, listed.name);
            for counted in measurements(&id, &counts, counts.basis(), &BTreeSet::new()) {
                self.add(subject, &counted);
            }
        }
        for (_, not_run) in not_run {
            self.merge.not_run(not_run);
        }
        Ok(())
    }

    /// Fresh processes of each executable that counts instructions by itself: no
    /// more often than there are runs, nor than it takes.
    pub(in crate::measure) fn counting(
        &mut self,
        runs: &mut [RunInProgress],
        prepared: &[Prepared<'_>],
        progress: &mut dyn Progress,
    ) -> Result<(), MeasureError> {
        for (taken, run) in runs.iter_mut().zip(0..) {
            let due: Vec<&Prepared<'_>> = prepared
                .iter()
                .filter(|one| one.harness.counts() && !self.is_given_up(one))
                .filter(|one| counts_again(run, self.merge.repeats(one.executable)))
                .collect();
            let process = |one: &Prepared<'_>, name: &str| self.process(name, one, &mut |_| {});
            let first = |one: &&Prepared<'_>| process(one, &scratch_name(run, one));
            let at_once = workers(due.len());
            let mut attempts = parallel_map(&due, at_once, first, |one, told| {
                if let JobEvent::Started = told {
                    let (runs, target) = (self.plan.repeats, one.subject.as_str());
                    progress.event(&Event::ProcessStarted { run, runs, target });
                }
            })?;
            for (one, attempt) in due.iter().zip(&mut attempts) {
                // Two programs may want the same port or file.
                if at_once > 1 && attempt.failed() {
                    *attempt = process(one, &format!("{}-again", scratch_name(run, one)))?;
                }
            }
            for (one, attempt) in due.into_iter().zip(attempts) {
                self.take(run, one, attempt, taken, progress);
            }
        }
        Ok(())
    }

    /// Adds each reading to its run.
    fn add(&mut self, subject: &str, counted: &Measurement) {
        for reading in &counted.runs {
            let measurements = vec![Measurement { runs: vec![reading.clone()], ..counted.clone() }];
            self.merge.add(reading.run, subject, Harvest { measurements, ..Harvest::default() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::counts_again;

    #[test]
    fn counts_are_taken_twice_and_a_third_time_where_they_differ() {
        let runs = |repeated| (0..5).filter(|run| counts_again(*run, repeated)).count();
        assert_eq!((runs(true), runs(false)), (2, 3));
    }
}
