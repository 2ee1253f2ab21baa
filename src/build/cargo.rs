//! Has cargo build the bench executables, and says where they are.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use cargo_metadata::{Message, Metadata, MetadataCommand, Package, TargetKind};

use crate::drive::process::{self, Ended, Job, ProcessError, Remains, Stderr, Stream};
use crate::drive::{Event, Interrupt, Progress};
use crate::model::{NotRun, TargetId};

/// What to build: cargo's own options, passed on as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one of cargo's own switches")]
pub struct BuildOptions {
    /// Where cargo runs; its configuration is looked for from here. Without
    /// one, where this process runs.
    pub directory: Option<PathBuf>,
    /// `--manifest-path`.
    pub manifest_path: Option<PathBuf>,
    /// `--package`, repeated.
    pub packages: Vec<String>,
    /// `--workspace`.
    pub workspace: bool,
    /// `--bench`, repeated; none of them means all bench targets.
    pub benches: Vec<String>,
    /// `--features`.
    pub features: Vec<String>,
    /// `--all-features`.
    pub all_features: bool,
    /// `--no-default-features`.
    pub no_default_features: bool,
    /// `--profile`; cargo's own choice is `bench`.
    pub profile: Option<String>,
    /// `--target`.
    pub target: Option<String>,
    /// `--target-dir`.
    pub target_dir: Option<PathBuf>,
    /// `--locked`.
    pub locked: bool,
    /// `--offline`.
    pub offline: bool,
    /// `--quiet`: cargo shows nothing but errors.
    pub quiet: bool,
    /// Variables for cargo.
    pub variables: Vec<(OsString, OsString)>,
}

impl BuildOptions {
    /// The profile that cargo builds with.
    pub fn profile(&self) -> &str {
        self.profile.as_deref().unwrap_or("bench")
    }

    /// Asks cargo where the project's target directory is (`--target-dir` and
    /// `CARGO_TARGET_DIR` count).
    pub fn target_directory(&self) -> Result<PathBuf, BuildError> {
        if let Some(target_dir) = &self.target_dir {
            return std::path::absolute(self.inside(target_dir)).map_err(BuildError::Directory);
        }
        Ok(self.metadata()?.target_directory.into_std_path_buf())
    }

    fn inside(&self, path: &Path) -> PathBuf {
        self.directory.as_ref().map_or_else(|| path.to_owned(), |inside| inside.join(path))
    }

    fn metadata(&self) -> Result<Metadata, BuildError> {
        let mut command = MetadataCommand::new();
        command.cargo_path(cargo()).no_deps();
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        if let Some(path) = &self.manifest_path {
            command.manifest_path(path);
        }
        let mut options = Vec::new();
        options.extend(self.locked.then(|| "--locked".to_owned()));
        options.extend(self.offline.then(|| "--offline".to_owned()));
        command.other_options(options);
        command.exec().map_err(BuildError::Metadata)
    }

    fn arguments(&self) -> Vec<OsString> {
        // A new option that is not passed on does not compile.
        let Self {
            directory: _,
            manifest_path,
            packages,
            workspace,
            benches,
            features,
            all_features,
            no_default_features,
            profile,
            target,
            target_dir,
            locked,
            offline,
            quiet,
            variables: _,
        } = self;
        let mut arguments: Vec<OsString> =
            ["bench", "--no-run", "--message-format=json-render-diagnostics"]
                .map(OsString::from)
                .into();
        let one = |value: &Option<String>| value.as_ref().map(OsString::from);
        let path = |value: &Option<PathBuf>| value.as_ref().map(OsString::from);
        let many = |values: &[String]| values.iter().map(OsString::from).collect::<Vec<_>>();
        let valued = [
            ("--manifest-path", path(manifest_path).into_iter().collect()),
            ("--package", many(packages)),
            ("--bench", many(benches)),
            ("--features", many(features)),
            ("--profile", one(profile).into_iter().collect()),
            ("--target", one(target).into_iter().collect()),
            ("--target-dir", path(target_dir).into_iter().collect()),
        ];
        for (name, values) in valued {
            arguments.extend(values.into_iter().flat_map(|value| [name.into(), value]));
        }
        let flags = [
            (*workspace, "--workspace"),
            (benches.is_empty(), "--benches"),
            (*all_features, "--all-features"),
            (*no_default_features, "--no-default-features"),
            (*locked, "--locked"),
            (*offline, "--offline"),
            (*quiet, "--quiet"),
        ];
        arguments.extend(flags.into_iter().filter(|(set, _)| *set).map(|(_, flag)| flag.into()));
        arguments
    }
}

/// An executable that holds benchmarks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BenchExecutable {
    /// Its bench target, with the package where cargo built it.
    pub target: TargetId,
    /// The file.
    pub path: PathBuf,
    /// Where it runs: the package's directory, as under `cargo bench`.
    pub directory: Option<PathBuf>,
    /// Variables that `cargo bench` would give it.
    pub environment: BTreeMap<OsString, OsString>,
}

impl BenchExecutable {
    /// A ready executable, named after its file.
    pub fn ready(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let name = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy();
        let target = TargetId::named(name);
        Self { target, path, directory: None, environment: BTreeMap::new() }
    }

    /// How it is started, before any argument.
    pub(crate) fn job(&self) -> Job {
        let mut job = Job::new(&self.path);
        job.directory.clone_from(&self.directory);
        for (key, value) in &self.environment {
            job.environment.insert(key.clone(), Some(value.clone()));
        }
        // Never the file of a gate that this one runs under.
        job.environment.insert(crate::record::VARIABLE.into(), None);
        job
    }
}

/// What a build gave.
#[derive(Clone, Debug)]
pub struct Built {
    /// In the order of packages, then targets.
    pub executables: Vec<BenchExecutable>,
    /// Bench targets that cargo left out, with the reason.
    pub not_run: Vec<NotRun>,
    /// The workspace's target directory.
    pub target_directory: PathBuf,
}

/// Why nothing was built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// cargo could not be run, or was interrupted.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// `cargo metadata` failed: no manifest, or a broken one.
    #[error("cannot read the project: {0}")]
    Metadata(cargo_metadata::Error),
    /// The current directory is not known.
    #[error("cannot tell where the target directory is: {0}")]
    Directory(io::Error),
    /// The code does not compile, or an option is wrong; cargo has said which.
    #[error(
        "`cargo {command}` failed ({ended}): cargo's messages above say why; the gate measures only what builds"
    )]
    Failed {
        /// cargo's arguments.
        command: String,
        /// How it ended.
        ended: Ended,
    },
    /// There is nothing to measure.
    #[error(
        "{} has no bench target to measure: add a `[[bench]]` with `harness = false` that uses criterion or iai-callgrind{}",
        root.display(), left_out(.not_run)
    )]
    NoBenches {
        /// The workspace.
        root: PathBuf,
        /// Targets that were left out.
        not_run: Vec<NotRun>,
    },
}

fn left_out(not_run: &[NotRun]) -> String {
    let each = not_run.iter().map(|one| format!("; {}: {}", one.subject, one.reason));
    each.collect::<Vec<_>>().concat()
}

/// Builds the bench executables with `cargo bench --no-run`.
///
/// cargo and the compiler write to standard error as they do for anyone.
pub fn build(
    options: &BuildOptions,
    interrupt: &Interrupt,
    progress: &mut dyn Progress,
) -> Result<Built, BuildError> {
    let metadata = options.metadata()?;
    let target_directory = match &options.target_dir {
        Some(_) => options.target_directory()?,
        None => metadata.target_directory.clone().into_std_path_buf(),
    };
    progress.event(&Event::BuildStarted);
    let mut job = Job::new(cargo());
    job.directory.clone_from(&options.directory);
    job.arguments = options.arguments();
    for (key, value) in &options.variables {
        job = job.env(key.clone(), value.clone());
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
        let words: Vec<_> = job.arguments.iter().map(|word| word.to_string_lossy()).collect();
        return Err(BuildError::Failed { command: words.join(" "), ended: outcome.ended });
    }
    let executables = messages.executables(&metadata, &target_directory);
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
    Ok(Built { executables, not_run, target_directory })
}

/// cargo: the one that started us, else the one on the path.
fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// What cargo reported.
#[derive(Default)]
struct Messages {
    artifacts: Vec<cargo_metadata::Artifact>,
    /// Directories of native libraries that build scripts made.
    libraries: BTreeSet<PathBuf>,
}

impl Messages {
    fn take(&mut self, message: Message, progress: &mut dyn Progress) {
        match message {
            Message::CompilerArtifact(artifact) => {
                progress.event(&Event::Compiled {
                    target: &artifact.target.name,
                    fresh: artifact.fresh,
                });
                if artifact.target.kind.contains(&TargetKind::Bench) {
                    self.artifacts.push(artifact);
                }
            }
            Message::BuildScriptExecuted(script) => {
                for path in script.linked_paths {
                    // `native=/path` and the like.
                    let path = path.as_str();
                    let path = path.split_once('=').map_or(path, |(_, path)| path);
                    self.libraries.insert(path.into());
                }
            }
            _ => {}
        }
    }

    fn executables(self, metadata: &Metadata, target_directory: &Path) -> Vec<BenchExecutable> {
        let packages: BTreeMap<_, _> =
            metadata.packages.iter().map(|package| (&package.id, package)).collect();
        let mut executables = BTreeSet::new();
        for artifact in &self.artifacts {
            let (Some(path), Some(package)) =
                (&artifact.executable, packages.get(&artifact.package_id))
            else {
                continue;
            };
            // The target directory may be a link that leads elsewhere by the time this runs.
            let path = settled(path.as_std_path());
            // cargo adds the build scripts' libraries that lie in its target directory.
            let mut libraries: Vec<PathBuf> = self
                .libraries
                .iter()
                .filter(|library| library.starts_with(target_directory))
                .map(|library| settled(library))
                .collect();
            libraries.extend(path.parent().map(Path::to_owned));
            executables.insert(BenchExecutable {
                target: TargetId::in_package(&artifact.target.name, package.name.as_str()),
                directory: package.manifest_path.parent().map(Into::into),
                environment: environment(package, &libraries),
                path,
            });
        }
        executables.into_iter().collect()
    }
}

/// Where a file really is; the path itself where that cannot be told.
fn settled(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// The variables that `cargo bench` sets and a program may rely on.
fn environment(package: &Package, libraries: &[PathBuf]) -> BTreeMap<OsString, OsString> {
    let mut variables = BTreeMap::new();
    let mut set = |key: &str, value: OsString| {
        variables.insert(OsString::from(key), value);
    };
    set("CARGO", cargo());
    set("CARGO_MANIFEST_PATH", package.manifest_path.as_os_str().to_owned());
    if let Some(directory) = package.manifest_path.parent() {
        set("CARGO_MANIFEST_DIR", directory.as_os_str().to_owned());
    }
    set("CARGO_PKG_NAME", package.name.to_string().into());
    set("CARGO_PKG_VERSION", package.version.to_string().into());
    let variable =
        if cfg!(target_os = "macos") { "DYLD_FALLBACK_LIBRARY_PATH" } else { "LD_LIBRARY_PATH" };
    let inherited = std::env::var_os(variable).unwrap_or_default();
    let paths = libraries
        .iter()
        .cloned()
        .chain(std::env::split_paths(&inherited).filter(|path| !path.as_os_str().is_empty()));
    if let Ok(paths) = std::env::join_paths(paths) {
        set(variable, paths);
    }
    variables
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_reaches_cargo() {
        let options = BuildOptions {
            directory: Some("elsewhere".into()),
            manifest_path: Some("a/Cargo.toml".into()),
            packages: vec!["p".into(), "q".into()],
            workspace: true,
            benches: vec!["b".into()],
            features: vec!["f,g".into()],
            all_features: true,
            no_default_features: true,
            profile: Some("release".into()),
            target: Some("x86_64-unknown-linux-gnu".into()),
            target_dir: Some("t".into()),
            locked: true,
            offline: true,
            quiet: true,
            variables: Vec::new(),
        };
        let words: Vec<_> =
            options.arguments().iter().map(|word| word.to_string_lossy().into_owned()).collect();
        assert_eq!(
            words.join(" "),
            "bench --no-run --message-format=json-render-diagnostics --manifest-path a/Cargo.toml \
             --package p --package q --bench b --features f,g --profile release \
             --target x86_64-unknown-linux-gnu --target-dir t --workspace --all-features \
             --no-default-features --locked --offline --quiet"
        );
    }

    #[test]
    fn without_names_all_bench_targets_are_built() {
        let words = BuildOptions::default().arguments();
        assert_eq!(words[3..], ["--benches"]);
    }

    #[test]
    fn a_ready_executable_is_named_after_its_file() {
        let executable = BenchExecutable::ready("/some/where/cache-base.sh");
        assert_eq!(executable.target, TargetId::named("cache-base"));
    }
}
