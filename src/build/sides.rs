//! The two sides of a trial, checked out and built.

mod commands;
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::cargo::{Built, build};
use super::checkout::CheckoutError;
use super::claim::ClaimError;
use super::config::Config;
use super::dependencies::Dependencies;
use super::error::BuildError;
use super::extra::{self, ReadError, Untracked};
use super::git::{Git, GitError, paths};
use super::identity::{Identity, compare, links_own_libraries};
use super::leftovers::LeftoverError;
use super::options::BuildOptions;
use super::outside::Outside;
use super::pin::{Pinning, map_of};
use super::place::Place;
use super::reach::Reach;
use super::repository::{Repository, Source};
use super::user_directory::{is_rustup, package, separate, variables_into, workspace};
use crate::drive::process::ProcessError;
use crate::drive::{BenchExecutable, Command, Interrupt, Programs as Measured, Progress};
use crate::model::{
    Layout, NotRun, Revision, SharedInput, SharedKind, Sides, Sources, TargetId, TrialSide,
};
use crate::policy::{self, ExtraFiles};
use crate::text::listed;

/// One side of a trial. Without executables, the default, it measures nothing.
#[derive(Clone, Debug, Default)]
pub struct BuiltSide {
    /// The snapshot's name.
    pub name: String,
    /// What was built, where known.
    pub revision: Option<Revision>,
    /// Its executables; those of both sides belong together by target.
    pub executables: Vec<BenchExecutable>,
    /// The commands of the policy, as they run on this side.
    pub commands: Vec<Command>,
    /// What is known already not to run.
    pub not_run: Vec<NotRun>,
    /// How it was built, for the fingerprint.
    pub build: BuildOptions,
}

impl BuiltSide {
    /// What there is to measure.
    pub(crate) fn programs(&self) -> Measured<'_> {
        Measured { executables: &self.executables, commands: &self.commands }
    }
}

/// Both sides, ready to be measured.
#[derive(Debug)]
pub struct BuiltSides {
    /// Each side's executables.
    pub sides: Sides<BuiltSide>,
    /// Bench targets that run the same code on both sides.
    pub identical: BTreeSet<TargetId>,
    /// Where functions are, for each of the others that was built here.
    pub layouts: Vec<Layout>,
    /// The linker's maps of those whose functions can be compared one by one.
    pub maps: BTreeMap<TargetId, Sides<PathBuf>>,
    /// What they were built from, if they were built here.
    pub sources: Sources,
}

/// Why the sides cannot be measured.
#[derive(Debug, thiserror::Error)]
pub enum SideError {
    /// A side's files could not be checked out.
    #[error("cannot check out the {side}: {source}")]
    CheckOut {
        /// The side.
        side: TrialSide,
        /// Why.
        source: CheckoutError,
    },
    /// A side does not build.
    #[error("the {side} cannot be measured: {source}")]
    Build {
        /// The side.
        side: TrialSide,
        /// Why.
        source: BuildError,
    },
    /// git cannot read the repository.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The place where sides are built cannot be used.
    #[error("cannot prepare the checkouts: {0}")]
    Place(#[source] ClaimError),
    /// It cannot be found out which files benchmarks read.
    #[error("cannot find out which untracked files benchmarks read: {0}")]
    Read(#[from] ReadError),
    /// Benchmarks read files that a clone would not have.
    #[error(
        "benchmarks read files that git does not track, which ab.extra_files of the policy \
         refuses: {files}; commit them, or allow a copy on both sides"
    )]
    ExtraFiles {
        /// Their paths.
        files: String,
    },
    /// cargo built both sides' executable to one path, so only the head's is left.
    #[error(
        "cargo builds the executables of both sides at one path, {path}; remove the setting that \
         gives both sides one build directory"
    )]
    SharedExecutable {
        /// The path.
        path: String,
    },
    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<LeftoverError> for SideError {
    fn from(error: LeftoverError) -> Self {
        match error {
            LeftoverError::Git(error) => Self::Git(error),
            LeftoverError::Io(error) => Self::Io(error),
        }
    }
}

impl SideError {
    /// The signal, if that is what ended the build.
    pub fn signal(&self) -> Option<i32> {
        match self {
            Self::Build {
                source: BuildError::Process(ProcessError::Interrupted { signal }),
                ..
            }
            | Self::Read(ReadError::Process(ProcessError::Interrupted { signal }))
            | Self::Place(ClaimError::Interrupted { signal }) => Some(*signal),
            _ => None,
        }
    }
}

/// How the two sides are built.
#[derive(Clone, Copy, Debug)]
pub struct SidePlan<'a> {
    /// cargo's options, as given for the working tree.
    pub options: &'a BuildOptions,
    /// The repository.
    pub repository: &'a Repository,
    /// The base's commit.
    pub base: &'a str,
    /// Whether cargo builds bench targets. Without a cargo project, there are only commands.
    pub benches: bool,
    /// The commands to measure.
    pub commands: &'a [policy::Command],
    /// Where in the working tree the directories of the commands are meant from.
    pub commands_from: &'a Path,
    /// The gate's own directory, below the project's target directory.
    pub gate: &'a Path,
    /// Whether equal functions get equal addresses.
    pub pin_layout: bool,
    /// How files that git does not track are handled.
    pub extra_files: &'a ExtraFiles,
}

/// Checks both sides out and has cargo build them, as in two clones of the repository.
#[derive(Debug)]
pub struct SideBuilder<'a> {
    plan: SidePlan<'a>,
    interrupt: &'a Interrupt,
    place: Place,
    pinning: Option<Pinning>,
    /// cargo's options for either side, but for the side.
    options: BuildOptions,
    /// Where the workspace is, from the repository's root.
    workspace: Option<PathBuf>,
    /// Where the directories of the commands are meant from, from the repository's root.
    commands_from: PathBuf,
    /// What was compiled of published crates for the last side.
    dependencies: Dependencies,
    /// cargo's configuration for the last side.
    config: Config,
    /// The last Cargo.lock that was used.
    lock: Option<Vec<u8>>,
    /// The git trees that were checked out last, of the repository and its submodules.
    trees: Sides<Vec<String>>,
    /// Inputs that are not part of the commits.
    shared: BTreeSet<SharedInput>,
    notes: Vec<String>,
}

impl<'a> SideBuilder<'a> {
    /// Prepares the place where both sides are built. While another gate uses it this
    /// waits, after it has called `waiting` with a description of that gate.
    ///
    /// # Errors
    /// A file cannot be read or written, or git refuses.
    pub fn new(
        plan: SidePlan<'a>,
        interrupt: &'a Interrupt,
        waiting: &mut dyn FnMut(&str),
    ) -> Result<Self, SideError> {
        let root = plan.repository.root();
        let outside = Outside::of(root, plan.base)?;
        let place = Place::of(root, plan.gate, outside.up(), interrupt, waiting)
            .map_err(SideError::Place)?;
        let linked = outside.link(root, place.checkout())?;
        let shared = linked.iter().map(|path| shared(SharedKind::PathDependency, path)).collect();
        let pinning =
            (plan.pin_layout && plan.benches).then(|| Pinning::prepare(plan.gate)).transpose()?;
        let directory = plan.options.directory.as_deref().unwrap_or(Path::new("."));
        let directory = fs::canonicalize(directory)?;
        let real_root = fs::canonicalize(root)?;
        let inside = |path: &Path| path.strip_prefix(&real_root).map(Path::to_owned).ok();
        let mut variables = separate(&directory);
        let pinned = pinning.as_ref().map(Pinning::variables).unwrap_or_default();
        variables.extend(pinned.into_iter().map(|(key, value)| (key, Some(value))));
        let options = BuildOptions {
            directory: Some(place.checkout().join(inside(&directory).unwrap_or_default())),
            target_dir: Some(place.target().to_owned()),
            // The toolchain's own cargo, which a proxy names, is that of the head.
            cargo: is_rustup(&directory).then(|| "cargo".into()),
            variables,
            ..plan.options.clone()
        };
        let workspace = workspace(plan.options, &directory).as_deref().and_then(inside);
        let commands_from = inside(&fs::canonicalize(plan.commands_from)?).unwrap_or_default();
        let mut notes = Vec::new();
        let names = variables_into(&real_root, plan.gate.parent().unwrap_or(plan.gate));
        if !names.is_empty() {
            notes.push(format!(
                "variables lead into the repository: both sides use the working tree's files there: \
                 {}",
                listed(&names, NAMED_FILES)
            ));
        }
        // A workspace above the repository is not part of it: a clone has none.
        let workspace = workspace.or_else(|| package(plan.options, &directory, &real_root));
        Ok(Self {
            plan,
            interrupt,
            place,
            pinning,
            options,
            workspace,
            commands_from,
            dependencies: Dependencies::default(),
            config: Config::default(),
            lock: None,
            trees: Sides::from_fn(|_| Vec::new()),
            shared,
            notes,
        })
    }

    /// Builds base, then head; then links again what differs, so that equal functions
    /// have equal addresses.
    ///
    /// # Errors
    /// A side cannot be checked out, the head cannot be built, or this process was
    /// interrupted. A base that cannot be built has no benchmarks.
    pub fn build(&mut self, progress: &mut dyn Progress) -> Result<BuiltSides, SideError> {
        let (base, base_programs) = self.side(TrialSide::Base, progress)?;
        let (head, head_programs) = self.side(TrialSide::Head, progress)?;
        let mut sides = Sides { base, head };
        shares_no_executable(&sides)?;
        self.add_extra_files(&sides.head.executables)?;
        let files = self.changed_files()?;
        let reach = Reach::new(&base_programs, &head_programs, &files);
        let identical = identical(&sides, &reach);
        let layouts = match &self.pinning {
            Some(pinning) => {
                let executables = sides.each_mut().map(|side| &mut side.executables);
                pinning.pin(executables, &identical, &mut |side| self.relink(side, progress))?
            }
            None => Vec::new(),
        };
        let maps = maps(&sides, &layouts, &reach);
        let sources = Sources {
            same: self.trees.base == self.trees.head,
            trees: Some(self.trees.each_ref().map(|trees| trees.join(" "))),
            shared: self.shared.iter().cloned().collect(),
        };
        Ok(BuiltSides { sides, identical, layouts, maps, sources })
    }

    /// What a user should know of how the sides were built, a sentence each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    fn source(&self, side: TrialSide) -> Source {
        match side {
            TrialSide::Base => Source::Commit(self.plan.base.to_owned()),
            TrialSide::Head => Source::WorkingTree,
        }
    }

    fn options(&self, side: TrialSide) -> BuildOptions {
        BuildOptions { on_side: Some(self.place.on_side(side)), ..self.options.clone() }
    }

    fn side(
        &mut self,
        side: TrialSide,
        progress: &mut dyn Progress,
    ) -> Result<(BuiltSide, Programs), SideError> {
        self.check_out(side)?;
        let is_base = side == TrialSide::Base;
        let config = self.config(side)?;
        // It may name files that differ, and variables that build scripts of dependencies read.
        let is_plain = config.notable().is_empty();
        if !is_base && is_plain && self.config == config {
            let [base, head] = TrialSide::ALL.map(|side| self.place.target_of(side));
            self.dependencies.hand_over(&base, &head)?;
        }
        self.config = config;
        let options = self.options(side);
        let built = if self.plan.benches {
            build(&options, self.interrupt, progress)
        } else {
            Ok(Built::default())
        };
        self.keep_lock(side)?;
        let Built { executables, programs, mut not_run, dependencies, .. } = match built {
            Ok(built) => built,
            // On the base, the benchmarks of the head are new, then.
            Err(BuildError::NoBenches { not_run, .. })
                if is_base || !self.plan.commands.is_empty() =>
            {
                Built { not_run, ..Built::default() }
            }
            Err(error @ (BuildError::Failed { .. } | BuildError::Metadata(_))) if is_base => {
                let not_run = vec![NotRun::failed("build", error.to_string())];
                Built { not_run, ..Built::default() }
            }
            Err(source) => return Err(SideError::Build { side, source }),
        };
        self.dependencies = dependencies;
        let revision = self.plan.repository.revision(&self.source(side));
        let name = side.to_string();
        let (commands, failed) = self.commands(side)?;
        not_run.extend(failed);
        let built = BuiltSide { name, revision, executables, commands, not_run, build: options };
        Ok((built, programs))
    }

    /// Gives both sides the files that git does not track and the head's executables
    /// read, as far as the policy allows it.
    fn add_extra_files(&mut self, executables: &[BenchExecutable]) -> Result<(), SideError> {
        let root = self.plan.repository.root();
        let untracked = Untracked::of(root, self.target_directory())?;
        let read = {
            let on_side = self.place.on_side(TrialSide::Head);
            let _entered = on_side.enter()?;
            untracked.read_by(executables, root, self.place.checkout(), self.interrupt)?
        };
        let allowed: BTreeSet<PathBuf> = match self.plan.extra_files {
            ExtraFiles::Copy => read.clone(),
            ExtraFiles::Refuse => BTreeSet::new(),
            ExtraFiles::Only(globs) => untracked.matching(globs).into_iter().collect(),
        };
        let names = |files: &BTreeSet<PathBuf>| {
            let names: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
            listed(&names, NAMED_FILES)
        };
        let refused: BTreeSet<PathBuf> = read.difference(&allowed).cloned().collect();
        if !refused.is_empty() {
            return Err(SideError::ExtraFiles { files: names(&refused) });
        }
        if read.is_empty() {
            return Ok(());
        }
        if *self.plan.extra_files == ExtraFiles::Copy && extra::are_too_large(root, &read) {
            self.notes.push(format!(
                "benchmarks seem to read files that git does not track and that are too large to \
                 be copied, so both sides lack them; name them in ab.extra_files of the policy to \
                 copy them: {}",
                names(&read)
            ));
            return Ok(());
        }
        for side in TrialSide::ALL {
            let on_side = self.place.on_side(side);
            let _entered = on_side.enter()?;
            extra::give(root, &read, self.place.checkout())?;
        }
        self.shared.extend(read.iter().map(|path| shared(SharedKind::ExtraFile, path)));
        Ok(())
    }

    /// Files that differ between the sides.
    fn changed_files(&self) -> Result<Vec<PathBuf>, SideError> {
        let on_side = self.place.on_side(TrialSide::Head);
        let _entered = on_side.enter()?;
        let listed = Git::in_checkout(self.place.checkout())
            .args(["diff", "--cached", "--name-only", "--no-renames", "-z", self.plan.base])
            .bytes()?;
        Ok(paths(&listed))
    }

    /// Builds again what was moved away; the reason where that fails.
    fn relink(
        &self,
        side: TrialSide,
        progress: &mut dyn Progress,
    ) -> Result<Result<(), String>, SideError> {
        match build(&self.options(side), self.interrupt, progress) {
            Ok(_) => Ok(Ok(())),
            Err(error @ BuildError::Failed { .. }) => {
                Ok(Err(format!("linking the {side} again failed: {error}")))
            }
            Err(source) => Err(SideError::Build { side, source }),
        }
    }
}

fn shares_no_executable(sides: &Sides<BuiltSide>) -> Result<(), SideError> {
    let base: BTreeSet<&PathBuf> = sides.base.executables.iter().map(|bench| &bench.path).collect();
    match sides.head.executables.iter().find(|bench| base.contains(&bench.path)) {
        Some(bench) => Err(SideError::SharedExecutable { path: bench.path.display().to_string() }),
        None => Ok(()),
    }
}

/// How many files a message names.
const NAMED_FILES: usize = 5;

fn shared(kind: SharedKind, path: &Path) -> SharedInput {
    SharedInput { kind, path: path.display().to_string() }
}

/// Programs and libraries of a build, by file name.
type Programs = std::collections::BTreeMap<OsString, PathBuf>;

/// Targets that run the same code on both sides, which need not be measured: their
/// executables are the same, and they cannot reach anything else that differs. A
/// script is never among them, as nobody knows what it starts.
pub fn identical(sides: &Sides<BuiltSide>, reach: &Reach) -> BTreeSet<TargetId> {
    let mut same = BTreeSet::new();
    for base in &sides.base.executables {
        let head = sides.head.executables.iter().find(|head| head.target == base.target);
        let is_same = |head: &BenchExecutable| {
            matches!(compare(base, head), Identity::Identical { .. })
                && !reach.is_reached_by(base, head)
        };
        if head.is_some_and(is_same) {
            same.insert(base.target.clone());
        }
    }
    same
}

/// The linker's maps of pinned targets that cannot reach anything that differs besides
/// their executables: of these it can be told which functions are the same.
fn maps(
    sides: &Sides<BuiltSide>,
    layouts: &[Layout],
    reach: &Reach,
) -> BTreeMap<TargetId, Sides<PathBuf>> {
    let pinned = layouts.iter().filter(|layout| layout.reason.is_none());
    let maps = pinned.filter_map(|layout| {
        let of = |side: &BuiltSide| {
            side.executables.iter().find(|bench| bench.target == layout.target).cloned()
        };
        let (base, head) = (of(&sides.base)?, of(&sides.head)?);
        // Both are asked, as their texts differ.
        let alone = !reach.is_reached_by(&base, &head)
            && !reach.is_reached_by(&head, &base)
            && !links_own_libraries(&base)
            && !links_own_libraries(&head);
        let maps = Sides { base: map_of(&base.path), head: map_of(&head.path) };
        alone.then(|| (layout.target.clone(), maps))
    });
    maps.collect()
}
