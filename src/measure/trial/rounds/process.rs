//! One process of a round, and its results.

use std::collections::BTreeMap;
use std::ffi::OsString;

use super::super::super::driver::Start;
use super::super::super::error::MeasureError;
use super::super::super::merge::left_out;
use super::super::estimate::Pace;
use super::Rounds;
use super::pair::{Finished, Only, ToStart};
use crate::drive::{Event, Listed, Load, Prepared, Progress};
use crate::model::{Arm, Metric, NotRun, Reading};
use crate::sources::Harvest;

/// The most bytes that are added to a process's environment: a page, because the effect
/// of the stack's address repeats with each page.
const PADDING: usize = 4096;

impl Rounds<'_> {
    /// Runs a process and adds its results.
    pub(super) fn process(
        &mut self,
        process: &ToStart<'_, '_>,
        pace: &mut Pace,
        (seconds, load): &mut (f64, Load),
        progress: &mut dyn Progress,
    ) -> Result<Finished, MeasureError> {
        let ToStart { run, arm, prepared, filter, benchmarks, only } = *process;
        let name = format!("{}-{run}-{}", prepared.subject.replace(['/', '\\'], "-"), arm);
        let padding = "x".repeat(self.random.index(PADDING));
        let start = Start {
            name: &name,
            prepared,
            filter,
            times: pace.times(benchmarks),
            slowdown: self.plan.slow_head.filter(|_| arm == Arm::Head),
            environment: BTreeMap::from([(OsString::from("BENCHGATE_PADDING"), padding.into())]),
        };
        let attempt = load.during(|| {
            self.driver.process(start, &mut |id| progress.event(&Event::Benchmark { id }))
        })?;
        let selected = !attempt.is_not_selected();
        let failure = attempt.failure;
        let Some(measured) = attempt.measured else { return Ok(Finished { failure, selected }) };
        *seconds += measured.seconds;
        self.own_times.extend(measured.own_times);
        let mut harvest = measured.recorded.harvest;
        if failure.is_none() {
            pace.learn(benchmarks, measured.seconds, timed(&harvest));
        }
        if failure.is_none() && harvest.measurements.iter().any(|row| row.criterion.is_some()) {
            let missing = self.left_out(prepared, only, &harvest);
            let merge = self.merges.entry(arm.side().into()).or_default();
            for not_run in missing {
                merge.not_run(not_run);
            }
        }
        if let Some(share) = &self.share {
            let target = &prepared.executable.target;
            harvest.measurements.retain(|row| !share.is_of_others(target, &row.id.name));
        }
        match only {
            Only::All => {}
            Only::Group(ids) => harvest.measurements.retain(|row| {
                let of_group = ids.binary_search_by(|id| id.name.cmp(&row.id.name));
                row.criterion.is_none() || of_group.is_ok()
            }),
            Only::Suspects(suspects, all) => harvest.measurements.retain(|row| {
                let is_told_apart = row.criterion.is_some() || prepared.is_command();
                let left_out = is_told_apart && !all.contains(&row.id);
                suspects.want(arm, &row.id) && !left_out
            }),
        }
        self.merges.entry(arm).or_default().add(run, &prepared.subject, harvest);
        Ok(Finished { failure, selected })
    }

    /// The benchmarks that a process was to measure in the screening and wrote no result for: the
    /// code of one may name a directory of its own for results.
    fn left_out(&self, prepared: &Prepared<'_>, only: Only<'_>, harvest: &Harvest) -> Vec<NotRun> {
        let target = &prepared.executable.target;
        let is_meant = |listed: &&Listed| match only {
            Only::All => {
                !self.share.as_ref().is_some_and(|share| share.is_of_others(target, &listed.name))
            }
            Only::Group(ids) => ids.iter().any(|id| id.name == listed.name),
            Only::Suspects(..) => false,
        };
        let listed = prepared.listed.iter().flatten().filter(is_meant);
        left_out(listed, &prepared.subject, harvest)
    }
}

/// The seconds of criterion's samples.
fn timed(harvest: &Harvest) -> f64 {
    // Criterion's other measurements have samples that are not times.
    let times = harvest.measurements.iter().filter(|row| row.metric.name == Metric::TIME);
    let readings = times.flat_map(|row| &row.runs);
    let totals = readings.flat_map(|run| match &run.reading {
        Reading::Samples { samples, .. } => samples.totals(),
        _ => &[],
    });
    totals.sum::<f64>() / 1e9
}
