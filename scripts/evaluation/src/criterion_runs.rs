//! Criterion's own results as a pool: one long process per benchmark, as criterion is
//! usually run. The files are `<benchmark>/<run>/sample.json`; the runs `a1`, `b1`, `s331` …
//! are the processes of round 1, named as in the early pools.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use serde::Deserialize;

use crate::processes::{Pool, Process, check, each, variant};

#[derive(Deserialize)]
struct Sample {
    iters: Vec<f64>,
    times: Vec<f64>,
}

/// The sides of a round, in the order in which they ran.
const SIDES: [&str; 5] = ["a", "s33", "b", "s20", "s10"];
const ROUNDS: [u32; 4] = [1, 2, 3, 4];
/// The time that criterion was given for a benchmark: warming up and measuring.
const SECONDS: f64 = 2.5;

/// Reads all benchmarks below a directory.
pub fn read(directory: &Path) -> anyhow::Result<Pool> {
    let mut benchmarks = Vec::new();
    find(directory, &mut benchmarks)?;
    ensure!(!benchmarks.is_empty(), "{}: no runs of a benchmark in it", directory.display());
    let name = |path: &PathBuf| {
        path.strip_prefix(directory).unwrap_or(path).to_string_lossy().into_owned()
    };
    let subjects: Vec<String> = benchmarks.iter().map(name).collect();
    let mut processes = Vec::new();
    for round in ROUNDS {
        for (place, side) in (0..).zip(SIDES) {
            let run = format!("{side}{round}");
            let times = benchmarks.iter().map(|benchmark| samples(&benchmark.join(&run)));
            let times: Vec<Vec<f64>> = times.collect::<anyhow::Result<_>>()?;
            let variant = variant(side)?.to_owned();
            processes.push(Process { round, place, variant, began: 0, times });
        }
    }
    let seconds = SECONDS * subjects.len() as f64;
    Ok(Pool { subjects, processes, seconds })
}

/// The directories that hold runs, in the order of their names.
fn find(directory: &Path, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    if directory.join("a1").is_dir() {
        found.push(directory.to_owned());
        return Ok(());
    }
    let mut inside: Vec<PathBuf> = fs::read_dir(directory)
        .with_context(|| directory.display().to_string())?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    inside.retain(|path| path.is_dir());
    inside.sort();
    inside.iter().try_for_each(|path| find(path, found))
}

fn samples(run: &Path) -> anyhow::Result<Vec<f64>> {
    let path = run.join("sample.json");
    let read = || {
        let sample: Sample = serde_json::from_slice(&fs::read(&path)?)?;
        ensure!(sample.times.len() == sample.iters.len(), "times and iterations differ in number");
        let times = each(&sample.iters, &sample.times);
        check(std::slice::from_ref(&times))?;
        Ok(times)
    };
    read().with_context(|| path.display().to_string())
}
