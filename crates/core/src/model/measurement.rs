//! One metric of one benchmark, with the reading of each run.

use std::collections::{BTreeMap, BTreeSet};

use super::{BenchId, Distribution, Estimates, Metric, Samples};

/// One metric of one benchmark over the runs of a snapshot.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// Which benchmark.
    pub id: BenchId,
    /// What was measured of it.
    pub metric: Metric,
    /// A reading for each run that reached this benchmark, in the order of runs.
    pub runs: Vec<RunReading>,
    /// Criterion's own parts of the name, kept so that critcmp can read our files.
    pub criterion: Option<CriterionParts>,
    /// Work done in one iteration, as criterion recorded it.
    pub throughput: Option<Throughput>,
    /// Of what callgrind counted: how, and what each function took.
    pub costs: Option<Costs>,
}

/// How instructions or allocations were counted, and what the functions of the benchmark
/// took in one of the processes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Costs {
    /// The most threads that one of the processes had, at least 1. Only the one
    /// that runs the body is counted, and of several each waits for others.
    pub threads: u32,
    /// What of a criterion benchmark was counted. `None` where its harness counts by
    /// itself, and in files of a gate that did not record it.
    pub scope: Option<CountScope>,
    /// How calls of the memory allocator were counted.
    pub allocator: AllocatorCount,
    /// The kernel was asked for something other than the time or memory: to read a file,
    /// to wait. The count then depends on more than the code.
    pub system_calls: bool,
    /// The count of all functions together.
    pub total: u64,
    /// Instructions that a function took itself, without what it called, by its
    /// demangled name. Only those that matter are kept: where their sum is less
    /// than `total`, others are left out.
    pub functions: BTreeMap<String, u64>,
}

/// What of a criterion benchmark a count covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CountScope {
    /// What criterion times.
    Timed,
    /// All that criterion's method did: the set-up of its input and the drop of its
    /// output are counted, too.
    Whole,
}

/// How a count treats the memory allocator, whose own instructions depend on the heap that
/// earlier requests left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AllocatorCount {
    /// Each call counts as a constant, so the count follows the code.
    Charged,
    /// All that the allocator executed is counted. So did files of a gate that did not
    /// record it.
    Executed,
}

impl Costs {
    /// A function that took less than this share of the total is left out.
    pub const LEAST_SHARE: f64 = 0.001;
    /// No more functions than these are kept, the largest.
    pub const MOST: usize = 40;

    /// Leaves out the functions that need not be kept: all but those that matter, and those
    /// that are named.
    #[must_use]
    pub fn kept(&self, named: &BTreeSet<&str>) -> Self {
        let Self { threads, scope, allocator, system_calls, total, ref functions } = *self;
        let mut largest: Vec<(&String, u64)> =
            functions.iter().map(|(name, took)| (name, *took)).collect();
        // By name where they are equal: the map's order, which the sort keeps.
        largest.sort_by_key(|(_, took)| std::cmp::Reverse(*took));
        let least = total as f64 * Self::LEAST_SHARE;
        let kept = largest
            .into_iter()
            .enumerate()
            .filter(|(rank, (name, took))| {
                named.contains(name.as_str()) || *rank < Self::MOST && *took as f64 >= least
            })
            .map(|(_, (name, took))| (name.clone(), took));
        Self { threads, scope, allocator, system_calls, total, functions: kept.collect() }
    }

    /// What a function that is not among these can have taken at most.
    pub fn largest_left_out(&self) -> u64 {
        let sum = self.functions.values().fold(0_u64, |sum, took| sum.saturating_add(*took));
        let least = self.functions.values().copied().min().unwrap_or(0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a thousandth of a whole number of 64 bits"
        )]
        let share = (self.total as f64 * Self::LEAST_SHARE) as u64;
        self.total.saturating_sub(sum).min(least.max(share))
    }
}

/// What one run (one fresh process) read.
#[derive(Clone, Debug, PartialEq)]
pub struct RunReading {
    /// Index into [`Snapshot::runs`](super::Snapshot::runs).
    pub run: u32,
    /// What was read.
    pub reading: Reading,
}

/// The data of one run.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// Times of batches of iterations: criterion's samples.
    Samples {
        /// The samples themselves.
        samples: Samples,
        /// What criterion estimated from them.
        estimates: Option<Estimates>,
    },
    /// Estimates whose samples were not kept (a critcmp export).
    Estimates(Estimates),
    /// One number, in the metric's unit.
    Value(f64),
    /// All values that the run observed, in the metric's unit. Every run of a measurement
    /// that has one has one.
    Distribution(Distribution),
}

/// Criterion's parts of a benchmark's name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CriterionParts {
    /// `group_id`.
    pub group: String,
    /// `function_id`.
    pub function: Option<String>,
    /// `value_str`.
    pub value: Option<String>,
    /// `directory_name`: where criterion put it; lossy, never an identity.
    pub directory: String,
}

/// Work done in one iteration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Throughput {
    /// Bits.
    Bits(u64),
    /// Bytes, shown in powers of 1024.
    Bytes(u64),
    /// Bytes, shown in powers of 1000.
    BytesDecimal(u64),
    /// Elements.
    Elements(u64),
    /// Elements and the bytes they hold.
    ElementsAndBytes {
        /// Elements.
        elements: u64,
        /// Bytes.
        bytes: u64,
    },
    /// Some work in a unit that the file's format could not name: critcmp's exports keep
    /// bytes and elements only.
    Unknown,
}
