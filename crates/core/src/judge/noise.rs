//! How far the sides would lie apart if nothing had changed: method (a).
//!
//! Two saved snapshots come from two sessions, so two things move a row: its
//! runs, and the session. The variance of runs is estimated from both sides and
//! from what is known of the machine class, and drawn towards what is typical of
//! all rows; but it is never taken to be less than the sides' own runs show. How
//! much sessions differ can be told from sessions of equal code alone. It has two
//! parts: what all benchmarks of a session have in common (the machine was slow
//! that day), and what each has of its own.

use std::collections::BTreeMap;

use super::Case;
use super::comparability::Comparability;
use super::pair::{Effect, Pair};
use super::shift::Shift;
use crate::model::{Metric, Noise, NoiseRow};
use crate::stats::{self, Difference, SampleVariance, VariancePrior};

/// Fewer rows say too little of what is typical of rows.
const PRIOR_ROWS: usize = 4;

/// Fewer rows say too little of what they have in common.
pub(super) const COMMON_ROWS: usize = 10;

/// Earlier runs that may stand in for the spread that a lone run cannot show.
const STAND_IN_RUNS: u32 = 20;

/// Standard deviations at which a run is nothing special.
const ORDINARY: f64 = 2.0;

/// Degrees of freedom below which nothing is known of how much sessions differ.
const SESSION_DEGREES: f64 = 2.0;

/// The chance below which runs are noisier than those they are held against:
/// then what is known of those does not hold for them.
const NOISIER: f64 = 0.05;

/// Where two ways to reckon an uncertainty are held against each other.
const COMPARED_LEVEL: f64 = 0.99;

/// How far the knowledge of sessions reaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sessions {
    /// Sampled rows from two sessions that can be compared.
    pub(super) rows: usize,
    /// Those of them for which it is known how much sessions differ.
    pub(super) known: usize,
}

/// Gives every sampled pair from two sessions the uncertainty that runs and
/// sessions leave it.
pub(super) fn apply(
    case: &Case<'_>,
    comparability: &Comparability,
    shift: Option<&Shift>,
    pairs: &mut [Pair],
) -> Sessions {
    let history = History::of(case.noise);
    let known: Vec<Known> = pairs.iter().map(|pair| history.known(pair)).collect();
    let priors = priors(pairs, &known);
    let mut sessions = Sessions::default();
    for (pair, known) in pairs.iter_mut().zip(&known) {
        let own = own_variance(pair);
        let runs = run_variance(own, known, priors.get(&pair.metric.name).copied());
        let (Some(baseline), Some(candidate)) = (&pair.baseline, &pair.candidate) else { continue };
        let counts = [baseline, candidate].map(|side| side.runs.len());
        let each: f64 = counts.iter().map(|count| 1.0 / *count as f64).sum();
        let Some(Effect::Sampled { change, test, stands_in, shift: shifted }) = &mut pair.effect
        else {
            continue;
        };
        let is_time = pair.metric == Metric::time();
        let shift = shift.filter(|_| is_time);
        *shifted = shift.and_then(Shift::subtracted);
        *stands_in = counts.contains(&1) && known.runs >= STAND_IN_RUNS;
        let Some(runs) = runs else { continue };
        let scaled = |part: SampleVariance, factor: f64| SampleVariance {
            variance: part.variance * factor,
            ..part
        };
        let runs = if *stands_in { no_odder(runs, known) } else { runs };
        let mut parts = vec![scaled(runs, each)];
        // Without a subtraction the runs' own noise is all that is claimed.
        parts.extend(shift.filter(|_| shifted.is_some()).map(Shift::left));
        let Some(alone) = Difference::new(*change, &parts) else { continue };
        if let Some(between) = known.between {
            // A session's mean holds the noise of its runs already.
            parts[0] = scaled(runs, (each - 2.0 * known.share).max(0.0));
            parts.push(scaled(between, 2.0));
            // Many rows show by themselves what they have in common.
            if shifted.is_none() && is_time {
                let common = || history.common.map(|common| scaled(common, 2.0));
                parts.extend(shift.map(Shift::left).or_else(common));
            }
        }
        // Sessions cannot make anything surer than its own runs are.
        let whole = Difference::new(*change, &parts);
        let reach = |one: &Difference| one.half_width(COMPARED_LEVEL);
        if counts.iter().all(|count| *count > 1) || *stands_in {
            let comparable = comparability.blocking(&pair.metric).is_empty();
            sessions.rows += usize::from(comparable);
            sessions.known += usize::from(comparable && known.own_sessions);
        }
        *test = Some(match whole {
            Some(whole) if reach(&whole) > reach(&alone) => whole,
            _ => alone,
        });
    }
    sessions
}

/// A lone run may be the odd one, and no other beside it says so: the spread is
/// taken to be such that the oddest run ever seen was nothing special.
fn no_odder(runs: SampleVariance, known: &Known) -> SampleVariance {
    let least = (known.widest / ORDINARY).powi(2);
    SampleVariance { variance: runs.variance.max(least), ..runs }
}

/// What is known of one row besides its two sides.
#[derive(Clone, Copy, Default)]
struct Known {
    /// Of runs within sessions.
    within: Option<SampleVariance>,
    /// Runs that this rests on.
    runs: u32,
    /// How far one of them lay from the median.
    widest: f64,
    /// Of sessions' means, without what all rows have in common.
    between: Option<SampleVariance>,
    /// Mean of 1 / runs over the sessions that `between` rests on.
    share: f64,
    /// Whether it rests on enough sessions of this row to rely on it.
    own_sessions: bool,
}

struct History<'a> {
    by_name: BTreeMap<&'a str, Vec<(&'a NoiseRow, Known)>>,
    /// Of what all times of a session have in common; part of each row's own
    /// where there are too few rows to tell.
    common: Option<SampleVariance>,
    /// What is typical of sessions' means, for times that have none of their own,
    /// with the share that goes with it.
    typical: Option<(SampleVariance, f64)>,
}

impl<'a> History<'a> {
    fn of(noise: Option<&'a Noise>) -> Self {
        let rows: &[NoiseRow] = noise.map_or(&[], |noise| &noise.rows);
        let common = Common::of(rows);
        let mut known: Vec<Known> = rows.iter().map(|row| known(row, &common)).collect();
        let is_time = |row: &NoiseRow| (&*row.metric, &*row.unit) == (Metric::TIME, "ns");
        let times = || rows.iter().zip(&known).filter(|(row, _)| is_time(row)).map(|(_, k)| k);
        // Rows are no further witnesses of what they have in common, so nothing
        // is typical of them before that is taken out.
        let prior = common
            .variance
            .and_then(|_| fit(&times().filter_map(|known| known.between).collect::<Vec<_>>()));
        let shares: Vec<f64> =
            times().filter(|known| known.between.is_some()).map(|known| known.share).collect();
        for (row, known) in rows.iter().zip(&mut known) {
            if let (true, Some(prior)) = (is_time(row), prior) {
                known.between = known.between.map(|between| prior.moderate(between));
            }
            known.between = known.between.filter(|between| between.degrees >= SESSION_DEGREES);
        }
        let typical = prior.zip(stats::mean(&shares)).map(|(prior, share)| {
            (SampleVariance { variance: prior.variance, degrees: prior.degrees }, share)
        });
        let mut by_name: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        for (row, known) in rows.iter().zip(known) {
            by_name.entry(&row.id.name).or_default().push((row, known));
        }
        let typical = typical.filter(|(typical, _)| typical.degrees >= SESSION_DEGREES);
        Self { by_name, common: common.variance, typical }
    }

    fn known(&self, pair: &Pair) -> Known {
        if !matches!(pair.effect, Some(Effect::Sampled { .. })) {
            return Known::default();
        }
        let unit = pair.metric.unit.to_string();
        let rows: Vec<&(&NoiseRow, Known)> = self
            .by_name
            .get(pair.id.name.as_str())
            .into_iter()
            .flatten()
            .filter(|(row, _)| row.metric == pair.metric.name && row.unit == unit)
            .collect();
        let exact = rows.iter().find(|(row, _)| row.id == pair.id);
        let like = || match rows[..] {
            [only] if only.0.id.may_equal(&pair.id) => Some(only.1),
            _ => None,
        };
        let mut known = exact.map(|(_, known)| *known).or_else(like).unwrap_or_default();
        if let (None, Some((typical, share))) = (known.between, self.typical)
            && pair.metric == Metric::time()
        {
            (known.between, known.share) = (Some(typical), share);
        }
        known
    }
}

/// What the rows of each session have in common, by the session's code and time.
struct Common<'a> {
    moved: BTreeMap<Session<'a>, f64>,
    variance: Option<SampleVariance>,
}

type Session<'a> = (Option<&'a str>, jiff::Timestamp);

impl<'a> Common<'a> {
    fn of(rows: &'a [NoiseRow]) -> Self {
        let mut by_session: BTreeMap<Session<'a>, Vec<f64>> = BTreeMap::new();
        for row in rows.iter().filter(|row| row.metric == Metric::TIME) {
            for (_, sessions) in by_code(row) {
                for (session, deviation, _) in sessions {
                    by_session.entry(session).or_default().push(deviation);
                }
            }
        }
        by_session.retain(|_, deviations| deviations.len() >= COMMON_ROWS);
        let moved: BTreeMap<Session<'a>, f64> = by_session
            .iter()
            .filter_map(|(session, deviations)| Some((*session, stats::median(deviations)?)))
            .collect();
        let mut groups: BTreeMap<Option<&str>, Vec<f64>> = BTreeMap::new();
        for ((code, _), moved) in &moved {
            groups.entry(*code).or_default().push(*moved);
        }
        let variances = groups.values().filter_map(|moved| sample_variance(moved));
        let variance = SampleVariance::pooled(variances);
        Self { moved, variance }
    }
}

/// A row's sessions by their code: when, how far ln of the centre lies from the
/// mean of its code, and 1 / runs.
fn by_code(row: &NoiseRow) -> BTreeMap<Option<&str>, Vec<(Session<'_>, f64, f64)>> {
    let mut groups: BTreeMap<Option<&str>, Vec<(Session<'_>, f64, f64)>> = BTreeMap::new();
    for one in &row.sessions {
        let code = one.code.as_deref();
        let value = ((code, one.when), one.centre.ln(), 1.0 / f64::from(one.runs));
        groups.entry(code).or_default().push(value);
    }
    groups.retain(|_, sessions| sessions.len() > 1);
    for sessions in groups.values_mut() {
        let centres: Vec<f64> = sessions.iter().map(|(_, centre, _)| *centre).collect();
        let mean = stats::mean(&centres).unwrap_or_default();
        for (_, centre, _) in sessions {
            *centre -= mean;
        }
    }
    groups
}

fn known(row: &NoiseRow, common: &Common<'_>) -> Known {
    let within = SampleVariance::pooled(row.sessions.iter().map(|one| SampleVariance {
        variance: one.deviation * one.deviation,
        degrees: f64::from(one.runs) - 1.0,
    }));
    let mut shares = Vec::new();
    let mut groups = Vec::new();
    for sessions in by_code(row).values() {
        let squares: f64 = sessions
            .iter()
            .map(|(session, deviation, _)| {
                deviation - common.moved.get(session).copied().unwrap_or_default()
            })
            .map(|own| own * own)
            .sum();
        let degrees = (sessions.len() - 1) as f64;
        groups.push(SampleVariance { variance: squares / degrees, degrees });
        shares.extend(sessions.iter().map(|(_, _, share)| *share));
    }
    let between = SampleVariance::pooled(groups);
    Known {
        within,
        own_sessions: between.is_some_and(|between| between.degrees >= SESSION_DEGREES),
        runs: row.sessions.iter().fold(0, |sum, one| sum.saturating_add(one.runs)),
        widest: row.sessions.iter().map(|one| one.widest).fold(0.0, f64::max),
        between,
        share: stats::mean(&shares).unwrap_or_default(),
    }
}

/// What is typical of runs, by the metric's name.
fn priors(pairs: &[Pair], known: &[Known]) -> BTreeMap<String, VariancePrior> {
    let mut samples: BTreeMap<&str, Vec<SampleVariance>> = BTreeMap::new();
    for (pair, known) in pairs.iter().zip(known) {
        let all = own_variance(pair).into_iter().chain(known.within);
        samples.entry(&pair.metric.name).or_default().extend(SampleVariance::pooled(all));
    }
    let fitted = |(metric, samples): (&str, Vec<_>)| Some((metric.to_owned(), fit(&samples)?));
    samples.into_iter().filter_map(fitted).collect()
}

/// The prior of enough variances, counting for no more than these know together:
/// few that happen to agree are no proof that all are equal.
fn fit(samples: &[SampleVariance]) -> Option<VariancePrior> {
    let usable: Vec<SampleVariance> =
        samples.iter().copied().filter(|sample| sample.variance > 0.0).collect();
    if usable.len() < PRIOR_ROWS {
        return None;
    }
    let most = usable.iter().map(|sample| sample.degrees).sum();
    let prior = VariancePrior::fit(&usable)?;
    Some(VariancePrior { degrees: prior.degrees.min(most), ..prior })
}

/// What the two sides' runs show.
fn own_variance(pair: &Pair) -> Option<SampleVariance> {
    let (Some(Effect::Sampled { .. }), Some(baseline), Some(candidate)) =
        (&pair.effect, &pair.baseline, &pair.candidate)
    else {
        return None;
    };
    let sides = [baseline, candidate].into_iter().filter_map(|side| {
        let logs: Vec<f64> = side.runs.iter().map(|value| value.ln()).collect();
        sample_variance(&logs)
    });
    SampleVariance::pooled(sides).filter(|own| own.variance.is_finite())
}

fn sample_variance(values: &[f64]) -> Option<SampleVariance> {
    let variance = stats::variance(values)?;
    Some(SampleVariance { variance, degrees: (values.len() - 1) as f64 })
}

/// The variance of a single run: what is known, unless the sides' own runs are
/// plainly noisier; and never less than these show.
fn run_variance(
    own: Option<SampleVariance>,
    known: &Known,
    prior: Option<VariancePrior>,
) -> Option<SampleVariance> {
    let noisier = |one: SampleVariance, than: SampleVariance| one.exceeds(than, NOISIER);
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
