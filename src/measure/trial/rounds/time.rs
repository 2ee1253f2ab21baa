//! The expected times of rounds, and the time budget.

use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Instant;

use super::super::groups::{Group, Members};
use super::Rounds;
use super::pair::Paired;
use crate::model::BenchId;

impl<'a> Rounds<'a> {
    /// When that share of the time budget is used up.
    pub(super) fn until(&self, share: f64) -> Option<Instant> {
        Some(self.began + self.plan.budget?.mul_f64(share))
    }

    pub(in crate::measure::trial) fn elapsed(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    /// Whether the time budget has room for a round as long as the longest one so far.
    pub(in crate::measure::trial) fn time_left(&self) -> bool {
        self.plan.budget.is_none_or(|budget| self.began.elapsed() + self.longest <= budget)
    }

    /// The expected seconds of `rounds` rounds of suspects.
    pub(in crate::measure::trial) fn confirming(
        &self,
        rounds: u32,
        only: &BTreeSet<BenchId>,
    ) -> f64 {
        let done = self.rounds();
        self.seconds(done..done.saturating_add(rounds), |pair| pair.among(only))
    }

    /// The expected seconds of the rounds of a group with these indices.
    pub(in crate::measure::trial) fn screening(&self, runs: Range<u32>, group: &Group) -> f64 {
        self.seconds(runs, |pair| group.of(&pair.target).map_or(0, Members::len))
    }

    fn seconds(&self, runs: Range<u32>, benchmarks: impl Fn(&Paired<'a>) -> usize) -> f64 {
        let each = self.paired.iter().map(|pair| {
            let benchmarks = benchmarks(pair);
            let rounds = runs.end.min(pair.rounds()).saturating_sub(runs.start);
            if benchmarks == 0 || rounds == 0 {
                return 0.0;
            }
            let arms = pair.arms(self.plan.control).len() as f64;
            f64::from(rounds) * arms * pair.pace.process(benchmarks)
        });
        each.sum()
    }

    /// The expected seconds of a round that confirms only the slowest benchmark.
    pub(in crate::measure::trial) fn dearest(&self) -> f64 {
        let clocks = self.paired.iter().filter(|pair| pair.rounds() == u32::MAX);
        let each =
            clocks.map(|pair| pair.arms(self.plan.control).len() as f64 * pair.pace.process(1));
        each.max_by(f64::total_cmp).unwrap_or_default()
    }
}
