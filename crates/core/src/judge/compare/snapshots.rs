//! The two snapshots that are compared.

use std::ops::Range;

use crate::model::{BenchId, Pairing, Part, RunInfo, Snapshot};

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

    /// Benchmarks whose clocks a trial did not need to measure, because both sides are the
    /// same code, or executed the same code.
    pub(crate) fn same_code(self) -> impl Iterator<Item = &'a BenchId> + use<'a> {
        let pairing = self.pairing().into_iter();
        pairing.flat_map(|pairing| pairing.identical.iter().chain(&pairing.same_code))
    }

    /// The share of the machine that other programs took during each part of a trial, where
    /// it is above [`BUSY`].
    pub(crate) fn overloads(self) -> Vec<Option<f64>> {
        let parts = self.pairing().map(Pairing::parts).unwrap_or_default();
        let first = |part: Option<&Part>| part.map(|part| part.first_run as usize);
        (0..parts.len())
            .map(|at| {
                let first_run = first(parts.get(at)).unwrap_or_default();
                let end = first(parts.get(at + 1)).unwrap_or(usize::MAX);
                self.overload(first_run..end)
            })
            .collect()
    }

    /// As [`overloads`](Self::overloads), during the runs of these indices.
    fn overload(self, indices: Range<usize>) -> Option<f64> {
        let sides = || self.baseline.into_iter().chain([self.candidate]);
        let runs = || {
            let length = indices.len();
            sides().flat_map(move |side| side.runs.iter().skip(indices.start).take(length))
        };
        let known = |run: &RunInfo| Some((run.busy?, run.seconds?));
        let seconds: f64 = runs().filter_map(known).map(|(_, seconds)| seconds).sum();
        let taken: f64 = runs().filter_map(known).map(|(busy, seconds)| busy * seconds).sum();
        // Without any known run this is NaN, and the comparison false.
        let share = taken / seconds;
        (share > BUSY).then_some(share)
    }
}
