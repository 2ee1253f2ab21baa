//! Results that other tools wrote.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::cli::context::Failed;
use crate::measure::{self, BuildOptions, Harness};
use crate::model::Snapshot;
use crate::sources::exchange::{self, Runs};
use crate::sources::{Harvest, STALE_GAP, Stale, callgrind, criterion};
use crate::text::plural;

/// The sub-directory that criterion writes on every run.
const CRITERION_NEWEST: &str = "new";

/// Results that other tools wrote: directories, and files of runs.
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
    /// Read these files, which any program wrote: records (JSON lines), Bencher Metric Format or
    /// hyperfine's JSON. Each file is a run; each time of hyperfine's is one
    #[arg(long, value_name = "FILE", num_args = 1..)]
    record: Vec<PathBuf>,
    /// Read the files of --record in this format [default: recognised by their content]
    #[arg(long, value_name = "FORMAT", value_enum, requires = "record")]
    record_format: Option<RecordFormat>,
}

/// The format of a file of runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum RecordFormat {
    /// JSON lines, as programs write them for `gate run`
    Record,
    /// Bencher Metric Format
    Bencher,
    /// The export of `hyperfine --export-json`
    Hyperfine,
}

impl From<RecordFormat> for exchange::Format {
    fn from(format: RecordFormat) -> Self {
        match format {
            RecordFormat::Record => Self::Record,
            RecordFormat::Bencher => Self::Bencher,
            RecordFormat::Hyperfine => Self::Hyperfine,
        }
    }
}

impl Results {
    /// The results of every tool in a directory.
    pub(in crate::cli) fn of(directory: &str) -> Self {
        let directory: PathBuf = directory.into();
        Self { criterion: vec![directory.clone()], callgrind: vec![directory], ..Self::default() }
    }

    /// The runs of a file, if it holds any.
    pub(in crate::cli) fn of_file(path: &Path) -> Option<Self> {
        exchange::recognise(path)?;
        Some(Self { record: vec![path.to_owned()], ..Self::default() })
    }

    /// Whether any directory or file was named.
    pub(in crate::cli) fn any(&self) -> bool {
        let Self { criterion, callgrind, record, record_format: _ } = self;
        !(criterion.is_empty() && callgrind.is_empty() && record.is_empty())
    }

    /// The newest results of all directories together.
    pub(in crate::cli) fn newest(&self) -> Result<Snapshot, Failed> {
        self.read(CRITERION_NEWEST, Stale::Gap(STALE_GAP))
    }

    /// The baseline that criterion saved in a directory under a name.
    pub(in crate::cli) fn saved(directory: &str, name: &str) -> Result<Snapshot, Failed> {
        let results = Self { criterion: vec![directory.into()], ..Self::default() };
        // Saved baselines are kept on purpose, whatever their age.
        results.read(name, Stale::Never)
    }

    fn read(&self, saved: &str, stale: Stale) -> Result<Snapshot, Failed> {
        let Self { criterion, callgrind, record, record_format } = self;
        let mut all = Harvest::default();
        for directory in criterion {
            let directory = existing(directory)?;
            all = all.and(criterion::read(directory, saved, None, stale)?, directory);
        }
        for directory in callgrind {
            let directory = existing(directory)?;
            all = all.and(callgrind::read(directory, None, stale)?, directory);
        }
        let mut runs = Runs::default();
        for file in record {
            runs.add(file, record_format.map(Into::into)).map_err(Failed::usage)?;
        }
        let (recorded, services) = runs.into_harvest();
        all = all.and(recorded, Path::new("--record"));
        let name = self.name(saved);
        if all.is_empty() {
            let sought = if record.is_empty() {
                "results of criterion, iai-callgrind or gungraun"
            } else {
                "results"
            };
            return Err(Failed::nothing(anyhow::anyhow!("{name}: no {sought} were found")));
        }
        if criterion.is_empty() && callgrind.is_empty() {
            let environment = measure::probe(&BuildOptions::default(), &[Harness::Command]);
            return Ok(all.into_snapshot(name, services.environments(&environment)));
        }
        // A project that has counts also has the tools that count.
        let counting = [Harness::IaiCallgrind, Harness::Gungraun];
        let harnesses = if all.has_counts() { &counting[..] } else { &[] };
        let environment = measure::probe(&BuildOptions::default(), harnesses);
        let mut environments = services.environments(&environment);
        if environments.is_empty() {
            environments.push(environment);
        }
        Ok(all.into_snapshot(name, environments))
    }

    /// The directories and files, in the words of the command line.
    fn name(&self, saved: &str) -> String {
        let Self { criterion, callgrind, record, record_format: _ } = self;
        let only_callgrind = callgrind.iter().filter(|directory| !criterion.contains(directory));
        let directories = criterion.iter().chain(only_callgrind);
        let mut names: Vec<String> =
            directories.map(|directory| directory.display().to_string()).collect();
        match &record[..] {
            [] => {}
            [file] => names.push(file.display().to_string()),
            [first, more @ ..] => {
                names.push(format!("{} and {}", first.display(), plural(more.len(), "other file")));
            }
        }
        let name = names.join(", ");
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
