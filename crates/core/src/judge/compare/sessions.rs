//! The uncertainty of changes between two sessions: how far the sides would be apart if
//! nothing had changed.
//!
//! Two saved snapshots come from two sessions, so two things move a row: its runs, and
//! the session. The variance of runs is estimated from both sides and from the recorded
//! noise of the machine class, and drawn towards the typical variance of all rows, unless
//! the two sides are plainly noisier than both. Only sessions of equal code can show how
//! much sessions differ. That variance has two parts: the part that all benchmarks of a
//! session have in common (the machine was slow that day), and each benchmark's own.
//! Where no sessions show it, the policy's assumption takes its place.
//!
//! Runs have outliers, so changes are Hodges–Lehmann shifts, and the variance of runs is
//! that of their bulk: an outlier moves neither far.

use std::collections::BTreeMap;

use super::comparability::Comparability;
use super::effect::{Effect, Runs, Sampled, Sessions, Uncertainty};
use super::history::{History, Known, fit, is_by_clock};
use super::pair::Pair;
use super::shift::Shift;
use super::variance::Variance;
use crate::model::Metric;
use crate::stats::{self, Difference, SampleVariance, VariancePrior};

/// Earlier runs that can replace the spread that a lone run cannot show.
const STAND_IN_RUNS: u32 = 20;

/// Standard deviations at which a run is nothing special.
const ORDINARY: f64 = 2.0;

/// The chance below which runs are noisier than those they are compared with. What is
/// known about those then does not apply to them.
const NOISIER: f64 = 0.05;

/// The level at which two estimates of an uncertainty are compared.
const COMPARED_LEVEL: f64 = 0.99;

/// The variance of the Hodges–Lehmann shift of normal runs, for each of that of their
/// means' difference: π/3.
const SHIFT_OF_MEANS: f64 = std::f64::consts::PI / 3.0;

/// For how many rows it is known how much sessions differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Coverage {
    /// Sampled rows from two sessions that can be compared.
    pub(crate) rows: usize,
    /// Those of them for which it is known.
    pub(crate) known: usize,
}

/// Gives every sampled pair the uncertainty that its runs and the sessions leave.
pub(super) fn apply<'a>(
    pairs: Vec<Pair<'a, Runs>>,
    history: &History<'_>,
    shift: Option<&Shift>,
    comparability: &Comparability,
) -> (Vec<Pair<'a>>, Coverage) {
    let evidence: Vec<Evidence> =
        pairs.iter().map(|pair| Evidence::of(pair, history, shift)).collect();
    let priors = priors(&pairs, &evidence);
    let mut coverage = Coverage::default();
    let pairs = pairs.into_iter().zip(evidence).map(|(pair, evidence)| {
        let prior = priors.get(&pair.metric.name).copied();
        let pair = pair.with(|runs| sampled(&runs, &evidence, prior));
        if let Some(Effect::Sampled(Sampled { uncertainty: Some(_), lone_run: false, .. })) =
            pair.effect
            && comparability.blocking(&pair.metric).is_empty()
            && evidence.by_clock
        {
            coverage.rows += 1;
            coverage.known += usize::from(evidence.known.own_sessions);
        }
        pair
    });
    (pairs.collect(), coverage)
}

/// Everything that the uncertainty of a row rests on, besides the typical variance.
struct Evidence<'e> {
    /// The variance of the two sides' own runs.
    own: Option<SampleVariance>,
    /// From earlier sessions of the row.
    known: Known,
    /// What all times of the comparison have in common.
    shift: Option<&'e Shift>,
    /// The variance of what all times of a session have in common.
    common: Option<SampleVariance>,
    /// Whether the metric follows the speed of the machine.
    by_clock: bool,
    /// The variance of the means of sessions of the least steady time that is known.
    least_steady: Option<SampleVariance>,
}

impl<'e> Evidence<'e> {
    fn of(pair: &Pair<'_, Runs>, history: &History<'_>, shift: Option<&'e Shift>) -> Self {
        let is_time = pair.metric == Metric::time();
        let known = pair.runs().map(|_| history.known(&pair.id, &pair.metric));
        let known = known.unwrap_or_default();
        Self {
            own: pair.runs().and_then(own_variance),
            shift: shift.filter(|_| is_time),
            common: history.common_beside(&known, &pair.metric),
            by_clock: is_by_clock(&pair.metric),
            least_steady: history.least_steady.filter(|_| is_time),
            known,
        }
    }
}

/// The change of a row with its uncertainty.
fn sampled(runs: &Runs, evidence: &Evidence<'_>, prior: Option<VariancePrior>) -> Sampled {
    let Evidence { own, known, shift, .. } = evidence;
    let lone = runs.counts().contains(&1);
    let stands_in = lone && known.runs >= STAND_IN_RUNS;
    let subtracted = shift.and_then(Shift::subtracted);
    let uncertainty = run_variance(*own, known, prior).and_then(|variance| {
        let variance = if stands_in { no_odder(variance, known) } else { variance };
        uncertainty(runs, variance, evidence)
    });
    Sampled {
        change: runs.change,
        shift: subtracted,
        uncertainty: uncertainty.map(|(test, variance)| {
            Uncertainty::new(test, subtracted, variance, evidence.least_steady)
        }),
        lone_run: lone && !stands_in,
        sessions: Sessions {
            known: known.own_sessions || !evidence.by_clock,
            count: known.sessions,
            two_speeds: known.two_speeds,
        },
    }
}

/// A change with the uncertainty from the variance of a run: see [`Variance`].
fn uncertainty(
    runs: &Runs,
    run: SampleVariance,
    evidence: &Evidence<'_>,
) -> Option<(Difference, Variance)> {
    let Evidence { known, shift, common, .. } = evidence;
    let scaled = |part: SampleVariance, factor: f64| SampleVariance {
        variance: part.variance * factor,
        ..part
    };
    let each: f64 = runs.counts().iter().map(|count| 1.0 / *count as f64).sum();
    // Of normal runs the shift varies a little more than the difference of means.
    let shifts = runs.counts().iter().all(|count| *count > 2);
    let each = if shifts { each * SHIFT_OF_MEANS } else { each };
    let left = shift.map(Shift::left);
    let is_subtracted = shift.is_some_and(|shift| shift.subtracted().is_some());
    let within = Variance {
        runs: scaled(run, each),
        // Without a subtraction only the noise of the runs themselves is covered.
        shift: left.filter(|_| is_subtracted),
        session: None,
        common: None,
    };
    let alone = (within.around(runs.change)?, within);
    let Some(between) = known.between else { return Some(alone) };
    let whole = Variance {
        runs: scaled(run, (each - 2.0 * known.share).max(0.0)),
        session: Some(scaled(between, 2.0)),
        common: if is_subtracted {
            None
        } else {
            left.or_else(|| common.map(|common| scaled(common, 2.0)))
        },
        ..within
    };
    // Sessions cannot make anything surer than its own runs are.
    let half_width = |change: &Difference| change.half_width(COMPARED_LEVEL);
    match whole.around(runs.change) {
        Some(test) if half_width(&test) > half_width(&alone.0) => Some((test, whole)),
        _ => Some(alone),
    }
}

/// A lone run may be an odd one, and no other run of its side can tell: the spread is
/// taken to be such that the oddest run ever seen was nothing special.
fn no_odder(runs: SampleVariance, known: &Known) -> SampleVariance {
    let least = (known.widest / ORDINARY).powi(2);
    SampleVariance { variance: runs.variance.max(least), ..runs }
}

/// The typical variance of runs, by the metric's name.
fn priors(pairs: &[Pair<'_, Runs>], evidence: &[Evidence<'_>]) -> BTreeMap<String, VariancePrior> {
    let mut samples: BTreeMap<&str, Vec<SampleVariance>> = BTreeMap::new();
    for (pair, Evidence { own, known, .. }) in pairs.iter().zip(evidence) {
        let all = own.iter().copied().chain(known.within);
        samples.entry(&pair.metric.name).or_default().extend(SampleVariance::pooled(all));
    }
    let fitted = |(metric, samples): (&str, Vec<_>)| Some((metric.to_owned(), fit(&samples)?));
    samples.into_iter().filter_map(fitted).collect()
}

/// The variance that the bulk of the runs of the two sides shows.
fn own_variance(runs: &Runs) -> Option<SampleVariance> {
    let sides = runs.logs().iter().filter_map(|logs| stats::robust_variance(logs));
    SampleVariance::pooled(sides).filter(|own| own.variance.is_finite())
}

/// The variance of a single run: that of all known runs, unless the sides' own runs are
/// clearly noisier.
fn run_variance(
    own: Option<SampleVariance>,
    known: &Known,
    prior: Option<VariancePrior>,
) -> Option<SampleVariance> {
    let noisier = |runs: SampleVariance, than: SampleVariance| runs.exceeds(than, NOISIER);
    let mut runs = match (own, known.within) {
        (Some(own), Some(within)) if noisier(own, within) => own,
        (own, within) => SampleVariance::pooled(own.into_iter().chain(within))?,
    };
    if let Some(prior) = prior {
        let typical = SampleVariance { variance: prior.variance, degrees: prior.degrees };
        if !noisier(runs, typical) {
            runs = prior.moderate(runs);
        }
    }
    Some(runs)
}
