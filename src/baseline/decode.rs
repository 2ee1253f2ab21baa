//! Snapshots from files. Everything is checked: a file can hold anything, and a snapshot
//! that exists is valid.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::checked;
use super::critcmp::import;
use super::error::{BaselineError, Fault, Place};
use super::load;
use super::number::Number;
use super::wire::{self, SCHEMA_VERSION};
use crate::hdr;
use crate::model::{
    AllocatorCount, BenchId, Costs, CountScope, CriterionParts, Environment, Extent, Field, Layout,
    Measurement, Metric, NotRun, Pairing, Part, Problem, Reading, Revision, RunInfo, RunReading,
    Samples, SetUp, Shard, ShardNumber, SharedInput, Sides, Snapshot, Sources, TargetId,
    Throughput, Unit,
};

/// Reads one snapshot, or a plain critcmp export as a snapshot with one run
/// (see [`import_critcmp`](super::import_critcmp)).
///
/// Everything is checked: numbers are finite, times and iterations positive; there are as
/// many iterations as times; runs exist; names are present, and each metric of a
/// benchmark occurs once. Unknown fields and environment keys
/// are ignored.
pub fn read(path: &Path) -> Result<Snapshot, BaselineError> {
    let content = load::file(path)?;
    let Peek { benchgate } = load::parse(&content.bytes, path)?;
    match benchgate {
        None => import::plain(&content, path),
        // Each earlier version gets an arm and its reader here.
        Some(Version { schema_version, .. }) if schema_version == u64::from(SCHEMA_VERSION) => {
            snapshot(load::parse(&content.bytes, path)?).map_err(|fault| fault.in_file(path))
        }
        Some(Version { schema_version: 0, .. }) => {
            let place = Place::default().at("benchgate").at("schema_version");
            Err(place.fault("unknown schema version 0 (versions start at 1)").in_file(path))
        }
        Some(Version { schema_version, tool_version }) => Err(BaselineError::Newer {
            path: path.to_owned(),
            version: schema_version,
            known: SCHEMA_VERSION,
            tool: tool_version.unwrap_or_else(|| "of an unknown version".to_owned()),
        }),
    }
}

/// The part of a file that selects its reader.
#[derive(Deserialize)]
struct Peek {
    benchgate: Option<Version>,
}

#[derive(Deserialize)]
struct Version {
    schema_version: u64,
    tool_version: Option<String>,
}

/// The snapshot that a file of version 1 holds.
pub(super) fn snapshot(file: wire::File) -> Result<Snapshot, Fault> {
    let wire::File { name, benchmarks, benchgate: header } = file;
    let top = Place::default();
    let inner = top.at("benchgate");
    let run_count = header.runs.len();

    let mut measurements = Vec::with_capacity(benchmarks.len() + header.measurements.len());
    for (key, benchmark) in benchmarks {
        let place = top.at("benchmarks").at(key);
        measurements.push((self::benchmark(benchmark, run_count, &place)?, place));
    }
    for (index, it) in header.measurements.into_iter().enumerate() {
        let place = inner.at("measurements").at(index);
        measurements.push((measurement(it, run_count, &place)?, place));
    }
    let runs = header
        .runs
        .into_iter()
        .enumerate()
        .map(|(index, run)| run_info(run, &inner.at("runs").at(index)))
        .collect::<Result<_, _>>()?;
    Ok(Snapshot {
        name: checked::present(name, &top.at("name"))?,
        created: header.created,
        revision: header.revision.map(|wire::Revision { commit, branch, dirty }| Revision {
            commit,
            branch,
            dirty,
        }),
        selection: header.selection,
        pairing: header
            .pairing
            .map(|it| pairing(it, run_count, &inner.at("pairing")))
            .transpose()?,
        runs,
        measurements: checked::in_order(measurements)?,
        not_run: header
            .not_run
            .into_iter()
            .map(|wire::NotRun { subject, kind, reason }| NotRun { subject, kind, reason })
            .collect(),
        problems: header
            .problems
            .into_iter()
            .enumerate()
            .map(|(index, problem)| self::problem(problem, &inner.at("problems").at(index)))
            .collect::<Result<_, _>>()?,
    })
}

fn benchmark(
    benchmark: wire::Benchmark,
    run_count: usize,
    place: &Place,
) -> Result<Measurement, Fault> {
    let wire::Benchmark {
        baseline: _,
        fullname: _,
        criterion_benchmark_v1: info,
        criterion_estimates_v1: shown,
        benchgate: extension,
    } = benchmark;
    // Derived from the runs and not used here, but critcmp shows it.
    checked::estimates(shown, &place.at("criterion_estimates_v1"))?;
    let own = place.at("benchgate");
    let name = match extension.name {
        Some(name) => checked::present(name, &own.at("name"))?,
        None => checked::present(info.full_id, &place.at("criterion_benchmark_v1").at("full_id"))?,
    };
    Ok(Measurement {
        id: checked::id(name, extension.target, extension.package, &own)?,
        metric: Metric::time(),
        runs: readings(extension.runs, run_count, &own.at("runs"))?,
        criterion: Some(CriterionParts {
            group: info.group_id,
            function: info.function_id,
            value: info.value_str,
            directory: info.directory_name,
        }),
        throughput: extension
            .throughput
            .map(Into::into)
            .or_else(|| info.throughput.map(Into::into)),
        costs: None,
    })
}

fn measurement(
    measurement: wire::Measurement,
    run_count: usize,
    place: &Place,
) -> Result<Measurement, Fault> {
    let wire::Measurement { name, package, target, metric, criterion, throughput, runs, costs } =
        measurement;
    let metric_place = place.at("metric");
    Ok(Measurement {
        id: checked::id(checked::present(name, &place.at("name"))?, target, package, place)?,
        metric: Metric {
            name: checked::present(metric.name, &metric_place.at("name"))?,
            unit: Unit::from(metric.unit.as_str()),
            better: metric.better,
            nature: metric.nature,
        },
        runs: readings(runs, run_count, &place.at("runs"))?,
        criterion: criterion.map(|parts| CriterionParts {
            group: parts.group,
            function: parts.function,
            value: parts.value,
            directory: parts.directory,
        }),
        throughput: throughput.map(Into::into),
        costs: costs.map(|it| self::costs(it, &place.at("costs"))).transpose()?,
    })
}

/// Refuses costs whose parts are more than their total.
fn costs(costs: wire::Costs, place: &Place) -> Result<Costs, Fault> {
    let wire::Costs { threads, scope, allocator, system_calls, total, functions } = costs;
    if threads == 0 {
        return Err(place.at("threads").fault("a process has at least one thread"));
    }
    let sum = functions.values().try_fold(0_u64, |sum, took| sum.checked_add(*took));
    if sum.is_none_or(|sum| sum > total) {
        let reason = format!("the functions add up to more than the total of {total}");
        return Err(place.at("functions").fault(reason));
    }
    let scope = scope.map(|scope| match scope {
        wire::CountScope::Timed => CountScope::Timed,
        wire::CountScope::Whole => CountScope::Whole,
    });
    let allocator = match allocator {
        Some(wire::AllocatorCount::Charged) => AllocatorCount::Charged,
        Some(wire::AllocatorCount::Executed) | None => AllocatorCount::Executed,
    };
    Ok(Costs { threads, scope, allocator, system_calls, total, functions })
}

fn readings(
    runs: Vec<wire::Run>,
    run_count: usize,
    place: &Place,
) -> Result<Vec<RunReading>, Fault> {
    if runs.is_empty() {
        return Err(place.fault("no run has a reading"));
    }
    let mut before = None;
    let mut readings = Vec::with_capacity(runs.len());
    for (index, run) in runs.into_iter().enumerate() {
        let place = place.at(index);
        let number = run.index;
        if number as usize >= run_count {
            let reason = format!("run {number} does not exist: the snapshot has {run_count}");
            return Err(place.at("run").fault(reason));
        }
        if before.is_some_and(|before| before >= number) {
            let reason = format!("run {number} is duplicated or out of order");
            return Err(place.at("run").fault(reason));
        }
        before = Some(number);
        readings.push(RunReading { run: number, reading: reading(run, &place)? });
    }
    let is_distribution = |run: &RunReading| matches!(run.reading, Reading::Distribution(_));
    let distributions = readings.iter().filter(|run| is_distribution(run)).count();
    if distributions > 0 && distributions < readings.len() {
        return Err(place.fault("only some of the runs have a distribution"));
    }
    Ok(readings)
}

fn reading(run: wire::Run, place: &Place) -> Result<Reading, Fault> {
    let own = run
        .estimates
        .map(|own| checked::estimates(own.into(), &place.at("estimates")))
        .transpose()?;
    if let Some(text) = run.hdr {
        if run.samples.is_some() || own.is_some() || run.value.is_some() {
            return Err(place.fault("has a distribution in addition to another reading"));
        }
        let decoded = hdr::decode(&text, run.failed);
        return decoded
            .map(Reading::Distribution)
            .map_err(|fault| place.at("hdr").fault(format!("the histogram {fault}")));
    }
    if run.failed.is_some() {
        return Err(place.at("failed").fault("only a distribution has failed operations"));
    }
    match (run.samples, own, run.value) {
        (Some(samples), estimates, None) => {
            let samples = self::samples(samples, &place.at("samples"))?;
            Ok(Reading::Samples { samples, estimates })
        }
        (None, Some(estimates), None) => Ok(Reading::Estimates(estimates)),
        (None, None, Some(Number(value))) => {
            checked::finite(value, &place.at("value")).map(Reading::Value)
        }
        (None, None, None) => {
            Err(place.fault("has no samples, no estimates, no value and no distribution"))
        }
        (_, _, Some(_)) => Err(place.fault("has a value in addition to samples or estimates")),
    }
}

fn samples(samples: wire::Samples, place: &Place) -> Result<Samples, Fault> {
    let wire::Samples { mode, iterations, times } = samples;
    let iterations = iterations.unpack(times.len());
    let totals = times.into_iter().map(|Number(time)| time).collect();
    Samples::new(mode, iterations, totals).map_err(|fault| place.fault(fault.to_string()))
}

fn run_info(run: wire::RunInfo, place: &Place) -> Result<RunInfo, Fault> {
    let seconds = run.seconds.map(|Number(seconds)| seconds);
    if let Some(seconds) = seconds.filter(|s| !s.is_finite() || *s < 0.0) {
        return Err(place.at("seconds").fault(format!("{seconds} is not a duration")));
    }
    let busy = run.busy.map(|Number(busy)| busy);
    if let Some(busy) = busy.filter(|busy| !(0.0..=1.0).contains(busy)) {
        return Err(place.at("busy").fault(format!("{busy} is not a share between 0 and 1")));
    }
    let mut environment = Environment::default();
    for (key, value) in run.environment {
        if let Some(field) = Field::from_key(&key) {
            environment.set(field, value);
        }
    }
    Ok(RunInfo { started: run.started, seconds, busy, environment })
}

fn wire_id(id: wire::Id, place: &Place) -> Result<BenchId, Fault> {
    let wire::Id { name, package, target } = id;
    checked::id(name, target, package, place)
}

fn pairing(pairing: wire::Pairing, run_count: usize, place: &Place) -> Result<Pairing, Fault> {
    let wire::Pairing {
        trial,
        seed,
        screening,
        looks,
        out_of_time,
        identical,
        same_code,
        not_reached,
        control,
        set_up,
        layouts,
        same_source,
        shared,
        trees,
        shard,
        parts,
    } = pairing;
    let looks = self::looks(looks, &place.at("looks"))?;
    let extent = extent(shard, parts, run_count, place)?;
    let ids = |ids: Vec<wire::Id>, key: &str| -> Result<Vec<BenchId>, Fault> {
        let all = ids.into_iter().enumerate();
        all.map(|(index, id)| wire_id(id, &place.at(key).at(index))).collect()
    };
    let identical = ids(identical, "identical")?;
    let same_code = ids(same_code, "same_code")?;
    let not_reached = ids(not_reached, "not_reached")?;
    let trial = checked::present(trial, &place.at("trial"))?;
    let set_up = set_up
        .into_iter()
        .enumerate()
        .map(|(index, set_up)| self::set_up(set_up, &place.at("set_up").at(index)))
        .collect::<Result<_, _>>()?;
    let layouts = layouts
        .into_iter()
        .enumerate()
        .map(|(index, layout)| self::layout(layout, &place.at("layouts").at(index)))
        .collect::<Result<_, _>>()?;
    let shared = shared
        .into_iter()
        .map(|wire::SharedInput { kind, path }| SharedInput { kind, path })
        .collect();
    let trees = trees.map(|wire::Trees { base, head }| Sides { base, head });
    let sources = Sources { same: same_source, trees, shared };
    Ok(Pairing {
        trial,
        seed,
        screening,
        looks,
        out_of_time,
        identical,
        same_code,
        not_reached,
        control,
        set_up,
        layouts,
        sources,
        extent,
    })
}

fn looks(looks: Vec<u32>, place: &Place) -> Result<Vec<u32>, Fault> {
    if !looks.is_sorted_by(|a, b| a < b) || looks.first() == Some(&0) {
        return Err(place.fault("must rise from at least 1"));
    }
    Ok(looks)
}

fn extent(
    shard: Option<wire::Shard>,
    parts: Vec<wire::Part>,
    run_count: usize,
    place: &Place,
) -> Result<Extent, Fault> {
    let Some(wire::Shard { number, of, policy, tool_version: tool, listing }) = shard else {
        if parts.is_empty() {
            return Ok(Extent::Whole);
        }
        return Ok(Extent::Merged(self::parts(parts, run_count, &place.at("parts"))?));
    };
    if !parts.is_empty() {
        return Err(place.at("parts").fault("a shard has no parts"));
    }
    let number = ShardNumber::new(number, of).ok_or_else(|| {
        let most = ShardNumber::MOST;
        let reason = format!("there is no shard {number} of {of}: at most {most}, counted from 1");
        place.at("shard").fault(reason)
    })?;
    Ok(Extent::Shard(Shard { number, policy, tool, listing }))
}

/// Refuses parts that do not follow each other.
fn parts(parts: Vec<wire::Part>, run_count: usize, place: &Place) -> Result<Vec<Part>, Fault> {
    let rise = parts.is_sorted_by_key(|part| part.first_run);
    if !rise || parts.first().is_some_and(|part| part.first_run > 0) {
        return Err(place.fault("their first runs must rise from 0"));
    }
    if parts.last().is_some_and(|part| part.first_run as usize > run_count) {
        return Err(place.fault(format!("the snapshot has only {run_count} runs")));
    }
    parts
        .into_iter()
        .enumerate()
        .map(|(index, wire::Part { first_run, screening, looks, out_of_time })| {
            let looks = self::looks(looks, &place.at(index).at("looks"))?;
            Ok(Part { first_run, screening, looks, out_of_time })
        })
        .collect()
}

fn layout(layout: wire::Layout, place: &Place) -> Result<Layout, Fault> {
    let wire::Layout { target, package, functions, same, reason } = layout;
    if same > functions {
        return Err(place
            .at("same")
            .fault(format!("{same} is more than all {functions} functions")));
    }
    Ok(Layout { target: TargetId { package, name: target }, functions, same, reason })
}

fn set_up(set_up: wire::SetUp, place: &Place) -> Result<SetUp, Fault> {
    let wire::SetUp { target, package, seconds, share, time } = set_up;
    let (Number(seconds), Number(share), Number(time)) = (seconds, share, time);
    for (key, value) in [("seconds", seconds), ("time", time)] {
        if !value.is_finite() || value < 0.0 {
            return Err(place.at(key).fault(format!("{value} is not a duration")));
        }
    }
    if !(0.0..=1.0).contains(&share) {
        let reason = format!("{share} is not a share between 0 and 1");
        return Err(place.at("share").fault(reason));
    }
    Ok(SetUp { target: TargetId { package, name: target }, seconds, share, time })
}

fn problem(problem: wire::Problem, place: &Place) -> Result<Problem, Fault> {
    let wire::Problem { kind, id, path, reason } = problem;
    let id = id.map(|id| wire_id(id, &place.at("id"))).transpose()?;
    Ok(Problem { kind, id, path: PathBuf::from(path), reason })
}

impl From<wire::Throughput> for Throughput {
    fn from(throughput: wire::Throughput) -> Self {
        match throughput {
            wire::Throughput::Bits(n) => Self::Bits(n),
            wire::Throughput::Bytes(n) => Self::Bytes(n),
            wire::Throughput::BytesDecimal(n) => Self::BytesDecimal(n),
            wire::Throughput::Elements(n) => Self::Elements(n),
            wire::Throughput::ElementsAndBytes { elements, bytes } => {
                Self::ElementsAndBytes { elements, bytes }
            }
            wire::Throughput::Unknown => Self::Unknown,
        }
    }
}
