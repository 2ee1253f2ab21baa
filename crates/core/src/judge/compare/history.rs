//! What earlier sessions of unchanged code show about the noise of each row.

use std::collections::BTreeMap;

use super::speeds::{self, TwoSpeeds};
use crate::model::{BenchId, Metric, Noise, NoiseRow, Unit};
use crate::stats::{self, SampleVariance, VariancePrior};

/// Fewer rows say too little about what they have in common.
pub(super) const COMMON_ROWS: usize = 10;

/// Fewer rows say too little about the typical variance.
const PRIOR_ROWS: usize = 4;

/// Degrees of freedom below which nothing is known about how much sessions differ.
const SESSION_DEGREES: f64 = 2.0;

/// The typical variance of sessions counts as no more degrees of freedom than this.
/// Benchmarks differ in it by orders of magnitude, even where a few sessions do not show it.
const PRIOR_DEGREES: f64 = 4.0;

/// And as no more than this share of those that fit best: a few steady benchmarks among many
/// unsteady ones, or the reverse, do not come from a single distribution.
const PRIOR_SHARE: f64 = 0.6;

/// As how many degrees of freedom an assumed deviation of sessions counts: benchmarks
/// differ in it by two or three times.
const ASSUMED_DEGREES: f64 = 8.0;

/// How much sessions are assumed to differ where no earlier ones show it: standard deviations
/// of logarithms.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Assumed {
    /// Of the part that all times of a session have in common.
    pub(crate) common: f64,
    /// Of each row's own part.
    pub(crate) own: f64,
}

/// Earlier runs and sessions of one row.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Known {
    /// The variance of runs within sessions.
    pub(super) within: Option<SampleVariance>,
    /// Runs that this rests on.
    pub(super) runs: u32,
    /// The largest distance of one of them from the median.
    pub(super) widest: f64,
    /// The variance of the means of sessions, without what all rows have in common.
    pub(super) between: Option<SampleVariance>,
    /// Mean of 1 / runs over the sessions that `between` rests on.
    pub(super) share: f64,
    /// Whether it rests on enough sessions of this row to rely on it.
    pub(super) own_sessions: bool,
    /// Sessions of the row.
    pub(super) sessions: u32,
    /// The sessions have one of two speeds each.
    pub(super) two_speeds: Option<TwoSpeeds>,
}

/// The variance of what all times of a session have in common.
#[derive(Clone, Copy)]
pub(super) struct Common {
    pub(super) variance: SampleVariance,
    /// Whether earlier sessions show it; else it is assumed.
    pub(super) known: bool,
}

/// The recorded noise of a machine class.
pub(crate) struct History<'a> {
    assumed: Assumed,
    by_name: BTreeMap<&'a str, Vec<(&'a NoiseRow, Known)>>,
    /// The variance of what all times of a session have in common. With too few rows to
    /// tell, it is part of each row's own.
    common: Option<SampleVariance>,
    /// The largest variance of the means of sessions among times that have enough of them.
    pub(super) least_steady: Option<SampleVariance>,
    /// The typical variance of the means of sessions, for times without one of their own,
    /// with the share that belongs to it.
    typical: Option<(SampleVariance, f64)>,
}

impl<'a> History<'a> {
    pub(super) fn of(noise: Option<&'a Noise>, assumed: Assumed) -> Self {
        let rows: &[NoiseRow] = noise.map_or(&[], |noise| &noise.rows);
        let common = Moved::of(rows);
        let mut known: Vec<Known> = rows.iter().map(|row| known(row, &common)).collect();
        let is_time = |row: &NoiseRow| (&*row.metric, &*row.unit) == (Metric::TIME, "ns");
        let times = || rows.iter().zip(&known).filter(|(row, _)| is_time(row)).map(|(_, k)| k);
        // Without the common part taken out, the rows would repeat it, and their typical
        // variance would look surer than it is.
        let prior = common
            .variance
            .and_then(|_| fit(&times().filter_map(|known| known.between).collect::<Vec<_>>()))
            .map(|prior| VariancePrior {
                degrees: (PRIOR_SHARE * prior.degrees).min(PRIOR_DEGREES),
                ..prior
            });
        let shares: Vec<f64> =
            times().filter(|known| known.between.is_some()).map(|known| known.share).collect();
        for (row, known) in rows.iter().zip(&mut known) {
            if let (true, Some(prior)) = (is_time(row), prior) {
                known.between = known.between.map(|between| prior.moderate(between));
            }
            known.between = known.between.filter(|between| between.degrees >= SESSION_DEGREES);
        }
        let least_steady = rows
            .iter()
            .zip(&known)
            .filter(|(row, known)| is_time(row) && known.own_sessions)
            .filter_map(|(_, known)| known.between)
            .max_by(|a, b| a.variance.total_cmp(&b.variance))
            .map(|most| SampleVariance { degrees: most.degrees.max(ASSUMED_DEGREES), ..most });
        let typical = prior.zip(stats::mean(&shares)).map(|(prior, share)| {
            (SampleVariance { variance: prior.variance, degrees: prior.degrees }, share)
        });
        let mut by_name: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        for (row, known) in rows.iter().zip(known) {
            by_name.entry(&row.id.name).or_default().push((row, known));
        }
        let typical = typical.filter(|(typical, _)| typical.degrees >= SESSION_DEGREES);
        Self { assumed, by_name, common: common.variance, least_steady, typical }
    }

    /// The variance of what all times of a session have in common; assumed where no
    /// sessions show it.
    pub(super) fn common(&self) -> Common {
        let assumed = assumed(self.assumed.common);
        Common { variance: self.common.unwrap_or(assumed), known: self.common.is_some() }
    }

    /// The common part of the variance between sessions that is to be added to the part of
    /// a row; `None` where that contains it already.
    pub(super) fn common_beside(&self, known: &Known, metric: &Metric) -> Option<SampleVariance> {
        let separated = *metric == Metric::time() && self.common.is_some();
        let needed = is_by_clock(metric) && (separated || !known.own_sessions);
        needed.then(|| self.common().variance)
    }

    /// What earlier sessions show about a row of sampled runs.
    pub(super) fn known(&self, id: &BenchId, metric: &Metric) -> Known {
        let unit = metric.unit.to_string();
        let rows: Vec<&(&NoiseRow, Known)> = self
            .by_name
            .get(id.name.as_str())
            .into_iter()
            .flatten()
            .filter(|(row, _)| row.metric == metric.name && row.unit == unit)
            .collect();
        let exact = rows.iter().find(|(row, _)| row.id == *id);
        let like = || match rows[..] {
            [only] if only.0.id.may_equal(id) => Some(only.1),
            _ => None,
        };
        let mut known = exact.map(|(_, known)| *known).or_else(like).unwrap_or_default();
        if let (None, Some((typical, share))) = (known.between, self.typical)
            && *metric == Metric::time()
        {
            (known.between, known.share) = (Some(typical), share);
        }
        if known.between.is_none() && is_by_clock(metric) {
            known.between = Some(assumed(self.assumed.own));
        }
        known
    }
}

/// A standard deviation that the policy assumes, as a variance.
fn assumed(deviation: f64) -> SampleVariance {
    SampleVariance { variance: deviation * deviation, degrees: ASSUMED_DEGREES }
}

/// Whether values of the metric follow the speed of the machine.
pub(super) fn is_by_clock(metric: &Metric) -> bool {
    match metric.unit {
        Unit::Nanoseconds | Unit::PerSecond | Unit::Other(_) => true,
        Unit::Count | Unit::Bytes | Unit::Share => false,
    }
}

/// The part that the rows of each session have in common, by the session's code and time.
struct Moved<'a> {
    moved: BTreeMap<Session<'a>, f64>,
    variance: Option<SampleVariance>,
}

type Session<'a> = (Option<&'a str>, jiff::Timestamp);

impl<'a> Moved<'a> {
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

/// The sessions of a row by their code, each with its time, the distance of ln(centre)
/// from the mean of its code, and 1 / runs.
fn by_code(row: &NoiseRow) -> BTreeMap<Option<&str>, Vec<(Session<'_>, f64, f64)>> {
    let mut groups: BTreeMap<Option<&str>, Vec<(Session<'_>, f64, f64)>> = BTreeMap::new();
    for session in &row.sessions {
        let code = session.code.as_deref();
        let share = 1.0 / f64::from(session.runs);
        let value = ((code, session.when), session.centre.ln(), share);
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

fn known(row: &NoiseRow, common: &Moved<'_>) -> Known {
    let within = SampleVariance::pooled(row.sessions.iter().map(|session| SampleVariance {
        variance: session.deviation * session.deviation,
        degrees: stats::robust_degrees(session.runs as usize),
    }));
    let mut shares = Vec::new();
    let mut groups = Vec::new();
    let mut two_speeds = None;
    for sessions in by_code(row).values() {
        let own: Vec<f64> = sessions
            .iter()
            .map(|(session, deviation, _)| {
                // Only the part of times is known.
                let moved = common.moved.get(session).filter(|_| row.metric == Metric::TIME);
                deviation - moved.copied().unwrap_or_default()
            })
            .collect();
        let squares: f64 = own.iter().map(|own| own * own).sum();
        let degrees = (sessions.len() - 1) as f64;
        two_speeds = two_speeds.or_else(|| speeds::two(&own));
        groups.push(SampleVariance { variance: squares / degrees, degrees });
        shares.extend(sessions.iter().map(|(_, _, share)| *share));
    }
    let between = SampleVariance::pooled(groups);
    Known {
        within,
        sessions: u32::try_from(row.sessions.len()).unwrap_or(u32::MAX),
        two_speeds,
        own_sessions: between.is_some_and(|between| between.degrees >= SESSION_DEGREES),
        runs: row.sessions.iter().fold(0, |sum, session| sum.saturating_add(session.runs)),
        widest: row.sessions.iter().map(|session| session.widest).fold(0.0, f64::max),
        between,
        share: stats::mean(&shares).unwrap_or_default(),
    }
}

/// The prior of enough variances. Its degrees of freedom are at most theirs together: a
/// few variances that happen to agree do not prove that all are equal.
pub(super) fn fit(samples: &[SampleVariance]) -> Option<VariancePrior> {
    let usable: Vec<SampleVariance> =
        samples.iter().copied().filter(|sample| sample.variance > 0.0).collect();
    if usable.len() < PRIOR_ROWS {
        return None;
    }
    let most = usable.iter().map(|sample| sample.degrees).sum();
    let prior = VariancePrior::fit(&usable)?;
    Some(VariancePrior { degrees: prior.degrees.min(most), ..prior })
}

pub(super) fn sample_variance(values: &[f64]) -> Option<SampleVariance> {
    let variance = stats::variance(values)?;
    Some(SampleVariance { variance, degrees: (values.len() - 1) as f64 })
}
