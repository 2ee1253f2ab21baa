//! How strict each test has to be, since there are many.

use super::contest::{Contest, Data, Question};
use super::scale::bound;
use crate::judge::compare::Chances;
use crate::model::Metric;
use crate::policy::Gate;
use crate::stats;

/// The place of a row in the family of sampled rows that share the error rate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Level {
    /// Adjusted chances that the change is not beyond the tolerance.
    pub(super) chances: Chances,
    /// How many rows share the error rate.
    pub(super) family: usize,
}

/// Adjusts the chances of all sampled rows for how many they are, by Holm's method. Rows
/// that are only shown, and those that the screening of a trial cleared, are not tested,
/// so they are not in the family and have no level.
///
/// Slow processes have a row only if the data hint at them. Which rows exist must not
/// decide how large the family is, so each confirmed clock counts for two: its typical
/// process and its slow ones.
///
/// A shard of a suite does not know the rows of the others. Each of the `shards` is assumed
/// to have as many, so that a row that a shard decides is still decided if all are judged
/// together. Judging together does not rely on that.
pub(super) fn holm(contests: &[Contest<'_>], shards: u32) -> Vec<Option<Level>> {
    let chances: Vec<Option<Chances>> = contests.iter().map(tested).collect();
    let tested = || chances.iter().flatten();
    let without_row = std::iter::repeat_n(1.0, without_slow_row(contests));
    let worse: Vec<f64> = tested().map(|chances| chances.worse).chain(without_row).collect();
    let worse = stats::holm(&worse);
    let better = stats::holm(&tested().map(|chances| chances.better).collect::<Vec<_>>());
    let family = worse.len() * shards as usize;
    let shared = |chance: f64| (chance * f64::from(shards)).min(1.0);
    let mut adjusted = worse
        .into_iter()
        .zip(better)
        .map(|(worse, better)| Chances { worse: shared(worse), better: shared(better) });
    chances
        .iter()
        .map(|chances| {
            chances.and_then(|_| adjusted.next()).map(|chances| Level { chances, family })
        })
        .collect()
}

/// The number of confirmed clocks without a row of slow processes.
fn without_slow_row(contests: &[Contest<'_>]) -> usize {
    let count = |is_counted: fn(&Contest<'_>) -> bool| {
        contests.iter().filter(|contest| is_counted(contest) && tested(contest).is_some()).count()
    };
    let clocks = count(|contest| {
        let is_paired = matches!(contest.question, Question::Open { data: Data::Paired(_), .. });
        is_paired && contest.pair.metric == Metric::time()
    });
    let slow =
        count(|contest| matches!(contest.question, Question::Open { data: Data::Slow(_), .. }));
    clocks.saturating_sub(slow)
}

/// The chances of a row that is tested.
fn tested(contest: &Contest<'_>) -> Option<Chances> {
    let better = contest.pair.metric.better;
    let bound = bound(contest.limits.tolerance, better);
    if contest.limits.gate == Gate::Show {
        return None;
    }
    match contest.question {
        Question::Open { data: Data::Sampled(uncertainty), .. } => {
            Some(uncertainty.combined_chances(bound, better))
        }
        Question::Open { data: Data::Paired(differences), .. } if differences.confirmed() => {
            Some(differences.chances(bound, better))
        }
        Question::Open { data: Data::Slow(slow), .. } => slow.chances(),
        _ => None,
    }
}
