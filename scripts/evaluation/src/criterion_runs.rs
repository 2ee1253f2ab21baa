//! Criterion's rule on criterion's own results: one long process a side, as it is
//! used. `<benchmark>/<run>/sample.json`; runs `a1`, `b1` … are of one program, and
//! `s331`, `s201`, `s101` … of the same slowed down by 3%, 5% and 10%.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use serde::Deserialize;

use crate::peers::{Peer, Scores};
use crate::suites::{Count, above};

#[derive(Deserialize)]
struct Sample {
    iters: Vec<f64>,
    times: Vec<f64>,
}

/// How the rules did.
pub struct Runs {
    pub benchmarks: usize,
    /// Comparisons of one program with itself: called slower, by rule's name.
    pub same: Vec<(&'static str, Count)>,
    /// Suites of those: one a run, in which any benchmark is called slower.
    pub suites: Vec<(&'static str, Count)>,
    /// Of what is slower by so many percent, in the order of [`SLOWED`].
    pub found: Vec<(&'static str, [Count; 3])>,
}

/// Slowdowns in percent, and the names of their runs.
pub const SLOWED: [(u32, &str); 3] = [(3, "s33"), (5, "s20"), (10, "s10")];
/// Runs of each kind.
const RUNS: [u32; 4] = [1, 2, 3, 4];

/// Every rule, on all benchmarks of a directory.
pub fn judge(directory: &Path) -> anyhow::Result<Runs> {
    let benchmarks = benchmarks(directory)?;
    ensure!(!benchmarks.is_empty(), "{}: no runs of a benchmark in it", directory.display());
    let mut random = fastrand::Rng::with_seed(3);
    // Scores of each run against the unchanged one before it, by benchmark.
    let mut same: BTreeMap<u32, Vec<Scores>> = BTreeMap::new();
    let mut slowed: BTreeMap<u32, Vec<Scores>> = BTreeMap::new();
    for benchmark in &benchmarks {
        for run in RUNS {
            let base = read(benchmark, &format!("a{run}"))?;
            let again = read(benchmark, &format!("b{run}"))?;
            same.entry(run).or_default().push(Scores::between(&base, &again, &mut random));
            for (percent, name) in SLOWED {
                let head = read(benchmark, &format!("{name}{run}"))?;
                let scores = Scores::between(&base, &head, &mut random);
                slowed.entry(percent).or_default().push(scores);
            }
        }
    }
    let mut runs = Runs {
        benchmarks: benchmarks.len(),
        same: Vec::new(),
        suites: Vec::new(),
        found: Vec::new(),
    };
    for peer in Peer::ALL {
        let of = |scores: &[Scores]| scores.iter().map(|one| one.get(peer)).collect::<Vec<_>>();
        let all: Vec<f64> = same.values().flat_map(|scores| of(scores)).collect();
        let worst: Vec<f64> = same
            .values()
            .map(|scores| of(scores).into_iter().fold(f64::NEG_INFINITY, f64::max))
            .collect();
        for (threshold, name) in peer.thresholds() {
            runs.same.push((name, above(Some(&all), *threshold)));
            runs.suites.push((name, above(Some(&worst), *threshold)));
            let found = SLOWED.map(|(percent, _)| above(Some(&of(&slowed[&percent])), *threshold));
            runs.found.push((name, found));
        }
    }
    Ok(runs)
}

/// The directories that hold runs, however deep.
fn benchmarks(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if directory.join("a1").is_dir() {
        return Ok(vec![directory.to_owned()]);
    }
    let mut inside: Vec<PathBuf> = fs::read_dir(directory)
        .with_context(|| directory.display().to_string())?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    inside.retain(|path| path.is_dir());
    inside.sort();
    let mut all = Vec::new();
    for path in inside {
        all.extend(benchmarks(&path)?);
    }
    Ok(all)
}

fn read(benchmark: &Path, run: &str) -> anyhow::Result<Vec<f64>> {
    let path = benchmark.join(run).join("sample.json");
    let text = fs::read(&path).with_context(|| path.display().to_string())?;
    let sample: Sample =
        serde_json::from_slice(&text).with_context(|| path.display().to_string())?;
    let times: Vec<f64> = sample.times.iter().zip(&sample.iters).map(|(t, n)| t / n).collect();
    crate::processes::check(std::slice::from_ref(&times))
        .with_context(|| path.display().to_string())?;
    Ok(times)
}
