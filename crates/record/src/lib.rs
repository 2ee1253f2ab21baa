//! Records what a benchmark's harness cannot report: a measurement that is not a
//! time, a service that took part, or something that was not run.
//!
//! The gate names a file in the environment variable [`VARIABLE`]. Each call
//! appends one line of JSON to it, in one write, so that several programs may
//! share the file:
//!
//! ```text
//! {"not_run":{"subject":"cache/redis","reason":"…"}}
//! {"service":{"name":"redis","version":"7.0.15"}}
//! {"measurement":{"id":"cache/zipf","metric":"hit_rate","unit":"share","better":"higher","nature":"sampled","value":0.97}}
//! {"latencies":{"id":"http/lead","metric":"latency","unit":"ns","counts":[[81000,3],[94016,1]],"failed":{"timeout":1}}}
//! ```
//!
//! Without the variable, as under a plain `cargo bench`, [`not_run`] prints the
//! reason to stderr and the other functions do nothing. A program in any language
//! can write such lines itself; [`Line`] is the format.
//!
//! A [`Metric`] has a name, a unit, a direction in which it improves, and a
//! nature: a count that equal programs repeat is compared exactly, anything else
//! by statistics over runs. A policy names the metric: a rule, a budget or a
//! waiver on `hit_rate` is written like one on `time`.
//!
//! ```
//! use benchgate_record::{self as record, Metric, RecordError, Unit};
//!
//! # fn measured_hit_rate() -> f64 { 0.97 }
//! # fn main() -> Result<(), RecordError> {
//! // Once in each process, outside of the code that a harness repeats, and under
//! // the name of the benchmark that the value belongs to.
//! if record::wanted() {
//!     let hit_rate = measured_hit_rate();
//!     record::value("cache/zipf", &Metric::sampled("hit_rate", Unit::Share).higher(), hit_rate)?;
//! }
//! record::value("leads/list", &Metric::counted("queries", Unit::Count), 5.0)?;
//! # Ok(())
//! # }
//! ```
//!
//! # Latencies
//!
//! A percentile of a run needs all latencies of that run, and a percentile over several runs
//! needs all of theirs: a p99 of p99s is not a p99. So a program records the whole
//! distribution, as a histogram. The gate calculates `latency.p50`, `latency.p90`,
//! `latency.p95`, `latency.p99`, `latency.p99.9`, `latency.mean`, `latency.min`,
//! `latency.max`, `latency.stddev` and `latency.count` from it, `error_rate` and
//! `errors.<kind>` from the failed operations, and refuses a quantile with fewer than ten
//! latencies above it: a p99 needs 1,000 latencies in each run.
//!
//! ```
//! use benchgate_record::{self as record, Latencies, RecordError};
//!
//! # fn send() -> Result<(), &'static str> { Ok(()) }
//! # fn main() -> Result<(), RecordError> {
//! if record::wanted() {
//!     let mut latencies = Latencies::new();
//!     for _ in 0..2_000 {
//!         // A failure is an outcome of its own, and not a latency.
//!         let _ = latencies.time(send, |error| *error);
//!     }
//!     record::latencies("http/lead", &latencies)?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A program in another language writes one of three keys:
//!
//! - `counts`: pairs of a value and how often it was observed, in any order. Python's
//!   `collections.Counter(values).items()` is such a list.
//! - `values`: each value.
//! - `hdr`: a histogram of HdrHistogram with three significant digits and a smallest value of
//!   1, as its libraries encode it in base64.
//!
//! `metric` is `latency` and `unit` is `ns` unless the line says otherwise. `failed` is left
//! out by a program that does not count failures.

pub mod buckets;
mod error;
mod latencies;
mod line;
mod metric;
mod variable;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

pub use error::RecordError;
pub use latencies::Latencies;
pub use line::{Line, LineError, Observed};
pub use metric::{Direction, Metric, Nature, Unit};
pub use variable::VARIABLE;

/// The reasons that [`not_run`] has printed: once is enough.
static PRINTED: Mutex<BTreeSet<(String, String)>> = Mutex::new(BTreeSet::new());

/// Records that `subject` (a target, group or benchmark: `cache/redis`) could not
/// be measured, with the cause and the remedy.
pub fn not_run(subject: &str, reason: &str) -> Result<(), RecordError> {
    let (subject, reason) = (subject.to_owned(), reason.to_owned());
    if let Some(path) = destination() {
        return append(&path, &Line::NotRun { subject, reason });
    }
    let mut printed = PRINTED.lock().unwrap_or_else(PoisonError::into_inner);
    if printed.insert((subject.clone(), reason.clone())) {
        // Ignored: a closed stderr has no reader.
        let _ = writeln!(io::stderr().lock(), "not run: {subject}: {reason}");
    }
    Ok(())
}

/// Records that a service took part, and its version: times with two versions
/// are not the same measurement.
pub fn service(name: &str, version: &str) -> Result<(), RecordError> {
    let Some(path) = destination() else { return Ok(()) };
    append(&path, &Line::Service { name: name.to_owned(), version: version.to_owned() })
}

/// Whether a gate reads the record. A measurement that takes long can be skipped
/// otherwise: under a plain `cargo bench`, in `--test` mode and while
/// instructions are counted.
pub fn wanted() -> bool {
    destination().is_some()
}

/// The metrics that this process has recorded.
static RECORDED: Mutex<BTreeSet<(String, String)>> = Mutex::new(BTreeSet::new());

/// Records one value of a metric, in the metric's unit, for the benchmark `id`
/// of this program: once in a process.
pub fn value(id: &str, metric: &Metric, value: f64) -> Result<(), RecordError> {
    check(id, metric, value)?;
    let Some(path) = destination() else { return Ok(()) };
    once(id, &metric.name)?;
    append(&path, &Line::Measurement { id: id.to_owned(), metric: metric.clone(), value })
}

/// Records the latencies of the benchmark `id` of this program as its distribution
/// `latency`: once in a process.
pub fn latencies(id: &str, latencies: &Latencies) -> Result<(), RecordError> {
    distribution(id, Metric::LATENCY, latencies)
}

/// As [`latencies()`], under another name: `acquire` gives `acquire.p99` and the others.
pub fn distribution(id: &str, metric: &str, latencies: &Latencies) -> Result<(), RecordError> {
    if latencies.is_empty() && latencies.failed().is_empty() {
        return Err(RecordError::Nothing { id: id.to_owned(), metric: metric.to_owned() });
    }
    let Some(path) = destination() else { return Ok(()) };
    once(id, metric)?;
    let line = Line::Latencies {
        id: id.to_owned(),
        metric: metric.to_owned(),
        unit: Unit::Nanoseconds,
        observed: Observed::Counts(latencies.counts().collect()),
        failed: Some(latencies.failed().clone()),
    };
    append(&path, &line)
}

/// Refuses a metric that this process has recorded already.
fn once(id: &str, metric: &str) -> Result<(), RecordError> {
    let (id, metric) = (id.to_owned(), metric.to_owned());
    let mut recorded = RECORDED.lock().unwrap_or_else(PoisonError::into_inner);
    if recorded.insert((id.clone(), metric.clone())) {
        Ok(())
    } else {
        Err(RecordError::Twice { id, metric })
    }
}

/// The gate checks the value again, but only this check can point at the line of code.
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

fn append(path: &Path, line: &Line) -> Result<(), RecordError> {
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

    #[test]
    fn each_call_appends_its_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("record.jsonl");
        for version in ["7", "8"] {
            append(&path, &redis(version)).unwrap();
        }
        let text = std::fs::read_to_string(path).unwrap();
        let lines: Vec<Line> = text.lines().map(|line| Line::parse(line).unwrap()).collect();
        assert_eq!(lines, [redis("7"), redis("8")]);
    }

    fn redis(version: &str) -> Line {
        Line::Service { name: "redis".to_owned(), version: version.to_owned() }
    }

    #[test]
    fn a_value_that_is_not_finite_is_refused() {
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
    fn a_share_is_not_a_percentage() {
        let hit_rate = Metric::sampled("hit_rate", Unit::Share).higher();
        let error = value("cache/zipf", &hit_rate, 97.0).unwrap_err();
        assert_eq!(
            error.to_string(),
            "metric `hit_rate` of `cache/zipf` is 97; a value in share must be between 0 and 1"
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
        let error = append(&path, &redis("7")).unwrap_err();
        assert!(error.to_string().contains("missing/record.jsonl"), "{error}");
    }
}
