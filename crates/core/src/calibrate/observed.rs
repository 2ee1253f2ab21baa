//! What one session measured of unchanged code.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::judge::run_value;
use crate::model::{
    BenchId, Measurement, Metric, Nature, Noise, NoiseRow, NoiseSession, Snapshot, TargetId,
};
use crate::stats;

/// Sessions that are kept of each row; what is older says little of today.
const KEPT: usize = 30;

/// The runs of one sampled metric of one benchmark in one session.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// Which benchmark.
    pub id: BenchId,
    /// What of it.
    pub metric: Metric,
    /// When the session began.
    pub when: Timestamp,
    /// Names the code that was measured.
    pub code: Option<String>,
    /// The runs, at least two, in the metric's unit; positive.
    pub values: Vec<f64>,
    /// ln(second / first) of runs in pairs.
    pub differences: Vec<f64>,
}

/// What both sides of a trial show of executables that were the same.
/// `codes` names the code of each target.
pub fn observe_trial(
    [first, second]: [&Snapshot; 2],
    when: Timestamp,
    codes: &BTreeMap<TargetId, String>,
) -> Vec<Observed> {
    let mut observed = Vec::new();
    for one in sampled(first) {
        let same = |other: &&Measurement| other.id == one.id && other.metric == one.metric;
        let Some(other) = sampled(second).find(same) else { continue };
        let (firsts, seconds) = (values(one), values(other));
        let differences =
            firsts.iter().filter_map(|(run, value)| Some((seconds.get(run)? / value).ln()));
        let code = one.id.target.as_ref().and_then(|target| codes.get(target).cloned());
        observed.push(Observed {
            id: one.id.clone(),
            metric: one.metric.clone(),
            when,
            code,
            differences: differences.collect(),
            values: firsts.values().chain(seconds.values()).copied().collect(),
        });
    }
    observed.retain(|row| row.values.len() > 1);
    observed
}

/// The observations of a snapshot's runs. Whether other sessions measured the same code
/// is for the caller to know.
pub fn observe(snapshot: &Snapshot) -> Vec<Observed> {
    let observed = sampled(snapshot).map(|measurement| Observed {
        id: measurement.id.clone(),
        metric: measurement.metric.clone(),
        when: snapshot.created,
        code: None,
        values: values(measurement).into_values().collect(),
        differences: Vec::new(),
    });
    observed.filter(|row| row.values.len() > 1).collect()
}

fn sampled(snapshot: &Snapshot) -> impl Iterator<Item = &Measurement> {
    snapshot.measurements.iter().filter(|measurement| measurement.metric.nature == Nature::Sampled)
}

/// The number of each run that has a logarithm.
fn values(measurement: &Measurement) -> BTreeMap<u32, f64> {
    let values =
        measurement.runs.iter().filter_map(|run| Some((run.run, run_value(&run.reading)?)));
    values.filter(|(_, value)| *value > 0.0 && value.is_finite()).collect()
}

/// The known noise together with the observations. A session that is known already is
/// replaced, and each row keeps its newest sessions.
#[must_use]
pub fn remember(noise: &Noise, observed: &[Observed]) -> Noise {
    let mut rows: BTreeMap<(BenchId, String, String), Vec<NoiseSession>> = noise
        .rows
        .iter()
        .map(|row| ((row.id.clone(), row.metric.clone(), row.unit.clone()), row.sessions.clone()))
        .collect();
    for row in observed {
        let Some(session) = session(row) else { continue };
        let key = (row.id.clone(), row.metric.name.clone(), row.metric.unit.to_string());
        let sessions = rows.entry(key).or_default();
        sessions.retain(|other| other.when != session.when);
        sessions.push(session);
        sessions.sort_by_key(|session| session.when);
        sessions.drain(..sessions.len().saturating_sub(KEPT));
    }
    let rows = rows.into_iter().map(|((id, metric, unit), sessions)| NoiseRow {
        id,
        metric,
        unit,
        sessions,
    });
    Noise { rows: rows.collect() }
}

fn session(observed: &Observed) -> Option<NoiseSession> {
    let logs: Vec<f64> = observed.values.iter().map(|value| value.ln()).collect();
    let middle = stats::median(&logs)?;
    // Of runs that fall into two heaps, the bulk would show one.
    let deviation = match stats::two_modes(&logs) {
        Some(_) => stats::variance(&logs)?.sqrt(),
        None => stats::robust_variance(&logs)?.variance.sqrt(),
    };
    Some(NoiseSession {
        when: observed.when,
        code: observed.code.clone(),
        runs: u32::try_from(logs.len()).ok()?,
        centre: stats::hodges_lehmann(&logs)?.exp(),
        deviation,
        widest: logs.iter().map(|log| (log - middle).abs()).fold(0.0, f64::max),
        paired: stats::robust_deviation(&observed.differences),
    })
}
