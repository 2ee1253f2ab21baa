//! Results that other tools wrote.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::context::Failed;
use crate::measure::{self, BuildOptions, Harness};
use crate::model::Snapshot;
use crate::sources::{Harvest, STALE_GAP, Stale, callgrind, criterion};

/// The sub-directory that criterion writes on every run.
const CRITERION_NEWEST: &str = "new";

/// Directories of results that other tools wrote.
///
/// They do not record where they were measured: the gate assumes this machine and its
/// toolchain.
#[derive(Debug, Default, Args)]
pub(in crate::cli) struct Results {
    /// Read criterion's results from this directory (target/criterion) of any project, assuming
    /// that they were measured on this machine. Results more than 30 minutes older than the next
    /// are treated as stale
    #[arg(long, value_name = "DIR")]
    criterion: Vec<PathBuf>,
    /// Read iai-callgrind's or gungraun's results from this directory (target/iai) of any project
    #[arg(long, value_name = "DIR")]
    callgrind: Vec<PathBuf>,
}

impl Results {
    /// The results of every tool in a directory.
    pub(in crate::cli) fn of(directory: &str) -> Self {
        Self { criterion: vec![directory.into()], callgrind: vec![directory.into()] }
    }

    /// Whether any directory was named.
    pub(in crate::cli) fn any(&self) -> bool {
        !(self.criterion.is_empty() && self.callgrind.is_empty())
    }

    /// The newest results of all directories together.
    pub(in crate::cli) fn newest(&self) -> Result<Snapshot, Failed> {
        self.read(CRITERION_NEWEST, Stale::Gap(STALE_GAP))
    }

    /// The baseline that criterion saved in a directory under a name.
    pub(in crate::cli) fn saved(directory: &str, name: &str) -> Result<Snapshot, Failed> {
        let results = Self { criterion: vec![directory.into()], callgrind: Vec::new() };
        // Saved baselines are kept on purpose, whatever their age.
        results.read(name, Stale::Never)
    }

    fn read(&self, saved: &str, stale: Stale) -> Result<Snapshot, Failed> {
        let Self { criterion, callgrind } = self;
        let mut all = Harvest::default();
        for directory in criterion {
            let directory = existing(directory)?;
            all = all.and(criterion::read(directory, saved, None, stale)?, directory);
        }
        for directory in callgrind {
            let directory = existing(directory)?;
            all = all.and(callgrind::read(directory, None, stale)?, directory);
        }
        let name = self.name(saved);
        if all.is_empty() {
            return Err(Failed::nothing(anyhow::anyhow!(
                "{name}: there are no results of criterion, iai-callgrind or gungraun"
            )));
        }
        // A project that has counts also has the tools that count.
        let counting = [Harness::IaiCallgrind, Harness::Gungraun];
        let harnesses = if all.has_counts() { &counting[..] } else { &[] };
        Ok(all.into_snapshot(name, measure::probe(&BuildOptions::default(), harnesses)))
    }

    /// The directories, in the words of the command line.
    fn name(&self, saved: &str) -> String {
        let Self { criterion, callgrind } = self;
        let only_callgrind = callgrind.iter().filter(|directory| !criterion.contains(directory));
        let directories = criterion.iter().chain(only_callgrind);
        let name = directories
            .map(|directory| directory.display().to_string())
            .collect::<Vec<_>>()
            .join(", ");
        if saved == CRITERION_NEWEST { name } else { format!("{name}@{saved}") }
    }
}

fn existing(directory: &Path) -> Result<&Path, Failed> {
    if directory.is_dir() {
        return Ok(directory);
    }
    let shown = directory.display();
    Err(Failed::usage(anyhow::anyhow!(
        "{shown}: there is no such directory; run the benches first"
    )))
}
