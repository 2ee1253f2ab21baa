//! Measures the gate's own error rates, and those of other rules on the same data.
//!
//! `scripts/evaluate` calls it. A *pool* of real processes is recorded once; every
//! rule is then replayed on it, as often and as differently as one likes.

mod counts;
mod criterion_runs;
mod explore;
mod neutral;
mod ours;
mod pack;
mod page;
mod pairs;
mod peers;
mod pool;
mod processes;
mod record;
mod replay;
mod roc;
mod suites;

use std::path::PathBuf;

use clap::Parser;

#[derive(Parser)]
enum Command {
    /// Build the subjects: a base, and neutral rebuilds of it
    Build(record::Build),
    /// Find how many turns of the spin are one percent of each subject
    Calibrate(record::Calibrate),
    /// Count the instructions of neutral rebuilds, and of one percent more in one subject
    Neutral(neutral::Neutral),
    /// Append rounds to a pool: one process of each variant in random order
    Record(record::Record),
    /// Replay every rule on recorded pools: tables and a picture
    Replay(replay::Replay),
    /// Try other estimators, looks and levels on pools to tune on
    Explore(explore::Explore),
    /// Write a recorded pool in the form that is committed
    Pack(replay::Pack),
}

/// Where executables, calibration and pool are.
#[derive(clap::Args)]
struct Place {
    /// The directory
    #[arg(long, default_value = "target/evaluation")]
    place: PathBuf,
}

fn main() -> anyhow::Result<()> {
    match Command::parse() {
        Command::Build(build) => build.run(),
        Command::Calibrate(calibrate) => calibrate.run(),
        Command::Neutral(neutral) => neutral.run(),
        Command::Record(record) => record.run(),
        Command::Replay(replay) => replay.run(),
        Command::Explore(explore) => explore.run(),
        Command::Pack(pack) => pack.run(),
    }
}
