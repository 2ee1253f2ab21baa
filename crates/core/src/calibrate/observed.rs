//! What one session measured of unchanged code.

use std::collections::{BTreeMap, BTreeSet};

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
    let others = sampled(second);
    for Sampled { id, metric, values } in sampled(first) {
        let same = |other: &&Sampled<'_>| *other.id == *id && other.metric == metric;
        let Some(other) = others.iter().find(same) else { continue };
        let differences =
            values.iter().filter_map(|(run, value)| Some((other.values.get(run)? / value).ln()));
        let code = id.target.as_ref().and_then(|target| codes.get(target).cloned());
        observed.push(Observed {
            id: id.clone(),
            when,
            code,
            differences: differences.collect(),
            values: values.values().chain(other.values.values()).copied().collect(),
            metric,
        });
    }
    observed.retain(|row| row.values.len() > 1);
    observed
}

/// The observations of a snapshot's runs. Whether other sessions measured the same code
/// is for the caller to know.
pub fn observe(snapshot: &Snapshot) -> Vec<Observed> {
    let observed = sampled(snapshot).into_iter().map(|Sampled { id, metric, values }| Observed {
        id: id.clone(),
        metric,
        when: snapshot.created,
        code: None,
        values: values.into_values().collect(),
        differences: Vec::new(),
    });
    observed.filter(|row| row.values.len() > 1).collect()
}

/// The runs of a sampled metric.
struct Sampled<'a> {
    id: &'a BenchId,
    metric: Metric,
    /// The number of each run that has a logarithm.
    values: BTreeMap<u32, f64>,
}

/// The sampled metrics of a snapshot. Of a distribution, these are the quantiles, because a
/// gate does not judge its other statistics.
fn sampled(snapshot: &Snapshot) -> Vec<Sampled<'_>> {
    let is_sampled = |it: &&Measurement| it.metric.nature == Nature::Sampled;
    let measurements = snapshot.measurements.iter().filter(is_sampled);
    measurements.flat_map(rows).collect()
}

fn rows(measurement: &Measurement) -> Vec<Sampled<'_>> {
    let id = &measurement.id;
    let usable = |runs: Vec<(u32, f64)>| {
        runs.into_iter().filter(|(_, value)| *value > 0.0 && value.is_finite()).collect()
    };
    let Some(rows) = measurement.rows(&BTreeSet::new()) else {
        let runs = measurement.runs.iter();
        let runs = runs.filter_map(|run| Some((run.run, run_value(&run.reading)?))).collect();
        return vec![Sampled { id, metric: measurement.metric.clone(), values: usable(runs) }];
    };
    let quantiles = rows.into_iter().filter(|row| row.quantile.is_some());
    quantiles.map(|row| Sampled { id, metric: row.metric, values: usable(row.runs) }).collect()
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
