//! The share of slow processes, which the typical process does not show.
//!
//! If a third of the processes of one side take half as long again, the median difference of
//! the pairs hardly moves, and the clock's row is rightly called unchanged: it speaks of the
//! typical process. A grown share of slow processes therefore has a row of its own, as soon
//! as there is a hint of it.

use super::chances::Chances;
use super::paired::Phases;
use crate::model::{Metric, Unit};
use crate::stats;

/// A process is slow if it takes this much longer than the faster quarter of all processes
/// of both sides.
const SLOW: f64 = 0.2;

/// The quantile of all processes that slow ones are compared with: the lower of two speeds,
/// even where most processes of both sides have the higher one.
const REFERENCE: f64 = 0.25;

/// The chance up to which pairs hint at a grown share: two slow processes of the head and none
/// of the base in the few pairs of a screening, three later. A hint only means that the
/// benchmark is measured again.
const SCREENING_HINT: f64 = 0.25;
const HINT: f64 = 0.125;

/// How many processes of each side were slow.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SlowProcesses {
    /// Whether each process was slow, of all pairs.
    flags: Vec<[bool; 2]>,
    /// The number of pairs that screened: those after them are fresh.
    screening: usize,
    /// The number of looks that the trial may take.
    looks: usize,
}

impl SlowProcesses {
    /// The metric of the row.
    pub(crate) const METRIC: &str = "slow_processes";

    /// The metric of the row.
    pub(super) fn metric() -> Metric {
        Metric::sampled(Self::METRIC, Unit::Share)
    }

    /// From pairs of processes. `None` without a hint that the head has more slow ones, and
    /// where most pairs became so much slower that the row of the typical process says it
    /// all: `middle` is the median of their differences.
    pub(super) fn hinted(phases: &Phases, middle: f64) -> Option<Self> {
        let Phases { screening, confirming, looks, .. } = phases;
        let pairs = || screening.iter().chain(confirming);
        let times: Vec<f64> = pairs().flatten().copied().collect();
        let limit = stats::quantile(&times, REFERENCE)? * (1.0 + SLOW);
        let flags: Vec<[bool; 2]> = pairs().map(|pair| pair.map(|time| time > limit)).collect();
        let slow = Self { flags, screening: screening.len(), looks: *looks };
        let hint = if confirming.is_empty() { SCREENING_HINT } else { HINT };
        let typical = middle > SLOW.ln_1p() / 2.0;
        (!typical && chance(&slow.flags) <= hint).then_some(slow)
    }

    /// The pairs that are shown: the fresh ones, if there are any.
    fn shown(&self) -> &[[bool; 2]] {
        let fresh = &self.flags[self.screening..];
        if fresh.is_empty() { &self.flags } else { fresh }
    }

    /// The chances, adjusted for the looks. Only fresh pairs can prove anything.
    pub(crate) fn chances(&self) -> Option<Chances> {
        let worse = (chance(self.shown()) * self.looks as f64).min(1.0);
        (self.flags.len() > self.screening).then_some(Chances { worse, better: 1.0 })
    }

    /// For each process of a side 1 if it was slow, else 0.
    pub(super) fn side(&self, side: usize) -> Vec<f64> {
        self.shown().iter().map(|flags| f64::from(u8::from(flags[side]))).collect()
    }

    /// The number of pairs that are shown.
    pub(crate) fn pairs(&self) -> usize {
        self.shown().len()
    }
}

/// The sign test of the pairs in which one process was slow and the other was not: the
/// chance of so many that were the head's, if either side were as likely. Which process
/// is called slow does not depend on its side, so the test is exact.
///
/// Q. McNemar, "Note on the sampling error of the difference between correlated
/// proportions or percentages", Psychometrika 12(2), 1947.
fn chance(flags: &[[bool; 2]]) -> f64 {
    let only =
        |side: usize| flags.iter().filter(|flags| flags[side] && !flags[1 - side]).count() as u64;
    stats::sign_test(only(1), only(0) + only(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TrialSide;

    fn phases(screening: Vec<[f64; 2]>, confirming: Vec<[f64; 2]>) -> Phases {
        Phases { screening, confirming, looks: 3, ..Phases::default() }
    }

    /// So many pairs, of which the first few have a slow process on that side.
    fn pairs(all: usize, slow: usize, side: TrialSide) -> Vec<[f64; 2]> {
        let mut pairs = vec![[100.0, 100.0]; all];
        pairs
            .iter_mut()
            .take(slow)
            .for_each(|pair| pair[usize::from(side == TrialSide::Head)] = 150.0);
        pairs
    }

    #[test]
    fn a_grown_share_is_hinted_at_and_tested_exactly() {
        let of = |all, slow, side| {
            SlowProcesses::hinted(&phases(Vec::new(), pairs(all, slow, side)), 0.0)
        };
        let slow = of(28, 8, TrialSide::Head).expect("a hint");
        let chances = slow.chances().expect("fresh pairs");
        assert!((chances.worse * 256.0 / 3.0 - 1.0).abs() < 1e-12);
        assert_eq!(chances.better, 1.0);
        assert_eq!(
            (slow.side(0).iter().sum::<f64>(), slow.side(1).iter().sum::<f64>()),
            (0.0, 8.0)
        );
        assert_eq!(of(28, 8, TrialSide::Base), None);
        assert_eq!(of(28, 0, TrialSide::Head), None);
    }

    #[test]
    fn two_slow_processes_of_the_screening_are_a_hint_and_no_proof() {
        let screened =
            |slow| SlowProcesses::hinted(&phases(pairs(8, slow, TrialSide::Head), Vec::new()), 0.0);
        assert_eq!(screened(1), None);
        assert_eq!(screened(2).expect("a hint").chances(), None);
    }

    #[test]
    fn a_slower_typical_process_has_no_second_row() {
        let slower = vec![[100.0, 150.0]; 28];
        assert_eq!(SlowProcesses::hinted(&phases(Vec::new(), slower), 0.4), None);
    }

    #[test]
    fn the_higher_of_two_speeds_is_slow_even_where_most_processes_have_it() {
        // Half of the base, and five of six of the head.
        let pairs: Vec<[f64; 2]> = (0..60)
            .map(|n| {
                [if n % 2 == 0 { 100.0 } else { 150.0 }, if n % 6 == 0 { 100.0 } else { 150.0 }]
            })
            .collect();
        let slow = SlowProcesses::hinted(&phases(Vec::new(), pairs), 0.0).expect("a hint");
        assert_eq!(slow.side(1).iter().sum::<f64>(), 50.0);
    }
}
