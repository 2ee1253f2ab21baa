//! Two saved snapshots: how often the gate is wrong about them, and what it finds.
//!
//! `stretches` takes recorded processes, `synthetic` invented sessions whose noise is known.
//! Both are judged by the gate's own code, with the default policy.

mod stretches;
mod synthetic;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use benchgate::calibrate::{observe, remember};
use benchgate::judge::{Case, Outcome, Report, Severity, judge};
use benchgate::model::{
    AllocatorCount, BenchId, Costs, CountScope, Environment, Field, Measurement, Metric, Noise,
    Reading, RunInfo, RunReading, Snapshot, Unit,
};
use benchgate::policy::Policy;
use jiff::Timestamp;
use jiff::civil::date;

use crate::processes::Pool;

/// Runs of a side: the default of `gate run`.
pub const RUNS: usize = 5;

/// Measure how often saved snapshots are judged wrongly
#[derive(clap::Args)]
pub struct Saved {
    /// Pools with several stretches; may be repeated
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pool: Vec<PathBuf>,
    /// The number of invented suites of each kind
    #[arg(long, default_value_t = 300)]
    suites: u64,
}

impl Saved {
    pub fn run(&self) -> anyhow::Result<()> {
        let mut text = String::new();
        for pool in Pool::read_all(&self.pool)? {
            text += &stretches::table(&pool);
        }
        text += &synthetic::table(self.suites);
        print!("{text}");
        Ok(())
    }
}

/// One session: the logarithms of the runs of each benchmark.
pub type Session = Vec<Vec<f64>>;

/// What many comparisons of two sessions came to.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub suites: usize,
    /// Suites with a failing exit code for a regression.
    pub red: usize,
    /// Suites that were undecided as a whole.
    pub undecided_suites: usize,
    /// Rows of unchanged benchmarks.
    pub rows: usize,
    /// Those of them that were called slower, whatever it does.
    pub slower: usize,
    /// Those of them that were called faster.
    pub faster: usize,
    pub undecided: usize,
    /// Rows that were slowed down.
    pub slowed: usize,
    /// Those of them that were called slower, and that failed.
    pub found: usize,
    pub failed: usize,
    /// The smallest change that each row would have shown.
    pub detectable: Vec<f64>,
}

impl Tally {
    /// Adds a report in which the benchmark at `slowed` is slower.
    pub fn add(&mut self, report: &Report, slowed: Option<usize>) {
        self.suites += 1;
        let exit = report.verdict.as_ref().map_or(0, |verdict| verdict.exit.code());
        self.red += usize::from(exit == 3);
        self.undecided_suites += usize::from(exit == 4);
        let slowed = slowed.map(name);
        for row in report.rows.iter().filter(|row| row.metric == Metric::TIME) {
            let Some(judgement) = &row.judgement else { continue };
            let is = |outcome| usize::from(judgement.outcome == outcome);
            if Some(&row.id) == slowed.as_ref() {
                self.slowed += 1;
                self.found += is(Outcome::Regression);
                self.failed += usize::from(
                    judgement.outcome == Outcome::Regression
                        && judgement.severity == Severity::Fail,
                );
                continue;
            }
            self.rows += 1;
            self.slower += is(Outcome::Regression);
            self.faster += is(Outcome::Improvement);
            self.undecided += is(Outcome::Undecided);
            self.detectable.extend(judgement.detectable);
        }
    }

    /// The cells of a table: red suites, exit 4, slower, faster and undecided rows, the
    /// median of the smallest change that would have been found.
    pub fn cells(&self) -> String {
        let rows = self.rows as f64;
        format!(
            "{} | {} | {} | {} | {} | {}",
            share(self.red, self.suites),
            share(self.undecided_suites, self.suites),
            percent(self.slower as f64 / rows),
            percent(self.faster as f64 / rows),
            percent(self.undecided as f64 / rows),
            percent(benchgate::stats::median(&self.detectable).unwrap_or(f64::NAN)),
        )
    }
}

/// `3 of 300 (1.0%)`.
pub fn share(count: usize, of: usize) -> String {
    format!("{count} of {of} ({})", percent(count as f64 / of as f64))
}

pub fn percent(share: f64) -> String {
    if share.is_nan() { "–".to_owned() } else { format!("{:.1}%", share * 100.0) }
}

/// Writes a line to a string, which never fails.
pub fn line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("a string takes everything");
}

/// The name of the benchmark at a position.
pub fn name(at: usize) -> String {
    format!("row/{at:03}")
}

/// A snapshot of a session that began at that second. Benchmark `slowed` is slower by a
/// factor. With `counts`, every benchmark also has the same steady count.
pub fn snapshot(
    session: &Session,
    second: i64,
    slowed: Option<(usize, f64)>,
    counts: bool,
) -> Snapshot {
    let mut environment = Environment::default();
    environment.set(Field::CpuModel, "the same");
    let runs = session.iter().map(Vec::len).max().unwrap_or(1);
    let run = RunInfo { started: None, seconds: None, busy: None, environment };
    let reading = |values: Vec<f64>| {
        (0..)
            .zip(values)
            .map(|(run, value)| RunReading { run, reading: Reading::Value(value) })
            .collect()
    };
    let mut measurements = Vec::new();
    for (at, logs) in session.iter().enumerate() {
        let factor = slowed.map_or(1.0, |(row, factor)| if row == at { factor } else { 1.0 });
        let values = logs.iter().map(|log| factor * log.exp()).collect();
        let measurement = |metric: Metric, values: Vec<f64>, costs| Measurement {
            id: BenchId::named(name(at)),
            metric,
            runs: reading(values),
            criterion: None,
            throughput: None,
            costs,
        };
        measurements.push(measurement(Metric::time(), values, None));
        if counts {
            let costs = Costs {
                threads: 1,
                scope: Some(CountScope::Timed),
                allocator: AllocatorCount::Charged,
                system_calls: false,
                total: 1_000_000,
                functions: std::collections::BTreeMap::new(),
            };
            let metric = Metric::counted(Metric::INSTRUCTIONS, Unit::Count);
            measurements.push(measurement(metric, vec![1e6; 2], Some(costs)));
        }
    }
    let mut snapshot = Snapshot {
        name: "saved".to_owned(),
        created: Timestamp::from_second(second).expect("a small number"),
        revision: None,
        selection: None,
        pairing: None,
        runs: vec![run; runs],
        measurements,
        not_run: Vec::new(),
        problems: Vec::new(),
    };
    snapshot.sort();
    snapshot
}

/// What `gate calibrate` learns from sessions of equal code; `None` from none.
pub fn noise(sessions: &[Session]) -> Option<Noise> {
    let mut noise = None;
    for (at, session) in (0..).zip(sessions) {
        let observed = observe(&snapshot(session, 10_000 * at, None, false));
        noise = Some(remember(&noise.unwrap_or_default(), &observed));
    }
    noise
}

pub fn verdict(sides: [&Snapshot; 2], noise: Option<&Noise>, policy: &Policy) -> Report {
    judge(&Case {
        baseline: Some(sides[0]),
        candidate: sides[1],
        policy,
        noise,
        today: date(2026, 11, 20),
    })
}

/// The default policy with these lines.
pub fn policy(text: &str) -> Policy {
    Policy::parse(&format!("version = 1\n{text}"), Path::new("gate.toml")).expect("a valid policy")
}
