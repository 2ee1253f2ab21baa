//! Files that hold the runs of any program: records, Bencher Metric Format and hyperfine's
//! exports.
//!
//! A run is a fresh process. A file of records and one of Bencher Metric Format are a run each,
//! as each holds one value of a row. hyperfine starts a process for each of its times, so each
//! time is a run.

mod bencher;
mod format;
mod hyperfine;
mod recognise;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use super::tree::unreadable;
use super::{Harvest, SourceError, file, record};
use crate::model::{BenchId, Environment, Field, Measurement, Problem, ProblemKind};
pub use bencher::adopt_metrics;
pub use format::Format;
pub use recognise::recognise;

/// The most runs of all files together. Every run keeps its environment.
const MOST_RUNS: u32 = 10_000;

/// Why files cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The file is not there, or the system does not let us read it.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The file has none of the formats.
    #[error(
        "{}: not a file of records, of Bencher Metric Format or of hyperfine's JSON; \
         --record-format names the format of a file that is damaged", path.display()
    )]
    Unknown {
        /// The file.
        path: PathBuf,
    },
    /// The content of the file cannot be read at all.
    #[error("{}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// There are too many runs.
    #[error("{}: more than {MOST_RUNS} runs with this file; read fewer at once", path.display())]
    TooMany {
        /// The file.
        path: PathBuf,
    },
}

/// The runs that files hold, one after the other.
#[derive(Clone, Debug, Default)]
pub struct Runs {
    measurements: BTreeMap<BenchId, BTreeMap<String, Vec<Measurement>>>,
    harvest: Harvest,
    /// The services of each run, by name and version.
    services: Vec<BTreeSet<(String, String)>>,
}

/// What one file holds.
struct Content {
    /// Rows with the readings of `runs` runs.
    harvest: Harvest,
    runs: u32,
    services: Vec<(String, String)>,
}

impl Runs {
    /// Adds the runs of a file. Its format is recognised unless it is named.
    ///
    /// # Errors
    /// The file cannot be read as a whole. What is wrong inside of it becomes a problem.
    pub fn add(&mut self, path: &Path, format: Option<Format>) -> Result<(), ExchangeError> {
        // A file that the user names may be a link.
        let real = std::fs::canonicalize(path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => SourceError::Missing {
                path: path.to_owned(),
                way_out: "name a file that a program has recorded",
            },
            _ => SourceError::Unreadable { path: path.to_owned(), source },
        })?;
        let format = match format {
            Some(format) => format,
            None => recognise(&real).ok_or_else(|| unknown(path, &real))?,
        };
        let Content { mut harvest, runs, services } = read(&real, format)?;
        let first = u32::try_from(self.services.len()).unwrap_or(u32::MAX);
        if first.saturating_add(runs) > MOST_RUNS {
            return Err(ExchangeError::TooMany { path: path.to_owned() });
        }
        for mut measurement in harvest.measurements {
            for reading in &mut measurement.runs {
                reading.run += first;
            }
            self.measurement(measurement);
        }
        self.harvest.not_run.append(&mut harvest.not_run);
        self.harvest.problems.extend(harvest.problems.into_iter().map(|problem| Problem {
            // As the user named it.
            path: path.to_owned(),
            ..problem
        }));
        let services: BTreeSet<_> = services.into_iter().collect();
        self.services.extend((0..runs).map(|_| services.clone()));
        Ok(())
    }

    fn measurement(&mut self, measurement: Measurement) {
        let metrics = self.measurements.entry(measurement.id.clone()).or_default();
        let rows = metrics.entry(measurement.metric.name.clone()).or_default();
        match rows.iter_mut().find(|row| row.metric == measurement.metric) {
            Some(row) => row.runs.extend(measurement.runs),
            None => rows.push(measurement),
        }
    }

    /// The results of all runs. A metric with two units, directions or natures is refused: which
    /// of them is meant cannot be known.
    pub fn into_harvest(self) -> (Harvest, RunServices) {
        let Self { measurements, mut harvest, services } = self;
        for (id, metrics) in measurements {
            for (name, mut rows) in metrics {
                match (rows.pop(), rows.first()) {
                    (Some(only), None) => harvest.measurements.push(only),
                    (Some(other), Some(first)) => harvest.problems.push(Problem {
                        kind: ProblemKind::Duplicate,
                        id: Some(id.clone()),
                        path: PathBuf::from("--record"),
                        reason: file::shorten(format!(
                            "the files define {name} of that benchmark differently ({}; {}), so \
                             neither is used; give one of the metrics another name",
                            defined(first),
                            defined(&other)
                        )),
                    }),
                    (None, _) => {}
                }
            }
        }
        harvest.sort();
        (harvest, RunServices(services))
    }
}

/// The services of each run, by name and version.
#[derive(Clone, Debug, Default)]
pub struct RunServices(Vec<BTreeSet<(String, String)>>);

impl RunServices {
    /// The runs that files hold, made in that environment.
    pub fn environments(&self, environment: &Environment) -> Vec<Environment> {
        let with = |services: &BTreeSet<(String, String)>| {
            let mut environment = environment.clone();
            let names = services.iter().map(|(name, version)| format!("{name} {version}"));
            environment.set(Field::Services, names.collect::<Vec<_>>().join(", "));
            environment
        };
        self.0.iter().map(with).collect()
    }
}

/// Why the format of a file was not recognised.
fn unknown(path: &Path, real: &Path) -> ExchangeError {
    let path = path.to_owned();
    match file::bytes(real) {
        Ok(_) => ExchangeError::Unknown { path },
        Err(reason) => ExchangeError::Unreadable { path, reason },
    }
}

fn defined(row: &Measurement) -> String {
    let metric = &row.metric;
    format!("{}, {:?} is better, {:?}", metric.unit, metric.better, metric.nature).to_lowercase()
}

fn read(path: &Path, format: Format) -> Result<Content, SourceError> {
    if format == Format::Record {
        let record::Recorded { harvest, services } = record::read(path, None)?;
        return Ok(Content { harvest, runs: 1, services });
    }
    let read = file::bytes(path).and_then(|bytes| match format {
        Format::Hyperfine => hyperfine::read(&bytes, path),
        Format::Bencher | Format::Record => bencher::read(&bytes, path),
    });
    let (harvest, runs) = read.unwrap_or_else(|reason| {
        let problems = vec![unreadable(path.to_owned(), &reason)];
        (Harvest { problems, ..Harvest::default() }, 1)
    });
    Ok(Content { harvest, runs, services: Vec::new() })
}
