//! From what the command line names to a snapshot.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;

use super::{Context, Failed};
use crate::baseline::{self, BaselineError, Store};
use crate::measure::{self, BuildOptions, Harness};
use crate::model::{Environment, Field, Nature, Noise, RunInfo, Snapshot};
use crate::sources::{Harvest, STALE_GAP, Stale, callgrind, criterion};

/// The sub-directory that criterion writes on every run.
const CRITERION_NEWEST: &str = "new";

/// Where baselines are kept, and for which machines.
#[derive(Debug, Args)]
pub(super) struct StoreArgs {
    /// The directory of baselines
    #[arg(long, value_name = "DIR", default_value = "baselines", global = true)]
    baselines: PathBuf,
    /// The machine class, a directory below it [default: from processor, cores and system]
    #[arg(long, value_name = "NAME", env = "BENCHGATE_CLASS", global = true)]
    class: Option<String>,
}

impl StoreArgs {
    /// Paths stay relative to the working directory: they are shown, and those
    /// of results end up in committed baselines.
    pub(super) fn store(&self) -> Store {
        Store::new(&self.baselines)
    }

    /// The class that was named, else this machine's. An empty one is what a
    /// pipeline passes on where nobody set it.
    pub(super) fn class(&self) -> String {
        self.class.clone().filter(|class| !class.is_empty()).unwrap_or_else(|| {
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

/// Reads what `spec` names: a name in the store, else a `.json` file or a
/// directory of results (`DIR@NAME` for a baseline that criterion saved there).
/// `Ok(None)` where the store has no such name and there is no such file.
pub(super) fn load(
    context: &Context,
    args: &StoreArgs,
    spec: &str,
) -> Result<Option<Snapshot>, Failed> {
    let path = Path::new(spec);
    // `main` is the baseline, also where there is a directory of that name.
    let is_path = spec.contains(['/', '\\', '@'])
        || path.extension().is_some_and(|extension| extension == "json");
    if !is_path && let Some(snapshot) = stored(args, spec)? {
        return Ok(Some(snapshot));
    }
    if path.is_dir() {
        let results = Results { criterion: vec![spec.into()], callgrind: vec![spec.into()] };
        return results.newest().map(Some);
    }
    if let Some((directory, name)) = spec.rsplit_once('@')
        && Path::new(directory).is_dir()
    {
        let results = Results { criterion: vec![directory.into()], callgrind: Vec::new() };
        // Saved baselines are kept on purpose, at whatever time each was made.
        return results.read(name, Stale::Never).map(Some);
    }
    if path.is_file() {
        return Ok(Some(baseline::read(path)?));
    }
    if is_path {
        return Err(Failed::usage(anyhow::anyhow!("{spec}: there is no such file or directory")));
    }
    say_what_there_is(context, &args.store(), &args.class(), spec)?;
    Ok(None)
}

/// The baseline of that name for this machine class, if there is one.
pub(super) fn stored(args: &StoreArgs, name: &str) -> Result<Option<Snapshot>, Failed> {
    match args.store().load(&args.class(), name) {
        Ok(snapshot) => Ok(Some(snapshot)),
        Err(BaselineError::NotFound { .. }) => Ok(None),
        Err(error @ BaselineError::Name { .. }) => Err(Failed::usage(error)),
        Err(error) => Err(error.into()),
    }
}

/// What is known of the noise of this machine class.
pub(super) fn noise(args: &StoreArgs) -> Result<Option<Noise>, Failed> {
    args.store().noise(&args.class()).map_err(|error| match error {
        error @ BaselineError::Name { .. } => Failed::usage(error),
        error => error.into(),
    })
}

/// The same, for a snapshot from anywhere: one that says it was measured on
/// another machine is not judged by it, unless the class was named.
pub(super) fn noise_for(args: &StoreArgs, candidate: &Snapshot) -> Result<Option<Noise>, Failed> {
    let environment = candidate.environment();
    let named = args.class.as_ref().is_some_and(|class| !class.is_empty());
    let known = environment.get(Field::CpuModel).is_some();
    if !named && known && measure::machine_class(&environment) != args.class() {
        return Ok(None);
    }
    noise(args)
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
             `gate run --save {name}` or `gate baseline save {name}`"
        )
    } else {
        format!(
            "no baseline `{name}` for this machine class ({class}), only for {}; save one here \
             with `gate run --save {name}` or `gate baseline save {name}`, or name a class with \
             --class",
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
    /// A criterion directory (target/criterion), of any project; taken to be measured on this
    /// machine. Results written more than 30 minutes before the next are stale: left behind
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
    pub(super) fn newest(&self) -> Result<Snapshot, Failed> {
        self.read(CRITERION_NEWEST, Stale::Gap(STALE_GAP))
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
        if all.measurements.is_empty() && all.not_run.is_empty() && all.problems.is_empty() {
            return Err(Failed::nothing(anyhow::anyhow!(
                "{name}: there are no results of criterion, iai-callgrind or gungraun"
            )));
        }
        // Whoever has counts has the tools that count.
        let counting = [Harness::IaiCallgrind, Harness::Gungraun];
        let counted = all.measurements.iter().any(|one| one.metric.nature == Nature::Counted);
        let harnesses = if counted { &counting[..] } else { &[] };
        Ok(snapshot(&name, all, harnesses))
    }

    /// What was named, in the words of the command line.
    fn name(&self, saved: &str) -> String {
        let Self { criterion, callgrind } = self;
        let only_callgrind = callgrind.iter().filter(|directory| !criterion.contains(directory));
        let directories = criterion.iter().chain(only_callgrind);
        let mut name = directories
            .map(|directory| directory.display().to_string())
            .collect::<Vec<_>>()
            .join(", ");
        if saved != CRITERION_NEWEST {
            name = format!("{name}@{saved}");
        }
        name
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

fn snapshot(name: &str, harvest: Harvest, harnesses: &[Harness]) -> Snapshot {
    let Harvest { mut measurements, not_run, problems } = harvest;
    for costs in measurements.iter_mut().filter_map(|one| one.costs.as_mut()) {
        *costs = costs.kept(&BTreeSet::new());
    }
    let environment = measure::probe(&BuildOptions::default(), harnesses);
    let mut snapshot = Snapshot {
        name: name.to_owned(),
        created: Timestamp::now(),
        revision: None,
        selection: None,
        pairing: None,
        runs: vec![RunInfo { started: None, seconds: None, busy: None, environment }],
        measurements,
        not_run,
        problems,
    };
    snapshot.sort();
    snapshot
}
