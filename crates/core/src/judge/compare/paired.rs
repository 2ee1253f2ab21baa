//! Base and head measured in turn, in pairs of fresh processes.
//!
//! Every benchmark is screened. If the screening does not rule out a change of the
//! target's size, the benchmark is measured again, and judged by those fresh pairs alone:
//! a choice made on the screening cannot raise the chance of a false alarm. The chance of
//! any false regression in a trial is at most `alpha`, whatever the screening showed. Each
//! look makes an exact test at `alpha` divided by the number of looks, and Holm's method
//! adjusts for the number of confirmed benchmarks.
//!
//! Differences between processes are heavy-tailed: one in ten may be far out. The centre
//! is therefore the Hodges–Lehmann estimate, and the test uses ranks.

use std::collections::BTreeMap;

use super::chances::Chances;
use crate::model::{Direction, Pairing, Part};
use crate::stats::{self, Alternative, Interval};

/// The chance that a one-sided bound that clears a benchmark is wrong.
const CLEARING_ALPHA: f64 = 0.02;

/// The differences of a benchmark's pairs, ln(head / base), one for each pair.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Differences {
    /// Differences of the screening pairs.
    screening: Vec<f64>,
    /// Differences of the confirming pairs, up to the last look that was reached.
    confirming: Vec<f64>,
    /// The number of looks that the trial may take.
    looks: usize,
    /// The trial's budget ended before everything was decided.
    out_of_time: bool,
    /// Which part of a merged trial measured it.
    part: usize,
}

impl Differences {
    /// The differences of pairs of processes.
    pub(super) fn of(phases: &Phases) -> Self {
        let difference = |pairs: &Vec<[f64; 2]>| {
            pairs.iter().map(|[base, head]| (head / base).ln()).collect::<Vec<f64>>()
        };
        let Phases { screening, confirming, looks, out_of_time, part } = phases;
        let (screening, confirming) = (difference(screening), difference(confirming));
        Self { screening, confirming, looks: *looks, out_of_time: *out_of_time, part: *part }
    }

    /// Which part of a merged trial measured it: 0 in any other trial.
    pub(crate) fn part(&self) -> usize {
        self.part
    }

    /// The differences that are shown: the confirming ones, if there are any.
    pub(crate) fn shown(&self) -> &[f64] {
        if self.confirming.is_empty() { &self.screening } else { &self.confirming }
    }

    /// The centre of the shown differences.
    pub(crate) fn centre(&self) -> f64 {
        stats::hodges_lehmann(self.shown()).unwrap_or_default()
    }

    /// The interval of the centre at a two-sided level.
    pub(crate) fn interval(&self, level: f64) -> Option<Interval> {
        stats::hodges_lehmann_interval(self.shown(), (1.0 - level) / 2.0)
    }

    /// Whether the benchmark was measured again, up to a look.
    pub(crate) fn confirmed(&self) -> bool {
        !self.confirming.is_empty()
    }

    /// Whether it was not measured again, or no further, because the trial's budget ended.
    pub(crate) fn out_of_time(&self) -> bool {
        self.out_of_time
    }

    /// The number of pairs that can prove a change, or only those of the screening.
    pub(crate) fn pairs(&self) -> usize {
        self.shown().len()
    }

    /// The differences of all pairs: those that can show that nothing changed.
    pub(crate) fn all(&self) -> Vec<f64> {
        self.screening.iter().chain(&self.confirming).copied().collect()
    }

    /// Chances that a change is not beyond `bound` for the worse, and not beyond
    /// its mirror for the better; adjusted for the looks, not for other rows.
    pub(crate) fn chances(&self, bound: f64, better: Direction) -> Chances {
        let (worse, improved) = match better {
            Direction::Lower => ((bound, Alternative::Above), (-bound, Alternative::Below)),
            Direction::Higher => ((-bound, Alternative::Below), (bound, Alternative::Above)),
        };
        let chance = |(bound, side)| {
            let p = stats::signed_rank(&self.confirming, bound, side).unwrap_or(1.0);
            (p * self.looks as f64).min(1.0)
        };
        Chances { worse: chance(worse), better: chance(improved) }
    }

    /// Whether a change of the target's size is ruled out: for the worse alone
    /// once confirmed, in both directions by the screening, so that improvements
    /// are confirmed too.
    ///
    /// All pairs count, those of the screening too. They may not prove a change, as they
    /// chose the benchmark for looking changed. That choice can only make them look more
    /// changed than the code is, so it makes a wrong clearance less likely.
    pub(crate) fn clears(&self, target: f64, better: Direction) -> bool {
        let Some(Interval { lower, upper }) =
            stats::hodges_lehmann_interval(&self.all(), CLEARING_ALPHA)
        else {
            return false;
        };
        let (worst, best) = match better {
            Direction::Lower => (upper, lower),
            Direction::Higher => (-lower, -upper),
        };
        worst < target && (self.confirmed() || best > -target)
    }

    /// Half the width of the interval that belongs to the test at `alpha`; `None` of too
    /// few pairs for that level.
    pub(crate) fn half_width(&self, alpha: f64) -> Option<f64> {
        let interval = stats::hodges_lehmann_interval(self.shown(), alpha / self.looks as f64)?;
        Some((interval.upper - interval.lower) / 2.0)
    }
}

/// The times of a benchmark's pairs, each the base's and the head's.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Phases {
    /// Pairs of the screening.
    pub(super) screening: Vec<[f64; 2]>,
    /// Confirming pairs up to the last look that was reached: later ones were measured for
    /// the next look.
    pub(super) confirming: Vec<[f64; 2]>,
    /// The number of looks that the trial may take.
    pub(super) looks: usize,
    /// The trial's budget ended before everything was decided.
    pub(super) out_of_time: bool,
    /// Which part of a merged trial measured them.
    pub(super) part: usize,
}

impl Phases {
    /// The runs that both sides have, by the index of each run. All of them are of one part
    /// of the trial.
    pub(super) fn of(pairing: &Pairing, base: &[(u32, f64)], head: &[(u32, f64)]) -> Self {
        let base: BTreeMap<u32, f64> = base.iter().copied().collect();
        let pairs = head.iter().filter_map(|(run, head)| Some((*run, [*base.get(run)?, *head])));
        let mut pairs: Vec<(u32, [f64; 2])> = pairs.collect();
        let parts = pairing.parts();
        let first = pairs.first().map_or(0, |(run, _)| *run);
        let part = parts.partition_point(|part| part.first_run <= first).saturating_sub(1);
        let Some(Part { first_run, screening, looks, out_of_time }) = parts.get(part) else {
            return Self::default();
        };
        if let Some(next) = parts.get(part + 1) {
            pairs.retain(|(run, _)| *run < next.first_run);
        }
        let (screening, confirming): (Vec<_>, Vec<_>) =
            pairs.into_iter().partition(|(run, _)| run.saturating_sub(*first_run) < *screening);
        let times = |pairs: Vec<(u32, [f64; 2])>| -> Vec<[f64; 2]> {
            pairs.into_iter().map(|(_, times)| times).collect()
        };
        let (screening, mut confirming) = (times(screening), times(confirming));
        let reached = looks.iter().rev().find(|look| **look as usize <= confirming.len());
        confirming.truncate(reached.map_or(0, |look| *look as usize));
        Self { screening, confirming, looks: looks.len(), out_of_time: *out_of_time, part }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Extent, Sources};

    fn pairing() -> Pairing {
        Pairing {
            trial: "t".to_owned(),
            seed: 1,
            screening: 2,
            looks: vec![3, 5],
            out_of_time: false,
            identical: Vec::new(),
            same_code: Vec::new(),
            not_reached: Vec::new(),
            control: false,
            set_up: Vec::new(),
            layouts: Vec::new(),
            sources: Sources::default(),
            extent: Extent::Whole,
        }
    }

    #[test]
    fn runs_of_one_index_are_a_pair_and_looks_end_the_data() {
        let base: Vec<(u32, f64)> = (0..7).map(|run| (run, 1.0)).collect();
        // Run 1 lacks its head, run 6 came after the last look that was reached.
        let head: Vec<(u32, f64)> = [0, 2, 3, 4, 5].map(|run| (run, f64::from(run) + 1.0)).into();
        let differences = Differences::of(&Phases::of(&pairing(), &base, &head));
        assert_eq!(differences.screening, [0.0]);
        assert_eq!(differences.confirming, [3.0_f64.ln(), 4.0_f64.ln(), 5.0_f64.ln()]);
        assert!(differences.confirmed());
        let two = Differences::of(&Phases::of(&pairing(), &base, &head[..3]));
        assert!(!two.confirmed(), "a look that was not reached is none");
    }

    #[test]
    fn the_screening_clears_in_both_directions_the_confirmation_in_one() {
        let of = |screening: f64, value: f64, confirming: usize| Differences {
            screening: vec![screening; 8],
            confirming: vec![value; confirming],
            looks: 3,
            out_of_time: false,
            part: 0,
        };
        let flat = |value: f64, confirming: usize| of(value, value, confirming);
        for (value, confirming, cleared) in
            [(0.001, 0, true), (0.05, 0, false), (-0.05, 0, false), (-0.05, 14, true)]
        {
            assert_eq!(flat(value, confirming).clears(0.03, Direction::Lower), cleared);
            assert_eq!(flat(-value, confirming).clears(0.03, Direction::Higher), cleared);
        }
        // The screening counts: alone the confirming pairs would clear the first.
        assert!(!of(0.05, 0.028, 5).clears(0.03, Direction::Lower));
        assert!(of(0.0, 0.028, 14).clears(0.03, Direction::Lower));
        let chances = flat(0.05, 14).chances(0.01, Direction::Lower);
        assert!((chances.worse - 3.0 / f64::from(1 << 14)).abs() < 1e-12);
        assert_eq!(chances.better, 1.0);
    }
}
