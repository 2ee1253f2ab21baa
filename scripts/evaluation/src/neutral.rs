//! Counts the instructions of neutral rebuilds, with and without one subject 1% slower.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use benchgate::measure::{
    BenchExecutable, BuildOptions, CountOptions, CountTarget, Interrupt, Listed, Silent, count,
};

use crate::Place;
use crate::counts::{Base, Counts, Rebuild, read};

/// The subjects whose time depends only on their instructions. The other three copy memory,
/// wait for another thread, and read a file.
const CPU_BOUND: [&str; 10] = [
    "boxes", "dispatch", "format", "hash", "json", "map_get", "matrix", "parse", "sort", "tree_get",
];

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
            // Far from the seeds of the recorded pool.
            let seed = 1000 + u32::try_from(at)?;
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

/// Counts each subject twice, like `gate ab`.
fn counted(
    place: &Path,
    executable: &BenchExecutable,
    subjects: &[&str],
    slowdown: &str,
) -> anyhow::Result<Counts> {
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
    for counted in count(&[target], &options, &Interrupt::install()?, &mut Silent)? {
        match counted.outcome {
            Ok(found) => {
                // The subjects have no set-up: `iter` times all that it does.
                let timed = found.readings.into_iter().map(|reading| reading.timed);
                let timed: Result<Vec<u64>, _> = timed.collect();
                match timed {
                    Ok(timed) => counts.insert(counted.listed.name, timed),
                    Err(reason) => bail!("{}: {reason}", counted.listed.name),
                }
            }
            Err(reason) => bail!("{}: {reason}", counted.listed.name),
        };
    }
    Ok(counts)
}
