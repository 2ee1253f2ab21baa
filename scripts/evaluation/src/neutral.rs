//! Counts the instructions of neutral rebuilds, with and without one subject 1% slower.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use benchgate::measure::{
    self, BenchExecutable, BuildOptions, CountOptions, CountTarget, Interrupt, Listed, Silent,
    count,
};

use crate::Place;
use crate::counts::{Base, Counts, Rebuild, read};
use crate::heap::{self, HeapCounts};

/// The subjects whose time depends only on their instructions. The other three copy memory,
/// wait for another thread, and read a file.
const CPU_BOUND: [&str; 10] = [
    "boxes", "dispatch", "format", "hash", "json", "map_get", "matrix", "parse", "sort", "tree_get",
];

/// The subjects that use the heap. The last two depend on more than the code: a random
/// number, and the addresses of blocks.
const HEAP: [&str; 8] =
    ["decode", "decode_long", "json_tree", "cache", "lines", "grow", "random_map", "addresses"];

/// Far from the seeds of the recorded pool.
const FIRST_SEED: u32 = 1000;

/// Count the instructions of neutral rebuilds, with and without one subject 1% slower
#[derive(clap::Args)]
pub struct Neutral {
    #[command(flatten)]
    place: Place,
    /// The number of rebuilds to add to the file
    #[arg(long, default_value_t = 1)]
    rebuilds: u32,
}

impl Neutral {
    pub fn run(&self) -> anyhow::Result<()> {
        fs::create_dir_all(&self.place.place)?;
        let place = fs::canonicalize(&self.place.place)?;
        let path = place.join("neutral.jsonl");
        if !path.exists() {
            fs::write(&path, serde_json::to_string(&base(&place)?)? + "\n")?;
        }
        let (base, known) = read(&path)?;
        let mut file = fs::OpenOptions::new().append(true).open(&path)?;
        for at in known.len()..known.len() + self.rebuilds as usize {
            let seed = FIRST_SEED + u32::try_from(at)?;
            let executable = build(&place, seed)?;
            let mut moved = counted(&place, &executable, &CPU_BOUND, "")?;
            moved.retain(|name, counts| base.counts[name] != *counts);
            let slowed = CPU_BOUND[at % CPU_BOUND.len()];
            let asked = format!("{slowed}={}", base.turns[slowed]);
            let slower = counted(&place, &executable, &[slowed], &asked)?.remove(slowed);
            let slower = slower.context("it was counted")?;
            let rebuild = Rebuild { seed, slowed: slowed.to_owned(), moved, slower };
            writeln!(file, "{}", serde_json::to_string(&rebuild)?)?;
            eprintln!("{}", rebuild.judged(&base));
        }
        Ok(())
    }
}

/// Count neutral rebuilds of subjects that use the heap, each with another heap, environment
/// and program name, with and without the subjects 1% slower
#[derive(clap::Args)]
pub struct Heaps {
    #[command(flatten)]
    place: Place,
    /// The number of rebuilds to add to the file
    #[arg(long, default_value_t = 1)]
    rebuilds: u32,
}

impl Heaps {
    pub fn run(&self) -> anyhow::Result<()> {
        fs::create_dir_all(&self.place.place)?;
        let place = fs::canonicalize(&self.place.place)?;
        let path = place.join("heap.jsonl");
        if !path.exists() {
            fs::write(&path, serde_json::to_string(&heap_base(&place)?)? + "\n")?;
        }
        let (base, known) = heap::read(&path)?;
        let mut file = fs::OpenOptions::new().append(true).open(&path)?;
        for at in known.len()..known.len() + self.rebuilds as usize {
            let seed = FIRST_SEED + u32::try_from(at)?;
            let executable = build(&place, seed)?;
            let rebuild = with_another_heap(&place, &executable, seed, &base)?;
            writeln!(file, "{}", serde_json::to_string(&rebuild)?)?;
            eprintln!("rebuild {}", at + 1);
        }
        Ok(())
    }
}

/// The base's counts, and the loop turns that cost one percent, computed from two lengths of
/// the loop.
fn base(place: &Path) -> anyhow::Result<Base> {
    let executable = build(place, 0)?;
    let counts = counted(place, &executable, &CPU_BOUND, "")?;
    let mut turns = BTreeMap::new();
    for subject in CPU_BOUND {
        let [few, many] = [1000_u64, 3000]
            .map(|turns| counted(place, &executable, &[subject], &format!("{subject}={turns}")));
        let turn = (many?[subject][0] - few?[subject][0]) as f64 / 2000.0;
        let one_percent = counts[subject][0] as f64 / 100.0 / turn;
        turns.insert(subject.to_owned(), one_percent.ceil() as u64);
    }
    Ok(Base { counts, turns })
}

/// Builds the subjects like cargo, with the neutral code of a seed.
fn build(place: &Path, seed: u32) -> anyhow::Result<BenchExecutable> {
    let options = BuildOptions {
        directory: Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("subjects")),
        target_dir: Some(place.join("neutral")),
        locked: true,
        quiet: true,
        variables: vec![("NEUTRAL_SEED".into(), Some(seed.to_string().into()))],
        ..BuildOptions::default()
    };
    let built = benchgate::measure::build(&options, &Interrupt::install()?, &mut Silent)?;
    built.executables.into_iter().next().context("the subjects are one bench target")
}

/// The base of the subjects that use the heap, and the loop turns that cost one percent.
fn heap_base(place: &Path) -> anyhow::Result<heap::Base> {
    let executable = build(place, 0)?;
    let counts = heap_counts(place, &executable, 0, "")?;
    let asked = |turns: u64| HEAP.map(|subject| format!("{subject}={turns}")).join(",");
    let few = heap_counts(place, &executable, 0, &asked(1000))?;
    let many = heap_counts(place, &executable, 0, &asked(3000))?;
    let turns = HEAP.iter().map(|subject| {
        let turn = (many[*subject].charged[0] - few[*subject].charged[0]) as f64 / 2000.0;
        let one_percent = counts[*subject].charged[0] as f64 / 100.0 / turn;
        ((*subject).to_owned(), one_percent.ceil() as u64)
    });
    let turns = turns.collect();
    Ok(heap::Base { counts, turns })
}

/// Counts a rebuild after a set-up of its own, in an environment and with a program name of
/// other lengths.
fn with_another_heap(
    place: &Path,
    executable: &BenchExecutable,
    seed: u32,
    base: &heap::Base,
) -> anyhow::Result<heap::Rebuild> {
    let mut executable = executable.clone();
    let directory = place.join("p".repeat(1 + seed as usize * 13 % 101));
    fs::create_dir_all(&directory)?;
    let moved = directory.join("subjects");
    fs::copy(&executable.path, &moved)?;
    executable.path = moved;
    let length = seed as usize * 379 % 4001;
    executable.environment.insert("LENGTH".into(), "x".repeat(length).into());
    let counts = heap_counts(place, &executable, seed, "")?;
    let slowed = HEAP.map(|subject| format!("{subject}={}", base.turns[subject])).join(",");
    let slower = heap_counts(place, &executable, seed, &slowed)?;
    fs::remove_dir_all(&directory)?;
    Ok(heap::Rebuild { seed, counts, slower })
}

fn heap_counts(
    place: &Path,
    executable: &BenchExecutable,
    seed: u32,
    slowdown: &str,
) -> anyhow::Result<heap::All> {
    let mut executable = executable.clone();
    executable.environment.insert("HEAP".into(), seed.to_string().into());
    let counted = count_twice(place, &executable, &HEAP, slowdown)?;
    counted
        .iter()
        .map(|(name, counts)| {
            let counts = HeapCounts::of(counts).with_context(|| name.clone())?;
            Ok((name.clone(), counts))
        })
        .collect()
}

/// The instructions of each subject that does not use the heap.
fn counted(
    place: &Path,
    executable: &BenchExecutable,
    subjects: &[&str],
    slowdown: &str,
) -> anyhow::Result<Counts> {
    let counted = count_twice(place, executable, subjects, slowdown)?;
    let timed = |(name, counts): (String, measure::Counts)| {
        // The subjects have no set-up: `iter` times all that it does.
        if let Some(reason) = counts.untimed() {
            bail!("{name}: {reason}");
        }
        Ok((name, counts.values(counts.basis())))
    };
    counted.into_iter().map(timed).collect()
}

/// Counts each subject twice, like `gate ab`.
fn count_twice(
    place: &Path,
    executable: &BenchExecutable,
    subjects: &[&str],
    slowdown: &str,
) -> anyhow::Result<BTreeMap<String, measure::Counts>> {
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
        until: None,
        scratch: place.to_owned(),
        profiles: false,
    };
    let mut counts = BTreeMap::new();
    for counted in count(&[target], &options, &Interrupt::install()?, &mut Silent)? {
        match counted.outcome {
            Ok(found) => counts.insert(counted.listed.name, found),
            Err(reason) => bail!("{}: {reason}", counted.listed.name),
        };
    }
    Ok(counts)
}
