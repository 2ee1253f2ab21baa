//! Which functions a benchmark executes, from the start of its process to the end: set-up,
//! body and drops.
//!
//! The counting runs collect only between the entry and the exit of criterion's method.
//! What a benchmark works on is made before, so one further process collects everything. One
//! more process for each target selects no benchmark: it shows which functions only register
//! them.

use fs_err as fs;

use super::callgrind::Callgrind;
use super::toggles::Toggles;
use super::{CountError, CountOptions, CountTarget, LOWEST_ADDRESS, Uncounted};
use crate::drive::{Event, Interrupt, JobEvent, Listed, Progress, Scratch, parallel_map, workers};
use crate::sources::callgrind_profile::Executed;

/// What one process executes; nothing if that could not be found out.
pub(in crate::measure) struct Coverage {
    /// Index of its target.
    pub(in crate::measure) target: usize,
    /// The benchmark that it selects, if any.
    pub(in crate::measure) listed: Option<Listed>,
    pub(in crate::measure) executed: Option<Executed>,
}

/// Finds out what benchmarks execute, each in a process of its own, and first what each
/// target executes if none is selected.
pub(in crate::measure) fn coverage(
    targets: &[CountTarget<'_>],
    options: &CountOptions,
    interrupt: &Interrupt,
    progress: &mut dyn Progress,
) -> Result<Vec<Coverage>, CountError> {
    let scratch = Scratch::create(&options.scratch).map_err(CountError::Scratch)?;
    // No benchmark has this name.
    let nothing = Listed { name: String::new(), cut: false };
    let none = (0..targets.len()).map(|at| (at, None));
    let benchmarks = targets
        .iter()
        .enumerate()
        .flat_map(|(at, target)| target.benchmarks.iter().map(move |listed| (at, Some(listed))));
    let jobs: Vec<(usize, Option<&Listed>, String)> = none
        .chain(benchmarks)
        .enumerate()
        .map(|(number, (target, listed))| (target, listed, format!("executed-{number}")))
        .collect();
    progress.event(&Event::CountingPlanned { benchmarks: jobs.len() - targets.len() });
    let everything = Toggles { names: [].into(), script: false };
    let run = |(target, listed, name): &(usize, Option<&Listed>, String)| {
        if options.is_late() {
            return Ok::<_, CountError>(None);
        }
        let home = scratch.fresh(name).map_err(CountError::Scratch)?;
        let process = Callgrind {
            executable: targets[*target].executable,
            toggles: &everything,
            listed: listed.unwrap_or(&nothing),
            readings: false,
            padding: 0,
            lowest_address: LOWEST_ADDRESS,
            time_limit: options.time_limit,
            home: &home,
        };
        let executed: Result<Executed, Uncounted> = process.executed(interrupt)?;
        fs::remove_dir_all(&home).map_err(CountError::Scratch)?;
        Ok(executed.ok())
    };
    let outcomes = parallel_map(&jobs, workers(jobs.len()), run, |(target, listed, _), told| {
        let Some(listed) = listed else { return };
        let (target, id) = (targets[*target].subject, listed.name.as_str());
        progress.event(&match told {
            JobEvent::Started => Event::CountStarted { target, id },
            JobEvent::Ended => Event::CountEnded { target, id },
        });
    })?;
    let found = jobs.iter().zip(outcomes).map(|((target, listed, _), executed)| Coverage {
        target: *target,
        listed: listed.cloned(),
        executed,
    });
    Ok(found.collect())
}
