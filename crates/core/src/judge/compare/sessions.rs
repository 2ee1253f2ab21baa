//! The uncertainty of changes between two sessions: how far the sides would be apart if
//! nothing had changed.
//!
//! Two saved snapshots come from two sessions, so two things move a row: its runs, and
//! the session. The variance of runs is estimated from both sides and from the recorded
//! noise of the machine class, and drawn towards the typical variance of all rows; but it
//! is never taken to be less than the runs of the two sides show. Only sessions of equal
//! code can show how much sessions differ. That variance has two parts: the part that all
//! benchmarks of a session have in common (the machine was slow that day), and each
//! benchmark's own.

use std::collections::BTreeMap;

use super::comparability::Comparability;
use super::effect::{Effect, Runs, Sampled, Uncertainty};
use super::history::{History, Known, fit, sample_variance};
use super::pair::Pair;
use super::shift::Shift;
use crate::model::{Metric, Noise};
use crate::stats::{Difference, SampleVariance, VariancePrior};

/// Earlier runs that can replace the spread that a lone run cannot show.
const STAND_IN_RUNS: u32 = 20;

/// Standard deviations at which a run is nothing special.
const ORDINARY: f64 = 2.0;

/// The chance below which runs are noisier than those they are compared with. What is
/// known about those then does not apply to them.
const NOISIER: f64 = 0.05;

/// The level at which two estimates of an uncertainty are compared.
const COMPARED_LEVEL: f64 = 0.99;

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
    noise: Option<&Noise>,
    shift: Option<&Shift>,
    comparability: &Comparability,
) -> (Vec<Pair<'a>>, Coverage) {
    let history = History::of(noise);
    let evidence: Vec<Evidence> =
        pairs.iter().map(|pair| Evidence::of(pair, &history, shift)).collect();
    let priors = priors(&pairs, &evidence);
    let mut coverage = Coverage::default();
    let pairs = pairs.into_iter().zip(evidence).map(|(pair, evidence)| {
        let prior = priors.get(&pair.metric.name).copied();
        let pair = pair.with(|runs| sampled(&runs, &evidence, prior));
        if let Some(Effect::Sampled(Sampled { uncertainty: Some(_), lone_run: false, .. })) =
            pair.effect
            && comparability.blocking(&pair.metric).is_empty()
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
}

impl<'e> Evidence<'e> {
    fn of(pair: &Pair<'_, Runs>, history: &History<'_>, shift: Option<&'e Shift>) -> Self {
        let is_time = pair.metric == Metric::time();
        let known = pair.runs().map(|_| history.known(&pair.id, &pair.metric));
        Self {
            own: pair.runs().and_then(own_variance),
            known: known.unwrap_or_default(),
            shift: shift.filter(|_| is_time),
            common: history.common.filter(|_| is_time),
        }
    }
}

/// The variance of a change of a row, by its sources. With n and m runs on the sides, and
/// σ² the variance of a run, it is
///
/// - within a session σ²·(1/n + 1/m), and the uncertainty of a shift that was subtracted;
/// - between sessions σ²·(1/n + 1/m − 2s) + 2τ² + 2κ², and again that of a shift. τ² is the
///   variance of the mean of a session in this row, and κ² of what all times of a session
///   have in common. The mean of a session contains the noise of its runs, so τ² contains
///   s·σ² already, s being the mean of 1 / runs over the known sessions.
///
/// Instead of 2κ², the rows of the comparison themselves show what they have in common,
/// where there are enough of them.
#[derive(Clone, Copy)]
struct Variance {
    runs: SampleVariance,
    shift: Option<SampleVariance>,
    session: Option<SampleVariance>,
    common: Option<SampleVariance>,
}

impl Variance {
    fn around(&self, change: f64) -> Option<Difference> {
        let Self { runs, shift, session, common } = *self;
        let sources: Vec<SampleVariance> =
            [Some(runs), shift, session, common].into_iter().flatten().collect();
        Difference::new(change, &sources)
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
        uncertainty: uncertainty.map(|test| Uncertainty::new(test, subtracted)),
        lone_run: lone && !stands_in,
    }
}

/// A change with the uncertainty from the variance of a run: see [`Variance`].
fn uncertainty(runs: &Runs, run: SampleVariance, evidence: &Evidence<'_>) -> Option<Difference> {
    let Evidence { known, shift, common, .. } = evidence;
    let scaled = |part: SampleVariance, factor: f64| SampleVariance {
        variance: part.variance * factor,
        ..part
    };
    let each: f64 = runs.counts().iter().map(|count| 1.0 / *count as f64).sum();
    let left = shift.map(Shift::left);
    let is_subtracted = shift.is_some_and(|shift| shift.subtracted().is_some());
    let within = Variance {
        runs: scaled(run, each),
        // Without a subtraction only the noise of the runs themselves is covered.
        shift: left.filter(|_| is_subtracted),
        session: None,
        common: None,
    };
    let alone = within.around(runs.change)?;
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
        Some(whole) if half_width(&whole) > half_width(&alone) => Some(whole),
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

/// The variance that the runs of the two sides show.
fn own_variance(runs: &Runs) -> Option<SampleVariance> {
    let sides = runs.logs().iter().filter_map(|logs| sample_variance(logs));
    SampleVariance::pooled(sides).filter(|own| own.variance.is_finite())
}

/// The variance of a single run: that of all known runs, unless the sides' own runs are
/// clearly noisier. It is never less than these show.
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
    let least = own.map_or(0.0, |own| own.variance);
    Some(SampleVariance { variance: runs.variance.max(least), ..runs })
}
