//! The two snapshots that are compared.

use crate::model::{BenchId, Pairing, RunInfo, Snapshot};

/// The share of the machine that other programs may take during a trial.
pub const BUSY: f64 = 0.2;

/// The two snapshots that are compared, without any rules.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Snapshots<'a> {
    pub(crate) baseline: Option<&'a Snapshot>,
    pub(crate) candidate: &'a Snapshot,
}

impl<'a> Snapshots<'a> {
    /// How the two were measured in turn, where they were.
    pub(crate) fn pairing(self) -> Option<&'a Pairing> {
        let ours = self.candidate.pairing.as_ref()?;
        let theirs = self.baseline?.pairing.as_ref()?;
        (ours.trial == theirs.trial).then_some(ours)
    }

    /// Benchmarks that a trial did not measure, because both sides are the same code.
    pub(crate) fn identical(self) -> impl Iterator<Item = &'a BenchId> + use<'a> {
        self.pairing().into_iter().flat_map(|pairing| &pairing.identical)
    }

    /// The share of the machine that other programs took during a trial, where it is
    /// above [`BUSY`].
    pub(crate) fn overload(self) -> Option<f64> {
        self.pairing()?;
        let runs = || self.baseline.iter().flat_map(|side| &side.runs).chain(&self.candidate.runs);
        let known = |run: &RunInfo| Some((run.busy?, run.seconds?));
        let seconds: f64 = runs().filter_map(known).map(|(_, seconds)| seconds).sum();
        let taken: f64 = runs().filter_map(known).map(|(busy, seconds)| busy * seconds).sum();
        // Without any known run this is NaN, and the comparison false.
        let share = taken / seconds;
        (share > BUSY).then_some(share)
    }
}
