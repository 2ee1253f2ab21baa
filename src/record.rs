//! How a bench program tells the gate what its harness cannot: a measurement
//! that is not a time, a service that was measured, something not run.
//!
//! The gate names a file in the environment variable [`VARIABLE`]. Each call
//! appends one line of JSON to it, in one write, so that several programs may
//! share the file:
//!
//! ```text
//! {"not_run":{"subject":"cache/redis","reason":"…"}}
//! {"service":{"name":"redis","version":"7.0.15"}}
//! {"measurement":{"id":"cache/zipf","metric":"hit_rate","unit":"share","better":"higher","nature":"sampled","value":0.97}}
//! ```
//!
//! Without the variable, as under a plain `cargo bench`, [`not_run`] says on
//! stderr what is missing and the others do nothing. A bench of any language can
//! write such lines itself.
//!
//! A metric has a name, a unit, a direction in which it improves, and a nature:
//! what equal programs repeat exactly is compared exactly, all else by
//! statistics over runs. Policies name it: a rule, a budget or a waiver on
//! `hit_rate` is written like one on `time`.
//!
//! ```
//! use benchgate::model::{Metric, Unit};
//! use benchgate::record;
//!
//! # fn measured_hit_rate() -> f64 { 0.97 }
//! # fn main() -> Result<(), record::RecordError> {
//! // Once a process, outside of what a harness calls again and again, and under
//! // the name of the benchmark that it belongs to.
//! if record::wanted() {
//!     let hit_rate = measured_hit_rate();
//!     record::value("cache/zipf", &Metric::sampled("hit_rate", Unit::Share).higher(), hit_rate)?;
//! }
//! record::value("leads/list", &Metric::counted("queries", Unit::Count), 5.0)?;
//! # Ok(())
//! # }
//! ```

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use crate::model::{Direction, Metric, Nature, Unit};

/// The environment variable that names the file; the gate sets it.
pub const VARIABLE: &str = "BENCHGATE_RECORD";

/// Why something could not be recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// NaN and infinities are no measurements.
    #[error("metric `{metric}` of `{id}` is {value}; only finite values can be recorded")]
    NotFinite {
        /// The benchmark.
        id: String,
        /// The metric's name.
        metric: String,
        /// What was handed over.
        value: f64,
    },
    /// The unit has no such values.
    #[error(
        "metric `{metric}` of `{id}` is {value}; a value in {unit} lies between {least} and {most}"
    )]
    OutOfRange {
        /// The benchmark.
        id: String,
        /// The metric's name.
        metric: String,
        /// What was handed over.
        value: f64,
        /// The unit.
        unit: Unit,
        /// The least value in that unit.
        least: f64,
        /// The largest.
        most: f64,
    },
    /// One process, one value: of two, neither could be used.
    #[error(
        "metric `{metric}` of `{id}` is recorded twice in one process; record it once, outside of \
         what the harness calls again and again"
    )]
    Twice {
        /// The benchmark.
        id: String,
        /// The metric's name.
        metric: String,
    },
    /// The file that the gate named could not be written.
    #[error("cannot append to {path} (named by {VARIABLE}): {source}")]
    Append {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// One line of the file.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Line<'a> {
    NotRun {
        subject: &'a str,
        reason: &'a str,
    },
    Service {
        name: &'a str,
        version: &'a str,
    },
    Measurement {
        id: &'a str,
        metric: &'a str,
        unit: String,
        better: &'static str,
        nature: &'static str,
        value: f64,
    },
}

/// What [`not_run`] has said on stderr: once is enough.
static TOLD: Mutex<BTreeSet<(String, String)>> = Mutex::new(BTreeSet::new());

/// Tells that `subject` (a target, group or benchmark: `cache/redis`) could not
/// be measured, why, and what would help.
pub fn not_run(subject: &str, reason: &str) -> Result<(), RecordError> {
    if let Some(path) = destination() {
        return append(&path, &Line::NotRun { subject, reason });
    }
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    if told.insert((subject.to_owned(), reason.to_owned())) {
        // A closed stderr has no reader to tell.
        let _ = writeln!(io::stderr().lock(), "not run: {subject}: {reason}");
    }
    Ok(())
}

/// Tells that a service was measured, and its version: times of two versions
/// are not the same measurement.
pub fn service(name: &str, version: &str) -> Result<(), RecordError> {
    match destination() {
        Some(path) => append(&path, &Line::Service { name, version }),
        None => Ok(()),
    }
}

/// Whether a gate listens: where a measurement takes long, it need not be made
/// for nobody. Under a plain `cargo bench`, in `--test` mode and while
/// instructions are counted none does.
pub fn wanted() -> bool {
    destination().is_some()
}

/// What [`value`] has recorded in this process.
static RECORDED: Mutex<BTreeSet<(String, String)>> = Mutex::new(BTreeSet::new());

/// Records one value of a metric, in the metric's unit, for the benchmark `id`
/// of this program: once in a process.
pub fn value(id: &str, metric: &Metric, value: f64) -> Result<(), RecordError> {
    check(id, metric, value)?;
    let Some(path) = destination() else { return Ok(()) };
    let mut recorded = RECORDED.lock().unwrap_or_else(PoisonError::into_inner);
    if !recorded.insert((id.to_owned(), metric.name.clone())) {
        return Err(RecordError::Twice { id: id.to_owned(), metric: metric.name.clone() });
    }
    append(
        &path,
        &Line::Measurement {
            id,
            metric: &metric.name,
            unit: metric.unit.to_string(),
            better: match metric.better {
                Direction::Lower => "lower",
                Direction::Higher => "higher",
            },
            nature: match metric.nature {
                Nature::Sampled => "sampled",
                Nature::Counted => "counted",
            },
            value,
        },
    )
}

/// The reader would refuse it too, but only the writer knows the line of code.
fn check(id: &str, metric: &Metric, value: f64) -> Result<(), RecordError> {
    let (id, name) = (id.to_owned(), metric.name.clone());
    if !value.is_finite() {
        return Err(RecordError::NotFinite { id, metric: name, value });
    }
    let (least, most) = metric.unit.range();
    if !(least..=most).contains(&value) {
        let unit = metric.unit.clone();
        return Err(RecordError::OutOfRange { id, metric: name, value, unit, least, most });
    }
    Ok(())
}

/// An empty variable counts as unset, as in a shell script that clears it.
fn destination() -> Option<PathBuf> {
    std::env::var_os(VARIABLE).filter(|path: &OsString| !path.is_empty()).map(PathBuf::from)
}

fn append(path: &Path, line: &Line<'_>) -> Result<(), RecordError> {
    let written = serde_json::to_string(line).map_err(io::Error::from).and_then(|mut text| {
        text.push('\n');
        // One write in append mode: lines of programs that share the file
        // never run into each other.
        std::fs::OpenOptions::new().append(true).create(true).open(path)?.write_all(text.as_bytes())
    });
    written.map_err(|source| RecordError::Append { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(of: &[Line<'_>]) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("record.jsonl");
        for line in of {
            append(&path, line).unwrap();
        }
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn each_call_appends_its_line() {
        let text = lines(&[
            Line::NotRun { subject: "cache/redis", reason: "no `redis-server`\non PATH" },
            Line::Service { name: "redis", version: "7.0.15" },
            Line::Measurement {
                id: "cache/zipf",
                metric: "hit_rate",
                unit: Unit::Share.to_string(),
                better: "higher",
                nature: "sampled",
                value: 0.97,
            },
        ]);
        assert_eq!(
            text,
            r#"{"not_run":{"subject":"cache/redis","reason":"no `redis-server`\non PATH"}}
{"service":{"name":"redis","version":"7.0.15"}}
{"measurement":{"id":"cache/zipf","metric":"hit_rate","unit":"share","better":"higher","nature":"sampled","value":0.97}}
"#
        );
    }

    #[test]
    fn a_value_that_no_measurement_gives_is_refused() {
        let queries = Metric::counted("queries", Unit::Count);
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let error = value("leads/list", &queries, bad).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!(
                    "metric `queries` of `leads/list` is {bad}; only finite values can be recorded"
                )
            );
        }
    }

    #[test]
    fn a_share_is_no_percentage() {
        let hit_rate = Metric::sampled("hit_rate", Unit::Share).higher();
        let error = value("cache/zipf", &hit_rate, 97.0).unwrap_err();
        assert_eq!(
            error.to_string(),
            "metric `hit_rate` of `cache/zipf` is 97; a value in share lies between 0 and 1"
        );
        let bytes = Metric::counted("bytes", Unit::Bytes);
        assert!(matches!(value("cache/zipf", &bytes, -1.0), Err(RecordError::OutOfRange { .. })));
        let balance = Metric::sampled("balance", Unit::from("euros"));
        assert!(value("bank", &balance, -1.0).is_ok());
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("missing").join("record.jsonl");
        let error = append(&path, &Line::Service { name: "redis", version: "7" }).unwrap_err();
        assert!(error.to_string().contains("missing/record.jsonl"), "{error}");
    }
}
