//! From what the command line names to a snapshot.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;

use super::{Context, Failed};
use crate::baseline::{self, BaselineError, Store};
use crate::measure::{self, BuildOptions};
use crate::model::{Environment, RunInfo, Snapshot};
use crate::sources::{Harvest, Origin, Stale, callgrind, criterion};

/// One invocation writes its results closer together than this, also where a
/// single benchmark measures for minutes.
const STALE_GAP: Duration = Duration::from_mins(30);

/// The sub-directory that criterion writes on every run.
const CRITERION_NEWEST: &str = "new";

/// Where baselines are kept, and for which machines.
#[derive(Debug, Args)]
pub(super) struct StoreArgs {
    /// The directory of baselines
    #[arg(long, value_name = "DIR", default_value = "baselines")]
    baselines: PathBuf,
    /// The machine class, a directory below it [default: from processor, cores and system]
    #[arg(long, value_name = "NAME", env = "BENCHGATE_CLASS")]
    class: Option<String>,
}

impl StoreArgs {
    pub(super) fn store(&self, context: &Context) -> Store {
        Store::new(context.directory.join(&self.baselines))
    }

    /// The class that was named, else this machine's.
    pub(super) fn class(&self) -> String {
        self.class.clone().unwrap_or_else(|| {
            let mut environment = Environment::default();
            measure::machine(&mut environment);
            measure::machine_class(&environment)
        })
    }
}

/// Where the newest measurement is kept, so that it can be saved or checked
/// without measuring again.
pub(super) fn newest(context: &Context) -> PathBuf {
    let options =
        BuildOptions { directory: Some(context.directory.clone()), ..BuildOptions::default() };
    // Outside a cargo project there may still be a `target` from elsewhere.
    newest_in(&options.target_directory().unwrap_or_else(|_| context.directory.join("target")))
}

/// The same, in a target directory that is known.
pub(super) fn newest_in(target: &Path) -> PathBuf {
    target.join("gate").join("newest.json")
}

/// Reads what `spec` names: a `.json` file, a directory of results
/// (`DIR@NAME` for a baseline that criterion saved there), or a name in the
/// store. `Ok(None)` where the store has no such name.
pub(super) fn load(
    context: &Context,
    stored: &StoreArgs,
    spec: &str,
) -> Result<Option<Snapshot>, Failed> {
    let path = context.directory.join(spec);
    if path.is_dir() {
        return Results { criterion: vec![spec.into()], callgrind: vec![spec.into()] }
            .read(context, CRITERION_NEWEST)
            .map(Some);
    }
    if let Some((directory, name)) = spec.rsplit_once('@')
        && context.directory.join(directory).is_dir()
    {
        return Results { criterion: vec![directory.into()], callgrind: Vec::new() }
            .read(context, name)
            .map(Some);
    }
    if path.is_file() {
        return Ok(Some(baseline::read(&path)?));
    }
    let looks_like_a_path = spec.contains(['/', '\\'])
        || Path::new(spec).extension().is_some_and(|extension| extension == "json");
    if looks_like_a_path {
        return Err(Failed::usage(anyhow::anyhow!("{spec}: there is no such file or directory")));
    }
    let store = stored.store(context);
    let class = stored.class();
    match store.load(&class, spec) {
        Ok(snapshot) => Ok(Some(snapshot)),
        Err(BaselineError::NotFound { .. }) => {
            say_what_there_is(context, &store, &class, spec)?;
            Ok(None)
        }
        Err(error @ BaselineError::Name { .. }) => Err(Failed::usage(error)),
        Err(error) => Err(error.into()),
    }
}

/// A baseline of another machine class is the usual reason for finding none.
fn say_what_there_is(
    context: &Context,
    store: &Store,
    class: &str,
    name: &str,
) -> Result<(), Failed> {
    let mut others: Vec<String> = store
        .list()?
        .into_iter()
        .filter(|entry| entry.name == name)
        .map(|entry| entry.class)
        .collect();
    others.sort();
    let message = if others.is_empty() {
        format!(
            "no baseline `{name}` for this machine class ({class}); save one with \
             `gate run --save {name}`"
        )
    } else {
        format!(
            "no baseline `{name}` for this machine class ({class}), only for {}; save one here \
             with `gate run --save {name}`, or name a class with --class",
            others.join(", ")
        )
    };
    context.shell.note(&message);
    Ok(())
}

/// Directories of results that other tools wrote.
///
/// They do not say where they were measured: they are taken to come from this
/// machine and its toolchain.
#[derive(Debug, Default, Args)]
pub(super) struct Results {
    /// A criterion directory (target/criterion), of any project
    #[arg(long, value_name = "DIR")]
    criterion: Vec<PathBuf>,
    /// An iai-callgrind or gungraun directory (target/iai), of any project
    #[arg(long, value_name = "DIR")]
    callgrind: Vec<PathBuf>,
}

impl Results {
    /// Whether any directory was named.
    pub(super) fn any(&self) -> bool {
        !(self.criterion.is_empty() && self.callgrind.is_empty())
    }

    /// The newest results of all directories together.
    pub(super) fn newest(&self, context: &Context) -> Result<Snapshot, Failed> {
        self.read(context, CRITERION_NEWEST)
    }

    fn read(&self, context: &Context, saved: &str) -> Result<Snapshot, Failed> {
        let Self { criterion, callgrind } = self;
        let mut all = Harvest::default();
        let stale = Stale::Gap(STALE_GAP);
        for directory in criterion {
            let directory = existing(context, directory)?;
            all = merged(all, criterion::read(&directory, saved, &Origin::default(), stale)?);
        }
        for directory in callgrind {
            let directory = existing(context, directory)?;
            all = merged(all, callgrind::read(&directory, &Origin::default(), stale)?);
        }
        Ok(snapshot(saved, all))
    }
}

fn merged(mut all: Harvest, more: Harvest) -> Harvest {
    all.measurements.extend(more.measurements);
    all.not_run.extend(more.not_run);
    all.problems.extend(more.problems);
    all
}

fn existing(context: &Context, directory: &Path) -> Result<PathBuf, Failed> {
    let path = context.directory.join(directory);
    if path.is_dir() {
        return Ok(path);
    }
    let shown = directory.display();
    Err(Failed::usage(anyhow::anyhow!(
        "{shown}: there is no such directory; run the benches first"
    )))
}

fn snapshot(name: &str, harvest: Harvest) -> Snapshot {
    let Harvest { measurements, not_run, problems } = harvest;
    let environment = measure::probe(&BuildOptions::default(), &[]);
    let mut snapshot = Snapshot {
        name: name.to_owned(),
        created: Timestamp::now(),
        revision: None,
        selection: None,
        pairing: None,
        runs: vec![RunInfo { started: None, seconds: None, environment }],
        measurements,
        not_run,
        problems,
    };
    snapshot.sort();
    snapshot
}
