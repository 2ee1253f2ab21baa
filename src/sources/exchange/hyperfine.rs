//! hyperfine's exports: `hyperfine --export-json FILE`.
//!
//! Each time is the wall time of one process, in seconds, without that of the shell. So a time
//! is a run, and hyperfine's own mean and deviation are not needed. Processes that ended with a
//! failure are left out.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::super::{Harvest, file};
use crate::model::{
    BenchId, Measurement, Metric, NotRun, Problem, ProblemKind, Reading, RunReading,
};

const NANOSECONDS: f64 = 1e9;

#[derive(Deserialize)]
struct Export {
    results: Vec<Timed>,
}

/// One command. hyperfine writes further keys, such as `mean` and `user`.
#[derive(Deserialize)]
struct Timed {
    /// The command line, or the name that `--command-name` gave it.
    command: String,
    /// Seconds.
    times: Option<Vec<f64>>,
    /// `null` for a process that a signal ended. Older versions do not write it.
    exit_codes: Option<Vec<Option<i32>>>,
}

/// The rows, and the number of runs: the most that a command has.
pub(super) fn read(bytes: &[u8], path: &Path) -> Result<(Harvest, u32), String> {
    let Export { results } = file::parse(bytes)?;
    let mut harvest = Harvest::default();
    let mut runs = 1;
    let mut places: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, result) in results.iter().enumerate() {
        places.entry(&result.command).or_default().push(at);
    }
    for (command, places) in places {
        let id = BenchId::named(command);
        let problem = |kind: ProblemKind, reason: String| Problem {
            kind,
            id: Some(id.clone()),
            path: path.to_owned(),
            reason,
        };
        let [at] = places[..] else {
            let places: Vec<String> = places.iter().map(|at| format!("results[{at}]")).collect();
            let reason = format!(
                "{} are of the same command, so none of them is used; tell them apart with \
                 hyperfine's --command-name",
                places.join(", ")
            );
            harvest.problems.push(problem(ProblemKind::Duplicate, file::shorten(reason)));
            continue;
        };
        let result = &results[at];
        let failed = failed(result);
        if failed > 0 {
            let all = result.times.as_ref().map_or(0, Vec::len);
            let reason = format!(
                "{failed} of {all} processes ended with a failure; their times are not used"
            );
            harvest.not_run.push(NotRun::failed(command, reason));
        }
        match times(result, at) {
            Ok(readings) if readings.is_empty() => {}
            Ok(readings) => {
                runs = runs.max(readings.last().map_or(0, |last| last.run.saturating_add(1)));
                harvest.measurements.push(Measurement {
                    id: id.clone(),
                    metric: Metric::time(),
                    runs: readings,
                    criterion: None,
                    throughput: None,
                    costs: None,
                });
            }
            Err(reason) => harvest.problems.push(problem(ProblemKind::Unreadable, reason)),
        }
    }
    Ok((harvest, runs))
}

fn failed(result: &Timed) -> usize {
    let codes = result.exit_codes.iter().flatten();
    codes.filter(|code| **code != Some(0)).count()
}

/// The times of the processes that succeeded, in nanoseconds.
fn times(result: &Timed, at: usize) -> Result<Vec<RunReading>, String> {
    let Some(times) = result.times.as_ref().filter(|times| !times.is_empty()) else {
        return Err(format!("results[{at}] has no times"));
    };
    let codes = result.exit_codes.as_deref();
    if let Some(codes) = codes.filter(|codes| codes.len() != times.len()) {
        return Err(format!(
            "results[{at}] has {} times and {} exit codes",
            times.len(),
            codes.len()
        ));
    }
    let mut readings = Vec::new();
    for (run, time) in times.iter().enumerate() {
        if codes.is_some_and(|codes| codes[run] != Some(0)) {
            continue;
        }
        if *time == 0.0 {
            return Err(format!(
                "results[{at}].times[{run}] is 0: the command is quicker than the shell that \
                 starts it, whose time hyperfine subtracts; measure it with `hyperfine --shell=none`"
            ));
        }
        let nanoseconds = time * NANOSECONDS;
        if *time < 0.0 || !nanoseconds.is_finite() {
            return Err(format!("results[{at}].times[{run}] is {time}, which is not a time"));
        }
        let run = u32::try_from(run).map_err(|_| format!("results[{at}] has too many times"))?;
        readings.push(RunReading { run, reading: Reading::Value(nanoseconds) });
    }
    Ok(readings)
}
