//! Judges the instruction counts of neutral rebuilds, and of rebuilds that are 1% slower.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, ensure};
use benchgate::judge::{Case, Outcome, judge};
use benchgate::model::{
    BenchId, Measurement, Metric, Reading, RunInfo, RunReading, Snapshot, Unit,
};
use benchgate::policy::Policy;
use serde::{Deserialize, Serialize};

use crate::suites::Count;

/// Instructions by subject, with two readings each.
pub type Counts = BTreeMap<String, Vec<u64>>;

/// The first line of a file of counts.
#[derive(Serialize, Deserialize)]
pub struct Base {
    /// The counts of the program that rebuilds are compared with.
    pub counts: Counts,
    /// The number of loop turns that cost one percent of each subject.
    pub turns: BTreeMap<String, u64>,
}

/// Each further line: one neutral rebuild.
#[derive(Serialize, Deserialize)]
pub struct Rebuild {
    /// The seed of its neutral code.
    pub seed: u32,
    /// The subject that was slowed down by 1% in the second count.
    pub slowed: String,
    /// The subjects whose counts differ from the base.
    pub moved: Counts,
    /// Instructions of the slowed subject, slowed.
    pub slower: Vec<u64>,
}

/// The gate's result for one rebuild.
pub struct Judged {
    seed: u32,
    slowed: String,
    /// The subjects that it calls regressions although nothing was slowed down.
    alarms: Vec<String>,
    /// The largest difference of a count from the base, as a share.
    moved: f64,
    /// Whether it calls the slowed subject a regression.
    found: bool,
    /// How much the subject was slowed down, as a share.
    slower: f64,
}

impl Rebuild {
    fn counts(&self, base: &Base) -> Counts {
        let mut counts = base.counts.clone();
        counts.extend(self.moved.clone());
        counts
    }

    /// Judges the rebuild with the gate's defaults.
    pub fn judged(&self, base: &Base) -> Judged {
        let counts = self.counts(base);
        let mut slower = counts.clone();
        slower.insert(self.slowed.clone(), self.slower.clone());
        let moved = counts.iter().map(|(name, counts)| {
            counts[0].abs_diff(base.counts[name][0]) as f64 / base.counts[name][0] as f64
        });
        Judged {
            seed: self.seed,
            slowed: self.slowed.clone(),
            alarms: regressions(&base.counts, &counts),
            moved: moved.fold(0.0, f64::max),
            found: regressions(&base.counts, &slower).contains(&self.slowed),
            slower: self.slower[0] as f64 / counts[&self.slowed][0] as f64 - 1.0,
        }
    }
}

impl fmt::Display for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, slowed, alarms, moved, found, slower } = self;
        let [moved, slower] = [moved, slower].map(|share| share * 100.0);
        write!(f, "{seed}: alarms {alarms:?}, moved by {moved:.3}% at most; ")?;
        write!(f, "{slowed} +{slower:.2}% {}", if *found { "found" } else { "MISSED" })
    }
}

/// The results of all rebuilds of a file.
pub struct Summary {
    /// The number of subjects of each rebuild.
    pub subjects: usize,
    /// Rebuilds with a false alarm.
    pub alarms: Count,
    /// Rows (one subject in one rebuild) whose count differs from the base.
    pub moved: Count,
    /// The largest difference of a count, as a share.
    pub furthest: f64,
    /// Slowed subjects that were found.
    pub found: Count,
    /// The smallest and the largest slowdown, as shares.
    pub slower: [f64; 2],
}

impl Summary {
    /// Judges every rebuild of a file.
    pub fn of(path: &Path) -> anyhow::Result<Self> {
        let (base, rebuilds) = read(path)?;
        ensure!(!rebuilds.is_empty(), "{}: no rebuild", path.display());
        let judged: Vec<Judged> = rebuilds.iter().map(|rebuild| rebuild.judged(&base)).collect();
        let slower = |fold: fn(f64, f64) -> f64, from| {
            judged.iter().map(|result| result.slower).fold(from, fold)
        };
        let mut summary = Self {
            subjects: base.counts.len(),
            alarms: Count::default(),
            moved: Count::default(),
            furthest: judged.iter().map(|result| result.moved).fold(0.0, f64::max),
            found: Count::default(),
            slower: [slower(f64::min, f64::INFINITY), slower(f64::max, 0.0)],
        };
        for (rebuild, judged) in rebuilds.iter().zip(&judged) {
            summary.alarms.add(!judged.alarms.is_empty());
            summary.found.add(judged.found);
            for subject in base.counts.keys() {
                summary.moved.add(rebuild.moved.contains_key(subject));
            }
        }
        Ok(summary)
    }
}

/// Reads the base and the rebuilds of a file.
pub fn read(path: &Path) -> anyhow::Result<(Base, Vec<Rebuild>)> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let mut lines = text.lines();
    let base: Base = serde_json::from_str(lines.next().unwrap_or_default())
        .with_context(|| format!("{}: its first line", path.display()))?;
    let rebuild = |line| {
        let rebuild: Rebuild = serde_json::from_str(line)?;
        let known = |name: &String| base.counts.contains_key(name);
        ensure!(rebuild.moved.keys().all(known) && known(&rebuild.slowed), "an unknown subject");
        ensure!(!rebuild.slower.is_empty(), "no count");
        Ok(rebuild)
    };
    let rebuilds = lines.enumerate().map(|(at, line)| {
        rebuild(line).with_context(|| format!("{}: line {}", path.display(), at + 2))
    });
    let rebuilds = rebuilds.collect::<anyhow::Result<_>>()?;
    Ok((base, rebuilds))
}

/// A snapshot of counts.
fn snapshot(counts: &Counts) -> Snapshot {
    let run = RunInfo { started: None, seconds: None, busy: None, environment: Default::default() };
    let readings = |counts: &Vec<u64>| {
        let value =
            |(run, count): (u32, &u64)| RunReading { run, reading: Reading::Value(*count as f64) };
        (0..).zip(counts).map(value).collect()
    };
    let mut snapshot = Snapshot {
        name: "counts".to_owned(),
        created: jiff::Timestamp::UNIX_EPOCH,
        revision: None,
        selection: None,
        pairing: None,
        runs: vec![run; 2],
        measurements: counts
            .iter()
            .map(|(name, counts)| Measurement {
                id: BenchId::named(name),
                metric: Metric::counted(Metric::INSTRUCTIONS, Unit::Count),
                runs: readings(counts),
                criterion: None,
                throughput: None,
                // All counts of a file were counted in one way.
                costs: None,
            })
            .collect(),
        not_run: Vec::new(),
        problems: Vec::new(),
    };
    snapshot.sort();
    snapshot
}

/// The subjects that the gate calls regressions with its defaults.
fn regressions(base: &Counts, head: &Counts) -> Vec<String> {
    let (base, head) = (snapshot(base), snapshot(head));
    let policy = Policy::builtin();
    let case = Case {
        baseline: Some(&base),
        candidate: &head,
        policy: &policy,
        noise: None,
        today: jiff::civil::date(2026, 1, 1),
    };
    let red = judge(&case).rows.into_iter();
    red.filter(|row| row.outcome() == Some(Outcome::Regression)).map(|row| row.id).collect()
}
