//! Whether the results of two environments may be compared.

use std::collections::BTreeSet;

use super::snapshots::Snapshots;
use crate::judge::report::EnvironmentDifference;
use crate::model::{Field, Metric, Nature};

/// Between the values of runs that differ, in [`Snapshot::environment`](crate::model::Snapshot::environment).
const MIXED: &str = " | ";

/// How two environments differ, and which metrics that excludes from comparison.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Comparability {
    /// The differences, in the order of fields.
    pub(crate) differences: Vec<EnvironmentDifference>,
    /// One of the environments is not known.
    pub(crate) unknown: bool,
}

impl Comparability {
    /// Compares the environments of two snapshots. Differences in `ignored` fields are
    /// reported, but block nothing.
    pub(crate) fn of(snapshots: Snapshots<'_>, ignored: &BTreeSet<Field>) -> Self {
        let Some(baseline) = snapshots.baseline else { return Self::default() };
        let (baseline, candidate) = (baseline.environment(), snapshots.candidate.environment());
        let mut differences = Vec::new();
        if baseline.is_empty() || candidate.is_empty() {
            return Self { differences, unknown: true };
        }
        let merged = snapshots.pairing().is_some_and(|pairing| pairing.parts().len() > 1);
        for field in Field::ALL {
            let sides = [baseline.get(field), candidate.get(field)];
            if only_where_used(field) && sides.contains(&None) {
                continue;
            }
            // Runs of a snapshot that differ from each other are as bad, unless each benchmark
            // was measured on one of the machines of a merged trial.
            let mixed = !merged && sides.iter().flatten().any(|value| value.contains(MIXED));
            if sides[0] == sides[1] && !mixed {
                continue;
            }
            // A side that knows its environment but not this fact may differ in it.
            let [a, b] = sides.map(|side| side.unwrap_or("unknown"));
            let mut difference = EnvironmentDifference::new(field, a, b);
            // Sides that were measured in turn on one machine differ by the change alone.
            if snapshots.pairing().is_none() && !ignored.contains(&field) {
                difference.blocks_time = blocks_time(field);
                difference.blocks_counts = blocks_counts(field);
            }
            differences.push(difference);
        }
        Self { differences, unknown: false }
    }

    /// The fields for which this metric cannot be compared.
    pub(crate) fn blocking(&self, metric: &Metric) -> Vec<&str> {
        self.differences
            .iter()
            .filter(|difference| match metric.nature {
                Nature::Sampled => difference.blocks_time,
                Nature::Counted => difference.blocks_counts && depends_on_the_build(metric),
            })
            .map(|difference| difference.field.as_str())
            .collect()
    }
}

/// Counts of machine events change with the compiler; counts of queries do not.
fn depends_on_the_build(metric: &Metric) -> bool {
    const EVENTS: [&str; 5] =
        [Metric::INSTRUCTIONS, "estimated_cycles", "l1_hits", "ll_hits", "ram_hits"];
    EVENTS.contains(&metric.name.as_str()) || metric.name.starts_with("heap_")
}

/// A time depends on the machine, the system and the build.
fn blocks_time(field: Field) -> bool {
    match field {
        Field::CpuModel
        | Field::Cores
        | Field::CpuLevel
        | Field::Governor
        | Field::Kernel
        | Field::Libc
        | Field::Container
        | Field::VirtualMachine
        | Field::Rustc
        | Field::Target
        | Field::Profile
        | Field::Flags
        | Field::Features => true,
        Field::Memory | Field::Os | Field::Valgrind | Field::Runner | Field::Services => false,
    }
}

/// A count depends on the build, the C library (whose functions are chosen by the level
/// of the processor) and the tool that counted.
fn blocks_counts(field: Field) -> bool {
    match field {
        Field::CpuLevel
        | Field::Libc
        | Field::Rustc
        | Field::Target
        | Field::Profile
        | Field::Flags
        | Field::Features
        | Field::Valgrind
        | Field::Runner => true,
        Field::CpuModel
        | Field::Cores
        | Field::Governor
        | Field::Memory
        | Field::Os
        | Field::Kernel
        | Field::Container
        | Field::VirtualMachine
        | Field::Services => false,
    }
}

/// Facts that are recorded only where a benchmark needs them, or that a system may hide.
/// Their absence says nothing.
fn only_where_used(field: Field) -> bool {
    matches!(field, Field::Valgrind | Field::Runner | Field::Services | Field::Governor)
}
