//! A snapshot as the file that holds it.

use super::critcmp::export::{self, Shown};
use super::decode;
use super::error::BaselineError;
use super::layout;
use super::number::{Iterations, Number};
use super::wire;
use crate::criterion;
use crate::hdr;
use crate::model::{
    AllocatorCount, BenchId, Costs, CountScope, Extent, Layout, Measurement, NotRun, Pairing, Part,
    Problem, Reading, RunInfo, RunReading, Samples, SetUp, Shard, SharedInput, Snapshot,
    Throughput,
};

/// The file's text. A snapshot that could not be read again is refused here, while its
/// measurements still exist.
pub(super) fn text(snapshot: &Snapshot) -> Result<Vec<u8>, BaselineError> {
    let file = file(snapshot);
    decode::snapshot(file.clone()).map_err(|fault| fault.in_snapshot(&snapshot.name))?;
    layout::text(&file).map_err(|error| BaselineError::Unkeepable {
        name: snapshot.name.clone(),
        place: "the top".to_owned(),
        reason: error.to_string(),
    })
}

fn file(snapshot: &Snapshot) -> wire::File {
    let Snapshot {
        name,
        created,
        revision,
        selection,
        pairing,
        runs,
        measurements: _,
        not_run,
        problems,
    } = snapshot;
    let (shown, others) = export::divide(snapshot);
    wire::File {
        name: name.clone(),
        benchmarks: shown
            .into_iter()
            .map(|shown| (shown.key.clone(), benchmark(name, shown)))
            .collect(),
        benchgate: wire::Header {
            schema_version: wire::SCHEMA_VERSION,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            created: *created,
            revision: revision.as_ref().map(|revision| wire::Revision {
                commit: revision.commit.clone(),
                branch: revision.branch.clone(),
                dirty: revision.dirty,
            }),
            selection: selection.clone(),
            pairing: pairing.as_ref().map(self::pairing),
            runs: runs.iter().map(run_info).collect(),
            measurements: others.into_iter().map(measurement).collect(),
            not_run: not_run
                .iter()
                .map(|NotRun { subject, kind, reason }| wire::NotRun {
                    subject: subject.clone(),
                    kind: *kind,
                    reason: reason.clone(),
                })
                .collect(),
            problems: problems.iter().map(problem).collect(),
        },
    }
}

fn pairing(pairing: &Pairing) -> wire::Pairing {
    let Pairing {
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
    } = pairing;
    let (shard, parts) = match extent {
        Extent::Whole => (None, Vec::new()),
        Extent::Shard(shard) => (Some(self::shard(shard)), Vec::new()),
        Extent::Merged(parts) => (None, parts.iter().map(part).collect()),
    };
    wire::Pairing {
        trial: trial.clone(),
        seed: *seed,
        screening: *screening,
        looks: looks.clone(),
        out_of_time: *out_of_time,
        identical: identical.iter().map(id).collect(),
        same_code: same_code.iter().map(id).collect(),
        not_reached: not_reached.iter().map(id).collect(),
        control: *control,
        set_up: set_up
            .iter()
            .map(|SetUp { target, seconds, share, time }| wire::SetUp {
                target: target.name.clone(),
                package: target.package.clone(),
                seconds: Number(*seconds),
                share: Number(*share),
                time: Number(*time),
            })
            .collect(),
        layouts: layouts
            .iter()
            .map(|Layout { target, functions, same, reason }| wire::Layout {
                target: target.name.clone(),
                package: target.package.clone(),
                functions: *functions,
                same: *same,
                reason: reason.clone(),
            })
            .collect(),
        same_source: sources.same,
        shared: sources
            .shared
            .iter()
            .map(|SharedInput { kind, path }| wire::SharedInput { kind: *kind, path: path.clone() })
            .collect(),
        trees: sources
            .trees
            .as_ref()
            .map(|trees| wire::Trees { base: trees.base.clone(), head: trees.head.clone() }),
        shard,
        parts,
    }
}

fn shard(shard: &Shard) -> wire::Shard {
    let Shard { number, policy, tool, listing } = shard;
    wire::Shard {
        number: number.number(),
        of: number.of(),
        policy: policy.clone(),
        tool_version: tool.clone(),
        listing: listing.clone(),
    }
}

fn part(part: &Part) -> wire::Part {
    let Part { first_run, screening, looks, out_of_time } = part;
    wire::Part {
        first_run: *first_run,
        screening: *screening,
        looks: looks.clone(),
        out_of_time: *out_of_time,
    }
}

fn benchmark(snapshot: &str, shown: Shown<'_>) -> wire::Benchmark {
    let Shown { key, measurement, info, estimates } = shown;
    // A criterion time has no costs: `divide` sees to that.
    let Measurement { id, metric: _, runs: readings, criterion: _, throughput, costs: _ } =
        measurement;
    // Only what critcmp's own fields would not give back.
    let said = info.throughput.map(Throughput::from);
    wire::Benchmark {
        baseline: snapshot.to_owned(),
        fullname: format!("{snapshot}/{key}"),
        criterion_benchmark_v1: info,
        criterion_estimates_v1: estimates,
        benchgate: wire::Extension {
            name: (id.name != key).then(|| id.name.clone()),
            package: id.package().map(str::to_owned),
            target: id.target_name().map(str::to_owned),
            throughput: throughput.filter(|_| *throughput != said).map(Into::into),
            runs: readings.iter().map(run).collect(),
        },
    }
}

fn measurement(measurement: &Measurement) -> wire::Measurement {
    let Measurement { id, metric, runs, criterion, throughput, costs } = measurement;
    wire::Measurement {
        name: id.name.clone(),
        package: id.package().map(str::to_owned),
        target: id.target_name().map(str::to_owned),
        metric: wire::Metric {
            name: metric.name.clone(),
            unit: metric.unit.to_string(),
            better: metric.better,
            nature: metric.nature,
        },
        criterion: criterion.as_ref().map(|parts| wire::CriterionParts {
            group: parts.group.clone(),
            function: parts.function.clone(),
            value: parts.value.clone(),
            directory: parts.directory.clone(),
        }),
        throughput: throughput.map(Into::into),
        runs: runs.iter().map(run).collect(),
        costs: costs.as_ref().map(self::costs),
    }
}

fn costs(costs: &Costs) -> wire::Costs {
    let Costs { threads, scope, allocator, system_calls, total, ref functions } = *costs;
    wire::Costs {
        threads,
        scope: scope.map(|scope| match scope {
            CountScope::Timed => wire::CountScope::Timed,
            CountScope::Whole => wire::CountScope::Whole,
        }),
        allocator: Some(match allocator {
            AllocatorCount::Charged => wire::AllocatorCount::Charged,
            AllocatorCount::Executed => wire::AllocatorCount::Executed,
        }),
        system_calls,
        total,
        functions: functions.clone(),
    }
}

fn run(reading: &RunReading) -> wire::Run {
    let empty = wire::Run {
        index: reading.run,
        samples: None,
        estimates: None,
        value: None,
        hdr: None,
        failed: None,
    };
    let own = |estimates| criterion::Estimates::from(estimates).into();
    match &reading.reading {
        Reading::Samples { samples, estimates } => wire::Run {
            samples: Some(self::samples(samples)),
            estimates: estimates.as_ref().map(own),
            ..empty
        },
        Reading::Estimates(estimates) => wire::Run { estimates: Some(own(estimates)), ..empty },
        Reading::Value(value) => wire::Run { value: Some(Number(*value)), ..empty },
        Reading::Distribution(distribution) => wire::Run {
            hdr: Some(hdr::encode(distribution)),
            failed: distribution.failed().cloned(),
            ..empty
        },
    }
}

fn samples(samples: &Samples) -> wire::Samples {
    wire::Samples {
        mode: samples.mode(),
        iterations: Iterations::pack(samples.iterations()),
        times: samples.totals().iter().copied().map(Number).collect(),
    }
}

fn run_info(run: &RunInfo) -> wire::RunInfo {
    wire::RunInfo {
        started: run.started,
        seconds: run.seconds.map(Number),
        busy: run.busy.map(Number),
        environment: run
            .environment
            .iter()
            .map(|(field, value)| (field.key().to_owned(), value.to_owned()))
            .collect(),
    }
}

fn id(id: &BenchId) -> wire::Id {
    wire::Id {
        name: id.name.clone(),
        package: id.package().map(str::to_owned),
        target: id.target_name().map(str::to_owned),
    }
}

fn problem(problem: &Problem) -> wire::Problem {
    wire::Problem {
        kind: problem.kind,
        id: problem.id.as_ref().map(id),
        path: problem.path.to_string_lossy().into_owned(),
        reason: problem.reason.clone(),
    }
}

impl From<Throughput> for wire::Throughput {
    fn from(throughput: Throughput) -> Self {
        match throughput {
            Throughput::Bits(n) => Self::Bits(n),
            Throughput::Bytes(n) => Self::Bytes(n),
            Throughput::BytesDecimal(n) => Self::BytesDecimal(n),
            Throughput::Elements(n) => Self::Elements(n),
            Throughput::ElementsAndBytes { elements, bytes } => {
                Self::ElementsAndBytes { elements, bytes }
            }
            Throughput::Unknown => Self::Unknown,
        }
    }
}
