//! What the count of instructions says of neutral rebuilds, and of one percent.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use benchgate::judge::{Case, Outcome, judge};
use benchgate::measure::{
    BenchExecutable, BuildOptions, CountOptions, CountTarget, Interrupt, Listed, Silent, count,
};
use benchgate::model::{
    BenchId, Measurement, Metric, Reading, RunInfo, RunReading, Snapshot, Unit,
};
use benchgate::policy::Policy;
use serde::{Deserialize, Serialize};

use crate::Place;

/// Subjects whose time is their own instructions; the other three copy memory,
/// wait for another thread, and read a file.
const CPU_BOUND: [&str; 10] = [
    "boxes", "dispatch", "format", "hash", "json", "map_get", "matrix", "parse", "sort", "tree_get",
];

/// Count the instructions of neutral rebuilds, and of one percent more in one subject
#[derive(clap::Args)]
pub struct Neutral {
    #[command(flatten)]
    place: Place,
    /// Rebuilds, beyond those that are in the file already
    #[arg(long, default_value_t = 1)]
    rebuilds: u32,
}

/// One neutral rebuild.
#[derive(Serialize, Deserialize)]
struct Line {
    /// Seeds its neutral code.
    seed: u32,
    /// The subject that took one percent more instructions the second time.
    slowed: String,
    /// Instructions of each subject, two readings.
    counts: BTreeMap<String, Vec<u64>>,
    /// The same for the slowed subject alone, slowed.
    slower: Vec<u64>,
}

impl Neutral {
    pub fn run(&self) -> anyhow::Result<()> {
        fs::create_dir_all(&self.place.place)?;
        let place = fs::canonicalize(&self.place.place)?;
        let path = place.join("neutral.jsonl");
        let known = fs::read_to_string(&path).unwrap_or_default().lines().count();
        let base = place.join("base.json");
        if !base.exists() {
            let executable = build(&place, 0)?;
            let counts = counted(&place, &executable, &CPU_BOUND, "")?;
            // What a turn of the spin takes, from two lengths of it.
            let mut turns = BTreeMap::new();
            for subject in CPU_BOUND {
                let [few, many] = [1000_u64, 3000].map(|turns| {
                    counted(&place, &executable, &[subject], &format!("{subject}={turns}"))
                });
                let turn = (many?[subject][0] - few?[subject][0]) as f64 / 2000.0;
                let one_percent = counts[subject][0] as f64 / 100.0 / turn;
                turns.insert(subject.to_owned(), one_percent.ceil() as u64);
            }
            fs::write(&base, serde_json::to_vec(&(counts, turns))?)?;
        }
        let (base, turns): (BTreeMap<String, Vec<u64>>, BTreeMap<String, u64>) =
            serde_json::from_slice(&fs::read(&base)?)?;
        let mut file = fs::OpenOptions::new().create(true).append(true).open(&path)?;
        for at in known..known + self.rebuilds as usize {
            // Far from the seeds that the pool is recorded with.
            let seed = 1000 + u32::try_from(at)?;
            let executable = build(&place, seed)?;
            let counts = counted(&place, &executable, &CPU_BOUND, "")?;
            let slowed = CPU_BOUND[at % CPU_BOUND.len()];
            let asked = format!("{slowed}={}", turns[slowed]);
            let slower = counted(&place, &executable, &[slowed], &asked)?.remove(slowed);
            let slower = slower.context("it was counted")?;
            let line = Line { seed, slowed: slowed.to_owned(), counts, slower };
            writeln!(file, "{}", serde_json::to_string(&line)?)?;
            report(&base, &line);
        }
        Ok(())
    }
}

/// Builds the subjects as cargo does, with neutral code of that seed.
fn build(place: &Path, seed: u32) -> anyhow::Result<BenchExecutable> {
    let options = BuildOptions {
        directory: Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("subjects")),
        target_dir: Some(place.join("neutral")),
        locked: true,
        quiet: true,
        variables: vec![("NEUTRAL_SEED".into(), seed.to_string().into())],
        ..BuildOptions::default()
    };
    let built = benchgate::measure::build(&options, &Interrupt::install()?, &mut Silent)?;
    built.executables.into_iter().next().context("the subjects are one bench target")
}

/// Two counts of each subject, as `gate ab` takes them.
fn counted(
    place: &Path,
    executable: &BenchExecutable,
    subjects: &[&str],
    slowdown: &str,
) -> anyhow::Result<BTreeMap<String, Vec<u64>>> {
    let mut executable = executable.clone();
    executable.environment.insert(OsString::from("SLOWDOWN"), slowdown.into());
    let listed = |name: &&str| Listed { name: (*name).to_owned(), cut: false };
    let target = CountTarget {
        executable: &executable,
        subject: "subjects",
        benchmarks: subjects.iter().map(listed).collect(),
    };
    let options = CountOptions {
        counts: 2,
        unsteady_counts: 2,
        time_limit: Duration::from_secs(120),
        scratch: place.to_owned(),
        profiles: false,
    };
    let mut counts = BTreeMap::new();
    for one in count(&[target], &options, &Interrupt::install()?, &mut Silent)? {
        match one.outcome {
            Ok(found) => counts.insert(one.listed.name, found.readings),
            Err(reason) => bail!("{}: {reason}", one.listed.name),
        };
    }
    Ok(counts)
}

/// A snapshot of counts.
fn snapshot(counts: &BTreeMap<String, Vec<u64>>) -> Snapshot {
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
                costs: None,
            })
            .collect(),
        not_run: Vec::new(),
        problems: Vec::new(),
    };
    snapshot.sort();
    snapshot
}

/// The subjects that the gate, by its defaults, calls regressions.
fn regressions(
    base: &BTreeMap<String, Vec<u64>>,
    head: &BTreeMap<String, Vec<u64>>,
) -> Vec<String> {
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

fn report(base: &BTreeMap<String, Vec<u64>>, line: &Line) {
    let false_alarms = regressions(base, &line.counts);
    let mut slower = line.counts.clone();
    slower.insert(line.slowed.clone(), line.slower.clone());
    let found = regressions(base, &slower).contains(&line.slowed);
    let most = line.counts.iter().map(|(name, counts)| {
        counts[0].abs_diff(base[name][0]) as f64 / base[name][0] as f64 * 100.0
    });
    eprintln!(
        "{}: alarms {false_alarms:?}, moved by {:.3}% at most; {} +{:.2}% {}",
        line.seed,
        most.fold(0.0, f64::max),
        line.slowed,
        (line.slower[0] as f64 / line.counts[&line.slowed][0] as f64 - 1.0) * 100.0,
        if found { "found" } else { "MISSED" },
    );
}
