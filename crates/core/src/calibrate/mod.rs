//! What this machine's noise lets the gate find: executables measured against
//! themselves.
//!
//! [`observe_trial`] and [`observe`] take what was measured, [`remember`] adds it
//! to what is known of the machine class, [`calibrate`] says what follows from
//! it: for each benchmark the smallest change that `gate ab` could show, and
//! for the policy what would fit this machine. Pure: no file, no clock.

mod advice;
mod observed;
mod row;

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

pub use advice::Suggestion;
pub use observed::{Observed, observe, observe_trial, remember};
pub use row::{CalibratedRow, Instructions, RowModes};

use crate::model::{BenchId, Direction, Metric, NoiseRow, NotRun};
use crate::policy::{Gate, Policy};
use crate::stats::{self, SampleVariance};

/// The version of the calibration's format.
const SCHEMA_VERSION: u32 = 1;

/// The chance with which a change is to be found.
const POWER: f64 = 0.97;

/// What the noise of a machine class lets the gate find.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "benchgate calibration")]
pub struct Calibration {
    /// The version of this format.
    pub schema_version: u32,
    /// The program that wrote it.
    pub tool: String,
    /// The machine class.
    pub class: String,
    /// Where what is known of it is kept.
    pub noise_file: PathBuf,
    /// Family-wise chance of a false regression, as the policy says.
    pub alpha: f64,
    /// The numbers of pairs after which `gate ab` decides.
    pub looks: Vec<u32>,
    /// The chance with which changes of the sizes given are found.
    pub power: f64,
    /// One sampled metric of one benchmark each, in the order of names.
    pub rows: Vec<CalibratedRow>,
    /// What could be put into the policy, each with its reason.
    pub suggestions: Vec<Suggestion>,
    /// What was not measured, and why.
    pub not_run: Vec<String>,
}

/// What a calibration is made from.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// What was measured now.
    pub observed: &'a [Observed],
    /// What is known of the machine class, that included.
    pub noise: &'a crate::model::Noise,
    /// The instructions of benchmarks, where looked for.
    pub instructions: &'a BTreeMap<BenchId, Instructions>,
    /// What was not measured.
    pub not_run: &'a [NotRun],
}

/// What follows from it under a policy.
pub fn calibrate(
    evidence: &Evidence<'_>,
    policy: &Policy,
    class: &str,
    noise_file: PathBuf,
) -> Calibration {
    let mut latest: BTreeMap<(&BenchId, &str), &Observed> = BTreeMap::new();
    for observed in evidence.observed {
        // The last session that knows the row speaks for it.
        latest.insert((&observed.id, &observed.metric.name), observed);
    }
    let rows: Vec<CalibratedRow> =
        latest.into_values().filter_map(|observed| row(evidence, policy, observed)).collect();
    let mut not_run: Vec<String> = evidence
        .not_run
        .iter()
        .map(|bench| format!("{}: {}", bench.subject, bench.reason))
        .collect();
    not_run.sort();
    not_run.dedup();
    Calibration {
        schema_version: SCHEMA_VERSION,
        tool: concat!("benchgate ", env!("CARGO_PKG_VERSION")).to_owned(),
        class: class.to_owned(),
        noise_file,
        alpha: policy.verdict.alpha,
        looks: policy.ab.looks.clone(),
        power: POWER,
        suggestions: advice::suggestions(&rows, policy),
        rows,
        not_run,
    }
}

/// The JSON Schema of a calibration.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Calibration).to_value()
}

fn row(evidence: &Evidence<'_>, policy: &Policy, observed: &Observed) -> Option<CalibratedRow> {
    let unit = observed.metric.unit.to_string();
    let known = evidence.noise.rows.iter().find(|row| {
        row.id == observed.id && row.metric == observed.metric.name && row.unit == unit
    })?;
    let limits = policy.limits(&observed.id, &observed.metric);
    if limits.gate == Gate::Show {
        return None;
    }
    let runs = within(known)?;
    let paired =
        stats::robust_deviation(&observed.differences).unwrap_or(std::f64::consts::SQRT_2 * runs);
    let last = policy.ab.looks.last().copied().unwrap_or_default();
    let alpha = policy.verdict.alpha / policy.ab.looks.len().max(1) as f64;
    let (tolerance, target) = match observed.metric.better {
        Direction::Lower => (limits.tolerance.ln_1p(), limits.target.ln_1p()),
        Direction::Higher => {
            (-(-limits.tolerance.min(0.99)).ln_1p(), -(-limits.target.min(0.99)).ln_1p())
        }
    };
    // If the target equals the tolerance, no change can be between them.
    let needed = stats::pairs_needed(target - tolerance, paired, alpha, POWER)
        .map(|pairs| pairs.max(u64::from(stats::smallest_n(alpha).unwrap_or_default())));
    let detectable = stats::detectable_gap(u64::from(last), paired, alpha, POWER)
        .map(|gap| (tolerance + gap).exp_m1());
    let floor = stats::hodges_lehmann_interval(&observed.differences, alpha)
        .map(|interval| ((interval.upper - interval.lower) / 2.0).exp_m1());
    let logs: Vec<f64> = observed.values.iter().map(|value| value.ln()).collect();
    Some(CalibratedRow {
        id: observed.id.name.clone(),
        target: observed.id.target_name().map(str::to_owned),
        package: observed.id.package().map(str::to_owned),
        metric: observed.metric.name.clone(),
        unit,
        value: stats::hodges_lehmann(&logs)?.exp(),
        runs: observed.values.len(),
        pairs: observed.differences.len(),
        run_deviation: runs,
        paired_deviation: paired,
        floor: floor.filter(|floor| floor.is_finite()),
        sessions: known.sessions.len(),
        session_deviation: between(known),
        wanted: limits.target,
        detectable: detectable.filter(|change| change.is_finite()),
        pairs_needed: needed,
        reached: needed.is_some_and(|needed| needed <= u64::from(last)),
        modes: stats::two_modes(&logs).map(|modes| RowModes {
            lower: modes.lower.exp(),
            upper: modes.upper.exp(),
            share: modes.share,
        }),
        instructions: (observed.metric.name == Metric::TIME)
            .then(|| evidence.instructions.get(&observed.id).cloned())
            .flatten()
            .unwrap_or_else(|| Instructions::Unavailable("not counted".to_owned())),
    })
}

/// Standard deviation of runs within sessions.
fn within(row: &NoiseRow) -> Option<f64> {
    let sessions = row.sessions.iter().map(|session| SampleVariance {
        variance: session.deviation * session.deviation,
        degrees: stats::robust_degrees(session.runs as usize),
    });
    SampleVariance::pooled(sessions).map(|pooled| pooled.variance.sqrt())
}

/// Standard deviation of sessions' means, each compared with those of the same code.
fn between(row: &NoiseRow) -> Option<f64> {
    let mut by_code: BTreeMap<Option<&str>, Vec<f64>> = BTreeMap::new();
    for session in &row.sessions {
        by_code.entry(session.code.as_deref()).or_default().push(session.centre.ln());
    }
    let variances = by_code.values().filter_map(|centres| {
        let degrees = centres.len().checked_sub(1)? as f64;
        Some(SampleVariance { variance: stats::variance(centres)?, degrees })
    });
    SampleVariance::pooled(variances).map(|pooled| pooled.variance.sqrt())
}
