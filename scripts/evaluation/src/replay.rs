//! Replays every rule on recorded pools, and measures how often each is wrong.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use benchgate::stats;

use crate::counts::Summary;
use crate::heap;
use crate::ours::Rule;
use crate::page;
use crate::pairs::{Pair, Streams, difference};
use crate::peers::Peer;
use crate::processes::{Half, Pool};
use crate::rebuilds;
use crate::roc;
use crate::suites::{Bench, Count, Kind, Null, Peers, Tally, above};

/// The gate's promises hold for benchmarks whose pairs differ by no more than this.
pub const CALM: f64 = 0.03;
/// The time that criterion takes by default for both sides of a benchmark, in seconds: three
/// to warm up and five to measure on each side.
pub const CRITERION_SECONDS: f64 = 16.0;
/// The number of suites from random positions.
pub const RESAMPLED: u64 = 800;
/// The same with a slower benchmark, for each benchmark and slowdown.
pub const RESAMPLED_SLOWED: u64 = 50;
/// The number of suites for each point of the gate's curve.
const CURVE: u64 = 200;
/// The levels of the gate's curve.
const LEVELS: [f64; 6] = [0.0001, 0.001, 0.01, 0.05, 0.2, 0.4];
/// The pairs of a block whose p-value is tested: those of the first look.
pub const BLOCK_OF_PAIRS: usize = 14;
/// The levels of these tests; the last is that of one of three looks.
const LEVELS_OF_TESTS: [f64; 3] = [0.05, 0.01, 0.01 / 3.0];
/// The slowdown that the picture shows.
pub const SHOWN: &str = "spin-3";

/// Replay every rule on recorded pools: tables and a picture
#[derive(clap::Args)]
pub struct Replay {
    /// Pools in any format that were not used for tuning; may be repeated
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pool: Vec<PathBuf>,
    /// Use only half of their rounds
    #[arg(long, value_enum)]
    half: Option<Half>,
    /// Pools that were used for tuning, shown separately
    #[arg(long, num_args = 1.., value_name = "FILE")]
    tune: Vec<PathBuf>,
    /// A pool of long processes, one per benchmark and side, as criterion is usually run:
    /// `<benchmark>/<run>/sample.json`, or the same packed
    #[arg(long, value_name = "PATH")]
    long: Option<PathBuf>,
    /// Counted instructions of neutral rebuilds
    #[arg(long, value_name = "FILE")]
    counts: Option<PathBuf>,
    /// Counted instructions of bodies that use the heap, in neutral rebuilds
    #[arg(long, value_name = "FILE")]
    heaps: Option<PathBuf>,
    /// Pairs of a base and each of many neutral rebuilds
    #[arg(long, value_name = "FILE")]
    rebuilds: Option<PathBuf>,
    /// Write tables.md and accuracy.svg to this directory
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Replace the text between the replay's marks in this page, and the picture next to it
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,
}

/// All results of a replay of one pool.
pub struct Found {
    pub subjects: Vec<String>,
    pub rounds: usize,
    pub processes: usize,
    pub minutes: f64,
    pub pair_seconds: f64,
    /// Robust deviation of each benchmark's pairs, of unchanged programs.
    pub deviations: Vec<f64>,
    /// The benchmarks with no more than [`CALM`].
    pub calm: Vec<usize>,
    /// Pairs, A/A and A/A′.
    pub pairs: [usize; 2],
    /// Suites without a change, for A/A and A/A′: all benchmarks and the calm ones.
    pub disjoint: [[Null; 2]; 2],
    /// The same from random places.
    pub resampled: [[Null; 2]; 2],
    /// Trials of a single benchmark of the same program, which share no pair.
    pub single: Null,
    /// How often the test's own p-value is at most a level, where nothing changed: for blocks
    /// of [`BLOCK_OF_PAIRS`] pairs of the same program.
    pub calibration: [(f64, Count); 3],
    /// A/A′ of all benchmarks from random places, by rebuild.
    pub rebuilds: BTreeMap<String, Null>,
    /// Suites with one slower benchmark, by how and which.
    pub slowed: BTreeMap<String, BTreeMap<usize, Tally>>,
    /// The same from random places.
    pub slowed_again: BTreeMap<String, BTreeMap<usize, Tally>>,
    /// Other rules, by the pairs that each comparison takes.
    pub peers: Vec<(usize, Peers)>,
    /// Curves of the picture: shares of suites with a false alarm, of slower
    /// benchmarks found.
    pub curve: Vec<(f64, [Count; 2])>,
    pub peer_curves: BTreeMap<Peer, Vec<[f64; 2]>>,
    /// Their usual thresholds, for each number of pairs.
    pub peer_points: BTreeMap<Peer, Vec<Point>>,
}

/// A rule at its usual threshold, in the picture.
pub struct Point {
    pub name: &'static str,
    /// Pairs of each comparison.
    pub pairs: usize,
    /// Shares: of suites with a false alarm, of slower benchmarks found.
    pub at: [f64; 2],
}

impl Replay {
    pub fn run(&self) -> anyhow::Result<()> {
        let [text, picture] = self.results()?;
        fs::create_dir_all(&self.out)?;
        fs::write(self.out.join("tables.md"), &text)?;
        fs::write(self.out.join(roc::FILE), &picture)?;
        if let Some(path) = &self.page {
            let page = fs::read_to_string(path).with_context(|| path.display().to_string())?;
            fs::write(path, page::replace(&page, &text)?)?;
            fs::write(path.with_file_name(roc::FILE), &picture)?;
        }
        Ok(())
    }

    /// The tables, and the picture.
    fn results(&self) -> anyhow::Result<[String; 2]> {
        // Missing files are found before the slow part begins.
        let long = self.long.as_deref().map(long).transpose()?;
        let counts = self.counts.as_deref().map(Summary::of).transpose()?;
        let heaps = self.heaps.as_deref().map(heap::summary).transpose()?;
        let rebuilds = self.rebuilds.as_deref().map(Pool::read).transpose()?;
        let rebuilds = rebuilds.as_ref().map(rebuilds::summary).transpose()?;
        let mut pools = Pool::read_all(&self.pool)?;
        ensure!(pools.len() == 1, "the pools of --pool have different benchmarks");
        let pool = pools.remove(0);
        let pool = match self.half {
            Some(half) => pool.half(half),
            None => pool,
        };
        let tuned = Pool::read_all(&self.tune)?;
        let tuned = tuned.iter().map(tables).collect::<anyhow::Result<Vec<_>>>()?;
        let found = found(&pool)?;
        Ok([
            page::text(&found, &tuned, &Others { long, rebuilds, counts, heaps }),
            roc::picture(&found)?,
        ])
    }
}

/// Results of other recordings.
pub struct Others {
    pub long: Option<Long>,
    pub rebuilds: Option<rebuilds::Summary>,
    pub counts: Option<Summary>,
    pub heaps: Option<BTreeMap<String, heap::Moved>>,
}

/// The results of the other rules for long processes, one per side.
pub struct Long {
    pub benchmarks: usize,
    pub peers: Peers,
    /// The scores of single comparisons in which nothing is slower.
    pub same: BTreeMap<Peer, Vec<f64>>,
}

fn long(path: &Path) -> anyhow::Result<Long> {
    let pool = Pool::read(path)?;
    let streams = Streams::of(&pool);
    let all: Vec<usize> = (0..pool.subjects.len()).collect();
    let mut same: BTreeMap<Peer, Vec<f64>> = BTreeMap::new();
    for subject in &all {
        let compared = Peers::of(&streams, 1, &[*subject], &[]);
        for (peer, scores) in compared.same {
            same.entry(peer).or_default().extend(scores);
        }
    }
    Ok(Long { benchmarks: all.len(), peers: Peers::of(&streams, 1, &all, &all), same })
}

/// Replays all rules on a pool.
pub fn found(pool: &Pool) -> anyhow::Result<Found> {
    let mut found = tables(pool)?;
    let streams = Streams::of(pool);
    let all: Vec<usize> = (0..pool.subjects.len()).collect();
    let equal = (CRITERION_SECONDS / pool.pair_seconds()).round().max(1.0) as usize;
    for pairs in [equal, 1] {
        found.peers.push((pairs, Peers::of(&streams, pairs, &all, &found.calm)));
    }
    curves(pool, &streams, &mut found);
    Ok(found)
}

/// Replays the gate's own rule on a pool.
pub fn tables(pool: &Pool) -> anyhow::Result<Found> {
    let streams = Streams::of(pool);
    ensure!(!streams.same.is_empty(), "there are no two processes of one program in the pool");
    let rule = Rule::shipped();
    let bench = Bench { pool, streams: &streams, rule: &rule, seed: 1 };
    let all: Vec<usize> = (0..pool.subjects.len()).collect();
    let deviations: Vec<f64> = all.iter().map(|subject| streams.deviation(*subject)).collect();
    let calm: Vec<usize> =
        all.iter().copied().filter(|subject| deviations[*subject] <= CALM).collect();
    let mut disjoint: [[Null; 2]; 2] = Default::default();
    let mut resampled: [[Null; 2]; 2] = Default::default();
    let mut rebuilds: BTreeMap<String, Null> = BTreeMap::new();
    let mut single = Null::default();
    for subject in &all {
        single += bench.disjoint(&[*subject], &streams.same, rule.most_pairs());
    }
    for (which, subjects) in [&all, &calm].into_iter().enumerate() {
        if subjects.is_empty() {
            continue;
        }
        disjoint[0][which] = bench.disjoint(subjects, &streams.same, rule.most_pairs());
        resampled[0][which] = bench.resampled(subjects, &streams.same, Kind::Same, RESAMPLED);
        let each = RESAMPLED / streams.rebuilt.len().max(1) as u64;
        for (name, pairs) in &streams.rebuilt {
            disjoint[1][which] += bench.disjoint(subjects, pairs, rule.least_pairs());
            let again = bench.resampled(subjects, pairs, Kind::Different, each);
            if which == 0 {
                rebuilds.insert((*name).to_owned(), again.clone());
            }
            resampled[1][which] += again;
        }
    }
    let slowed = |again| {
        let row = |(name, pairs): (&&str, &Vec<Pair<'_>>)| {
            ((*name).to_owned(), bench.slowed(&all, pairs, again))
        };
        // With too few pairs, repeated draws would show their offset.
        let enough = |pairs: &Vec<Pair<'_>>| again.is_none() || pairs.len() >= rule.most_pairs();
        streams.slowed.iter().filter(|(_, pairs)| enough(pairs)).map(row).collect()
    };
    Ok(Found {
        subjects: pool.subjects.clone(),
        rounds: pool.rounds(),
        processes: pool.processes.len(),
        minutes: pool.minutes(),
        pair_seconds: pool.pair_seconds(),
        deviations,
        pairs: [streams.same.len(), streams.rebuilt.values().map(Vec::len).sum()],
        disjoint,
        resampled,
        single,
        calibration: calibration(&streams, &all),
        rebuilds,
        slowed: slowed(None),
        slowed_again: slowed(Some(RESAMPLED_SLOWED)),
        calm,
        peers: Vec::new(),
        curve: Vec::new(),
        peer_curves: BTreeMap::new(),
        peer_points: BTreeMap::new(),
    })
}

/// Tests blocks of pairs of the same program against no change at all.
fn calibration(streams: &Streams<'_>, subjects: &[usize]) -> [(f64, Count); 3] {
    let mut counts = LEVELS_OF_TESTS.map(|level| (level, Count::default()));
    for subject in subjects {
        for block in streams.same.chunks_exact(BLOCK_OF_PAIRS) {
            let differences: Vec<f64> =
                block.iter().map(|pair| difference(*pair, *subject)).collect();
            let p = stats::signed_rank(&differences, 0.0, stats::Alternative::Above);
            for (level, count) in &mut counts {
                count.add(p.is_some_and(|p| p <= *level));
            }
        }
    }
    counts
}

/// The curves of calm benchmarks: false alarms in A/A suites and detected slowdowns.
fn curves(pool: &Pool, streams: &Streams<'_>, found: &mut Found) {
    let calm = found.calm.clone();
    let most = Rule::shipped().most_pairs();
    let slower = streams.slowed.get(SHOWN).filter(|pairs| pairs.len() >= most && !calm.is_empty());
    let Some(slower) = slower else { return };
    for level in LEVELS {
        let mut rule = Rule::shipped();
        rule.policy.verdict.alpha = level;
        let bench = Bench { pool, streams, rule: &rule, seed: 2 };
        let alarms = bench.resampled(&calm, &streams.same, Kind::Same, CURVE).alarms;
        let each = CURVE / calm.len() as u64;
        let mut power = Count::default();
        for tally in bench.slowed(&calm, slower, Some(each)).values() {
            power += tally.found();
        }
        found.curve.push((level, [alarms, power]));
    }
    let all = found.peers.iter().flat_map(|scored| Peer::ALL.map(|peer| (scored, peer)));
    for ((pairs, peers), peer) in all {
        let Some(null) = peers.same_slow.get(&peer) else { continue };
        let slow = &peers.slower(SHOWN, peer, &calm);
        let at = |threshold| [null, slow].map(|of| above(of, threshold).share());
        let usual = peer.thresholds().iter();
        let usual =
            usual.map(|(threshold, name)| Point { name, pairs: *pairs, at: at(*threshold) });
        found.peer_points.entry(peer).or_default().extend(usual);
        if *pairs == 1 {
            continue;
        }
        let mut thresholds: Vec<f64> = null.iter().chain(slow).copied().collect();
        thresholds.sort_by(f64::total_cmp);
        thresholds.dedup();
        // The curve starts above all scores.
        let mut curve = vec![[0.0, 0.0]];
        curve.extend(thresholds.into_iter().rev().map(at));
        found.peer_curves.insert(peer, curve);
    }
}

/// Write a recorded pool in the committed format
#[derive(clap::Args)]
pub struct Pack {
    /// A recorded pool
    pool: PathBuf,
    /// The file to write
    to: PathBuf,
}

impl Pack {
    pub fn run(&self) -> anyhow::Result<()> {
        let pool = Pool::read(&self.pool)?;
        let packed = crate::pack::pack(&pool)?;
        fs::write(&self.to, &packed).with_context(|| self.to.display().to_string())?;
        eprintln!("{}: {} processes, {} bytes", name(&self.to), pool.processes.len(), packed.len());
        Ok(())
    }
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes a minute, as every rule is replayed on the committed pools.
    #[test]
    fn the_page_says_what_the_replay_says() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let docs = here.join("../../docs");
        let pools = |prefix: &str| {
            let mut paths: Vec<PathBuf> = fs::read_dir(here.join("pool"))
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .filter(|path| name(path).starts_with(prefix))
                .collect();
            paths.sort();
            paths
        };
        // Recorded in hours of their own: the page has their tables from then on.
        let recorded = |name: &str| Some(here.join(name)).filter(|path| path.exists());
        let replay = Replay {
            pool: pools("claim"),
            half: None,
            tune: pools("tune"),
            long: Some(here.join("pool/criterion.pool")),
            counts: Some(here.join("pool/neutral.jsonl")),
            rebuilds: recorded("pool/rebuilds.pool"),
            heaps: recorded("pool/heap.jsonl"),
            out: PathBuf::new(),
            page: None,
        };
        let [text, picture] = replay.results().unwrap();
        let page = fs::read_to_string(docs.join("accuracy.md")).unwrap();
        let committed = page::between(&page).expect("the page has the marks");
        for (line, found) in committed.lines().zip(text.lines()) {
            assert_eq!(line, found, "scripts/evaluate writes docs/accuracy.md");
        }
        assert_eq!(committed, text);
        assert!(fs::read_to_string(docs.join(roc::FILE)).unwrap() == picture);
    }
}
