//! Pools in memory: processes with the samples of each benchmark, read from any of the file
//! formats.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;

use crate::criterion_runs;
use crate::pack;
use crate::pool::Line;

/// One fresh process.
#[derive(Clone, Debug, PartialEq)]
pub struct Process {
    /// The round it belongs to.
    pub round: u32,
    /// Its position in the round.
    pub place: u32,
    /// The program: see [`Line::variant`].
    pub variant: String,
    /// When it began, in seconds since 1970; 0 if unknown.
    pub began: u64,
    /// Nanoseconds per iteration of each sample, in the order of the pool's subjects.
    pub times: Vec<Vec<f64>>,
}

/// Processes of the same benchmarks.
#[derive(Clone, Debug)]
pub struct Pool {
    /// The benchmarks.
    pub subjects: Vec<String>,
    /// In the order in which they ran.
    pub processes: Vec<Process>,
    /// Seconds from the start of a process to the start of the next.
    pub seconds: f64,
}

/// Every other block of rounds. Rounds used for tuning must not be used for claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Half {
    /// Blocks 0, 2, 4 …
    Tune,
    /// Blocks 1, 3, 5 …
    Claim,
}

/// The number of rounds in a block, which share a neutral rebuild.
const BLOCK: u32 = 24;

impl Pool {
    /// Reads one file of any format, or a directory of criterion's results.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        if path.is_dir() {
            return criterion_runs::read(path);
        }
        let bytes = fs::read(path).with_context(|| path.display().to_string())?;
        let pool = if pack::is_packed(&bytes) {
            pack::unpack(&bytes)
        } else {
            let text = String::from_utf8(bytes).context("neither text nor a packed pool");
            text.and_then(|text| parse(&text))
        };
        pool.with_context(|| path.display().to_string())
    }

    /// Reads several files, and combines those with the same benchmarks into one pool, in order.
    pub fn read_all(paths: &[std::path::PathBuf]) -> anyhow::Result<Vec<Self>> {
        let mut pools: Vec<Self> = Vec::new();
        for path in paths {
            let pool = Self::read(path)?;
            match pools.iter_mut().find(|other| other.subjects == pool.subjects) {
                Some(other) => other.append(pool),
                None => pools.push(pool),
            }
        }
        Ok(pools)
    }

    fn append(&mut self, other: Self) {
        let (here, there) = (self.processes.len() as f64, other.processes.len() as f64);
        self.seconds = (self.seconds * here + other.seconds * there) / (here + there);
        // A gap of whole blocks, so that rounds of two files are never neighbours.
        let last = self.processes.iter().map(|process| process.round).max().unwrap_or(0);
        let shift = (last / BLOCK + 2) * BLOCK;
        self.processes.extend(
            other
                .processes
                .into_iter()
                .map(|process| Process { round: process.round + shift, ..process }),
        );
    }

    /// Keeps one half of the rounds.
    pub fn half(mut self, half: Half) -> Self {
        let odd = half == Half::Claim;
        self.processes.retain(|process| (process.round / BLOCK % 2 == 1) == odd);
        self
    }

    /// The number of rounds.
    pub fn rounds(&self) -> usize {
        self.processes.iter().map(|process| process.round).collect::<BTreeSet<_>>().len()
    }

    /// The time of all processes in minutes.
    pub fn minutes(&self) -> f64 {
        self.processes.len() as f64 * self.seconds / 60.0
    }

    /// The time of a pair of processes per benchmark, in seconds.
    pub fn pair_seconds(&self) -> f64 {
        2.0 * self.seconds / self.subjects.len() as f64
    }

    /// Combines recorded lines. All processes must have the same benchmarks.
    pub fn of_lines(lines: Vec<Line>) -> anyhow::Result<Self> {
        let first = lines.first().context("there is no process in it")?;
        let subjects: Vec<String> = first.times.keys().cloned().collect();
        let mut processes = Vec::with_capacity(lines.len());
        for (at, line) in lines.into_iter().enumerate() {
            ensure!(
                line.times.keys().eq(subjects.iter()),
                "line {}: other benchmarks than those of line 1",
                at + 1
            );
            let times: Vec<Vec<f64>> = line.times.into_values().collect();
            check(&times).with_context(|| format!("line {}", at + 1))?;
            let Line { round, place, variant, began, .. } = line;
            processes.push(Process { round, place, variant, began, times });
        }
        let seconds = pace(&processes).context("too few processes to know how long one takes")?;
        Ok(Self { subjects, processes, seconds })
    }
}

/// Checks that there are times and that all are positive numbers.
pub fn check(times: &[Vec<f64>]) -> anyhow::Result<()> {
    for samples in times {
        ensure!(!samples.is_empty(), "a benchmark without samples");
        ensure!(
            samples.iter().all(|time| time.is_finite() && *time > 0.0),
            "a time that is not a positive number"
        );
    }
    Ok(())
}

/// Seconds from the start of a process to the start of the next: the median over rounds.
fn pace(processes: &[Process]) -> Option<f64> {
    let mut rounds: BTreeMap<u32, (u64, u64, u32)> = BTreeMap::new();
    for process in processes {
        let (first, last, count) =
            rounds.entry(process.round).or_insert((process.began, process.began, 0));
        *first = (*first).min(process.began);
        *last = (*last).max(process.began);
        *count += 1;
    }
    let each = rounds.values().filter(|(_, _, count)| *count > 1);
    let each: Vec<f64> =
        each.map(|(first, last, count)| (last - first) as f64 / f64::from(count - 1)).collect();
    benchgate::stats::median(&each)
}

fn parse(text: &str) -> anyhow::Result<Pool> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Any {
        Recorded(Line),
        Whole(Whole),
        Single(Single),
    }
    let (mut recorded, mut whole, mut single) = (Vec::new(), Vec::new(), Vec::new());
    for (at, line) in text.lines().enumerate() {
        let line = serde_json::from_str(line);
        match line.with_context(|| format!("line {} is not a process of a pool", at + 1))? {
            Any::Recorded(line) => recorded.push(line),
            Any::Whole(line) => whole.push(line),
            Any::Single(line) => single.push(line),
        }
    }
    match (recorded.is_empty(), whole.is_empty(), single.is_empty()) {
        (false, true, true) => Pool::of_lines(recorded),
        (true, false, true) => of_whole(whole),
        (true, true, false) => of_single(single),
        _ => bail!("no processes, or lines of different formats"),
    }
}

/// A process of an early pool: iterations and nanoseconds of the samples of every benchmark,
/// and the time of the process.
#[derive(Deserialize)]
struct Whole {
    round: u32,
    side: String,
    wall: f64,
    res: BTreeMap<String, (Vec<f64>, Vec<f64>)>,
}

/// The same for a process that ran a single benchmark.
#[derive(Deserialize)]
struct Single {
    round: u32,
    bench: String,
    side: String,
    wall: f64,
    it: Vec<f64>,
    t: Vec<f64>,
}

/// Translates a variant of the early pools: `s33` runs every 33rd iteration twice.
pub fn variant(side: &str) -> anyhow::Result<&'static str> {
    Ok(match side {
        "a" => "base",
        "b" => "again",
        "s33" => "spin-3",
        "s20" => "spin-5",
        "s10" => "spin-10",
        _ => bail!("unknown side {side:?}"),
    })
}

fn of_whole(lines: Vec<Whole>) -> anyhow::Result<Pool> {
    let subjects: Vec<String> = lines[0].res.keys().cloned().collect();
    let seconds = lines.iter().map(|line| line.wall).sum::<f64>() / lines.len() as f64;
    let mut processes = Vec::new();
    for (place, line) in (0..).zip(lines) {
        ensure!(line.res.keys().eq(subjects.iter()), "processes of different benchmarks");
        let times: Vec<Vec<f64>> =
            line.res.values().map(|(iterations, totals)| each(iterations, totals)).collect();
        check(&times)?;
        let variant = variant(&line.side)?.to_owned();
        processes.push(Process { round: line.round, place, variant, began: 0, times });
    }
    Ok(Pool { subjects, processes, seconds })
}

/// Combines the processes of single benchmarks, by round and side.
fn of_single(lines: Vec<Single>) -> anyhow::Result<Pool> {
    let subjects: BTreeSet<String> = lines.iter().map(|line| line.bench.clone()).collect();
    let wall = lines.iter().map(|line| line.wall).sum::<f64>() / lines.len() as f64;
    let mut together: BTreeMap<(u32, &'static str), BTreeMap<String, Vec<f64>>> = BTreeMap::new();
    for line in &lines {
        let times = together.entry((line.round, variant(&line.side)?)).or_default();
        times.insert(line.bench.clone(), each(&line.it, &line.t));
    }
    let seconds = wall * subjects.len() as f64;
    let mut processes = Vec::new();
    for (place, ((round, variant), times)) in (0..).zip(together) {
        ensure!(times.keys().eq(subjects.iter()), "round {round} lacks a benchmark");
        let times: Vec<Vec<f64>> = times.into_values().collect();
        check(&times)?;
        processes.push(Process { round, place, variant: variant.to_owned(), began: 0, times });
    }
    Ok(Pool { subjects: subjects.into_iter().collect(), processes, seconds })
}

/// Times per iteration.
pub fn each(iterations: &[f64], totals: &[f64]) -> Vec<f64> {
    totals.iter().zip(iterations).map(|(total, iterations)| total / iterations).collect()
}
