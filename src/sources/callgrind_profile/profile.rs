//! What a program took, by function, and how two programs differ.

use std::collections::{BTreeMap, BTreeSet};

use super::allocator::CALL;
use super::graph::{Graph, Uncharged};

/// How many functions [`differences`] names.
const NAMED: usize = 5;

/// The instructions of one program, by function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// All that was collected.
    pub total: u64,
    /// What each function took itself, without what it called; under its
    /// demangled name, so instances of one generic function stand together.
    /// Their sum is `total`.
    pub functions: BTreeMap<String, u64>,
    /// Who called whom.
    pub(super) graph: Graph,
}

/// A profile in which each call of the memory allocator is charged the same, whatever it
/// took: a count that does not depend on what earlier requests left of the heap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Charged {
    /// What was collected outside of the allocator, and [`CALL`] for each call of it.
    pub total: u64,
    /// What each function took itself, by its demangled name; of an allocator, what its
    /// calls are charged. No more than `total` together.
    pub functions: BTreeMap<String, u64>,
    /// How often the program asked for a block, or for another size of a block.
    pub allocations: u64,
}

/// What a function took on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The function's demangled name.
    pub function: String,
    /// Instructions in the baseline; 0 where it did not run.
    pub baseline: u64,
    /// Instructions in the candidate.
    pub candidate: u64,
}

/// What one thread took between two readings of the clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The thread's number, from 1.
    pub thread: u32,
    /// What was collected.
    pub profile: Profile,
    /// The callers of the clock reading that begins this part, as mangled names,
    /// innermost first. `None` where callgrind did not collect at that moment, and
    /// in the thread's first part, which no reading begins.
    pub reading: Option<Vec<String>>,
}

impl Profile {
    /// Of functions whose calls of each other are not known.
    pub fn new(total: u64, functions: BTreeMap<String, u64>) -> Self {
        Self { total, functions, graph: Graph::default() }
    }

    /// The names of all functions that were executed, as the file has them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let functions = self.graph.functions.iter();
        functions.filter(|(_, function)| function.own > 0).map(|(name, _)| &**name)
    }

    /// Adds what the same program took in another part or thread.
    pub fn add(&mut self, other: &Self) {
        self.total = self.total.saturating_add(other.total);
        for (function, took) in &other.functions {
            let sum = self.functions.entry(function.clone()).or_default();
            *sum = sum.saturating_add(*took);
        }
        self.graph.add(&other.graph);
    }

    /// The same with a constant for each call of the allocator, or why that is not known.
    pub fn charged(&self) -> Result<Charged, Uncharged> {
        let allocator = self.graph.allocator()?;
        let outside = self.total.saturating_sub(allocator.instructions);
        let mut functions = allocator.others;
        let mut total = outside;
        for (function, calls) in allocator.calls {
            let charge = calls.saturating_mul(CALL);
            total = total.saturating_add(charge);
            *functions.entry(function).or_default() += charge;
        }
        // A function that calls others, and that an allocator and the rest of the program
        // call, has no share that could be told.
        let sum = functions.values().fold(0_u64, |sum, took| sum.saturating_add(*took));
        if sum > total {
            functions.clear();
        }
        Ok(Charged { total, functions, allocations: allocator.allocations })
    }

    /// How often the program asked the kernel for something other than the time. Memory
    /// that an allocator asks for is not among it. Where the file does not hold the number
    /// of calls, it is at least 1 if a function of the C library that makes some was run.
    pub fn system_calls(&self) -> u64 {
        self.graph.system_calls()
    }
}

/// The functions that account for most of what differs, largest first, at most
/// five; none where nothing does.
pub fn differences(
    baseline: &BTreeMap<String, u64>,
    candidate: &BTreeMap<String, u64>,
) -> Vec<Difference> {
    let took =
        |functions: &BTreeMap<String, u64>, name: &str| functions.get(name).copied().unwrap_or(0);
    let names: BTreeSet<&String> = baseline.keys().chain(candidate.keys()).collect();
    let mut all: Vec<Difference> = names
        .into_iter()
        .map(|name| Difference {
            function: name.clone(),
            baseline: took(baseline, name),
            candidate: took(candidate, name),
        })
        .filter(|difference| difference.baseline != difference.candidate)
        .collect();
    all.sort_by(|a, b| {
        let by = |it: &Difference| it.baseline.abs_diff(it.candidate);
        by(b).cmp(&by(a)).then_with(|| a.function.cmp(&b.function))
    });
    all.truncate(NAMED);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn functions(all: &[(&str, u64)]) -> BTreeMap<String, u64> {
        all.iter().map(|(name, took)| ((*name).to_owned(), *took)).collect()
    }

    #[test]
    fn the_five_largest_differences_are_named() {
        let base =
            functions(&[("a", 10), ("b", 100), ("c", 5), ("d", 5), ("e", 5), ("f", 5), ("g", 9)]);
        let head =
            functions(&[("a", 10), ("b", 90), ("d", 6), ("e", 7), ("f", 8), ("g", 8), ("h", 50)]);
        let named = differences(&base, &head);
        let named: Vec<_> =
            named.iter().map(|one| (one.function.as_str(), one.baseline, one.candidate)).collect();
        assert_eq!(named, [("h", 0, 50), ("b", 100, 90), ("c", 5, 0), ("f", 5, 8), ("e", 5, 7)]);
        assert_eq!(differences(&base, &base), []);
    }
}
