//! The instructions of the benchmarks that a session has timed.

use std::collections::BTreeMap;

use super::prepare::Prepared;
use super::run::{MeasureError, Session};
use super::{
    CountError, CountOptions, CountTarget, Counts, Harness, Interrupt, Listed, Progress, count,
};
use crate::model::{BenchId, Measurement, Metric, NotRun, Reading, RunReading, Unit};
use crate::sources::Harvest;

impl Session<'_> {
    /// Counts what has a time; a count that there is none of is a reason.
    pub(super) fn count(
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
            unsteady_counts: self.plan.repeats,
            time_limit: self.plan.time_limit,
            scratch: self.plan.scratch.clone(),
            profiles: false,
        };
        let counted = match count(&targets, &options, interrupt, progress) {
            Ok(counted) => counted,
            Err(error @ CountError::NoValgrind) => {
                self.merge.not_run(NotRun::skipped("instructions", error.to_string()));
                return Ok(());
            }
            Err(CountError::Scratch(error)) => return Err(MeasureError::Scratch(error)),
            Err(CountError::Process(error)) => return Err(error.into()),
        };
        let mut uncounted: BTreeMap<_, Vec<String>> = BTreeMap::new();
        for one in counted {
            let CountTarget { executable, subject, .. } = targets[one.target];
            match one.outcome {
                Ok(counts) => {
                    let id = BenchId {
                        name: one.listed.name,
                        target: Some(executable.target.clone()),
                        package: executable.package.clone(),
                    };
                    self.add(subject, &id, &counts);
                }
                Err(reason) => {
                    uncounted.entry((subject, reason)).or_default().push(one.listed.name);
                }
            }
        }
        for ((subject, reason), names) in uncounted {
            let names = names.join(", ");
            self.merge.not_run(NotRun::skipped(
                format!("instructions of {subject}"),
                format!("not counted for {names}: {reason}"),
            ));
        }
        Ok(())
    }

    fn add(&mut self, subject: &str, id: &BenchId, counts: &Counts) {
        for (run, &count) in (0..).zip(&counts.readings) {
            let measurement = Measurement {
                id: id.clone(),
                metric: Metric::counted(Metric::INSTRUCTIONS, Unit::Count),
                runs: vec![RunReading { run, reading: Reading::Value(count as f64) }],
                criterion: None,
                throughput: None,
            };
            let measurements = vec![measurement];
            self.merge.add(run, subject, Harvest { measurements, ..Harvest::default() });
        }
    }
}
