//! Decides every row of a comparison by the policy's limits.
//!
//! Each step is a function of the values that the steps before it made:
//!
//! 1. `contest`: a pair gets its limits, and the question that is to be decided.
//! 2. `levels`: tests of many rows share one error rate.
//! 3. `row`: each row is decided by its own data.
//! 4. `witness`: the instructions of a benchmark join the decision on its clock.
//! 5. `overload`: a busy machine puts decisions of the clock in doubt.
//! 6. `weigh`: a decision gets its severity.

mod cause;
mod caveat;
mod contest;
mod decision;
mod levels;
mod overload;
mod row;
mod scale;
mod weigh;
mod witness;

pub(crate) use caveat::Caveat;
pub(crate) use contest::Contest;
pub(crate) use decision::Decision;
pub(crate) use witness::Counterpart;

use super::case::Case;
use super::compare::{Comparison, Effect};
use super::report::{Judgement, Severity};
use crate::model::Pairing;
use crate::policy::Gate;
use levels::Level;
use scale::bound;

/// A row that its own data decided, with the second witness that it may have.
#[derive(Debug)]
pub(crate) struct Decided<'p> {
    pub(crate) contest: Contest<'p>,
    level: Option<Level>,
    pub(crate) decision: Decision,
    pub(crate) counterpart: Option<Counterpart>,
}

/// Decides every row by its own data, in the order of the pairs.
pub(crate) fn by_own_data<'p>(case: &Case<'_>, comparison: &'p Comparison<'_>) -> Vec<Decided<'p>> {
    let contests = contest::all(case, comparison);
    let shards = case.pairing().and_then(Pairing::shard).map_or(1, |shard| shard.number.of());
    let levels = levels::holm(&contests, shards);
    let alpha = case.policy.verdict.alpha;
    let decisions: Vec<Decision> = contests
        .iter()
        .zip(&levels)
        .map(|(contest, level)| row::decide(contest, *level, alpha))
        .collect();
    let counterparts = witness::counterparts(case, &contests, &decisions);
    contests
        .into_iter()
        .zip(levels)
        .zip(decisions)
        .zip(counterparts)
        .map(|(((contest, level), decision), counterpart)| Decided {
            contest,
            level,
            decision,
            counterpart,
        })
        .collect()
}

/// The judgement on every row and the most that the row may do, in the order of the pairs.
pub(crate) fn judgements(case: &Case<'_>, comparison: &Comparison<'_>) -> Vec<(Gate, Judgement)> {
    let overloads = case.snapshots().overloads();
    let judged = by_own_data(case, comparison).into_iter().map(|row| {
        let unexplained = row.is_unexplained();
        let Decided { contest, level, decision, counterpart } = row;
        let decision = witness::combine(&contest, counterpart, decision);
        let busy = case.policy.ab.machine_busy;
        let decision = overload::doubt(&contest, counterpart, &overloads, busy, decision);
        let rules = &case.policy.verdict;
        let judgement = weigh::judgement(&contest, level, unexplained, rules, decision);
        (contest.limits.gate, judgement)
    });
    judged.collect()
}

impl Decided<'_> {
    /// Whether no instructions explain a slower clock.
    pub(crate) fn is_unexplained(&self) -> bool {
        self.counterpart.is_some_and(Counterpart::is_not_more)
    }

    /// Whether a run has too few observations for the statistic.
    pub(crate) fn is_unsupported(&self) -> bool {
        matches!(self.contest.pair.effect, Some(Effect::Unsupported(_)))
    }

    /// What it would do if it is a regression, whatever the most is that the row may do.
    pub(crate) fn severity_of_regression(&self) -> Severity {
        weigh::regression(&self.contest, self.is_unexplained(), &self.decision)
    }

    /// Whether its pairs rule out a change beyond `limit`.
    pub(crate) fn rules_out(&self, limit: f64) -> bool {
        let pair = self.contest.pair;
        let better = pair.metric.better;
        match &pair.effect {
            Some(Effect::Paired(differences)) => differences.clears(bound(limit, better), better),
            _ => false,
        }
    }
}
