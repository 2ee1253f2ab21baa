//! Shards of one suite, which become one trial: the trial is then judged as one family.
//!
//! Shards are measured apart, on machines that may differ. Both sides of a benchmark are on
//! one machine, so its pairs are valid wherever they were measured. What must be the same is
//! everything that decides which question was asked: the revisions, the policy, the
//! toolchain, the version of the gate, and the list of all benchmarks.

mod agreement;
mod error;
mod measured;
mod rows;

pub use error::ShardError;
pub use measured::{MeasuredShard, MergedTrial};

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Extent, Layout, Pairing, Part, Problem, SetUp, Snapshot, Sources, TargetId};
use rows::Rows;

/// Merges the shards of a suite, in any order.
///
/// # Errors
/// A shard is missing, or there twice; the shards differ in what they must have in common; or
/// the snapshots of one contradict each other: see [`ShardError`].
pub fn merge(shards: Vec<MeasuredShard>) -> Result<MergedTrial, ShardError> {
    let mut numbered = BTreeMap::new();
    for shard in shards {
        let number = agreement::of_one(&shard)?;
        if let Some(before) = numbered.insert(number, shard) {
            let second = numbered.remove(&number).map(|shard| shard.name).unwrap_or_default();
            let (number, first) = (number.to_string(), before.name);
            return Err(ShardError::Duplicate { number, first, second });
        }
    }
    let shards: Vec<MeasuredShard> = numbered.into_values().collect();
    let first = shards.first().ok_or(ShardError::Nothing)?;
    agreement::of_all(first, &shards)?;
    let parts = parts(&shards)?;
    let rows = Rows::of(&shards)?;
    let pairing = pairing(&shards, &parts);
    let side = |example: &Snapshot, snapshots: &[&Snapshot]| {
        let pairings = || snapshots.iter().filter_map(|side| side.pairing.as_ref());
        let identical = sorted(pairings().flat_map(|pairing| &pairing.identical));
        let same_code = sorted(pairings().flat_map(|pairing| &pairing.same_code));
        let not_reached = sorted(pairings().flat_map(|pairing| &pairing.not_reached));
        let mut merged = Snapshot {
            name: example.name.clone(),
            created: snapshots.iter().map(|side| side.created).max().unwrap_or(example.created),
            revision: example.revision.clone(),
            selection: example.selection.clone(),
            pairing: Some(Pairing { identical, same_code, not_reached, ..pairing.clone() }),
            runs: snapshots.iter().flat_map(|side| side.runs.clone()).collect(),
            measurements: rows.of_side(snapshots, &parts),
            not_run: sorted(snapshots.iter().flat_map(|side| &side.not_run)),
            problems: distinct(snapshots.iter().flat_map(|side| &side.problems)),
        };
        merged.sort();
        merged
    };
    let controls: Vec<&Snapshot> =
        shards.iter().filter_map(|shard| shard.control.as_ref()).collect();
    Ok(MergedTrial {
        base: side(&first.base, &shards.iter().map(|shard| &shard.base).collect::<Vec<_>>()),
        head: side(&first.head, &shards.iter().map(|shard| &shard.head).collect::<Vec<_>>()),
        control: controls.first().map(|control| side(control, &controls)),
    })
}

/// The trials of the shards, one after the other.
fn parts(shards: &[MeasuredShard]) -> Result<Vec<Part>, ShardError> {
    let mut first_run = 0_u32;
    let mut parts = Vec::new();
    for MeasuredShard { name, head, .. } in shards {
        let Some(Pairing { screening, looks, out_of_time, .. }) = &head.pairing else {
            return Err(ShardError::NotAShard { name: name.clone() });
        };
        let (looks, out_of_time) = (looks.clone(), *out_of_time);
        parts.push(Part { first_run, screening: *screening, looks, out_of_time });
        let next = u32::try_from(head.runs.len()).ok().and_then(|runs| first_run.checked_add(runs));
        first_run = next.ok_or_else(|| ShardError::Torn {
            name: name.clone(),
            reason: "it has more runs than can be counted".to_owned(),
        })?;
    }
    Ok(parts)
}

/// What the sides of the merged trial share.
fn pairing(shards: &[MeasuredShard], parts: &[Part]) -> Pairing {
    let pairings = || shards.iter().filter_map(|shard| shard.head.pairing.as_ref());
    let trials: Vec<&str> = pairings().map(|pairing| pairing.trial.as_str()).collect();
    let first = parts.first();
    Pairing {
        trial: trials.join("+"),
        seed: pairings().next().map_or(0, |pairing| pairing.seed),
        screening: first.map_or(0, |part| part.screening),
        looks: first.map(|part| part.looks.clone()).unwrap_or_default(),
        out_of_time: parts.iter().any(|part| part.out_of_time),
        identical: Vec::new(),
        same_code: Vec::new(),
        not_reached: Vec::new(),
        control: pairings().any(|pairing| pairing.control),
        set_up: set_up(pairings().flat_map(|pairing| &pairing.set_up)),
        layouts: layouts(pairings().flat_map(|pairing| &pairing.layouts)),
        sources: Sources {
            same: pairings().all(|pairing| pairing.sources.same),
            trees: pairings().next().and_then(|pairing| pairing.sources.trees.clone()),
            shared: sorted(pairings().flat_map(|pairing| &pairing.sources.shared)),
        },
        extent: Extent::Merged(parts.to_vec()),
    }
}

/// For each bench target the shard whose processes prepared for the largest share of their
/// time.
fn set_up<'a>(all: impl Iterator<Item = &'a SetUp>) -> Vec<SetUp> {
    let mut largest: BTreeMap<&TargetId, &SetUp> = BTreeMap::new();
    for set_up in all {
        let known = largest.entry(&set_up.target).or_insert(set_up);
        if set_up.share > known.share {
            *known = set_up;
        }
    }
    largest.into_values().cloned().collect()
}

/// The layout of each bench target: not pinned if one shard could not pin it.
fn layouts<'a>(all: impl Iterator<Item = &'a Layout>) -> Vec<Layout> {
    let mut least: BTreeMap<&TargetId, &Layout> = BTreeMap::new();
    for layout in all {
        let known = least.entry(&layout.target).or_insert(layout);
        if known.reason.is_none() && layout.reason.is_some() {
            *known = layout;
        }
    }
    least.into_values().cloned().collect()
}

/// Each value once, in order.
fn sorted<'a, T: Ord + Clone + 'a>(all: impl Iterator<Item = &'a T>) -> Vec<T> {
    all.collect::<BTreeSet<&T>>().into_iter().cloned().collect()
}

/// Each problem once, in the order of the shards.
fn distinct<'a>(all: impl Iterator<Item = &'a Problem>) -> Vec<Problem> {
    let mut found: Vec<Problem> = Vec::new();
    for problem in all {
        if !found.contains(problem) {
            found.push(problem.clone());
        }
    }
    found
}
