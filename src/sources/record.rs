//! What a measured program says about itself: the file that the environment
//! variable `BENCHGATE_RECORD` names, one JSON object a line.
//!
//! ```text
//! {"not_run":{"subject":"cache/redis","reason":"no redis-server found"}}
//! {"service":{"name":"redis","version":"7.0.15"}}
//! {"measurement":{"id":"cache/zipf","metric":"hit_rate","unit":"share","better":"higher","nature":"sampled","value":0.97}}
//! ```
//!
//! A line that cannot be used is a problem that names its number; the others
//! count. A program that dies while it writes leaves half a last line.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use benchgate_record::{Line, LineError};

use super::file;
use super::tree::unreadable;
use super::{Harvest, SourceError};
use crate::model::{
    BenchId, Measurement, Metric, NotRun, Problem, ProblemKind, Reading, RunReading, TargetId,
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
                let id = BenchId { name: id, target: self.target.cloned() };
                match measurement(id.clone(), metric, value) {
                    Ok(measurement) => {
                        let key = (id, measurement.metric.name.clone());
                        self.measured.entry(key).or_default().push((number, measurement));
                    }
                    Err(reason) => {
                        self.problem(ProblemKind::Unreadable, Some(id), &at(number, &reason));
                    }
                }
            }
            Err(reason) => self.problem(ProblemKind::Unreadable, None, &at(number, &reason)),
        }
    }

    fn problem(&mut self, kind: ProblemKind, id: Option<BenchId>, reason: &str) {
        let (path, reason) = (self.path.to_path_buf(), reason.to_owned());
        self.problems.push(Problem { kind, id, path, reason });
    }

    fn finish(mut self) -> Recorded {
        let mut measurements = Vec::new();
        for ((id, metric), mut lines) in std::mem::take(&mut self.measured) {
            match lines.pop() {
                Some((_, only)) if lines.is_empty() => measurements.push(only),
                Some((last, _)) => {
                    let first = lines.first().map_or(last, |(number, _)| *number);
                    let reason = format!(
                        "lines {first} to {last} measure {metric} of the same benchmark {} times, \
                         so none is used; record it once a run",
                        lines.len() + 1
                    );
                    self.problem(ProblemKind::Duplicate, Some(id), &reason);
                }
                None => {}
            }
        }
        let mut harvest = Harvest { measurements, not_run: self.not_run, problems: self.problems };
        harvest.sort();
        Recorded { harvest, services: self.services.into_iter().collect() }
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

/// A measurement of one value, or why it cannot be used.
fn measurement(id: BenchId, metric: Metric, value: f64) -> Result<Measurement, String> {
    if metric.name.is_empty() {
        return Err("names no metric".to_owned());
    }
    let (least, most) = metric.unit.range();
    if !(least..=most).contains(&value) {
        let (name, unit) = (&metric.name, &metric.unit);
        return Err(format!("has {name} = {value}, which is out of range for {unit}"));
    }
    Ok(Measurement {
        id,
        metric,
        runs: vec![RunReading { run: 0, reading: Reading::Value(value) }],
        criterion: None,
        throughput: None,
        costs: None,
    })
}
