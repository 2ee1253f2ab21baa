//! The readers, with files that the real tools wrote (see `tests/fixtures/README.md`)
//! and with broken files.

mod callgrind;
mod criterion;
mod exchange;
mod hostile;
mod profile;
mod record;

use std::fs;
use std::path::{Path, PathBuf};

use benchgate::model::{BenchId, Problem, Reading};
use benchgate::sources::Harvest;

use super::files::copy;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

/// `id metric: reading` of each measurement.
fn rows(harvest: &Harvest) -> Vec<String> {
    let rows = harvest.measurements.iter().map(|measurement| {
        let [run] = measurement.runs.as_slice() else { panic!("one run, not {measurement:?}") };
        assert_eq!(run.run, 0);
        let reading = match &run.reading {
            Reading::Samples { samples, estimates } => {
                assert_eq!(samples.iterations().len(), samples.totals().len());
                let estimates = match estimates {
                    Some(estimates) if estimates.slope.is_some() => "estimates with slope",
                    Some(_) => "estimates",
                    None => "no estimates",
                };
                format!("{} {:?} {estimates}", samples.totals().len(), samples.mode())
            }
            other => format!("{other:?}"),
        };
        let throughput = measurement.throughput.map(|work| format!(" {work:?}"));
        let throughput = throughput.unwrap_or_default();
        format!("{} {}: {reading}{throughput}", measurement.id.qualified(), measurement.metric)
    });
    rows.collect()
}

/// `kind id path: reason` of each problem, with the path below `root`.
fn problems(root: &Path, problems: &[Problem]) -> Vec<String> {
    let rows = problems.iter().map(|problem| {
        let path = problem.path.strip_prefix(root).expect("a path in the source");
        let id = problem.id.as_ref().map_or_else(|| "-".to_owned(), BenchId::qualified);
        let reason = problem.reason.replace(root.to_str().unwrap(), "ROOT");
        format!("{:?} {id} {}: {reason}", problem.kind, path.display())
    });
    rows.collect()
}

/// The text without its line and column, which change if the fixtures are regenerated.
fn without_place(row: &str) -> &str {
    row.split_once(" at line 1 column ").map_or(row, |(row, _)| row)
}

/// Sets the modification time of all files below `path`, in seconds since 1970.
fn written(path: &Path, seconds: u64) {
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            written(&entry.unwrap().path(), seconds);
        }
    } else {
        fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
    }
}
