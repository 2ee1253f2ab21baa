//! Has cargo build the bench executables, and says where they are.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use cargo_metadata::{Artifact, BuildScript, Message, Metadata, Package, TargetKind};

use super::config::Config;
use super::dependencies::Dependencies;
use super::environment::{Processes, settled};
use super::error::BuildError;
use super::options::{BuildOptions, MESSAGES, NO_RUN};
use super::stand_in::{Environment, StandIn};
use crate::drive::process::{self, Job, ProcessError, Remains, Stderr, Stream};
use crate::drive::{BenchExecutable, Event, Interrupt, OnSide, Progress};
use crate::model::{NotRun, TargetId};

/// What a build gave.
#[derive(Clone, Debug, Default)]
pub struct Built {
    /// In the order of packages, then targets.
    pub executables: Vec<BenchExecutable>,
    /// Programs and dynamic libraries that were built with them, by file name: a
    /// benchmark may start or load them.
    pub programs: BTreeMap<OsString, PathBuf>,
    /// Bench targets that cargo left out, with the reason.
    pub not_run: Vec<NotRun>,
    /// The workspace's target directory.
    pub target_directory: PathBuf,
    /// What was compiled of published crates.
    pub dependencies: Dependencies,
}

/// Builds the bench executables with `cargo bench --no-run`.
///
/// cargo and the compiler write to standard error as they do for anyone.
pub fn build(
    options: &BuildOptions,
    interrupt: &Interrupt,
    progress: &mut dyn Progress,
) -> Result<Built, BuildError> {
    let side = options.on_side.as_ref().map(OnSide::enter).transpose();
    let _entered = side.map_err(|error| BuildError::Process(ProcessError::Side(error)))?;
    let metadata = options.metadata()?;
    let target_directory = match &options.target_dir {
        Some(_) => options.target_directory()?,
        None => metadata.target_directory.clone().into_std_path_buf(),
    };
    progress.event(&Event::BuildStarted);
    let mut job = Job::new(options.cargo());
    job.directory.clone_from(&options.directory);
    job.arguments = options.arguments();
    job.arguments.extend(own_build_dir(options).into_iter().flatten());
    job.environment.extend(options.variables.iter().cloned());
    job.environment.extend(places(options));
    let stand_in = StandIn::prepare(options).map_err(BuildError::Environment)?;
    if let Some(stand_in) = &stand_in {
        let (key, value) = stand_in.variable();
        job.environment.insert(key, Some(value));
        job.arguments.retain(|argument| argument != NO_RUN);
        job.arguments.extend(StandIn::arguments());
    }
    job.stderr = Stderr::Inherited;
    job.remains = Remains::Keep;
    let mut messages = Messages::default();
    let outcome = process::run(&job, interrupt, &mut |stream, line| {
        // A message of a kind that this version does not know is left out.
        if stream == Stream::Stdout
            && let Ok(message) = serde_json::from_str::<Message>(line)
        {
            messages.take(message, progress);
        }
    })?;
    if !outcome.ended.success() {
        // What a user can repeat, without what is for the gate alone.
        let arguments = options.arguments();
        let words = arguments.iter().map(|word| word.to_string_lossy());
        let words: Vec<_> = words.filter(|word| !word.starts_with(MESSAGES)).collect();
        return Err(BuildError::Failed { command: words.join(" "), ended: outcome.ended });
    }
    let programs = messages.programs();
    let dependencies = Dependencies::of(&messages.artifacts, &messages.scripts, &target_directory);
    let environments = match &stand_in {
        Some(stand_in) => stand_in.environments(options).map_err(BuildError::Environment)?,
        None => BTreeMap::new(),
    };
    let executables = messages.executables(options, &metadata, &target_directory, &environments);
    let not_run = if options.benches.is_empty() {
        left_out_targets(options, &metadata, &executables)
    } else {
        Vec::new()
    };
    if executables.is_empty() {
        return Err(BuildError::NoBenches {
            root: metadata.workspace_root.into_std_path_buf(),
            not_run,
        });
    }
    progress.event(&Event::BuildFinished { executables: executables.len() });
    Ok(Built { executables, programs, not_run, target_directory, dependencies })
}

/// What cargo reported.
#[derive(Default)]
struct Messages {
    /// Of all targets.
    artifacts: Vec<Artifact>,
    scripts: Vec<BuildScript>,
}

impl Messages {
    fn take(&mut self, message: Message, progress: &mut dyn Progress) {
        match message {
            Message::CompilerArtifact(artifact) => {
                progress.event(&Event::Compiled {
                    target: &artifact.target.name,
                    fresh: artifact.fresh,
                });
                self.artifacts.push(artifact);
            }
            Message::BuildScriptExecuted(script) => self.scripts.push(script),
            _ => {}
        }
    }

    /// Programs and dynamic libraries, but for the benchmarks themselves and what
    /// only the compiler loads.
    fn programs(&self) -> BTreeMap<OsString, PathBuf> {
        let only_built_with = [TargetKind::Bench, TargetKind::ProcMacro, TargetKind::CustomBuild];
        let others = self.artifacts.iter().filter(|artifact| {
            !artifact.target.kind.iter().any(|kind| only_built_with.contains(kind))
        });
        let files = others.flat_map(|artifact| {
            let library = |path: &&cargo_metadata::camino::Utf8PathBuf| {
                matches!(path.extension(), Some("so" | "dylib"))
            };
            artifact.executable.iter().chain(artifact.filenames.iter().filter(library))
        });
        let named = files.filter_map(|path| {
            let name = path.file_name()?;
            Some((OsString::from(name), settled(path.as_std_path())))
        });
        named.collect()
    }

    fn executables(
        &self,
        options: &BuildOptions,
        metadata: &Metadata,
        target_directory: &Path,
        environments: &BTreeMap<PathBuf, Environment>,
    ) -> Vec<BenchExecutable> {
        let packages: BTreeMap<_, _> =
            metadata.packages.iter().map(|package| (&package.id, package)).collect();
        let processes = Processes::new(options, &self.artifacts, &self.scripts, target_directory);
        let runner = processes.runner();
        let mut executables = Vec::new();
        for artifact in self.artifacts.iter().filter(|artifact| artifact.target.is_bench()) {
            let (Some(path), Some(package)) =
                (&artifact.executable, packages.get(&artifact.package_id))
            else {
                continue;
            };
            // The target directory may be a link that leads elsewhere by the time this runs.
            let path = settled(path.as_std_path());
            let (environment, without) = match environments.get(&path) {
                Some(environment) => (environment.clone(), absent(environment)),
                None => (processes.variables(package, &path), BTreeSet::new()),
            };
            executables.push(BenchExecutable {
                target: TargetId::in_package(&artifact.target.name, package.name.as_str()),
                directory: package.manifest_path.parent().map(Into::into),
                arguments: Vec::new(),
                environment,
                without,
                runner: runner.clone(),
                on_side: options.on_side.clone(),
                path,
            });
        }
        executables.sort_by(|a, b| a.target.cmp(&b.target));
        executables.dedup();
        executables
    }
}

/// Keeps cargo's build directory in the side's target directory, if the configuration sets
/// another one: both sides would share it, and the head's executables replace the base's.
fn own_build_dir(options: &BuildOptions) -> Option<[OsString; 2]> {
    options.on_side.as_ref()?;
    let directory = options.directory.as_deref().unwrap_or(Path::new("."));
    if !Config::load(directory).has_build_dir() {
        return None;
    }
    let target = toml::Value::from(options.target_dir.as_ref()?.to_str()?);
    Some(["--config".into(), format!("build.build-dir={target}").into()])
}

/// Variables of the user's that name places, as they are on a side: there the places are
/// others.
fn places(options: &BuildOptions) -> Vec<(OsString, Option<OsString>)> {
    if options.on_side.is_none() {
        return Vec::new();
    }
    let (directory, target) = (&options.directory, &options.target_dir);
    let named = [
        ("PWD", directory),
        ("CARGO_TARGET_DIR", target),
        ("CARGO_BUILD_TARGET_DIR", target),
        ("CARGO_BUILD_BUILD_DIR", target),
    ];
    let set = named.into_iter().filter(|(name, _)| std::env::var_os(name).is_some());
    set.filter_map(|(name, place)| {
        Some((name.into(), Some(place.as_ref()?.clone().into_os_string())))
    })
    .collect()
}

/// Variables of this process that are not in an environment.
fn absent(environment: &Environment) -> BTreeSet<OsString> {
    let own = std::env::vars_os().map(|(key, _)| key);
    own.filter(|key| !environment.contains_key(key)).collect()
}

/// Bench targets of the chosen packages that need features which are off: cargo
/// leaves them out without a word.
fn left_out_targets(
    options: &BuildOptions,
    metadata: &Metadata,
    built: &[BenchExecutable],
) -> Vec<NotRun> {
    let chosen: Vec<&Package> = if options.workspace {
        metadata.workspace_packages()
    } else if !options.packages.is_empty() {
        let named = |package: &&Package| options.packages.iter().any(|name| *name == *package.name);
        metadata.workspace_packages().into_iter().filter(named).collect()
    } else if metadata.workspace_default_members.is_available() {
        metadata.workspace_default_packages()
    } else {
        metadata.root_package().into_iter().collect()
    };
    let mut not_run = BTreeSet::new();
    for package in chosen {
        for target in &package.targets {
            let id = TargetId::in_package(&target.name, package.name.as_str());
            let is_built = built.iter().any(|executable| executable.target == id);
            if is_built || !target.is_bench() || target.required_features.is_empty() {
                continue;
            }
            let features = target.required_features.join(",");
            not_run.insert(NotRun::skipped(
                target.name.clone(),
                format!("needs features that are off; add `--features {features}` to measure it"),
            ));
        }
    }
    not_run.into_iter().collect()
}
