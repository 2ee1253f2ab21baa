//! Judges the instruction counts of bodies that use the heap, in neutral rebuilds whose
//! set-up leaves another heap each time.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, ensure};
use benchgate::judge::{Case, Outcome, judge};
use benchgate::measure::Counts;
use benchgate::model::{
    AllocatorCount, BenchId, Costs, CountScope, Measurement, Metric, Reading, RunInfo, RunReading,
    Snapshot, Unit,
};
use benchgate::policy::Policy;
use serde::{Deserialize, Serialize};

use crate::suites::Count;

/// The counts of one subject in one build, with a reading for each process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeapCounts {
    /// With a constant for each call of the allocator.
    pub charged: Vec<u64>,
    /// All that was executed.
    pub executed: Vec<u64>,
    /// Blocks that were asked for.
    pub allocations: Vec<u64>,
    /// The body makes system calls.
    pub system_calls: bool,
}

impl HeapCounts {
    /// What was counted, of benchmarks that criterion's clock bounds.
    pub fn of(counts: &Counts) -> anyhow::Result<Self> {
        let scope = CountScope::Timed;
        ensure!(counts.scope() == scope, "counted with the set-up: {:?}", counts.untimed());
        let basis = counts.basis();
        ensure!(basis.allocator == AllocatorCount::Charged, "{:?}", counts.uncharged());
        Ok(Self {
            charged: counts.values(basis),
            executed: counts.executed(scope).map(|executed| executed.instructions).collect(),
            allocations: counts.allocations(scope).context("no allocations")?,
            system_calls: counts.asks_kernel(scope),
        })
    }
}

/// Counts by subject.
pub type All = BTreeMap<String, HeapCounts>;

/// The first line of a file.
#[derive(Serialize, Deserialize)]
pub struct Base {
    /// The counts of the program that rebuilds are compared with.
    pub counts: All,
    /// The number of loop turns that cost one percent of each subject.
    pub turns: BTreeMap<String, u64>,
}

/// Each further line: one neutral rebuild, with a heap of its own.
#[derive(Serialize, Deserialize)]
pub struct Rebuild {
    /// The seed of its neutral code, of its heap, and of the lengths of its environment and
    /// arguments.
    pub seed: u32,
    /// The counts of every subject.
    pub counts: All,
    /// The counts of every subject that is slowed down by 1%.
    pub slower: All,
}

/// What the rebuilds of a file did to one subject.
#[derive(Default)]
pub struct Moved {
    /// The largest difference of what was executed from the base, as a share.
    pub executed: f64,
    /// Rebuilds that a gate would have called a change by what was executed.
    pub executed_alarms: Count,
    /// The largest difference of the charged count.
    pub charged: f64,
    /// Rebuilds that the gate calls a change, in either direction.
    pub alarms: Count,
    /// Rebuilds in which 1% more was found, among those where the subject was slowed down.
    pub found: Count,
    /// How often the readings of one build differ.
    pub unsteady: Count,
}

/// The results of all rebuilds of a file, by subject.
pub fn summary(path: &Path) -> anyhow::Result<BTreeMap<String, Moved>> {
    let (base, rebuilds) = read(path)?;
    ensure!(!rebuilds.is_empty(), "{}: no rebuild", path.display());
    let mut all: BTreeMap<String, Moved> = BTreeMap::new();
    for rebuild in &rebuilds {
        let judged = judged(&base.counts, &rebuild.counts, false);
        // As if all that was executed were exact.
        let by_executed = self::judged(&base.counts, &rebuild.counts, true);
        let mut slower = rebuild.counts.clone();
        slower.extend(rebuild.slower.clone());
        let slower = self::judged(&base.counts, &slower, false);
        for (name, counts) in &rebuild.counts {
            let known = &base.counts[name];
            let moved = all.entry(name.clone()).or_default();
            moved.executed = moved.executed.max(apart(&known.executed, &counts.executed));
            moved.charged = moved.charged.max(apart(&known.charged, &counts.charged));
            moved.executed_alarms.add(by_executed.contains_key(name));
            moved.alarms.add(judged.contains_key(name));
            moved.unsteady.add(counts.charged.windows(2).any(|pair| pair[0] != pair[1]));
            if rebuild.slower.contains_key(name) {
                moved.found.add(slower.get(name) == Some(&Outcome::Regression));
            }
        }
    }
    Ok(all)
}

fn apart(base: &[u64], head: &[u64]) -> f64 {
    head[0].abs_diff(base[0]) as f64 / base[0] as f64
}

/// Reads the base and the rebuilds of a file.
pub fn read(path: &Path) -> anyhow::Result<(Base, Vec<Rebuild>)> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let mut lines = text.lines();
    let base: Base = serde_json::from_str(lines.next().unwrap_or_default())
        .with_context(|| format!("{}: its first line", path.display()))?;
    let rebuild = |line| {
        let rebuild: Rebuild = serde_json::from_str(line)?;
        let all = rebuild.counts.iter().chain(&rebuild.slower);
        for (name, counts) in all {
            ensure!(base.counts.contains_key(name), "an unknown subject");
            let HeapCounts { charged, executed, allocations, .. } = counts;
            ensure!(!charged.is_empty() && !executed.is_empty() && !allocations.is_empty());
        }
        Ok(rebuild)
    };
    let rebuilds = lines.enumerate().map(|(at, line)| {
        rebuild(line).with_context(|| format!("{}: line {}", path.display(), at + 2))
    });
    let rebuilds = rebuilds.collect::<anyhow::Result<_>>()?;
    Ok((base, rebuilds))
}

/// Costs of a count as the gate makes it, of which no functions are known.
pub fn exact(total: u64, system_calls: bool) -> Costs {
    Costs {
        threads: 1,
        scope: Some(CountScope::Timed),
        allocator: AllocatorCount::Charged,
        system_calls,
        total,
        functions: BTreeMap::new(),
    }
}

/// A snapshot of counts: instructions and allocations.
fn snapshot(all: &All, by_executed: bool) -> Snapshot {
    let run = RunInfo { started: None, seconds: None, busy: None, environment: Default::default() };
    let measurement = |name: &String, metric: &str, values: &[u64], system_calls: bool| {
        let readings = (0..)
            .zip(values)
            .map(|(run, count)| RunReading { run, reading: Reading::Value(*count as f64) });
        Measurement {
            id: BenchId::named(name),
            metric: Metric::counted(metric, Unit::Count),
            runs: readings.collect(),
            criterion: None,
            throughput: None,
            costs: Some(exact(values[0], system_calls)),
        }
    };
    let rows = all.iter().flat_map(|(name, counts)| {
        let HeapCounts { charged, executed, allocations, system_calls } = counts;
        let instructions = if by_executed { executed } else { charged };
        [(Metric::INSTRUCTIONS, instructions), (Metric::ALLOCATIONS, allocations)]
            .map(|(metric, values)| measurement(name, metric, values, *system_calls))
    });
    let mut snapshot = Snapshot {
        name: "counts".to_owned(),
        created: jiff::Timestamp::UNIX_EPOCH,
        revision: None,
        selection: None,
        pairing: None,
        runs: vec![run; 2],
        measurements: rows.collect(),
        not_run: Vec::new(),
        problems: Vec::new(),
    };
    snapshot.sort();
    snapshot
}

/// The subjects that the gate calls changed with its defaults, in either direction.
fn judged(base: &All, head: &All, by_executed: bool) -> BTreeMap<String, Outcome> {
    let (base, head) = (snapshot(base, by_executed), snapshot(head, by_executed));
    let policy = Policy::builtin();
    let case = Case {
        baseline: Some(&base),
        candidate: &head,
        policy: &policy,
        noise: None,
        today: jiff::civil::date(2026, 1, 1),
    };
    let changed = judge(&case).rows.into_iter().filter_map(|row| {
        let outcome = row.outcome()?;
        let is_change = matches!(outcome, Outcome::Regression | Outcome::Improvement);
        is_change.then_some((row.id, outcome))
    });
    changed.collect()
}
