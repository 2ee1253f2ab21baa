//! Which of two environments' results may be compared at all.

use super::Case;
use super::report::EnvironmentDifference;
use crate::model::{Environment, Field, Metric, Nature};

/// What a difference between the environments leaves to be compared.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Comparability {
    /// Where they differ, in the order of fields.
    pub(super) differences: Vec<EnvironmentDifference>,
    /// Nothing is known of one of them.
    pub(super) unknown: bool,
}

impl Comparability {
    /// The fields for which this metric cannot be compared.
    pub(super) fn blocking(&self, metric: &Metric) -> Vec<&str> {
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

/// Counts of machine events move with the compiler; counts of queries do not.
fn depends_on_the_build(metric: &Metric) -> bool {
    const EVENTS: [&str; 5] =
        [Metric::INSTRUCTIONS, "estimated_cycles", "l1_hits", "ll_hits", "ram_hits"];
    EVENTS.contains(&metric.name.as_str()) || metric.name.starts_with("heap_")
}

/// A clock's reading belongs to the machine, the system and the build.
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

/// A count belongs to the build, the C library (whose functions choose by the
/// processor's level) and the tool that counted.
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

pub(super) fn of(case: &Case<'_>) -> Comparability {
    let Some(baseline) = case.baseline else { return Comparability::default() };
    let empty = Environment::default();
    let baseline = baseline.environment().unwrap_or(&empty);
    let candidate = case.candidate.environment().unwrap_or(&empty);
    let mut differences = Vec::new();
    for field in Field::ALL {
        let ours = (baseline.get(field), candidate.get(field));
        // What one side does not know cannot differ.
        let (Some(a), Some(b)) = ours else { continue };
        if a == b {
            continue;
        }
        let mut difference = EnvironmentDifference::new(field, a, b);
        if !case.policy.ignored_fields.contains(&field) {
            difference.blocks_time = blocks_time(field);
            difference.blocks_counts = blocks_counts(field);
        }
        differences.push(difference);
    }
    Comparability { differences, unknown: baseline.is_empty() || candidate.is_empty() }
}
