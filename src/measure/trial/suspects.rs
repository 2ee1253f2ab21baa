//! Benchmarks that are measured again.

use std::collections::BTreeSet;

use crate::model::{Arm, BenchId};

/// The undecided benchmarks of the head and of the control.
#[derive(Clone, Debug, Default)]
pub(super) struct Suspects {
    pub(super) head: BTreeSet<BenchId>,
    pub(super) control: BTreeSet<BenchId>,
}

impl Suspects {
    /// All suspects. The processes of a round run the same benchmarks, because earlier
    /// benchmarks in a process can affect later ones.
    pub(super) fn all(&self) -> BTreeSet<BenchId> {
        self.head.union(&self.control).cloned().collect()
    }

    /// Whether to keep an arm's reading. A look is final: a decided benchmark is not
    /// decided again only because it had to run for the other comparison.
    pub(super) fn want(&self, arm: Arm, id: &BenchId) -> bool {
        let own = match arm {
            Arm::Head => &self.head,
            Arm::Control => &self.control,
            Arm::Base => return true,
        };
        own.contains(id) || !(self.head.contains(id) || self.control.contains(id))
    }
}
