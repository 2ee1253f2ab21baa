//! Measures the error rates of the gate, and of other rules on the same data.
//!
//! `scripts/evaluate` calls it. A *pool* of real processes is recorded once. Every rule can
//! then be replayed on it, any number of times and with any settings.

mod counts;
mod criterion_runs;
mod explore;
mod heap;
mod neutral;
mod ours;
mod pack;
mod page;
mod pairs;
mod peers;
mod pool;
mod processes;
mod rebuilds;
mod record;
mod replay;
mod roc;
mod saved;
mod suites;

use std::path::PathBuf;
use std::process::{ExitCode, Termination as _};

use clap::Parser;

#[derive(Parser)]
enum Command {
    /// Build the subjects: a base, and neutral rebuilds of it
    Build(record::Build),
    /// Find the number of loop turns that cost one percent of each subject
    Calibrate(record::Calibrate),
    /// Count the instructions of neutral rebuilds, with and without one subject 1% slower
    Neutral(neutral::Neutral),
    /// Count neutral rebuilds of bodies that use the heap, and append them to a pool
    Heaps(neutral::Heaps),
    /// Append rounds to a pool: one process of each variant in random order
    Record(record::Record),
    /// Append pairs of a base and each of many neutral rebuilds to a pool
    Rebuilds(record::Rebuilds),
    /// Replay every rule on recorded pools: tables and a picture
    Replay(replay::Replay),
    /// Try other estimators, looks and levels on pools for tuning
    Explore(explore::Explore),
    /// Measure how often saved snapshots are judged wrongly, as tables
    Saved(saved::Saved),
    /// Write a recorded pool in the committed format
    Pack(replay::Pack),
}

/// The directory of executables, calibration and pool.
#[derive(clap::Args)]
struct Place {
    /// The directory
    #[arg(long, default_value = "target/evaluation")]
    place: PathBuf,
}

fn main() -> ExitCode {
    // The subjects' layout is pinned by this program in place of rustc.
    benchgate::build::for_cargo().unwrap_or_else(|| run().report())
}

fn run() -> anyhow::Result<()> {
    match Command::parse() {
        Command::Build(build) => build.run(),
        Command::Calibrate(calibrate) => calibrate.run(),
        Command::Neutral(neutral) => neutral.run(),
        Command::Heaps(heaps) => heaps.run(),
        Command::Record(record) => record.run(),
        Command::Rebuilds(rebuilds) => rebuilds.run(),
        Command::Replay(replay) => replay.run(),
        Command::Explore(explore) => explore.run(),
        Command::Saved(saved) => saved.run(),
        Command::Pack(pack) => pack.run(),
    }
}
