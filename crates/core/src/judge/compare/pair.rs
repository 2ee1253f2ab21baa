//! Which measurements of the two sides belong together.

use std::collections::{BTreeMap, BTreeSet};

use super::effect::{Effect, Runs, Sampled, Unsupported};
use super::paired::{Differences, Phases};
use super::runs::SideRuns;
use super::slow::SlowProcesses;
use super::snapshots::Snapshots;
use crate::judge::report::{Observations, Side};
use crate::model::{
    BenchId, Costs, DistributionRow, Measurement, Metric, Nature, Pairing, Snapshot, Unmeasured,
};
use crate::stats;

/// One metric of one benchmark, with either side or both.
#[derive(Clone, Debug)]
pub(crate) struct Pair<'a, S = Sampled> {
    pub(crate) id: BenchId,
    pub(crate) metric: Metric,
    pub(crate) baseline: Option<Side>,
    pub(crate) candidate: Option<Side>,
    /// Of a statistic of a distribution: how many observations it rests on.
    pub(crate) observations: Option<Observations>,
    /// How far the sides are apart; absent where one of them was not measured.
    pub(crate) effect: Option<Effect<S>>,
    /// The instructions of the functions on either side, where they were counted.
    pub(crate) costs: [Option<&'a Costs>; 2],
}

impl<'a> Pair<'a, Runs> {
    /// The same pair with the uncertainty of its sampled effect.
    pub(super) fn with(self, sampled: impl FnOnce(Runs) -> Sampled) -> Pair<'a> {
        let Self { id, metric, baseline, candidate, observations, effect, costs } = self;
        let effect = effect.map(|effect| match effect {
            Effect::Sampled(runs) => Effect::Sampled(sampled(runs)),
            Effect::Unmeasured(why) => Effect::Unmeasured(why),
            Effect::Paired(differences) => Effect::Paired(differences),
            Effect::Slow(slow) => Effect::Slow(slow),
            Effect::Counted(counted) => Effect::Counted(counted),
            Effect::Zero(zero) => Effect::Zero(zero),
            Effect::Negative => Effect::Negative,
            Effect::Unsupported(unsupported) => Effect::Unsupported(unsupported),
        });
        Pair { id, metric, baseline, candidate, observations, effect, costs }
    }

    /// The runs of a sampled effect.
    pub(super) fn runs(&self) -> Option<&Runs> {
        match &self.effect {
            Some(Effect::Sampled(runs)) => Some(runs),
            _ => None,
        }
    }
}

/// One row of one side.
#[derive(Clone, Debug)]
struct Measured<'a> {
    id: &'a BenchId,
    metric: Metric,
    /// Absent where no run has a number, or all runs together have too few observations.
    runs: Option<SideRuns>,
    /// Of a statistic of a distribution.
    distribution: Option<Support>,
    costs: Option<&'a Costs>,
}

/// The observations of one side that a statistic rests on.
#[derive(Clone, Copy, Debug)]
struct Support {
    needed: u64,
    observations: u64,
    /// Those of the run that has the fewest.
    fewest: u64,
}

impl<'a> Measured<'a> {
    fn of(measurement: &'a Measurement) -> Self {
        Self {
            id: &measurement.id,
            metric: measurement.metric.clone(),
            runs: SideRuns::of(measurement),
            distribution: None,
            costs: measurement.costs.as_ref(),
        }
    }

    fn of_row(id: &'a BenchId, row: DistributionRow) -> Self {
        let runs = SideRuns::of_row(&row);
        let DistributionRow { metric, needed, observations, fewest, .. } = row;
        let distribution = Some(Support { needed, observations, fewest });
        Self { id, metric, runs, distribution, costs: None }
    }
}

/// The rows of one name and metric: the baseline's, the candidate's.
type Named<'a> = [Vec<Measured<'a>>; 2];

/// Rows that belong together.
enum Match<'m, 'a> {
    Baseline(&'m Measured<'a>),
    Candidate(&'m Measured<'a>),
    Both(&'m Measured<'a>, &'m Measured<'a>),
}

/// Every row of either side, once, in the order of ids and metrics.
pub(super) fn pairs(snapshots: Snapshots<'_>) -> Vec<Pair<'_, Runs>> {
    let sides = [snapshots.baseline, Some(snapshots.candidate)];
    let kinds = kinds_of_failures(sides);
    let mut by_name: BTreeMap<(&str, Metric), Named> = BTreeMap::new();
    for (which, snapshot) in sides.into_iter().enumerate() {
        let measurements = snapshot.iter().flat_map(|snapshot| &snapshot.measurements);
        for measured in measurements.flat_map(|measurement| rows(measurement, &kinds)) {
            // The whole metric: another unit is another metric.
            let key = (measured.id.name.as_str(), measured.metric.clone());
            by_name.entry(key).or_default()[which].push(measured);
        }
    }
    let pairing = snapshots.pairing();
    let mut pairs = Vec::new();
    for named in by_name.values() {
        for matched in match_up(named) {
            let pair = pair(pairing, &matched);
            let slow = pairing.and_then(|pairing| slow(pairing, &pair, &matched));
            pairs.extend([Some(pair), slow].into_iter().flatten());
        }
    }
    let unmeasured = pairing.into_iter().flat_map(Pairing::unmeasured);
    pairs.extend(unmeasured.map(|(id, why)| self::unmeasured(id, why)));
    pairs
}

/// By the name of a benchmark and of a distribution, the kinds of failures that either side
/// knows: a kind that one of them did not see is zero there.
type Kinds<'a> = BTreeMap<(&'a str, &'a str), BTreeSet<&'a str>>;

fn kinds_of_failures(sides: [Option<&Snapshot>; 2]) -> Kinds<'_> {
    let mut kinds = Kinds::new();
    for measurement in sides.into_iter().flatten().flat_map(|side| &side.measurements) {
        let key = (measurement.id.name.as_str(), measurement.metric.name.as_str());
        for kind in measurement.kinds_of_failures() {
            kinds.entry(key).or_default().insert(kind);
        }
    }
    kinds
}

/// The rows of a measurement: one for each statistic of a distribution.
fn rows<'a>(measurement: &'a Measurement, kinds: &Kinds<'_>) -> Vec<Measured<'a>> {
    let key = (measurement.id.name.as_str(), measurement.metric.name.as_str());
    let none = BTreeSet::new();
    match measurement.rows(kinds.get(&key).unwrap_or(&none)) {
        Some(rows) => rows.into_iter().map(|row| Measured::of_row(&measurement.id, row)).collect(),
        None => vec![Measured::of(measurement)],
    }
}

/// Matches rows of one name and metric: first those whose target and package are equal, then
/// those where one side does not know them and only one partner is possible. The rest
/// remains alone.
fn match_up<'m, 'a>([baseline, candidate]: &'m Named<'a>) -> Vec<Match<'m, 'a>> {
    let mut matched = Vec::new();
    let mut left: Vec<&Measured<'_>> = candidate.iter().collect();
    let mut unmatched = Vec::new();
    for base in baseline {
        match left.iter().position(|other| other.id == base.id) {
            Some(at) => matched.push(Match::Both(base, left.remove(at))),
            None => unmatched.push(base),
        }
    }
    for base in &unmatched {
        let partners: Vec<usize> =
            (0..left.len()).filter(|&at| left[at].id.may_equal(base.id)).collect();
        let rivals = |at: usize| unmatched.iter().filter(|o| o.id.may_equal(left[at].id)).count();
        match partners[..] {
            [at] if rivals(at) == 1 => matched.push(Match::Both(base, left.remove(at))),
            _ => matched.push(Match::Baseline(base)),
        }
    }
    matched.extend(left.into_iter().map(Match::Candidate));
    matched
}

fn pair<'a>(pairing: Option<&Pairing>, matched: &Match<'_, 'a>) -> Pair<'a, Runs> {
    let (named, baseline, candidate) = match *matched {
        Match::Baseline(only) => (only, Some(only), None),
        Match::Candidate(only) => (only, None, Some(only)),
        // The candidate's identity is the one that a reader can act on.
        Match::Both(baseline, candidate) => (candidate, Some(baseline), Some(candidate)),
    };
    let id = match baseline {
        // It may lack a target that the baseline knows.
        Some(baseline) => named.id.clone().completed_by(baseline.id),
        None => named.id.clone(),
    };
    let sides = [baseline, candidate];
    let effect = match matched {
        Match::Both(baseline, candidate) => effect(pairing, baseline, candidate),
        Match::Baseline(_) | Match::Candidate(_) => None,
    };
    let [base, head] =
        sides.map(|side| side.and_then(|side| Some(side.runs.as_ref()?.side.clone())));
    Pair {
        id,
        metric: named.metric.clone(),
        baseline: base,
        candidate: head,
        observations: observations(sides),
        effect,
        costs: sides.map(|side| side.and_then(|side| side.costs)),
    }
}

/// How far two sides are apart; absent if a side has no number, although all its runs have
/// enough observations.
fn effect(
    pairing: Option<&Pairing>,
    baseline: &Measured<'_>,
    candidate: &Measured<'_>,
) -> Option<Effect<Runs>> {
    let metric = &candidate.metric;
    let comparable = |side: &Measured<'_>| {
        side.distribution.is_none() || side.runs.as_ref().is_some_and(SideRuns::can_be_compared)
    };
    if !comparable(baseline) || !comparable(candidate) {
        let supports = || [baseline, candidate].into_iter().filter_map(|side| side.distribution);
        return Some(Effect::Unsupported(Unsupported {
            needed: supports().map(|support| support.needed).max().unwrap_or_default(),
            fewest: supports().map(|support| support.fewest).min().unwrap_or_default(),
        }));
    }
    let (baseline, candidate) = (baseline.runs.as_ref()?, candidate.runs.as_ref()?);
    let differences = pairing
        .filter(|_| metric.nature == Nature::Sampled)
        .map(|pairing| Phases::of(pairing, &baseline.by_index(), &candidate.by_index()))
        .map(|phases| Differences::of(&phases))
        .filter(|differences| differences.pairs() > 0);
    Some(differences.map_or_else(|| Effect::of(metric, baseline, candidate), Effect::Paired))
}

/// The observations of both sides, if the row is a statistic of a distribution on either.
fn observations(sides: [Option<&Measured<'_>>; 2]) -> Option<Observations> {
    let support = sides.map(|side| side?.distribution);
    let needed = support.iter().flatten().map(|support| support.needed).max()?;
    let [baseline, candidate] = support.map(|support| Some(support?.observations));
    Some(Observations { needed, baseline, candidate })
}

/// The slow processes of a benchmark whose time was measured in pairs, where there is a hint
/// that their share has grown.
fn slow<'a>(
    pairing: &Pairing,
    time: &Pair<'a, Runs>,
    matched: &Match<'_, 'a>,
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
        [baseline, candidate].map(|side| side.runs.as_ref().map(SideRuns::by_index));
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
        observations: None,
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
        observations: None,
        effect: Some(Effect::Unmeasured(why)),
        costs: [None, None],
    }
}
