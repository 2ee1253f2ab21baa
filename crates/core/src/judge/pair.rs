//! Puts the two sides of each measurement beside each other.

use std::collections::BTreeMap;

use super::Case;
use super::paired::Differences;
use super::report::{Change, Row, Side};
use crate::model::{BenchId, Costs, Direction, Measurement, Metric, Nature, Pairing, Reading};
use crate::policy::Gate;
use crate::stats::{self, Difference};

/// Confidence level of the intervals that are shown.
pub(super) const SHOWN_LEVEL: f64 = 0.95;

/// One metric of one benchmark, with either side or both.
#[derive(Clone, Debug)]
pub(super) struct Pair<'a> {
    pub(super) id: BenchId,
    pub(super) metric: Metric,
    pub(super) baseline: Option<Side>,
    pub(super) candidate: Option<Side>,
    /// How far apart; only where both sides are there.
    pub(super) effect: Option<Effect>,
    /// What the functions took on either side, where that was counted.
    pub(super) costs: [Option<&'a Costs>; 2],
}

/// How far the sides are apart. Changes are ln(candidate / baseline).
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Effect {
    /// The code on both sides is the same: nothing was measured.
    Identical,
    /// From processes in pairs.
    Paired(Differences),
    /// From runs that vary.
    Sampled {
        /// Difference of the mean logarithms of the runs.
        change: f64,
        /// What is known of its uncertainty; nothing with one run a side.
        test: Option<Difference>,
        /// Whether earlier runs show the spread that a lone run cannot.
        stands_in: bool,
        /// What of the change the whole suite has in common, where that is to be
        /// subtracted.
        shift: Option<f64>,
    },
    /// From counts.
    Counted {
        /// Logarithm of the ratio of medians.
        change: f64,
        /// The largest range within a side, relative to its value; 0 for counts
        /// that every run repeated.
        range: f64,
        /// Logarithm of the ratio of the two readings that are closest to each
        /// other; 0 where the sides' ranges overlap. Equal to `change` for counts
        /// that every run repeated.
        gap: f64,
    },
    /// One side is zero: no ratio exists.
    Zero {
        /// Candidate less baseline, in the metric's unit.
        difference: f64,
        /// Whether every run of each side gave that side's value.
        steady: bool,
    },
    /// A value is negative: a change in percent would mean nothing.
    Negative,
}

impl Pair<'_> {
    /// The row that shows it, not judged.
    pub(super) fn into_row(self, gate: Gate) -> Row {
        let change = match &self.effect {
            Some(Effect::Identical) => {
                Some(Change { estimate: 0.0, lower: Some(0.0), upper: Some(0.0) })
            }
            Some(Effect::Paired(differences)) => {
                let interval = differences.interval(SHOWN_LEVEL);
                Some(Change {
                    estimate: differences.centre().exp_m1(),
                    lower: interval.map(|interval| interval.lower.exp_m1()),
                    upper: interval.map(|interval| interval.upper.exp_m1()),
                })
            }
            Some(Effect::Sampled { change, test, .. }) => Some(shown(*change, test.as_ref())),
            Some(Effect::Counted { change, range, .. }) => {
                let change = change.exp_m1();
                let exact = (*range == 0.0).then_some(change);
                Some(Change { estimate: change, lower: exact, upper: exact })
            }
            Some(Effect::Zero { .. } | Effect::Negative) | None => None,
        };
        let pairs = match &self.effect {
            Some(Effect::Paired(differences)) => {
                differences.shown().iter().map(|difference| difference.exp_m1()).collect()
            }
            _ => Vec::new(),
        };
        let adjusted = match &self.effect {
            Some(Effect::Sampled { change, test, shift: Some(shift), .. }) => {
                Some(shown(change - shift, test.as_ref()))
            }
            _ => None,
        };
        let BenchId { name, target } = self.id;
        let (target, package) = target.map(|target| (target.name, target.package)).unzip();
        Row {
            id: name,
            target,
            package: package.flatten(),
            metric: self.metric.name,
            unit: self.metric.unit.to_string(),
            higher_is_better: self.metric.better == Direction::Higher,
            counted: self.metric.nature == Nature::Counted,
            gate,
            baseline: self.baseline,
            candidate: self.candidate,
            change: change.filter(|change| change.estimate.is_finite()),
            pairs,
            adjusted: adjusted.filter(|change| change.estimate.is_finite()),
            judgement: None,
        }
    }
}

/// A change with the interval around it.
fn shown(change: f64, test: Option<&Difference>) -> Change {
    let half = test.map(|test| test.half_width(SHOWN_LEVEL));
    Change {
        estimate: change.exp_m1(),
        lower: half.map(|half| (change - half).exp_m1()),
        upper: half.map(|half| (change + half).exp_m1()),
    }
}

/// The measurements of one name and metric: the baseline's, the candidate's.
type Sides<'a> = [Vec<&'a Measurement>; 2];

/// Every measurement of either side, once, in the order of ids and metrics.
pub(super) fn pairs<'a>(case: &Case<'a>) -> Vec<Pair<'a>> {
    let mut by_name: BTreeMap<(&str, &Metric), Sides> = BTreeMap::new();
    let sides = [case.baseline, Some(case.candidate)];
    for (which, snapshot) in sides.into_iter().enumerate() {
        for measurement in snapshot.iter().flat_map(|snapshot| &snapshot.measurements) {
            // The whole metric: another unit is another metric.
            let key = (measurement.id.name.as_str(), &measurement.metric);
            by_name.entry(key).or_default()[which].push(measurement);
        }
    }
    let pairing = case.pairing();
    let mut pairs: Vec<Pair<'a>> = by_name
        .into_values()
        .flat_map(|[baseline, candidate]| match_up(pairing, baseline, candidate))
        .collect();
    pairs.extend(pairing.iter().flat_map(|pairing| &pairing.identical).map(|id| Pair {
        id: id.clone(),
        metric: Metric::time(),
        baseline: None,
        candidate: None,
        effect: Some(Effect::Identical),
        costs: [None, None],
    }));
    pairs
}

/// Pairs measurements of one name and metric: first those whose target and
/// package agree to the letter, then those where one side does not know them and
/// only one partner is possible. The rest stands alone.
fn match_up<'a>(
    pairing: Option<&Pairing>,
    baseline: Vec<&'a Measurement>,
    candidate: Vec<&'a Measurement>,
) -> Vec<Pair<'a>> {
    let pair = |baseline, candidate| pair(pairing, baseline, candidate);
    let mut pairs = Vec::new();
    let mut left: Vec<&'a Measurement> = candidate;
    let mut open = Vec::new();
    for base in baseline {
        match left.iter().position(|other| other.id == base.id) {
            Some(at) => pairs.push(pair(Some(base), Some(left.remove(at)))),
            None => open.push(base),
        }
    }
    for base in &open {
        let partners: Vec<usize> =
            (0..left.len()).filter(|&at| left[at].id.may_equal(&base.id)).collect();
        let rivals = |at: usize| open.iter().filter(|o| o.id.may_equal(&left[at].id)).count();
        match partners[..] {
            [at] if rivals(at) == 1 => pairs.push(pair(Some(base), Some(left.remove(at)))),
            _ => pairs.push(pair(Some(base), None)),
        }
    }
    pairs.extend(left.into_iter().map(|other| pair(None, Some(other))));
    pairs
}

fn pair<'a>(
    pairing: Option<&Pairing>,
    baseline: Option<&'a Measurement>,
    candidate: Option<&'a Measurement>,
) -> Pair<'a> {
    // The candidate's identity is the one a reader can act on; it may lack a
    // target that the baseline knows.
    let named = candidate.or(baseline).expect("one side is there");
    let id = match baseline {
        Some(baseline) => named.id.clone().completed_by(&baseline.id),
        None => named.id.clone(),
    };
    let metric = named.metric.clone();
    let differences = match (pairing, baseline, candidate) {
        (Some(pairing), Some(base), Some(head)) if metric.nature == Nature::Sampled => {
            let differences = Differences::of(pairing, &run_values(base), &run_values(head));
            (differences.pairs() > 0).then_some(differences)
        }
        _ => None,
    };
    let costs = [baseline, candidate].map(|side| side.and_then(|one| one.costs.as_ref()));
    let baseline = baseline.and_then(side);
    let candidate = candidate.and_then(side);
    let effect = match (&baseline, &candidate) {
        (Some(baseline), Some(candidate)) => Some(match differences {
            Some(differences) => Effect::Paired(differences),
            None => effect(&metric, baseline, candidate),
        }),
        _ => None,
    };
    Pair { id, metric, baseline, candidate, effect, costs }
}

fn side(measurement: &Measurement) -> Option<Side> {
    let runs: Vec<f64> =
        measurement.runs.iter().filter_map(|run| run_value(&run.reading)).collect();
    let logs: Vec<f64> = runs.iter().map(|value| value.ln()).collect();
    let value = match measurement.metric.nature {
        // The mean that changes are ratios of: what is shown must divide.
        Nature::Sampled if logs.iter().all(|log| log.is_finite()) => stats::mean(&logs)?.exp(),
        Nature::Sampled | Nature::Counted => stats::median(&runs)?,
    };
    Some(Side { value, runs })
}

/// The number of each run that has a logarithm, with the run's index.
fn run_values(measurement: &Measurement) -> Vec<(u32, f64)> {
    let values =
        measurement.runs.iter().filter_map(|one| Some((one.run, run_value(&one.reading)?)));
    values.filter(|(_, value)| *value > 0.0 && value.is_finite()).collect()
}

/// The one number of a run: samples within a run only ever refine this.
pub fn run_value(reading: &Reading) -> Option<f64> {
    match reading {
        Reading::Samples { samples, .. } => stats::median(&samples.per_iteration()),
        Reading::Estimates(estimates) => Some(estimates.median.point),
        Reading::Value(value) => Some(*value),
    }
}

fn effect(metric: &Metric, baseline: &Side, candidate: &Side) -> Effect {
    let any = |what: fn(f64) -> bool| {
        baseline.runs.iter().chain(&candidate.runs).any(|value| what(*value))
    };
    let equal = baseline.runs.iter().chain(&candidate.runs).all(|v| *v == baseline.runs[0]);
    if metric.nature == Nature::Counted && equal {
        // Also where both are zero.
        return Effect::Counted { change: 0.0, range: 0.0, gap: 0.0 };
    }
    if any(|value| value < 0.0) {
        return Effect::Negative;
    }
    let steady = |side: &Side| side.runs.iter().all(|value| *value == side.runs[0]);
    let zero = match metric.nature {
        // One run of zero has no logarithm.
        Nature::Sampled => any(|value| value == 0.0),
        Nature::Counted => baseline.value == 0.0 || candidate.value == 0.0,
    };
    if zero {
        return Effect::Zero {
            difference: candidate.value - baseline.value,
            steady: steady(baseline) && steady(candidate),
        };
    }
    match metric.nature {
        Nature::Counted => Effect::Counted {
            change: (candidate.value / baseline.value).ln(),
            range: relative_range(baseline).max(relative_range(candidate)),
            gap: gap(baseline, candidate),
        },
        Nature::Sampled => {
            let logs = |side: &Side| side.runs.iter().map(|v| v.ln()).collect::<Vec<f64>>();
            let (baseline, candidate) = (logs(baseline), logs(candidate));
            let mean = |logs: &[f64]| stats::mean(logs).unwrap_or_default();
            Effect::Sampled {
                change: mean(&candidate) - mean(&baseline),
                test: stats::two_sample(&baseline, &candidate).map(Difference::from),
                stands_in: false,
                shift: None,
            }
        }
    }
}

/// (max − min) / value: how far a side's runs lie apart.
fn relative_range(side: &Side) -> f64 {
    let (least, most) = range(side);
    (most - least) / side.value
}

/// How far the sides' ranges are apart, as a logarithm. A count that falls on one
/// of two values, as timing will have it, has readings of both on either side.
fn gap(baseline: &Side, candidate: &Side) -> f64 {
    let ((base_least, base_most), (least, most)) = (range(baseline), range(candidate));
    if least > base_most {
        (least / base_most).ln()
    } else if most < base_least {
        (most / base_least).ln()
    } else {
        0.0
    }
}

/// The least and the largest of a side's runs, none of which is negative.
fn range(side: &Side) -> (f64, f64) {
    let least = side.runs.iter().copied().fold(f64::INFINITY, f64::min);
    (least, side.runs.iter().copied().fold(0.0, f64::max))
}
