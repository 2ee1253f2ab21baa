//! What criterion prints about a benchmark and no file of its results holds: times
//! and sample counts that its code sets, and the unit of a measurement that is not a
//! time.

use super::progress::benchmark_begun;
use super::times::CriterionTimes;
use crate::model::{Direction, Measurement, Metric, Nature, Reading, Unit};
use std::collections::{BTreeMap, BTreeSet};

/// The metric of a criterion benchmark with a measurement of its own.
const MEASUREMENT: &str = "measurement";
/// The unit of values that criterion shows in another unit than they are stored in.
const STORED: &str = "units";
/// Criterion shows five digits.
const ROUNDED: f64 = 0.001;
/// Criterion rounds iterations up, which at most doubles the time that it was asked for. More
/// than that, and it was asked for more by the code.
const ROUNDED_UP: f64 = 2.5;

/// Units of time as criterion shows them, in nanoseconds.
const TIMES: [(&str, f64); 6] =
    [("ps", 1e-3), ("ns", 1.0), ("us", 1e3), ("µs", 1e3), ("ms", 1e6), ("s", 1e9)];

/// What was printed so far.
#[derive(Debug)]
pub(super) struct Printed {
    /// What criterion was asked for.
    asked: CriterionTimes,
    /// The line before: a long title has a line of its own.
    before: String,
    /// By title: the estimate and its unit.
    estimates: BTreeMap<String, (f64, String)>,
    /// Benchmarks whose code sets their times or samples.
    own_times: BTreeSet<String>,
}

impl Printed {
    /// Nothing yet, of a process that was asked for these times.
    pub(super) fn new(asked: CriterionTimes) -> Self {
        Self {
            asked,
            before: String::new(),
            estimates: BTreeMap::new(),
            own_times: BTreeSet::new(),
        }
    }

    /// Takes note of a line.
    pub(super) fn line(&mut self, line: &str) {
        if let Some(id) = sets_its_own(line, &self.asked) {
            self.own_times.insert(id.to_owned());
        }
        if let Some((title, estimate)) = estimate(line) {
            let title = if title.is_empty() { self.before.trim() } else { title };
            self.estimates.entry(title.to_owned()).or_insert(estimate);
        }
        if benchmark_begun(line).is_none() && !line.starts_with("Benchmarking ") {
            line.clone_into(&mut self.before);
        }
    }

    /// Benchmarks whose code sets their times or the number of their samples.
    pub(super) fn into_own_times(self) -> BTreeSet<String> {
        self.own_times
    }

    /// Gives measurements that are not times their unit.
    pub(super) fn correct(&self, measurements: &mut [Measurement]) {
        for measurement in measurements {
            if measurement.metric.name != Metric::TIME {
                continue;
            }
            let shown = self.estimates.iter().find(|(title, _)| {
                // Titles are cut at 100 characters.
                let cut = title.strip_suffix("...");
                **title == measurement.id.name
                    || cut.is_some_and(|start| measurement.id.name.starts_with(start))
            });
            let Some((_, (value, unit))) = shown else { continue };
            if let Some(unit) = stored_unit(measurement, *value, unit) {
                measurement.metric = Metric {
                    name: MEASUREMENT.to_owned(),
                    unit: Unit::from(unit),
                    // As criterion takes it.
                    better: Direction::Lower,
                    nature: Nature::Sampled,
                };
            }
        }
    }
}

/// The unit in which values are stored, given what criterion showed; `None` for
/// nanoseconds.
fn stored_unit<'a>(measurement: &Measurement, shown: f64, unit: &'a str) -> Option<&'a str> {
    let stored = measurement.runs.iter().find_map(|run| match &run.reading {
        Reading::Samples { estimates: Some(estimates), .. } | Reading::Estimates(estimates) => {
            Some(estimates.slope.unwrap_or(estimates.mean).point())
        }
        _ => None,
    })?;
    let equal = |a: f64, b: f64| (a - b).abs() <= ROUNDED * a.abs().max(b.abs());
    let factor = TIMES.iter().find(|(name, _)| *name == unit).map(|(_, factor)| factor);
    match factor {
        Some(factor) if equal(shown * factor, stored) => None,
        _ if equal(shown, stored) && !unit.is_empty() => Some(unit),
        _ => Some(STORED),
    }
}

/// The title, the estimate and its unit in `TITLE  time:   [LOW U ESTIMATE U HIGH U]`.
fn estimate(line: &str) -> Option<(&str, (f64, String))> {
    let (title, rest) = line.rsplit_once("time:")?;
    let inner = rest.trim().strip_prefix('[')?.strip_suffix(']')?;
    let mut values: Vec<(f64, Vec<&str>)> = Vec::new();
    for word in inner.split_whitespace() {
        match (word.parse::<f64>(), values.last_mut()) {
            (Ok(value), _) => values.push((value, Vec::new())),
            (Err(_), Some((_, unit))) => unit.push(word),
            (Err(_), None) => return None,
        }
    }
    let [_, (value, unit), _] = values.as_slice() else { return None };
    Some((title.trim(), (*value, unit.join(" "))))
}

/// The benchmark whose code sets other times or samples than it was asked for.
///
/// `Benchmarking ID: Warming up for 3.0000 s`,
/// `Benchmarking ID: Collecting 10 samples in estimated 5.0 s (1000 iterations)`
fn sets_its_own<'a>(line: &'a str, asked: &CriterionTimes) -> Option<&'a str> {
    let line = line.strip_prefix("Benchmarking ")?;
    if let Some((id, time)) = line.rsplit_once(": Warming up for ") {
        let (taken, wanted) = (seconds(time)?, asked.warm_up.as_secs_f64());
        return ((taken - wanted).abs() > ROUNDED * wanted).then_some(id);
    }
    let (id, rest) = line.rsplit_once(": Collecting ")?;
    let (samples, rest) = rest.split_once(' ')?;
    let rest = rest.strip_prefix("samples in estimated ")?;
    if samples.parse::<u32>().ok()? != asked.samples {
        return Some(id);
    }
    let (time, iterations) = rest.split_once(" (")?;
    // One more for each sample is the least that criterion does of a fast body, however little
    // time it has.
    let least = f64::from(asked.samples) * f64::from(asked.samples + 1) / 2.0;
    let is_long = seconds(time)? > ROUNDED_UP * asked.measurement.as_secs_f64();
    (is_long && count(iterations)? > least).then_some(id)
}

/// `3.0000 s`, in seconds.
fn seconds(time: &str) -> Option<f64> {
    let (value, unit) = time.trim().split_once(' ')?;
    let (_, factor) = TIMES.iter().find(|(name, _)| *name == unit)?;
    Some(value.trim().parse::<f64>().ok()? * factor * 1e-9)
}

/// `5050 iterations)` or `1.2M iterations)`.
fn count(iterations: &str) -> Option<f64> {
    let (number, _) = iterations.split_once(' ')?;
    let digits = number.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let factor = match &number[digits.len()..] {
        "" => 1.0,
        "k" => 1e3,
        "M" => 1e6,
        "B" => 1e9,
        _ => 1e12,
    };
    Some(digits.parse::<f64>().ok()? * factor)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::{BenchId, Estimate, Estimates, Interval, Location, RunReading};

    fn printed() -> Printed {
        Printed::new(CriterionTimes {
            warm_up: Duration::from_millis(10),
            measurement: Duration::from_millis(20),
            samples: 10,
            resamples: 1000,
        })
    }

    fn measured(name: &str, value: f64) -> Measurement {
        let interval = Interval::new(0.95, value, value).expect("an interval");
        let estimate = Estimate::new(value, 0.0, interval).expect("an estimate");
        let location = Location::new(estimate).expect("above 0");
        let estimates = Estimates {
            mean: location,
            median: location,
            median_abs_dev: estimate,
            slope: None,
            std_dev: estimate,
        };
        Measurement {
            id: BenchId::named(name),
            metric: Metric::time(),
            runs: vec![RunReading { run: 0, reading: Reading::Estimates(estimates) }],
            criterion: None,
            throughput: None,
            costs: None,
        }
    }

    /// The metric of each benchmark, given what was printed and what was stored.
    fn metrics(output: &str, stored: &[(&str, f64)]) -> Vec<String> {
        let mut printed = printed();
        output.lines().for_each(|line| printed.line(line));
        let mut all: Vec<_> = stored.iter().map(|(name, value)| measured(name, *value)).collect();
        printed.correct(&mut all);
        all.into_iter().map(|one| format!("{} in {}", one.metric.name, one.metric.unit)).collect()
    }

    #[test]
    fn a_measurement_that_is_no_time_has_the_unit_that_criterion_shows() {
        let long = "a name of more than twenty-three characters";
        let output = format!(
            "allocations             time:   [7.0000 calls 7.0000 calls 7.0000 calls]\n\
             {long}\n                        time:   [1.2 KiB/op 1.5 KiB/op 1.9 KiB/op]\n\
             usual                   time:   [990.00 ns 1.0001 µs 1.0100 µs]\n\
             cycles                  time:   [3.0 Mcycles 3.1 Mcycles 3.2 Mcycles]\n\
             bare                    time:   [5.0  5.0  5.0 ]\n\
             processor               time:   [5.0000 µs 5.0000 µs 5.0000 µs]\n\
             odd                     time:   [nonsense]\n"
        );
        let stored = [
            ("allocations", 7.0),
            (long, 1.5),
            ("usual", 1000.1),
            ("cycles", 3_100_000.0),
            ("bare", 5.0),
            ("processor", 5.0),
            ("odd", 5.0),
            ("silent", 5.0),
        ];
        assert_eq!(
            metrics(&output, &stored),
            [
                "measurement in calls",
                "measurement in KiB/op",
                "time in ns",
                // What is stored has no name of its own.
                "measurement in units",
                "measurement in units",
                "measurement in µs",
                "time in ns",
                "time in ns",
            ]
        );
        let cut =
            format!("{}...      time:   [7.0000 calls 7.0000 calls 7.0000 calls]", "x".repeat(97));
        assert_eq!(metrics(&cut, &[(&"x".repeat(200), 7.0)]), ["measurement in calls"]);
    }

    #[test]
    fn times_and_samples_of_the_code_are_told_from_those_asked_for() {
        let mut printed = printed();
        for line in [
            "Benchmarking a: b",
            "Benchmarking a: b: Warming up for 10.000 ms",
            "Benchmarking a: b: Collecting 10 samples in estimated 4.0 s (55 iterations)",
            "Benchmarking slow/flat: Warming up for 1.0000 s",
            "Benchmarking long: Collecting 10 samples in estimated 5.0000 s (1.2M iterations)",
            "Benchmarking rounded: Collecting 10 samples in estimated 39.0 ms (110 iterations)",
            "Benchmarking many: Collecting 50 samples in estimated 20.0 ms (5k iterations)",
            "Benchmarking odd: Warming up for ever",
            "Benchmarking odd: Collecting stamps",
        ] {
            printed.line(line);
        }
        let own: Vec<_> = printed.into_own_times().into_iter().collect();
        assert_eq!(own, ["long", "many", "slow/flat"]);
    }
}
