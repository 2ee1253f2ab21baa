//! The order of the processes of each pair.

use crate::model::Arm;
use crate::stats::SplitMix64;

/// The orders of a bench target's pairs.
#[derive(Debug, Default)]
pub(super) struct Orders {
    /// The order of the second pair of a block: the reverse of the first, so that orders
    /// are balanced.
    owed: Option<Vec<Arm>>,
}

impl Orders {
    /// The order in which the arms of the next pair run.
    pub(super) fn draw(&mut self, mut arms: Vec<Arm>, random: &mut SplitMix64) -> Vec<Arm> {
        self.owed.take().unwrap_or_else(|| {
            random.shuffle(&mut arms);
            self.owed = Some(arms.iter().rev().copied().collect());
            arms
        })
    }
}
