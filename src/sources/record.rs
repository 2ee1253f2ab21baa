//! What a measured program says about itself: the file that the environment
//! variable `BENCHGATE_RECORD` names, one JSON object a line.
//!
//! ```text
//! {"not_run":{"subject":"cache/redis","reason":"no redis-server found"}}
//! {"service":{"name":"redis","version":"7.0.15"}}
//! {"measurement":{"id":"cache/zipf","metric":"hit_rate","unit":"share","better":"higher","nature":"sampled","value":0.97}}
//! {"latencies":{"id":"http/lead","metric":"latency","unit":"ns","counts":[[81000,3],[94016,1]],"failed":{"timeout":1}}}
//! ```
//!
//! A line that cannot be used is a problem that names its number; the others
//! count. A program that dies while it writes leaves half a last line.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use benchgate_record::{Line, LineError, Observed};

use super::file;
use super::tree::unreadable;
use super::{Harvest, SourceError};
use crate::hdr;
use crate::model::{
    BenchId, Direction, Distribution, Measurement, Metric, Nature, NotRun, Problem, ProblemKind,
    Reading, RunReading, TargetId, Unit,
};

/// What a program recorded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recorded {
    /// What it measured itself, and what it could not run.
    pub harvest: Harvest,
    /// The services it measured, by name and version; sorted, each once.
    pub services: Vec<(String, String)>,
}

/// Reads a record. A file that does not exist records nothing: the program had
/// nothing to say, or does not know of records.
pub fn read(path: &Path, target: Option<&TargetId>) -> Result<Recorded, SourceError> {
    match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Recorded::default()),
        Err(source) => return Err(SourceError::Unreadable { path: path.to_path_buf(), source }),
        Ok(_) => {}
    }
    let bytes = match file::bytes(path) {
        Ok(bytes) => bytes,
        Err(reason) => {
            let problems = vec![unreadable(path.to_path_buf(), &reason)];
            return Ok(Recorded {
                harvest: Harvest { problems, ..Harvest::default() },
                services: Vec::new(),
            });
        }
    };
    let mut reader = Reader::new(path, target);
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if !line.trim_ascii().is_empty() {
            reader.line(index + 1, line);
        }
    }
    Ok(reader.finish())
}

/// Gathers lines.
struct Reader<'a> {
    path: &'a Path,
    target: Option<&'a TargetId>,
    /// By benchmark and metric: the lines that measured it.
    measured: BTreeMap<(BenchId, String), Vec<(usize, Measurement)>>,
    not_run: Vec<NotRun>,
    services: BTreeSet<(String, String)>,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    fn new(path: &'a Path, target: Option<&'a TargetId>) -> Self {
        Self {
            path,
            target,
            measured: BTreeMap::new(),
            not_run: Vec::new(),
            services: BTreeSet::new(),
            problems: Vec::new(),
        }
    }

    fn line(&mut self, number: usize, line: &[u8]) {
        match parse(line) {
            Ok(Line::NotRun { subject, reason }) => {
                self.not_run.push(NotRun::skipped(subject, reason));
            }
            Ok(Line::Service { name, version }) => {
                self.services.insert((name, version));
            }
            Ok(Line::Measurement { id, metric, value }) => {
                let reading = value_of(&metric, value);
                self.measurement(number, id, metric, reading);
            }
            Ok(Line::Latencies { id, metric, unit, observed, failed }) => {
                let reading = distribution(&unit, observed, failed);
                let (better, nature) = (Direction::Lower, Nature::Sampled);
                self.measurement(
                    number,
                    id,
                    Metric { name: metric, unit, better, nature },
                    reading,
                );
            }
            Err(reason) => self.problem(ProblemKind::Unreadable, None, &at(number, &reason)),
        }
    }

    fn measurement(
        &mut self,
        number: usize,
        id: String,
        metric: Metric,
        reading: Result<Reading, String>,
    ) {
        let id = BenchId { name: id, target: self.target.cloned() };
        let reading =
            if metric.name.is_empty() { Err("names no metric".to_owned()) } else { reading };
        match reading {
            Ok(reading) => {
                let key = (id.clone(), metric.name.clone());
                let measurement = measurement(id, metric, reading);
                self.measured.entry(key).or_default().push((number, measurement));
            }
            Err(reason) => {
                self.problem(ProblemKind::Unreadable, Some(id), &at(number, &reason));
            }
        }
    }

    fn problem(&mut self, kind: ProblemKind, id: Option<BenchId>, reason: &str) {
        let (path, reason) = (self.path.to_path_buf(), reason.to_owned());
        self.problems.push(Problem { kind, id, path, reason });
    }

    fn finish(mut self) -> Recorded {
        let mut measurements: Vec<(usize, Measurement)> = Vec::new();
        for ((id, metric), mut lines) in std::mem::take(&mut self.measured) {
            match lines.pop() {
                Some(only) if lines.is_empty() => measurements.push(only),
                Some((last, after)) => {
                    let first = lines.first().map_or(last, |(number, _)| *number);
                    let unit = &after.metric.unit;
                    let other = lines.iter().map(|(_, line)| &line.metric.unit);
                    let reason = match other.into_iter().find(|other| *other != unit) {
                        Some(other) => format!(
                            "lines {first} to {last} measure {metric} of the same benchmark in \
                             {other} and in {unit}, so none is used; record it once a run"
                        ),
                        None => format!(
                            "lines {first} to {last} measure {metric} of the same benchmark {} \
                             times, so none is used; record it once a run",
                            lines.len() + 1
                        ),
                    };
                    self.problem(ProblemKind::Duplicate, Some(id), &reason);
                }
                None => {}
            }
        }
        let measurements = self.without_row_twice(measurements);
        let mut harvest = Harvest { measurements, not_run: self.not_run, problems: self.problems };
        harvest.sort();
        Recorded { harvest, services: self.services.into_iter().collect() }
    }

    /// Leaves out values of metrics that a distribution of the same benchmark gives as well:
    /// `latency.p99` next to `latency`.
    fn without_row_twice(&mut self, measured: Vec<(usize, Measurement)>) -> Vec<Measurement> {
        let rows: BTreeMap<(BenchId, String), usize> = measured
            .iter()
            .flat_map(|(number, measurement)| {
                let rows = measurement.rows(&BTreeSet::new()).unwrap_or_default();
                rows.into_iter().map(|row| ((measurement.id.clone(), row.metric.name), *number))
            })
            .collect();
        let mut kept = Vec::new();
        for (number, measurement) in measured {
            let key = (measurement.id.clone(), measurement.metric.name.clone());
            match rows.get(&key) {
                None => kept.push(measurement),
                Some(other) => {
                    let reason = format!(
                        "line {number} measures {}, which follows from the distribution on line \
                         {other}; the distribution is used",
                        key.1
                    );
                    self.problem(ProblemKind::Duplicate, Some(key.0), &reason);
                }
            }
        }
        kept
    }
}

fn parse(line: &[u8]) -> Result<Line, String> {
    Line::parse(file::text(line)?).map_err(|error| match error {
        LineError::Json(error) => file::json_reason(&error),
        LineError::Shape(reason) => {
            file::shorten(format!("does not hold what it should: {reason}"))
        }
    })
}

fn at(number: usize, reason: &str) -> String {
    // The parser sees one line and calls it the first.
    format!("line {number} {}", reason.replace(" at line 1 column ", " at column "))
}

/// The reading of one value, or why it cannot be used.
fn value_of(metric: &Metric, value: f64) -> Result<Reading, String> {
    let (least, most) = metric.unit.range();
    if !(least..=most).contains(&value) {
        let (name, unit) = (&metric.name, &metric.unit);
        return Err(format!("has {name} = {value}, which is out of range for {unit}"));
    }
    Ok(Reading::Value(value))
}

/// The reading of a distribution, or why it cannot be used.
fn distribution(
    unit: &Unit,
    observed: Observed,
    failed: Option<BTreeMap<String, u64>>,
) -> Result<Reading, String> {
    if *unit == Unit::Share {
        return Err("has shares; a distribution has whole numbers of its unit".to_owned());
    }
    let distribution = match observed {
        Observed::Counts(counts) => Distribution::new(counts, failed),
        Observed::Values(values) => {
            Distribution::new(values.into_iter().map(|value| (value, 1)), failed)
        }
        Observed::Hdr(text) => {
            let decoded = hdr::decode(&text, failed);
            return decoded
                .map(Reading::Distribution)
                .map_err(|fault| format!("has a histogram that {fault}"));
        }
    };
    distribution.map(Reading::Distribution).map_err(|fault| fault.to_string())
}

/// A measurement of one run.
fn measurement(id: BenchId, metric: Metric, reading: Reading) -> Measurement {
    Measurement {
        id,
        metric,
        runs: vec![RunReading { run: 0, reading }],
        criterion: None,
        throughput: None,
        costs: None,
    }
}
