//! The measurements of all shards.
//!
//! A benchmark belongs to one shard. A program can also record metrics of the process as a
//! whole, which each shard that runs the program then has. Each describes its own process,
//! so all of them are kept, under names that tell them apart.

use std::collections::{BTreeMap, BTreeSet};

use super::error::{ShardError, shown};
use super::measured::MeasuredShard;
use crate::model::{BenchId, Measurement, Nature, Part, Reading, Snapshot};

/// A measurement of a shard: its index, its benchmark, the name of its metric.
type Key<'a> = (usize, &'a BenchId, &'a str);

/// What becomes of the measurements that several shards have.
#[derive(Debug, Default)]
pub(super) struct Rows<'a> {
    /// New names.
    renamed: BTreeMap<Key<'a>, String>,
    /// They say what an earlier shard says.
    dropped: BTreeSet<Key<'a>>,
}

impl<'a> Rows<'a> {
    /// Refuses two shards that measured the same benchmark.
    pub(super) fn of(shards: &'a [MeasuredShard]) -> Result<Self, ShardError> {
        let mut rows = Self::default();
        // The first shard that has a measurement.
        let mut owners: BTreeMap<(&BenchId, &str), usize> = BTreeMap::new();
        for (at, shard) in shards.iter().enumerate() {
            for measurement in shard.snapshots().flat_map(|side| &side.measurements) {
                let key = (&measurement.id, measurement.metric.name.as_str());
                let owner = *owners.entry(key).or_insert(at);
                if owner == at {
                    continue;
                }
                // Criterion's times, and what Callgrind counted.
                if measurement.criterion.is_some() || measurement.costs.is_some() {
                    return Err(ShardError::MeasuredTwice {
                        benchmark: shown(&measurement.id.qualified()),
                        first: shards[owner].name.clone(),
                        second: shard.name.clone(),
                    });
                }
                if says_the_same(&shards[owner], shard, measurement) {
                    rows.dropped.insert((at, key.0, key.1));
                } else {
                    let name = format!("{} (shard {})", measurement.id.name, at + 1);
                    rows.renamed.insert((at, key.0, key.1), name);
                }
            }
        }
        rows.free(&owners, shards)?;
        Ok(rows)
    }

    /// Refuses a new name that a benchmark has already.
    fn free(
        &self,
        owners: &BTreeMap<(&BenchId, &str), usize>,
        shards: &[MeasuredShard],
    ) -> Result<(), ShardError> {
        for ((at, id, metric), name) in &self.renamed {
            let renamed = BenchId { name: name.clone(), target: id.target.clone() };
            if let Some(owner) = owners.get(&(&renamed, *metric)) {
                return Err(ShardError::MeasuredTwice {
                    benchmark: shown(&renamed.qualified()),
                    first: shards[*owner].name.clone(),
                    second: shards[*at].name.clone(),
                });
            }
        }
        Ok(())
    }

    /// The measurements of one side of all shards, their runs counted on.
    pub(super) fn of_side(&self, sides: &[&Snapshot], parts: &[Part]) -> Vec<Measurement> {
        let mut all = Vec::new();
        for (at, (side, part)) in sides.iter().zip(parts).enumerate() {
            for measurement in &side.measurements {
                let key = (at, &measurement.id, measurement.metric.name.as_str());
                if self.dropped.contains(&key) {
                    continue;
                }
                let mut measurement = measurement.clone();
                for reading in &mut measurement.runs {
                    reading.run += part.first_run;
                }
                if let Some(name) = self.renamed.get(&key) {
                    measurement.id.name.clone_from(name);
                }
                all.push(measurement);
            }
        }
        all
    }
}

/// Whether both shards counted the same on each side, in every run.
fn says_the_same(first: &MeasuredShard, other: &MeasuredShard, measurement: &Measurement) -> bool {
    // For each side, the value of all runs, or that the side does not have it; `None` if one
    // of the sides varies.
    let values = |shard: &MeasuredShard| -> Option<Vec<Option<f64>>> {
        let is_same =
            |it: &&Measurement| it.id == measurement.id && it.metric == measurement.metric;
        shard
            .snapshots()
            .map(|side| match side.measurements.iter().find(is_same) {
                Some(found) => steady(found).map(Some),
                None => Some(None),
            })
            .collect()
    };
    let counted = measurement.metric.nature == Nature::Counted;
    counted && values(first).is_some_and(|ours| Some(ours) == values(other))
}

/// The value of every run, if all have the same.
fn steady(measurement: &Measurement) -> Option<f64> {
    let mut values = measurement.runs.iter().map(|run| match run.reading {
        Reading::Value(value) => Some(value),
        _ => None,
    });
    let first = values.next()??;
    values.all(|value| value == Some(first)).then_some(first)
}
