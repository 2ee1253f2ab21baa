//! Shards before and after they are merged.

use crate::model::Snapshot;

/// One shard as it was measured.
#[derive(Clone, Debug)]
pub struct MeasuredShard {
    /// Where it was read, for messages.
    pub name: String,
    /// Its base.
    pub base: Snapshot,
    /// Its head.
    pub head: Snapshot,
    /// Its base once more, if that was measured.
    pub control: Option<Snapshot>,
}

/// All shards as one trial.
#[derive(Clone, Debug, PartialEq)]
pub struct MergedTrial {
    /// The base.
    pub base: Snapshot,
    /// The head.
    pub head: Snapshot,
    /// The base once more, if that was measured.
    pub control: Option<Snapshot>,
}

impl MeasuredShard {
    /// Its snapshots, in the order of a trial's arms.
    pub(super) fn snapshots(&self) -> impl Iterator<Item = &Snapshot> {
        [&self.base, &self.head].into_iter().chain(&self.control)
    }
}
