//! Builds the subjects and records processes of them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use benchgate::measure::{BenchExecutable, CriterionTimes, Harness, Interrupt, Process, Scratch};
use benchgate::model::Reading;

use crate::Place;
use crate::pool::Line;

/// Neutral rebuilds: each has other code in other functions, and all functions
/// in another order.
const NEUTRAL: u32 = 8;
/// Rounds in which the same two neutral rebuilds take part.
const BLOCK: u32 = 40;
/// Times of each process; 13 subjects take 1.5 s.
const TIMES: CriterionTimes = CriterionTimes {
    warm_up: Duration::from_millis(30),
    measurement: Duration::from_millis(60),
    samples: 20,
    resamples: 1000,
};

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

impl Build {
    pub fn run(&self) -> anyhow::Result<()> {
        let place = &self.place.place;
        fs::create_dir_all(place)?;
        for number in 0..=NEUTRAL {
            let name = if number == 0 { "base".to_owned() } else { format!("neutral-{number}") };
            build(place, number, &place.join(&name))?;
            eprintln!("built {name}");
        }
        Ok(())
    }
}

/// Builds the subjects with the neutral code of a seed, their functions in the
/// order of that seed.
pub fn build(place: &Path, seed: u32, to: &Path) -> anyhow::Result<()> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("subjects/Cargo.toml");
    let output = Command::new("cargo")
        .args(["rustc", "--locked", "--profile", "bench", "--bench", "subjects"])
        .args(["--message-format", "json", "--manifest-path"])
        .arg(manifest)
        .arg("--target-dir")
        .arg(place.join("build"))
        // rust-lld, rustc's own linker here, knows how.
        .args(["--", "-C", &format!("link-arg=-Wl,--shuffle-sections=.text*={}", seed + 1)])
        .env("NEUTRAL_SEED", seed.to_string())
        .output()?;
    if !output.status.success() {
        bail!("cannot build the subjects:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    let executable = String::from_utf8(output.stdout)?
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|line| Some(PathBuf::from(line["executable"].as_str()?)))
        .next_back()
        .context("cargo named no executable")?;
    fs::copy(executable, to)?;
    Ok(())
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
    };
    let measured = process.run(interrupt, &mut |_| {})?;
    if !measured.ended.success() {
        bail!("a process ended with {}: {}", measured.ended, measured.tail.join("\n"));
    }
    let measurements = measured.recorded.harvest.measurements;
    Ok(measurements
        .into_iter()
        .filter_map(|one| match &one.runs[0].reading {
            Reading::Samples { samples, .. } => Some((one.id.name, samples.per_iteration())),
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
    let one = |(name, turns): (&String, &f64)| format!("{name}={}", (turns * percent).round());
    turns.iter().map(one).collect::<Vec<_>>().join(",")
}

impl Calibrate {
    pub fn run(&self) -> anyhow::Result<()> {
        let interrupt = Interrupt::install()?;
        let place = &self.place.place;
        let base = place.join("base");
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
        let mut round = match recorded.lines().next_back() {
            Some(line) => serde_json::from_str::<Line>(line)?.round + 1,
            None => 0,
        };
        let mut file = fs::OpenOptions::new().create(true).append(true).open(&pool)?;
        for _ in 0..self.rounds {
            let mut variants = variants(round, &turns);
            fastrand::shuffle(&mut variants);
            let mut lines = String::new();
            for (place_in_round, (variant, executable, slowdown)) in (0..).zip(variants) {
                let began = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
                let before = busy()?;
                let times = process(place, &place.join(executable), &slowdown, &interrupt)?;
                let after = busy()?;
                let line = Line {
                    round,
                    place: place_in_round,
                    variant,
                    began,
                    others: others(before, after),
                    times,
                };
                lines += &serde_json::to_string(&line)?;
                lines.push('\n');
            }
            // Whole rounds only.
            file.write_all(lines.as_bytes())?;
            round += 1;
        }
        Ok(())
    }
}

/// What takes part in a round: name, executable, slowdown.
fn variants(round: u32, turns: &Turns) -> Vec<(String, String, String)> {
    let block = round / BLOCK;
    let neutral = |which| format!("neutral-{}", (2 * block + which) % NEUTRAL + 1);
    let cause = turns.keys().map(|name| format!("{name}=cause")).collect::<Vec<_>>().join(",");
    let rare = [1.0, 2.0, 10.0][round as usize % 3];
    let mut variants = vec![
        ("base".to_owned(), "base".to_owned(), String::new()),
        ("again".to_owned(), "base".to_owned(), String::new()),
        (neutral(0), neutral(0), String::new()),
        (neutral(1), neutral(1), String::new()),
        ("cause".to_owned(), "base".to_owned(), cause),
    ];
    for percent in [3.0, 5.0, rare] {
        let slowdown = slowdown(turns, percent);
        variants.push((format!("spin-{percent}"), "base".to_owned(), slowdown));
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
