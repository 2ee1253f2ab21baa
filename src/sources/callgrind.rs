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

mod summary;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::callgrind_profile::{Charged, Profile};
use super::stale::{Age, Cutoff};
use super::tree::{self, Directory};
use super::{Harvest, SourceError, Stale, check_root, is_cargo_target};
use crate::model::{
    AllocatorCount, Costs, Measurement, Metric, Problem, ProblemKind, Reading, RunReading,
    TargetId, Unit,
};
use summary::Summary;

const SUMMARY: &str = "summary.json";

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
                    found.extend(measurements.into_iter().map(|row| (row, path.clone())));
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
    let at = measurements.iter().position(|row| row.metric.name == Metric::INSTRUCTIONS);
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
