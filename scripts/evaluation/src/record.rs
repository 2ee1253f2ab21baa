//! Builds the subjects and records processes of them.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use benchgate::build::switch_link;
use benchgate::measure::{
    BenchExecutable, BuildOptions, CriterionTimes, Harness, Interrupt, Pinning, Process, Scratch,
    Silent,
};
use benchgate::model::{Layout, Reading, Sides, TrialSide};

use crate::Place;
use crate::pool::Line;

/// Neutral rebuilds: each has other code in functions that no subject calls.
const NEUTRAL: u32 = 16;
/// Rounds in which the same neutral rebuild takes part: screening and a first look.
const BLOCK: u32 = 24;
/// Times of each process; 13 subjects take 1.5 s.
const TIMES: CriterionTimes = CriterionTimes {
    warm_up: Duration::from_millis(30),
    measurement: Duration::from_millis(60),
    samples: 20,
    resamples: 1000,
};

/// The sides of a trial.
const NAMES: [&str; 2] = ["base", "head"];

/// Build the subjects: a base, and neutral rebuilds of it
#[derive(clap::Args)]
pub struct Build {
    #[command(flatten)]
    place: Place,
}

/// Find how many turns of the spin are one percent of each subject
#[derive(clap::Args)]
pub struct Calibrate {
    #[command(flatten)]
    place: Place,
    /// Pairs of processes
    #[arg(long, default_value_t = 12)]
    pairs: u32,
}

/// Append rounds to a pool: one process of each variant in random order
#[derive(clap::Args)]
pub struct Record {
    #[command(flatten)]
    place: Place,
    /// Rounds
    #[arg(long, default_value_t = 1)]
    rounds: u32,
}

/// Append pairs of a base and each of many neutral rebuilds to a pool
#[derive(clap::Args)]
pub struct Rebuilds {
    #[command(flatten)]
    place: Place,
    /// The number of rebuilds that the pool has afterwards
    #[arg(long)]
    rebuilds: u32,
    /// Pairs of each rebuild
    #[arg(long, default_value_t = 12)]
    pairs: u32,
}

impl Build {
    pub fn run(&self) -> anyhow::Result<()> {
        fs::create_dir_all(&self.place.place)?;
        let place = fs::canonicalize(&self.place.place)?;
        for seed in 1..=NEUTRAL {
            let layout = build(&place, seed)?;
            let state = layout.reason.unwrap_or_else(|| "pinned".to_owned());
            eprintln!("{seed}: {state}, {} of {} functions", layout.same, layout.functions);
        }
        Ok(())
    }
}

/// Where a side of the trial with that neutral rebuild is.
fn side(place: &Path, seed: u32, side: &str) -> PathBuf {
    place.join(format!("{seed:02}-{side}"))
}

/// Builds the subjects with neutral code of that seed and without, and pins their
/// layout as `gate ab` does.
fn build(place: &Path, seed: u32) -> anyhow::Result<Layout> {
    let interrupt = Interrupt::install()?;
    let pinning = Pinning::prepare(place)?;
    let built = |side: TrialSide| {
        switch_link(&place.join("build"), side.as_str())?;
        let set = pinning.variables().into_iter();
        let mut variables: Vec<_> = set.map(|(name, value)| (name, Some(value))).collect();
        let seed = if side == TrialSide::Base { 0 } else { seed };
        variables.push(("NEUTRAL_SEED".into(), Some(seed.to_string().into())));
        let options = BuildOptions {
            directory: Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("subjects")),
            target_dir: Some(place.join("build")),
            locked: true,
            quiet: true,
            variables,
            ..BuildOptions::default()
        };
        anyhow::Ok(benchgate::measure::build(&options, &interrupt, &mut Silent)?)
    };
    let mut sides = Sides {
        base: built(TrialSide::Base)?.executables,
        head: built(TrialSide::Head)?.executables,
    };
    let layouts =
        pinning.pin(sides.each_mut(), &BTreeSet::new(), &mut |side| built(side).map(|_| Ok(())))?;
    for (name, executables) in NAMES.iter().zip(&sides) {
        fs::copy(&executables[0].path, side(place, seed, name))?;
    }
    layouts.into_iter().next().context("the subjects are one bench target")
}

/// Runs one process; the samples of each subject.
fn process(
    place: &Path,
    executable: &Path,
    slowdown: &str,
    interrupt: &Interrupt,
) -> anyhow::Result<BTreeMap<String, Vec<f64>>> {
    let scratch = Scratch::create(place)?;
    let home = scratch.fresh("process")?;
    let padding = "x".repeat(fastrand::usize(0..4096));
    let process = Process {
        executable: &BenchExecutable::ready(fs::canonicalize(executable)?),
        harness: Harness::Criterion,
        filter: None,
        times: TIMES,
        time_limit: Duration::from_secs(60),
        home: &home,
        log: None,
        environment: BTreeMap::from([
            (OsString::from("SLOWDOWN"), slowdown.into()),
            (OsString::from("PADDING"), padding.into()),
        ]),
        slowdown: None,
    };
    let measured = process.run(interrupt, &mut |_| {})?;
    if !measured.ended.success() {
        bail!("a process ended with {}: {}", measured.ended, measured.tail.join("\n"));
    }
    let measurements = measured.recorded.harvest.measurements;
    Ok(measurements
        .into_iter()
        .filter_map(|measurement| match &measurement.runs[0].reading {
            Reading::Samples { samples, .. } => {
                Some((measurement.id.name, samples.per_iteration()))
            }
            _ => None,
        })
        .collect())
}

pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[half] } else { f64::midpoint(sorted[half - 1], sorted[half]) }
}

/// Turns of the spin that are one percent, by subject.
type Turns = BTreeMap<String, f64>;

fn turns(place: &Path) -> anyhow::Result<Turns> {
    let path = place.join("turns.json");
    let text = fs::read(&path).with_context(|| format!("{}: calibrate first", path.display()))?;
    Ok(serde_json::from_slice(&text)?)
}

fn slowdown(turns: &Turns, percent: f64) -> String {
    let argument = |(name, turns): (&String, &f64)| format!("{name}={}", (turns * percent).round());
    turns.iter().map(argument).collect::<Vec<_>>().join(",")
}

impl Calibrate {
    pub fn run(&self) -> anyhow::Result<()> {
        let interrupt = Interrupt::install()?;
        let place = &self.place.place;
        let base = side(place, 1, NAMES[0]);
        // A first guess of 20%, then that guess mended.
        let plain = process(place, &base, "", &interrupt)?;
        let mut turns: Turns =
            plain.iter().map(|(name, times)| (name.clone(), median(times) / 100.0)).collect();
        for _ in 0..2 {
            let mut changes: BTreeMap<String, Vec<f64>> = BTreeMap::new();
            for _ in 0..self.pairs {
                let plain = process(place, &base, "", &interrupt)?;
                let slowed = process(place, &base, &slowdown(&turns, 20.0), &interrupt)?;
                for (name, times) in &plain {
                    let change = median(&slowed[name]) / median(times) - 1.0;
                    changes.entry(name.clone()).or_default().push(change);
                }
            }
            for (name, turns) in &mut turns {
                let change = median(&changes[name]);
                eprintln!("{name}: {turns:.1} turns meant as 1% are {:.3}%", change * 5.0);
                // A subject too noisy to see 20% keeps the guess.
                *turns *= (0.2 / change.max(0.02)).clamp(0.2, 5.0);
            }
        }
        fs::write(place.join("turns.json"), serde_json::to_vec_pretty(&turns)?)?;
        Ok(())
    }
}

impl Record {
    pub fn run(&self) -> anyhow::Result<()> {
        let interrupt = Interrupt::install()?;
        let place = &self.place.place;
        let turns = turns(place)?;
        let pool = place.join("pool.jsonl");
        let recorded = fs::read_to_string(&pool).unwrap_or_default();
        let first = match recorded.lines().next_back() {
            Some(line) => serde_json::from_str::<Line>(line)?.round + 1,
            None => 0,
        };
        let mut file = fs::OpenOptions::new().create(true).append(true).open(&pool)?;
        for round in first..first + self.rounds {
            let mut variants = variants(place, round, &turns);
            fastrand::shuffle(&mut variants);
            let mut lines = String::new();
            for (place_in_round, (variant, executable, slowdown)) in (0..).zip(variants) {
                let process = (variant, &*executable, &*slowdown);
                let line = timed(round, place_in_round, process, &interrupt)?;
                lines += &serde_json::to_string(&line)?;
                lines.push('\n');
            }
            // Whole rounds only.
            file.write_all(lines.as_bytes())?;
        }
        Ok(())
    }
}

impl Rebuilds {
    pub fn run(&self) -> anyhow::Result<()> {
        let interrupt = Interrupt::install()?;
        fs::create_dir_all(&self.place.place)?;
        let place = fs::canonicalize(&self.place.place)?;
        let pool = place.join("rebuilds.jsonl");
        let recorded = fs::read_to_string(&pool).unwrap_or_default();
        let lines = recorded.lines().count();
        let each = 2 * self.pairs as usize;
        let done = u32::try_from(lines / each)?;
        anyhow::ensure!(lines % each == 0, "{}: not whole rebuilds", pool.display());
        let mut file = fs::OpenOptions::new().create(true).append(true).open(&pool)?;
        for seed in done + 1..=self.rebuilds {
            let layout = build(&place, seed)?;
            if let Some(reason) = layout.reason {
                bail!("rebuild {seed} is not pinned: {reason}");
            }
            let [base, head] = NAMES.map(|name| side(&place, seed, name));
            let mut lines = String::new();
            for pair in 0..self.pairs {
                let mut sides = [("base".to_owned(), &base), (format!("neutral-{seed}"), &head)];
                fastrand::shuffle(&mut sides);
                // A gap between rebuilds, so that their rounds are never neighbours.
                let round = seed * (self.pairs + 1) + pair;
                for (place_in_round, (variant, executable)) in (0..).zip(sides) {
                    let line = timed(round, place_in_round, (variant, executable, ""), &interrupt)?;
                    lines += &serde_json::to_string(&line)?;
                    lines.push('\n');
                }
            }
            // Whole rebuilds only.
            file.write_all(lines.as_bytes())?;
            fs::remove_file(base)?;
            fs::remove_file(head)?;
            eprintln!("rebuild {seed} of {}", self.rebuilds);
        }
        Ok(())
    }
}

/// One process, with what else the machine did meanwhile.
fn timed(
    round: u32,
    place: u32,
    (variant, executable, slowdown): (String, &Path, &str),
    interrupt: &Interrupt,
) -> anyhow::Result<Line> {
    let began = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let before = busy()?;
    let scratch = executable.parent().context("a file without a directory")?;
    let times = process(scratch, executable, slowdown, interrupt)?;
    let others = others(before, busy()?);
    Ok(Line { round, place, variant, began, others, times })
}

/// What takes part in a round: name, executable, slowdown.
fn variants(place: &Path, round: u32, turns: &Turns) -> Vec<(String, PathBuf, String)> {
    let seed = round / BLOCK % NEUTRAL + 1;
    let [base, head] = NAMES.map(|name| side(place, seed, name));
    let cause = turns.keys().map(|name| format!("{name}=cause")).collect::<Vec<_>>().join(",");
    let rare = [1.0, 2.0, 10.0][round as usize % 3];
    let mut variants = vec![
        ("base".to_owned(), base.clone(), String::new()),
        ("again".to_owned(), base.clone(), String::new()),
        (format!("neutral-{seed}"), head.clone(), String::new()),
        (format!("neutral-{seed}-again"), head, String::new()),
        ("cause".to_owned(), base.clone(), cause),
    ];
    for percent in [3.0, 5.0, rare] {
        let slowdown = slowdown(turns, percent);
        variants.push((format!("spin-{percent}"), base.clone(), slowdown));
    }
    variants
}

/// Ticks of the machine: all that passed, all that were idle, and the children's.
struct Ticks {
    all: f64,
    idle: f64,
    children: f64,
}

fn busy() -> anyhow::Result<Ticks> {
    let stat = fs::read_to_string("/proc/stat")?;
    let ticks: Vec<f64> = stat
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(1)
        .take(8)
        .filter_map(|ticks| ticks.parse().ok())
        .collect();
    let own = fs::read_to_string("/proc/self/stat")?;
    // After the name in parentheses, fields 14 to 17: own and children's times.
    let after = own.rsplit(')').next().unwrap_or_default();
    let own: f64 =
        after.split_whitespace().skip(11).take(4).filter_map(|t| t.parse::<f64>().ok()).sum();
    Ok(Ticks { all: ticks.iter().sum(), idle: ticks[3] + ticks[4], children: own })
}

fn others(before: Ticks, after: Ticks) -> f64 {
    let all = after.all - before.all;
    let used = all - (after.idle - before.idle) - (after.children - before.children);
    (used / all.max(1.0)).clamp(0.0, 1.0)
}
