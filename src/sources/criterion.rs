//! Criterion's directory, as versions 0.3.3 to 0.8 write it.
//!
//! A result is a directory `<benchmark>/<baseline>/` with three files:
//! `benchmark.json` (the name), `sample.json` (the samples) and
//! `estimates.json`. The directory's name is lossy (characters replaced, cut at
//! 64 bytes), so the identity is `full_id` in `benchmark.json`. Criterion itself
//! can write the same `full_id` twice in one process: two groups of the same name
//! give `f` and `f_2`, and a function `a/b` next to a group `a` with a function
//! `b` gives `a_b` and `a/b`. Both are then refused as
//! [`Duplicate`](ProblemKind::Duplicate).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Deserialize;

use super::file;
use super::stale::{Age, Cutoff};
use super::tree::{self, Directory};
use super::{Harvest, SourceError, Stale, check_root, is_cargo_target};
use crate::criterion;
use crate::model::{
    BenchId, CriterionParts, Estimates, Measurement, Metric, Problem, ProblemKind, Reading,
    RunReading, Samples, SamplesFault, SamplingMode, Snapshot, TargetId, Throughput,
};

const BENCHMARK: &str = "benchmark.json";
const SAMPLE: &str = "sample.json";
const ESTIMATES: &str = "estimates.json";
const FILES: [&str; 3] = [BENCHMARK, SAMPLE, ESTIMATES];

/// Reads one baseline of all benchmarks in criterion's directory.
///
/// `root` is `target/criterion`, the directory that `CRITERION_HOME` names, or cargo's
/// target directory around it. `baseline` names a directory in that of each benchmark:
/// `new` holds the latest run. A root without any benchmark is an empty harvest.
///
/// Samples without `estimates.json` are read, without estimates. Estimates without
/// samples are half a result, and are refused.
pub fn read(
    root: &Path,
    baseline: &str,
    target: Option<&TargetId>,
    stale: Stale,
) -> Result<Harvest, SourceError> {
    check_baseline(baseline)?;
    check_root(root, "run `cargo bench` with criterion first, or name its directory")?;
    let inner = root.join("criterion");
    let root = if is_cargo_target(root) && inner.is_dir() { &inner } else { root };

    let (directories, mut problems) = tree::walk(root);
    let results: Vec<_> = directories
        .iter()
        .filter(|directory| is_result(directory, root, baseline))
        .map(|directory| (directory, directory.written(&FILES)))
        .collect();
    if results.is_empty() && directories.iter().any(|directory| directory.holds("cbor")) {
        return Err(SourceError::CargoCriterion { path: root.to_owned() });
    }
    let times: Vec<SystemTime> = results.iter().flat_map(|(_, times)| times).copied().collect();
    let cutoff = Cutoff::new(stale, times);

    let mut found = Vec::new();
    let mut refused = Vec::new();
    for (directory, times) in results {
        let path = directory.path.clone();
        let benchmark = file::json::<WireBenchmark>(&path.join(BENCHMARK));
        let id = benchmark.as_ref().ok().map(|benchmark| benchmark.id(target));
        let reason = match cutoff.age(&times) {
            Age::Fresh => None,
            Age::Stale => Some((
                ProblemKind::Stale,
                "was left behind by an earlier run; if the benchmark is gone, remove the directory",
            )),
            Age::Mixed => Some((
                ProblemKind::Unreadable,
                "holds files of two runs: the last one ended while it wrote them; run it again",
            )),
        };
        if let Some((kind, reason)) = reason {
            problems.push(Problem { kind, id, path, reason: reason.to_owned() });
            continue;
        }
        match result(&path, benchmark, target) {
            Ok(measurement) => found.push((measurement, path)),
            Err(wrong) => {
                problems.extend(wrong.into_iter().map(|(path, reason)| Problem {
                    kind: ProblemKind::Unreadable,
                    id: id.clone(),
                    path,
                    reason,
                }));
                refused.extend(id.map(|id| (id, path)));
            }
        }
    }
    Ok(Harvest::from_claims(found, refused, problems))
}

/// Gives measurements that are not times the metric that the baseline has for them.
///
/// Criterion's files do not hold the unit of a custom measurement. `gate run` takes
/// it from the output of the bench, and a directory does not have that output.
pub fn adopt_metrics(candidate: &mut Snapshot, baseline: &Snapshot) {
    let of_criterion = |measurement: &Measurement| measurement.criterion.is_some();
    for measurement in &mut candidate.measurements {
        if !of_criterion(measurement) {
            continue;
        }
        let known: BTreeSet<&Metric> = baseline
            .measurements
            .iter()
            .filter(|other| of_criterion(other) && other.id.may_equal(&measurement.id))
            .map(|other| &other.metric)
            .collect();
        if let (Some(&metric), 1) = (known.first(), known.len()) {
            measurement.metric = metric.clone();
        }
    }
}

/// How deep, and in how many directories, the gate looks for results that the code
/// wrote to an output directory of its own.
const MOST_LEVELS: usize = 8;
const MOST_DIRECTORIES: usize = 20_000;

/// The directory below `root` to which criterion wrote a result since that moment.
/// Cargo's target directories and hidden directories are left out.
pub(crate) fn written_below(root: &Path, since: SystemTime) -> Option<PathBuf> {
    let mut open = vec![(root.to_path_buf(), 0)];
    let mut seen = 0;
    while let Some((path, level)) = open.pop() {
        seen += 1;
        if seen > MOST_DIRECTORIES {
            return None;
        }
        let new = path.file_name().is_some_and(|name| name == "new");
        let file = path.join(BENCHMARK);
        if new && tree::modified(&file).is_some_and(|written| written >= since) {
            let benchmark = file::json::<WireBenchmark>(&file).ok()?;
            let levels = Path::new(&benchmark.directory_name).components().count();
            return path.ancestors().nth(levels + 1).map(Path::to_path_buf);
        }
        let Ok(entries) = path.read_dir() else { continue };
        let below = entries.flatten().filter(|entry| {
            let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            !hidden && entry.file_type().is_ok_and(|kind| kind.is_dir())
        });
        if level < MOST_LEVELS {
            let below = below.map(|entry| (entry.path(), level + 1));
            open.extend(below.filter(|(path, _)| !is_cargo_target(path)));
        }
    }
    None
}

fn check_baseline(name: &str) -> Result<(), SourceError> {
    let reason = match name {
        "" | "." | ".." => "it has to be the name of a directory",
        "change" | "report" => "criterion keeps other things in directories of that name",
        _ if name.contains(['/', '\\']) => "it has to be the name of a directory, not a path",
        _ => return Ok(()),
    };
    Err(SourceError::NotABaseline { name: name.to_owned(), reason })
}

/// Whether a directory holds, or should hold, one result.
///
/// A function can be called `new`: its directory does not hold files, only another
/// `new`. An empty `new` is a result that got lost.
fn is_result(directory: &Directory, root: &Path, baseline: &str) -> bool {
    let named = directory.path.file_name().is_some_and(|name| name == baseline);
    let files = FILES.iter().any(|name| directory.has(name));
    named && (files || (!directory.nested && directory.path != root))
}

/// The faults, file by file.
type Wrong = Vec<(PathBuf, String)>;

fn result(
    directory: &Path,
    benchmark: Result<WireBenchmark, String>,
    target: Option<&TargetId>,
) -> Result<Measurement, Wrong> {
    let mut wrong = Wrong::new();
    let mut note = |name: &str, reason: String| wrong.push((directory.join(name), reason));

    let benchmark = benchmark.map_err(|reason| note(BENCHMARK, reason)).ok();
    let samples = file::json::<WireSample>(&directory.join(SAMPLE))
        .and_then(|wire| Samples::try_from(wire).map_err(|fault| fault.to_string()))
        .map_err(|reason| note(SAMPLE, reason))
        .ok();
    let path = directory.join(ESTIMATES);
    // Not `exists()`: a dangling link is a fault, not an absent file.
    let estimates = if path.symlink_metadata().is_ok() {
        file::json::<criterion::Estimates>(&path)
            .and_then(|wire| Estimates::try_from(wire).map_err(|fault| fault.to_string()))
            .map_err(|reason| note(ESTIMATES, reason))
            .ok()
    } else {
        None
    };
    match (benchmark, samples) {
        (Some(benchmark), Some(samples)) if wrong.is_empty() => Ok(Measurement {
            id: benchmark.id(target),
            metric: Metric::time(),
            runs: vec![RunReading { run: 0, reading: Reading::Samples { samples, estimates } }],
            throughput: benchmark.throughput.and_then(|throughput| throughput.known()),
            criterion: Some(CriterionParts {
                group: benchmark.group_id,
                function: benchmark.function_id,
                value: benchmark.value_str,
                directory: benchmark.directory_name,
            }),
            costs: None,
        }),
        _ => Err(wrong),
    }
}

#[derive(Deserialize)]
struct WireBenchmark {
    group_id: String,
    function_id: Option<String>,
    value_str: Option<String>,
    throughput: Option<WireThroughput>,
    full_id: String,
    directory_name: String,
}

impl WireBenchmark {
    fn id(&self, target: Option<&TargetId>) -> BenchId {
        BenchId { name: self.full_id.clone(), target: target.cloned() }
    }
}

/// Throughput does not affect the time. A kind that is not known here, such as one that
/// a later criterion adds, is left out; the benchmark is not.
#[derive(Deserialize)]
#[serde(untagged)]
enum WireThroughput {
    Known(KnownThroughput),
    Other(serde::de::IgnoredAny),
}

#[derive(Deserialize)]
enum KnownThroughput {
    Bits(u64),
    Bytes(u64),
    BytesDecimal(u64),
    Elements(u64),
    ElementsAndBytes { elements: u64, bytes: u64 },
}

impl WireThroughput {
    fn known(&self) -> Option<Throughput> {
        let Self::Known(known) = self else { return None };
        Some(match *known {
            KnownThroughput::Bits(n) => Throughput::Bits(n),
            KnownThroughput::Bytes(n) => Throughput::Bytes(n),
            KnownThroughput::BytesDecimal(n) => Throughput::BytesDecimal(n),
            KnownThroughput::Elements(n) => Throughput::Elements(n),
            KnownThroughput::ElementsAndBytes { elements, bytes } => {
                Throughput::ElementsAndBytes { elements, bytes }
            }
        })
    }
}

#[derive(Deserialize)]
enum WireMode {
    Linear,
    Flat,
}

#[derive(Deserialize)]
struct WireSample {
    sampling_mode: WireMode,
    iters: Vec<f64>,
    times: Vec<f64>,
}

impl TryFrom<WireSample> for Samples {
    type Error = SamplesFault;

    fn try_from(wire: WireSample) -> Result<Self, SamplesFault> {
        let mode = match wire.sampling_mode {
            WireMode::Linear => SamplingMode::Linear,
            WireMode::Flat => SamplingMode::Flat,
        };
        Self::new(mode, wire.iters, wire.times)
    }
}
