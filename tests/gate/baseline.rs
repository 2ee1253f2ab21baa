//! Snapshots on disk: written files are read back, by the gate and by critcmp, and
//! neither a hostile file nor an interrupted write does harm.

mod critcmp;
mod refused;
mod round_trip;
mod store;

use std::path::{Path, PathBuf};

use benchgate::baseline::{Existing, Store};
use benchgate::model::{
    BenchId, CriterionParts, Environment, Estimate, Estimates, Field, Interval, Location,
    Measurement, Metric, NotRun, NotRunKind, Problem, ProblemKind, Reading, Revision, RunInfo,
    RunReading, Samples, SamplingMode, Snapshot, Throughput, Unit,
};
use proptest::prelude::ProptestConfig;

/// A machine class to save under.
const CLASS: &str = "some-machine";

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/critcmp").join(name)
}

fn estimate(point: f64) -> Estimate {
    let interval = Interval::new(0.95, point * 0.98, point * 1.02).expect("an interval");
    Estimate::new(point, point / 100.0, interval).expect("an estimate")
}

/// Estimates of one process; the deviation is a tenth of the mean.
fn estimates(mean: f64) -> Estimates {
    let location = |point| Location::new(estimate(point)).expect("above 0");
    Estimates {
        mean: location(mean),
        median: location(mean * 0.99),
        median_abs_dev: estimate(mean / 20.0),
        slope: Some(location(mean * 1.01)),
        std_dev: estimate(mean / 10.0),
    }
}

fn samples(mean: f64) -> Samples {
    let totals = vec![mean * 10.0, mean * 21.0, mean * 29.0, mean * 40.5];
    Samples::new(SamplingMode::Linear, vec![10.0, 20.0, 30.0, 40.0], totals).expect("samples")
}

/// A criterion time with one run for each mean.
fn time(id: BenchId, means: &[f64]) -> Measurement {
    let (group, function) = id.name.split_once('/').unwrap_or((&id.name, ""));
    let criterion = CriterionParts {
        group: group.to_owned(),
        function: (!function.is_empty()).then(|| function.to_owned()),
        value: None,
        directory: id.name.clone(),
    };
    let runs = (0..)
        .zip(means)
        .map(|(run, mean)| RunReading {
            run,
            reading: Reading::Samples {
                samples: samples(*mean),
                estimates: Some(estimates(*mean)),
            },
        })
        .collect();
    Measurement {
        id,
        metric: Metric::time(),
        runs,
        criterion: Some(criterion),
        throughput: None,
        costs: None,
    }
}

fn run(cpu: &str) -> RunInfo {
    let mut environment = Environment::default();
    environment.set(Field::CpuModel, cpu);
    environment.set(Field::Rustc, "rustc 1.95.0");
    RunInfo {
        started: Some("2026-07-01T12:00:01.5Z".parse().expect("a time")),
        seconds: Some(2.25),
        busy: None,
        environment,
    }
}

/// A snapshot with every kind of content, in the model's order.
fn snapshot(name: &str) -> Snapshot {
    let in_target = |name, target| BenchId::in_target(name, target, "shop");
    let mut lookup = time(in_target("cache/hit", "cache"), &[120.0, 124.5]);
    lookup.throughput = Some(Throughput::Bits(800));
    let mut scan = time(in_target("scan", "cache"), &[1000.0]);
    scan.throughput = Some(Throughput::Bytes(4096));
    let instructions = Measurement {
        id: in_target("cache/hit", "cache"),
        metric: Metric::counted(Metric::INSTRUCTIONS, Unit::Count),
        runs: vec![RunReading { run: 1, reading: Reading::Value(95_898.0) }],
        criterion: None,
        throughput: None,
        costs: None,
    };
    Snapshot {
        name: name.to_owned(),
        created: "2026-07-01T12:30:05Z".parse().expect("a time"),
        revision: Some(Revision {
            commit: "0123456789abcdef0123456789abcdef01234567".to_owned(),
            branch: Some("main".to_owned()),
            dirty: false,
        }),
        selection: None,
        pairing: None,
        runs: vec![run("A processor"), run("A processor")],
        measurements: vec![instructions, lookup, scan],
        not_run: vec![NotRun {
            subject: "cache::redis".to_owned(),
            kind: NotRunKind::Skipped,
            reason: "no server was found: set REDIS_URL".to_owned(),
        }],
        problems: vec![Problem {
            kind: ProblemKind::Stale,
            id: Some(BenchId::named("gone")),
            path: PathBuf::from("criterion/gone/new"),
            reason: "written before the run".to_owned(),
        }],
    }
}

/// The number of random cases. A failing case is shown, not kept in a file.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Saves a snapshot in a directory of its own and returns the file's text.
fn saved_text(snapshot: &Snapshot) -> String {
    let root = tempfile::tempdir().expect("a directory");
    let path = Store::new(root.path()).save(CLASS, snapshot, Existing::Refuse).expect("saved");
    std::fs::read_to_string(path).expect("UTF-8")
}
