//! The `summary.json` files of iai-callgrind (version 6) and gungraun
//! (version 7).
//!
//! A benchmark's name is its module path without the crate, then its id:
//! `group::function id`. The crate is the bench target and becomes the id's
//! target, so two targets never collide; the package, another part of the
//! identity, is the directory in which the runner put the target's results.
//! Descriptions and arguments stay out of the name: the runners call them
//! unstable. A target that the caller names overrides both and so belongs to a
//! directory that holds one target's results only.
//!
//! Every metric is counted, and smaller is better. For hits of a cache level
//! that is the reading that holds for most changes: each counts accesses, and
//! fewer accesses are less work. Accesses that move to a nearer level make its
//! hits grow, though, so `estimated_cycles`, which weighs the levels, is the one
//! to gate on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::callgrind_profile::{Charged, Profile};
use super::file;
use super::stale::{Age, Cutoff};
use super::tree::{self, Directory};
use super::{Harvest, SourceError, Stale, check_root, is_cargo_target};
use crate::model::{
    AllocatorCount, BenchId, Costs, Measurement, Metric, Problem, ProblemKind, Reading, RunReading,
    TargetId, Unit,
};

const SUMMARY: &str = "summary.json";

/// Tool, its name for the metric, ours, and the unit.
static METRICS: [(Tool, &str, &str, Unit); 8] = [
    (Tool::Callgrind, "Ir", Metric::INSTRUCTIONS, Unit::Count),
    (Tool::Callgrind, "EstimatedCycles", "estimated_cycles", Unit::Count),
    (Tool::Callgrind, "L1hits", "l1_hits", Unit::Count),
    (Tool::Callgrind, "LLhits", "ll_hits", Unit::Count),
    (Tool::Callgrind, "RamHits", "ram_hits", Unit::Count),
    (Tool::Dhat, "TotalBytes", "heap_bytes", Unit::Bytes),
    (Tool::Dhat, "TotalBlocks", "heap_blocks", Unit::Count),
    (Tool::Dhat, "AtTGmaxBytes", "heap_peak_bytes", Unit::Bytes),
];

/// Reads all summaries below a directory: `target/iai`, `target/gungraun`, or
/// cargo's target directory around them.
///
/// A benchmark gives one measurement for each metric that its tools counted:
/// `instructions`, `estimated_cycles`, `l1_hits`, `ll_hits`, `ram_hits` from
/// Callgrind, `heap_bytes`, `heap_blocks`, `heap_peak_bytes` from DHAT. The
/// values are the latest run's; what a summary compares them with is not read.
/// A benchmark that ran without saving a summary is a problem that says how to
/// save one.
///
/// Where Callgrind's own files are next to the summary and agree with it, the
/// instructions come with what each function took, all of them. If these files hold the
/// addresses of instructions (`--dump-instr=yes`), `instructions` is the count with a
/// constant for each call of the allocator, and `instructions.total` and `allocations`
/// are added: see [`callgrind_profile`](super::callgrind_profile).
pub fn read(root: &Path, target: Option<&TargetId>, stale: Stale) -> Result<Harvest, SourceError> {
    check_root(
        root,
        "run `cargo bench` with iai-callgrind or gungraun first, or name its directory",
    )?;
    let (mut directories, mut problems) = (Vec::new(), Vec::new());
    for root in roots(root) {
        let (more, wrong) = tree::walk(&root);
        directories.extend(more);
        problems.extend(wrong);
    }
    let results: Vec<_> = directories
        .iter()
        .filter_map(|directory| {
            let outputs = outputs(directory);
            (directory.has(SUMMARY) || !outputs.is_empty()).then_some((directory, outputs))
        })
        .collect();
    let latest = |(directory, outputs): &(&Directory, Vec<&str>)| {
        let mut times = directory.written(&[SUMMARY]);
        times.extend(directory.written(outputs).into_iter().max());
        times
    };
    let cutoff = Cutoff::new(stale, results.iter().flat_map(latest).collect());

    let mut found = Vec::new();
    let mut refused = Vec::new();
    for (directory, outputs) in results {
        let path = directory.path.join(SUMMARY);
        let mut refuse = |kind, id, reason: &str| {
            problems.push(Problem { kind, id, path: path.clone(), reason: reason.to_owned() });
        };
        if !directory.has(SUMMARY) {
            // No summary to go by: the tools' own files tell the age.
            match cutoff.age(&directory.written(&outputs)) {
                Age::Stale => refuse(ProblemKind::Stale, None, LEFT_BEHIND),
                Age::Fresh | Age::Mixed => refuse(ProblemKind::Unreadable, None, NO_SUMMARY),
            }
            continue;
        }
        let summary = Summary::read(&path);
        let id = summary.as_ref().ok().map(|summary| summary.id(target));
        if cutoff.age(&directory.written(&[SUMMARY])) == Age::Stale {
            refuse(ProblemKind::Stale, id, LEFT_BEHIND);
        } else if stale != Stale::Never && is_outdated(directory, &outputs) {
            refuse(ProblemKind::Stale, id, OUTDATED);
        } else {
            match summary.and_then(|summary| summary.measurements(target)) {
                Ok(mut measurements) => {
                    add_costs(&mut measurements, directory, &outputs);
                    found.extend(measurements.into_iter().map(|one| (one, path.clone())));
                }
                Err(reason) => {
                    refuse(ProblemKind::Unreadable, id.clone(), &reason);
                    refused.extend(id.map(|id| (id, path)));
                }
            }
        }
    }
    Ok(Harvest::from_claims(found, refused, problems))
}

const LEFT_BEHIND: &str =
    "was left behind by an earlier run; if the benchmark is gone, remove the directory";

const OUTDATED: &str = "is older than the tools' output beside it: a later run did not save a \
                        summary; run the benches with `-- --save-summary=json`";

const NO_SUMMARY: &str = "summary.json is missing: the run did not save one; run the benches with \
                          `-- --save-summary=json`, or set IAI_CALLGRIND_SAVE_SUMMARY=json \
                          (gungraun: GUNGRAUN_SAVE_SUMMARY=json)";

/// The runners' directories in cargo's target directory, else the root itself.
fn roots(root: &Path) -> Vec<std::path::PathBuf> {
    let inner: Vec<_> = ["gungraun", "iai"]
        .iter()
        .map(|name| root.join(name))
        .filter(|path| path.is_dir())
        .collect();
    if is_cargo_target(root) && !inner.is_empty() { inner } else { vec![root.to_path_buf()] }
}

/// What the tools themselves wrote in the latest run.
fn outputs(directory: &Directory) -> Vec<&str> {
    let tool = |name: &str| name.starts_with("callgrind.") || name.starts_with("dhat.");
    let names = directory.files.iter().filter_map(|name| name.to_str());
    names
        .filter(|name| tool(name) && Path::new(name).extension().is_some_and(|e| e == "out"))
        .collect()
}

/// Adds how the instructions were counted, and the rows that callgrind's own files give:
/// what each function took, the count with a constant for each call of the allocator, and
/// the allocations. These need files that add up to the summary's count: files of another
/// run, or cut off, say nothing.
fn add_costs(measurements: &mut Vec<Measurement>, directory: &Directory, outputs: &[&str]) {
    let at = measurements.iter().position(|one| one.metric.name == Metric::INSTRUCTIONS);
    let Some(at) = at else { return };
    let total = Measurement {
        metric: Metric::counted(Metric::TOTAL_INSTRUCTIONS, Unit::Count),
        ..measurements[at].clone()
    };
    let counted = &mut measurements[at];
    let found = profile(directory, outputs).filter(|(_, profile)| {
        counted.runs.iter().all(|run| run.reading == Reading::Value(profile.total as f64))
    });
    let Some((threads, profile)) = found else {
        let Some(executed) = value(counted) else { return };
        counted.costs = Some(Costs {
            threads: 1,
            scope: None,
            allocator: AllocatorCount::Executed,
            system_calls: false,
            total: executed,
            functions: BTreeMap::new(),
        });
        return;
    };
    let executed = Costs {
        threads,
        scope: None,
        allocator: AllocatorCount::Executed,
        system_calls: profile.system_calls() > 0,
        total: profile.total,
        functions: BTreeMap::new(),
    };
    let Ok(Charged { total: charged, functions, allocations }) = profile.charged() else {
        counted.costs = Some(Costs { functions: profile.functions, ..executed.clone() });
        measurements.push(Measurement { costs: Some(executed), ..total });
        return;
    };
    let read = |count: u64| vec![RunReading { run: 0, reading: Reading::Value(count as f64) }];
    let by_code = |total, functions| {
        let allocator = AllocatorCount::Charged;
        Some(Costs { allocator, total, functions, ..executed.clone() })
    };
    (counted.runs, counted.costs) = (read(charged), by_code(charged, functions));
    let allocated = Measurement {
        metric: Metric::counted(Metric::ALLOCATIONS, Unit::Count),
        runs: read(allocations),
        costs: by_code(allocations, BTreeMap::new()),
        ..counted.clone()
    };
    measurements.push(allocated);
    measurements.push(Measurement { costs: Some(executed), ..total });
}

/// What callgrind's own files hold together, and of how many threads.
fn profile(directory: &Directory, outputs: &[&str]) -> Option<(u32, Profile)> {
    let files: Vec<&str> =
        outputs.iter().copied().filter(|name| name.starts_with("callgrind.")).collect();
    // A file for each thread, and for each part of what it did.
    let threads: BTreeSet<Vec<&str>> =
        files.iter().map(|name| name.split('.').filter(|word| !is_part(word)).collect()).collect();
    let mut all = Profile::default();
    for name in &files {
        all.add(&Profile::read(&directory.path.join(name)).ok()?);
    }
    let threads = u32::try_from(threads.len()).unwrap_or(u32::MAX);
    (threads > 0).then_some((threads, all))
}

/// The count of the one run that a summary holds.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "readers refuse counts that are negative; larger ones than 2^64 do not occur"
)]
fn value(counted: &Measurement) -> Option<u64> {
    match counted.runs.first()?.reading {
        Reading::Value(value) => Some(value as u64),
        _ => None,
    }
}

/// Whether a word of a file's name is the number of a part: `p2`.
fn is_part(word: &str) -> bool {
    let number = word.strip_prefix('p').unwrap_or_default();
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a later run left its output beside this summary. The runners write
/// the summary last; copying a tree can turn that round, but not by seconds.
fn is_outdated(directory: &Directory, outputs: &[&str]) -> bool {
    const SLACK: std::time::Duration = std::time::Duration::from_secs(5);
    let summary = directory.written(&[SUMMARY]).into_iter().max();
    let output = directory.written(outputs).into_iter().max();
    match (summary, output) {
        (Some(summary), Some(output)) => {
            output.duration_since(summary).is_ok_and(|later| later > SLACK)
        }
        _ => false,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tool {
    Callgrind,
    Dhat,
}

/// What both versions say, in one shape.
struct Summary {
    module_path: String,
    id: Option<String>,
    /// The source file of the bench target.
    file: String,
    /// The directory that the runner wrote to, `…/package/target/group/function`.
    directory: String,
    /// For each tool the metrics that it counted in this run.
    tools: Vec<(Tool, Numbers)>,
}

/// The tool's names of its metrics, with this run's value or why there is none.
type Numbers = Vec<(String, Result<f64, String>)>;

impl Summary {
    fn read(path: &Path) -> Result<Self, String> {
        let bytes = file::bytes(path)?;
        let WireVersion { version } = file::parse(&bytes)?;
        match version.as_deref() {
            Some("6") => Ok(file::parse::<Wire6>(&bytes)?.into()),
            Some("7") => Ok(file::parse::<Wire7>(&bytes)?.into()),
            Some(other) => Err(format!(
                "has summary version {other:?}; versions 6 (iai-callgrind 0.16) and 7 \
                 (gungraun 0.20) can be read: use one of those"
            )),
            None => {
                Err("has no version, so it is no summary of iai-callgrind's or gungraun's"
                    .to_owned())
            }
        }
    }

    fn id(&self, target: Option<&TargetId>) -> BenchId {
        let (own, name) = match self.module_path.split_once("::") {
            Some((krate, name)) => (Some(TargetId::named(self.target(krate))), name),
            None => (None, self.module_path.as_str()),
        };
        let target = target.cloned().or(own).map(|TargetId { package, name }| TargetId {
            package: package.or_else(|| self.package()),
            name,
        });
        let name = match &self.id {
            Some(id) => format!("{name} {id}"),
            None => name.to_owned(),
        };
        BenchId { name, target }
    }

    /// Cargo's name of the target, of which the module path holds the crate
    /// name: hyphens are underscores there.
    fn target(&self, krate: &str) -> String {
        let stem = self.file.rsplit(['/', '\\']).next().and_then(|name| name.strip_suffix(".rs"));
        stem.filter(|stem| stem.replace('-', "_") == krate).unwrap_or(krate).to_owned()
    }

    /// The directory around `target/group/function`, if that is how it ends.
    fn package(&self) -> Option<String> {
        let mut path = self.directory.rsplit(['/', '\\']).skip(1);
        let mut module = self.module_path.split("::");
        let (target, group) = (module.next()?, module.next()?);
        if path.next()? != group || path.next()? != target {
            return None;
        }
        path.next().filter(|name| !name.is_empty()).map(str::to_owned)
    }

    fn measurements(self, target: Option<&TargetId>) -> Result<Vec<Measurement>, String> {
        let id = self.id(target);
        let mut measurements = Vec::new();
        for (tool, counted) in self.tools {
            for (key, value) in counted {
                let known = METRICS.iter().find(|(of, theirs, ..)| *of == tool && *theirs == key);
                let Some((_, _, name, unit)) = known else { continue };
                let value = value.map_err(|reason| format!("{key} {reason}"))?;
                if !(value.is_finite() && value >= 0.0) {
                    return Err(format!("{key} is {value}, which is no count"));
                }
                measurements.push(Measurement {
                    id: id.clone(),
                    metric: Metric::counted(*name, unit.clone()),
                    runs: vec![RunReading { run: 0, reading: Reading::Value(value) }],
                    criterion: None,
                    throughput: None,
                    costs: None,
                });
            }
        }
        if measurements.is_empty() {
            return Err("holds no Callgrind or DHAT profile with numbers".to_owned());
        }
        Ok(measurements)
    }
}

#[derive(Deserialize)]
struct WireVersion {
    version: Option<String>,
}

#[derive(Deserialize)]
struct Wire6 {
    module_path: String,
    id: Option<String>,
    benchmark_file: String,
    summary_output: Option<Wire6Output>,
    profiles: Vec<Wire6Profile>,
}

#[derive(Deserialize)]
struct Wire6Output {
    path: String,
}

#[derive(Deserialize)]
struct Wire6Profile {
    tool: String,
    summaries: Wire6Data,
}

#[derive(Deserialize)]
struct Wire6Data {
    total: Wire6Total,
}

#[derive(Deserialize)]
struct Wire6Total {
    /// `{"Callgrind":{…}}`, `{"Dhat":{…}}`, `"None"` or a tool that counts errors.
    summary: Value,
}

#[derive(Deserialize)]
struct Wire6Metric {
    metrics: Wire6Sides,
}

#[derive(Deserialize)]
enum Wire6Sides {
    Left(Wire6Number),
    Right(serde::de::IgnoredAny),
    Both(Wire6Number, serde::de::IgnoredAny),
}

#[derive(Deserialize)]
enum Wire6Number {
    Int(u64),
    Float(f64),
}

impl From<Wire6> for Summary {
    fn from(wire: Wire6) -> Self {
        let tools = wire.profiles.into_iter().filter_map(|profile| {
            let (tool, key) = tool(&profile.tool)?;
            let Value::Object(mut summary) = profile.summaries.total.summary else { return None };
            let Some(Value::Object(metrics)) = summary.remove(key) else { return None };
            let number = |metric: Wire6Metric| match metric.metrics {
                Wire6Sides::Left(new) | Wire6Sides::Both(new, _) => Some(match new {
                    Wire6Number::Int(n) => n as f64,
                    Wire6Number::Float(x) => x,
                }),
                Wire6Sides::Right(_) => None,
            };
            Some((tool, numbers(metrics, number)))
        });
        let output = wire.summary_output.map(|output| output.path).unwrap_or_default();
        Self {
            tools: tools.collect(),
            directory: output.rsplit_once(['/', '\\']).map_or("", |(dir, _)| dir).to_owned(),
            module_path: wire.module_path,
            id: wire.id,
            file: wire.benchmark_file,
        }
    }
}

#[derive(Deserialize)]
struct Wire7 {
    module_path: String,
    id: Option<String>,
    benchmark_file: String,
    output_dir: String,
    profiles: Vec<Wire7Profile>,
}

#[derive(Deserialize)]
struct Wire7Profile {
    tool: String,
    data: Wire7Data,
}

#[derive(Deserialize)]
struct Wire7Data {
    total: Wire7Total,
}

#[derive(Deserialize)]
struct Wire7Total {
    metrics: Map<String, Value>,
}

#[derive(Deserialize)]
struct Wire7Metric {
    values: Wire7Sides,
}

#[derive(Deserialize)]
struct Wire7Sides {
    /// Absent where only an earlier run's value is known; `null` is refused.
    #[serde(default, deserialize_with = "present")]
    new: Option<f64>,
}

/// A number that is there: `null` is how the runner would write NaN.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    f64::deserialize(deserializer).map(Some)
}

impl From<Wire7> for Summary {
    fn from(wire: Wire7) -> Self {
        let tools = wire.profiles.into_iter().filter_map(|profile| {
            let (tool, _) = tool(&profile.tool)?;
            let number = |metric: Wire7Metric| metric.values.new;
            Some((tool, numbers(profile.data.total.metrics, number)))
        });
        Self {
            tools: tools.collect(),
            directory: wire.output_dir,
            module_path: wire.module_path,
            id: wire.id,
            file: wire.benchmark_file,
        }
    }
}

/// The tool of that name, with its key in summaries of version 6.
fn tool(name: &str) -> Option<(Tool, &'static str)> {
    match name {
        "Callgrind" => Some((Tool::Callgrind, "Callgrind")),
        "DHAT" => Some((Tool::Dhat, "Dhat")),
        _ => None,
    }
}

/// This run's value of each metric, or why there is none. Only what a caller
/// asks for is an error: summaries hold dozens of others.
fn numbers<T: DeserializeOwned>(
    metrics: Map<String, Value>,
    number: impl Fn(T) -> Option<f64>,
) -> Numbers {
    let read = |value| match serde_json::from_value(value) {
        Ok(metric) => number(metric)
            .ok_or_else(|| "holds the value of an earlier run only; run it again".to_owned()),
        Err(error) => Err(file::shorten(format!("does not hold what it should: {error}"))),
    };
    metrics.into_iter().map(|(name, value)| (name, read(value))).collect()
}
