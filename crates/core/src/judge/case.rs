//! Everything that a report is made from.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::compare::{Assumed, Comparison, Snapshots};
use crate::model::{BenchId, Noise, Pairing, Pattern, Snapshot};
use crate::policy::{Policy, SessionRules};

/// What a report is made from.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The snapshot that the candidate is compared with, where there is one.
    pub baseline: Option<&'a Snapshot>,
    /// The snapshot that is judged.
    pub candidate: &'a Snapshot,
    /// The rules.
    pub policy: &'a Policy,
    /// The recorded noise of the machine class, where there is any.
    pub noise: Option<&'a Noise>,
    /// The day on which waivers are judged.
    pub today: Date,
}

impl<'a> Case<'a> {
    /// The two sides, without the rules.
    pub(crate) fn snapshots(&self) -> Snapshots<'a> {
        Snapshots { baseline: self.baseline, candidate: self.candidate }
    }

    /// How the two sides were measured in turn, where they were.
    pub(crate) fn pairing(&self) -> Option<&'a Pairing> {
        self.snapshots().pairing()
    }

    /// Whether it is only a part of a suite.
    pub(crate) fn is_shard(&self) -> bool {
        self.pairing().is_some_and(|pairing| pairing.shard().is_some())
    }

    /// Benchmarks whose clocks a trial did not need to measure, because both sides are the
    /// same code, or executed the same code.
    pub(crate) fn same_code(&self) -> impl Iterator<Item = &'a BenchId> + use<'a> {
        self.snapshots().same_code()
    }

    /// Patterns of benchmarks that the policy requires, and that match nothing measured.
    pub(crate) fn missing_required(&self) -> Vec<&'a Pattern> {
        let measured = self.candidate.measurements.iter().map(|measurement| &measurement.id);
        let present: BTreeSet<&BenchId> = measured.chain(self.same_code()).collect();
        let required = self.policy.verdict.require.iter();
        required.filter(|pattern| !present.iter().any(|id| pattern.matches(id))).collect()
    }

    /// Compares the two sides, and judges nothing.
    pub(crate) fn compare(&self) -> Comparison<'a> {
        let policy = self.policy;
        let alpha = policy.verdict.alpha;
        let SessionRules { common, own } = policy.sessions;
        let (ignored, assumed) = (&policy.ignored_fields, Assumed { common, own });
        Comparison::of(self.snapshots(), ignored, self.noise, assumed, alpha)
    }
}
