//! Merges the results of many processes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::drive::{BenchExecutable, Listed};
use crate::model::{
    BenchId, Measurement, Metric, NotRun, Problem, ProblemKind, Reading, RunReading,
};
use crate::sources::Harvest;

/// Results so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Merge {
    measurements: BTreeMap<(BenchId, Metric), Measurement>,
    /// Measured more than once in a run.
    refused: BTreeSet<(BenchId, Metric)>,
    not_run: BTreeSet<NotRun>,
    problems: BTreeMap<(PathBuf, ProblemKind, String), Problem>,
}

impl Merge {
    /// Adds the results of one process of a run. `subject` names its executable: the
    /// paths of problems begin with it.
    pub(super) fn add(&mut self, run: u32, subject: &str, harvest: Harvest) {
        for mut measurement in harvest.measurements {
            for reading in &mut measurement.runs {
                reading.run = run;
            }
            let key = (measurement.id.clone(), measurement.metric.clone());
            if self.is_in_another_unit(subject, &measurement) {
                continue;
            }
            let Some(known) = self.measurements.get_mut(&key) else {
                self.measurements.insert(key, measurement);
                continue;
            };
            let is_distribution =
                |run: &RunReading| matches!(run.reading, Reading::Distribution(_));
            let mut runs = known.runs.iter().chain(&measurement.runs);
            let fault = if known.runs.iter().any(|reading| reading.run == run) {
                "is measured more than once in a run"
            } else if self.refused.contains(&key) {
                continue;
            } else if runs.clone().any(is_distribution) && !runs.all(is_distribution) {
                "is a distribution in some runs only"
            } else {
                known.runs.append(&mut measurement.runs);
                continue;
            };
            // No reading is used, in any run: the right one is not known.
            known.runs.clear();
            self.refused.insert(key);
            self.problem(Problem {
                kind: ProblemKind::Duplicate,
                id: Some(measurement.id),
                path: subject.into(),
                reason: format!("its {} {fault}, so it is not used", measurement.metric),
            });
        }
        self.not_run.extend(harvest.not_run);
        for mut problem in harvest.problems {
            problem.path = Path::new(subject).join(problem.path);
            self.problem(problem);
        }
    }

    /// Whether an earlier run measured that metric in another unit, which is a problem: a file
    /// has one unit of each.
    fn is_in_another_unit(&mut self, subject: &str, measurement: &Measurement) -> bool {
        let Measurement { id, metric, .. } = measurement;
        let known = self.measurements.keys().find(|(other, known)| {
            other == id && known.name == metric.name && known.unit != metric.unit
        });
        let Some((_, known)) = known else { return false };
        let reason = format!(
            "its {metric} is measured in {} in one run and in {} in another; only the first is used",
            known.unit, metric.unit
        );
        self.problem(Problem {
            kind: ProblemKind::Duplicate,
            id: Some(id.clone()),
            path: subject.into(),
            reason,
        });
        true
    }

    /// The names of the benchmarks of an executable that have a time, in order.
    pub(super) fn timed(&self, executable: &BenchExecutable) -> Vec<String> {
        self.measurements
            .keys()
            .filter(|(id, metric)| metric.name == Metric::TIME && executable.target.holds(id))
            .map(|(id, _)| id.name.clone())
            .collect()
    }

    /// Whether an executable has counts, and each count is equal in all runs.
    pub(super) fn repeats(&self, executable: &BenchExecutable) -> bool {
        let own = |measurement: &&Measurement| executable.target.holds(&measurement.id);
        let mut counts = self.measurements.values().filter(own).peekable();
        counts.peek().is_some()
            && counts
                .all(|count| count.runs.windows(2).all(|pair| pair[0].reading == pair[1].reading))
    }

    /// Adds something that could not be run.
    pub(super) fn not_run(&mut self, not_run: NotRun) {
        self.not_run.insert(not_run);
    }

    /// Adds a problem. The same problem in several runs is reported once.
    fn problem(&mut self, problem: Problem) {
        let key = (problem.path.clone(), problem.kind, problem.reason.clone());
        self.problems.entry(key).or_insert(problem);
    }

    /// The sorted measurements, skipped benchmarks and problems. Of the functions'
    /// costs, only the part that snapshots keep is returned.
    pub(super) fn finish(self) -> (Vec<Measurement>, Vec<NotRun>, Vec<Problem>) {
        let (mut measurements, not_run, problems) = self.whole();
        for costs in measurements.iter_mut().filter_map(|counted| counted.costs.as_mut()) {
            *costs = costs.kept(&BTreeSet::new());
        }
        (measurements, not_run, problems)
    }

    /// As [`finish`](Self::finish), with all costs of functions.
    pub(super) fn whole(self) -> (Vec<Measurement>, Vec<NotRun>, Vec<Problem>) {
        (
            self.measurements.into_values().filter(|measured| !measured.runs.is_empty()).collect(),
            self.not_run.into_iter().collect(),
            self.problems.into_values().collect(),
        )
    }
}

/// The listed benchmarks of an executable, `subject`, that succeeded and has no result for them.
pub(super) fn left_out<'a>(
    listed: impl Iterator<Item = &'a Listed>,
    subject: &str,
    harvest: &Harvest,
) -> Vec<NotRun> {
    let measured = harvest.measurements.iter().map(|measurement| &measurement.id);
    let refused = harvest.problems.iter().filter_map(|problem| problem.id.as_ref());
    let names: BTreeSet<&str> = measured.chain(refused).map(|id| id.name.as_str()).collect();
    let is_missing = |listed: &&Listed| {
        // A title that two benchmarks share is listed again with ` #2` after it.
        let shared = listed.name.rsplit_once(" #").map(|(name, _)| name);
        !names.iter().any(|name| listed.names(name))
            && !shared.is_some_and(|name| names.contains(name))
    };
    let not_run = |listed: &Listed| {
        NotRun::failed(
            format!("{subject}::{}", listed.name),
            "its executable lists it and succeeded, but wrote no result for it",
        )
    };
    listed.filter(is_missing).map(not_run).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TargetId;

    fn measurement(name: &str, value: f64) -> Measurement {
        Measurement {
            id: BenchId::named(name),
            metric: Metric::time(),
            runs: vec![RunReading { run: 0, reading: Reading::Value(value) }],
            criterion: None,
            throughput: None,
            costs: None,
        }
    }

    fn harvest(measurements: Vec<Measurement>) -> Harvest {
        let not_run = vec![NotRun::skipped("redis", "not there")];
        let problem = Problem {
            kind: ProblemKind::Unreadable,
            id: None,
            path: "x/new/sample.json".into(),
            reason: "is empty".into(),
        };
        Harvest { measurements, not_run, problems: vec![problem] }
    }

    #[test]
    fn a_benchmark_keeps_its_readings_of_all_runs() {
        let mut merge = Merge::default();
        merge.add(0, "cache", harvest(vec![measurement("b", 1.0), measurement("a", 2.0)]));
        merge.add(1, "cache", harvest(vec![measurement("b", 3.0)]));
        merge.add(2, "cache", harvest(vec![measurement("b", 4.0), measurement("a", 5.0)]));
        let (measurements, not_run, problems) = merge.finish();
        let found: Vec<_> = measurements
            .iter()
            .map(|measured| {
                let runs = measured.runs.iter().map(|run| (run.run, run.reading.clone()));
                (measured.id.name.as_str(), runs.collect::<Vec<_>>())
            })
            .collect();
        let value = |run, value| (run, Reading::Value(value));
        assert_eq!(
            found,
            [
                ("a", vec![value(0, 2.0), value(2, 5.0)]),
                ("b", vec![value(0, 1.0), value(1, 3.0), value(2, 4.0)]),
            ]
        );
        assert_eq!(not_run.len(), 1);
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].path, Path::new("cache/x/new/sample.json"));
    }

    #[test]
    fn an_executable_repeats_if_all_of_its_counts_are_equal() {
        let executable = |target: &str| BenchExecutable {
            target: TargetId::named(target),
            ..BenchExecutable::ready("counts")
        };
        let of = |target: &str, name: &str, value| {
            let mut counted = measurement(name, value);
            counted.id.target = Some(TargetId::named(target));
            counted
        };
        let add = |merge: &mut Merge, run, measurements| {
            merge.add(run, "counts", Harvest { measurements, ..Harvest::default() });
        };
        let mut merge = Merge::default();
        assert!(!merge.repeats(&executable("steady")), "an executable without counts repeats");
        add(&mut merge, 0, vec![of("steady", "a", 1.0), of("steady", "b", 2.0)]);
        add(&mut merge, 1, vec![of("steady", "a", 1.0), of("steady", "b", 2.0)]);
        add(&mut merge, 0, vec![of("varies", "a", 1.0), of("varies", "b", 2.0)]);
        add(&mut merge, 1, vec![of("varies", "a", 1.0), of("varies", "b", 3.0)]);
        assert!(merge.repeats(&executable("steady")));
        assert!(!merge.repeats(&executable("varies")));
        assert!(!merge.repeats(&executable("other")));
    }

    #[test]
    fn a_second_reading_in_the_same_run_is_a_problem() {
        let mut merge = Merge::default();
        for value in [1.0, 9.0] {
            let measurements = vec![measurement("a", value)];
            merge.add(0, "cache", Harvest { measurements, ..Harvest::default() });
        }
        let (measurements, _, problems) = merge.finish();
        assert_eq!(measurements, [], "neither reading is used");
        assert_eq!(problems[0].kind, ProblemKind::Duplicate);
    }
}
