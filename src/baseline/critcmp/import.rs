//! A file of critcmp's format as a snapshot.

use std::path::Path;

use super::format::{Benchmark, Export};
use crate::baseline::checked;
use crate::baseline::error::{BaselineError, Fault, Place};
use crate::baseline::load::{self, Content};
use crate::model::{
    BenchId, CriterionParts, Environment, Measurement, Metric, Reading, RunInfo, RunReading,
    Snapshot,
};

/// Reads a file as critcmp does: one run, estimates without samples, and an unknown
/// environment; `created` is when the file was last written.
///
/// Times are taken to be nanoseconds, as in critcmp. From the gate's own files only
/// critcmp's part is read; [`read`](crate::baseline::read) reads all of it.
pub fn import_critcmp(path: &Path) -> Result<Snapshot, BaselineError> {
    let content = load::file(path)?;
    plain(&content, path)
}

/// The part of a file that critcmp reads, as a snapshot.
pub(in crate::baseline) fn plain(
    content: &Content,
    path: &Path,
) -> Result<Snapshot, BaselineError> {
    let Export { name, benchmarks } = load::parse(&content.bytes, path)?;
    let top = Place::default();
    let measurements = benchmarks
        .into_iter()
        .map(|(key, benchmark)| {
            let place = top.at("benchmarks").at(key);
            Ok((measurement(benchmark, &place)?, place))
        })
        .collect::<Result<_, Fault>>();
    let run =
        RunInfo { started: None, seconds: None, busy: None, environment: Environment::default() };
    measurements
        .and_then(|measurements| {
            Ok(Snapshot {
                name: checked::present(name, &top.at("name"))?,
                created: content.written,
                revision: None,
                selection: None,
                pairing: None,
                runs: vec![run],
                measurements: checked::in_order(measurements)?,
                not_run: Vec::new(),
                problems: Vec::new(),
            })
        })
        .map_err(|fault| fault.in_file(path))
}

/// The measurement at `place`, as the only run of an export.
fn measurement(benchmark: Benchmark, place: &Place) -> Result<Measurement, Fault> {
    let estimates = checked::estimates(benchmark.estimates, &place.at("criterion_estimates_v1"))?;
    let name = checked::present(
        benchmark.info.full_id,
        &place.at("criterion_benchmark_v1").at("full_id"),
    )?;
    Ok(Measurement {
        id: BenchId::named(name),
        metric: Metric::time(),
        runs: vec![RunReading { run: 0, reading: Reading::Estimates(estimates) }],
        criterion: Some(CriterionParts {
            group: benchmark.info.group_id,
            function: benchmark.info.function_id,
            value: benchmark.info.value_str,
            directory: benchmark.info.directory_name,
        }),
        throughput: benchmark.info.throughput.map(Into::into),
        costs: None,
    })
}
