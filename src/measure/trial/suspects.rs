//! Benchmarks that are measured again.

use std::collections::BTreeSet;

use crate::model::{Arm, BenchId};

/// What is still undecided: of the head, and of the control.
#[derive(Clone, Debug, Default)]
pub(super) struct Suspects {
    pub(super) head: BTreeSet<BenchId>,
    pub(super) control: BTreeSet<BenchId>,
}

impl Suspects {
    /// All of them: processes of one round run the same benchmarks, as what runs
    /// before a benchmark in its process may move it.
    pub(super) fn all(&self) -> BTreeSet<BenchId> {
        self.head.union(&self.control).cloned().collect()
    }

    /// Whether a reading is wanted. A look is final: what it decided is not
    /// decided again because the benchmark had to run for the other comparison.
    pub(super) fn want(&self, arm: Arm, id: &BenchId) -> bool {
        let own = match arm {
            Arm::Head => &self.head,
            Arm::Control => &self.control,
            Arm::Base => return true,
        };
        own.contains(id) || !(self.head.contains(id) || self.control.contains(id))
    }
}
