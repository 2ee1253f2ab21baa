//! Short ways to write snapshots, policies and verdicts.

use std::path::Path;

use benchgate_core::judge::{Case, Code, Outcome, Report, Severity, judge};
use benchgate_core::model::{
    BenchId, Direction, Environment, Field, Measurement, Metric, Nature, Noise, NoiseRow,
    NoiseSession, Reading, RunInfo, RunReading, Snapshot, Unit,
};
use benchgate_core::policy::Policy;
use jiff::Timestamp;
use jiff::civil::{Date, date};

pub(crate) const TODAY: Date = date(2026, 11, 20);

/// Runs of wall time that differ by a percent or two.
pub(crate) const STEADY: [f64; 5] = [100.0, 101.0, 99.0, 100.5, 99.5];
pub(crate) const FIFTH_SLOWER: [f64; 5] = [120.0, 121.0, 119.0, 120.5, 119.5];
pub(crate) const NOISY: [f64; 5] = [100.0, 140.0, 80.0, 115.0, 95.0];

fn environment() -> Environment {
    let mut environment = Environment::default();
    environment.set(Field::CpuModel, "Example CPU");
    environment.set(Field::Rustc, "rustc 1.95.0");
    environment
}

pub(crate) fn snapshot(rows: &[(&str, Metric, &[f64])]) -> Snapshot {
    let runs = rows.iter().map(|(_, _, values)| values.len()).max().unwrap_or(1);
    let run = RunInfo { started: None, seconds: None, busy: None, environment: environment() };
    let mut snapshot = Snapshot {
        name: "main".to_owned(),
        created: Timestamp::UNIX_EPOCH,
        revision: None,
        selection: None,
        pairing: None,
        runs: vec![run; runs],
        measurements: rows
            .iter()
            .map(|(name, metric, values)| Measurement {
                id: BenchId::named(*name),
                metric: metric.clone(),
                runs: (0..)
                    .zip(*values)
                    .map(|(run, value)| RunReading { run, reading: Reading::Value(*value) })
                    .collect(),
                criterion: None,
                throughput: None,
                costs: None,
            })
            .collect(),
        not_run: Vec::new(),
        problems: Vec::new(),
    };
    snapshot.sort();
    snapshot
}

pub(crate) fn times(rows: &[(&str, &[f64])]) -> Snapshot {
    snapshot(&rows.iter().map(|(id, runs)| (*id, Metric::time(), *runs)).collect::<Vec<_>>())
}

pub(crate) fn counts(rows: &[(&str, &[f64])]) -> Snapshot {
    let metric = Metric::counted(Metric::INSTRUCTIONS, Unit::Count);
    snapshot(&rows.iter().map(|(id, runs)| (*id, metric.clone(), *runs)).collect::<Vec<_>>())
}

pub(crate) fn policy(text: &str) -> Policy {
    Policy::parse(&format!("version = 1\n{text}"), Path::new("gate.toml")).expect("a valid policy")
}

/// Sessions of a quiet machine that knows all benchmarks of a snapshot: they hardly differ.
/// Without known sessions a clock only warns: see noise.rs.
pub(crate) fn quiet(snapshot: &Snapshot) -> Noise {
    let sampled = snapshot.measurements.iter().filter(|it| it.metric.nature == Nature::Sampled);
    let mut rows: Vec<NoiseRow> = sampled
        .map(|measurement| NoiseRow {
            id: measurement.id.clone(),
            metric: measurement.metric.name.clone(),
            unit: measurement.metric.unit.to_string(),
            sessions: (0..)
                .zip([100.0, 100.1, 99.9, 100.05, 99.95, 100.0])
                .map(|(at, centre)| NoiseSession {
                    when: Timestamp::from_second(at).unwrap(),
                    code: None,
                    // Too few to replace the runs that a single run lacks.
                    runs: 3,
                    centre,
                    deviation: 0.008,
                    widest: 0.01,
                    paired: None,
                })
                .collect(),
        })
        .collect();
    rows.dedup_by(|a, b| (&a.id, &a.metric, &a.unit) == (&b.id, &b.metric, &b.unit));
    Noise { rows }
}

pub(crate) fn verdict(baseline: &Snapshot, candidate: &Snapshot, text: &str) -> Report {
    let policy = policy(text);
    let noise = quiet(candidate);
    let noise = Some(&noise);
    judge(&Case { baseline: Some(baseline), candidate, policy: &policy, noise, today: TODAY })
}

pub(crate) fn exit(report: &Report) -> u8 {
    report.verdict.as_ref().expect("judged").exit.code()
}

pub(crate) fn outcome(report: &Report, id: &str) -> (Outcome, Severity) {
    let row = report.rows.iter().find(|row| row.id == id).expect("the row is there");
    let judgement = row.judgement.as_ref().expect("judged");
    (judgement.outcome, judgement.severity)
}

pub(crate) fn codes(report: &Report) -> Vec<(Code, Severity)> {
    // Reports of two saved snapshots have this finding if the noise is unknown: see noise.rs.
    let findings = report.findings.iter().filter(|finding| finding.code != Code::SessionsUnknown);
    findings.map(|finding| (finding.code, finding.severity)).collect()
}

pub(crate) fn rate() -> Metric {
    Metric {
        name: "hit_rate".to_owned(),
        unit: Unit::Share,
        better: Direction::Higher,
        nature: Nature::Sampled,
    }
}
