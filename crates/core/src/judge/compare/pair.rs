//! Which measurements of the two sides belong together.

use std::collections::BTreeMap;

use super::effect::{Effect, Runs, Sampled};
use super::paired::{Differences, Phases};
use super::runs::SideRuns;
use super::slow::SlowProcesses;
use super::snapshots::Snapshots;
use crate::judge::report::Side;
use crate::model::{BenchId, Costs, Measurement, Metric, Nature, Pairing, Unmeasured};
use crate::stats;

/// One metric of one benchmark, with either side or both.
#[derive(Clone, Debug)]
pub(crate) struct Pair<'a, S = Sampled> {
    pub(crate) id: BenchId,
    pub(crate) metric: Metric,
    pub(crate) baseline: Option<Side>,
    pub(crate) candidate: Option<Side>,
    /// How far the sides are apart; absent where one of them is.
    pub(crate) effect: Option<Effect<S>>,
    /// The instructions of the functions on either side, where they were counted.
    pub(crate) costs: [Option<&'a Costs>; 2],
}

impl<'a> Pair<'a, Runs> {
    /// The same pair with the uncertainty of its sampled effect.
    pub(super) fn with(self, sampled: impl FnOnce(Runs) -> Sampled) -> Pair<'a> {
        let Self { id, metric, baseline, candidate, effect, costs } = self;
        let effect = effect.map(|effect| match effect {
            Effect::Sampled(runs) => Effect::Sampled(sampled(runs)),
            Effect::Unmeasured(why) => Effect::Unmeasured(why),
            Effect::Paired(differences) => Effect::Paired(differences),
            Effect::Slow(slow) => Effect::Slow(slow),
            Effect::Counted(counted) => Effect::Counted(counted),
            Effect::Zero(zero) => Effect::Zero(zero),
            Effect::Negative => Effect::Negative,
        });
        Pair { id, metric, baseline, candidate, effect, costs }
    }

    /// The runs of a sampled effect.
    pub(super) fn runs(&self) -> Option<&Runs> {
        match &self.effect {
            Some(Effect::Sampled(runs)) => Some(runs),
            _ => None,
        }
    }
}

/// The measurements of one name and metric: the baseline's, the candidate's.
type Named<'a> = [Vec<&'a Measurement>; 2];

/// Measurements that belong together.
enum Match<'a> {
    Baseline(&'a Measurement),
    Candidate(&'a Measurement),
    Both(&'a Measurement, &'a Measurement),
}

/// Every measurement of either side, once, in the order of ids and metrics.
pub(super) fn pairs(snapshots: Snapshots<'_>) -> Vec<Pair<'_, Runs>> {
    let mut by_name: BTreeMap<(&str, &Metric), Named> = BTreeMap::new();
    let sides = [snapshots.baseline, Some(snapshots.candidate)];
    for (which, snapshot) in sides.into_iter().enumerate() {
        for measurement in snapshot.iter().flat_map(|snapshot| &snapshot.measurements) {
            // The whole metric: another unit is another metric.
            let key = (measurement.id.name.as_str(), &measurement.metric);
            by_name.entry(key).or_default()[which].push(measurement);
        }
    }
    let pairing = snapshots.pairing();
    let matched = by_name.into_values().flat_map(match_up);
    let measured = matched.flat_map(|matched| {
        let pair = pair(pairing, &matched);
        let slow = pairing.and_then(|pairing| slow(pairing, &pair, &matched));
        [Some(pair), slow].into_iter().flatten()
    });
    let unmeasured = snapshots.pairing().into_iter().flat_map(Pairing::unmeasured);
    measured.chain(unmeasured.map(|(id, why)| self::unmeasured(id, why))).collect()
}

/// Matches measurements of one name and metric: first those whose target and package are
/// equal, then those where one side does not know them and only one partner is possible.
/// The rest remains alone.
fn match_up([baseline, candidate]: Named<'_>) -> Vec<Match<'_>> {
    let mut matched = Vec::new();
    let mut left = candidate;
    let mut unmatched = Vec::new();
    for base in baseline {
        match left.iter().position(|other| other.id == base.id) {
            Some(at) => matched.push(Match::Both(base, left.remove(at))),
            None => unmatched.push(base),
        }
    }
    for base in &unmatched {
        let partners: Vec<usize> =
            (0..left.len()).filter(|&at| left[at].id.may_equal(&base.id)).collect();
        let rivals = |at: usize| unmatched.iter().filter(|o| o.id.may_equal(&left[at].id)).count();
        match partners[..] {
            [at] if rivals(at) == 1 => matched.push(Match::Both(base, left.remove(at))),
            _ => matched.push(Match::Baseline(base)),
        }
    }
    matched.extend(left.into_iter().map(Match::Candidate));
    matched
}

fn pair<'a>(pairing: Option<&Pairing>, matched: &Match<'a>) -> Pair<'a, Runs> {
    let (named, baseline, candidate) = match *matched {
        Match::Baseline(only) => (only, Some(only), None),
        Match::Candidate(only) => (only, None, Some(only)),
        // The candidate's identity is the one that a reader can act on.
        Match::Both(baseline, candidate) => (candidate, Some(baseline), Some(candidate)),
    };
    let id = match baseline {
        // It may lack a target that the baseline knows.
        Some(baseline) => named.id.clone().completed_by(&baseline.id),
        None => named.id.clone(),
    };
    let metric = named.metric.clone();
    let costs = [baseline, candidate].map(|side| side.and_then(|side| side.costs.as_ref()));
    let [baseline, candidate] =
        [baseline, candidate].map(|measurement| measurement.and_then(SideRuns::of));
    let effect = match (&baseline, &candidate) {
        (Some(baseline), Some(candidate)) => {
            let differences = pairing
                .filter(|_| metric.nature == Nature::Sampled)
                .map(|pairing| Phases::of(pairing, &baseline.by_index(), &candidate.by_index()))
                .map(|phases| Differences::of(&phases))
                .filter(|differences| differences.pairs() > 0);
            Some(
                differences
                    .map_or_else(|| Effect::of(&metric, baseline, candidate), Effect::Paired),
            )
        }
        _ => None,
    };
    let [baseline, candidate] = [baseline, candidate].map(|runs| runs.map(|runs| runs.side));
    Pair { id, metric, baseline, candidate, effect, costs }
}

/// The slow processes of a benchmark whose time was measured in pairs, where there is a hint
/// that their share has grown.
fn slow<'a>(
    pairing: &Pairing,
    time: &Pair<'a, Runs>,
    matched: &Match<'a>,
) -> Option<Pair<'a, Runs>> {
    let (Some(Effect::Paired(differences)), Match::Both(baseline, candidate)) =
        (&time.effect, matched)
    else {
        return None;
    };
    if time.metric != Metric::time() {
        return None;
    }
    let [baseline, candidate] =
        [baseline, candidate].map(|side| SideRuns::of(side).map(|runs| runs.by_index()));
    let phases = Phases::of(pairing, &baseline?, &candidate?);
    let slow = SlowProcesses::hinted(&phases, stats::median(differences.shown())?)?;
    let side = |side: usize| {
        let runs = slow.side(side);
        Some(Side { value: stats::mean(&runs)?, runs })
    };
    Some(Pair {
        id: time.id.clone(),
        metric: SlowProcesses::metric(),
        baseline: side(0),
        candidate: side(1),
        effect: Some(Effect::Slow(slow)),
        costs: [None, None],
    })
}

/// A benchmark whose clock was not measured.
fn unmeasured<'a>(id: &BenchId, why: Unmeasured) -> Pair<'a, Runs> {
    Pair {
        id: id.clone(),
        metric: Metric::time(),
        baseline: None,
        candidate: None,
        effect: Some(Effect::Unmeasured(why)),
        costs: [None, None],
    }
}
