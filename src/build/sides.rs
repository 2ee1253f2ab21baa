//! The two sides of a trial, checked out and built.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::cargo::{Built, build};
use super::checkout::{CheckoutError, check_out};
use super::claim::ClaimError;
use super::config::Config;
use super::dependencies::Dependencies;
use super::error::BuildError;
use super::extra::{self, ReadError, Untracked};
use super::git::{Git, GitError};
use super::identity::{Identity, compare, links_own_libraries};
use super::options::BuildOptions;
use super::outside::Outside;
use super::pin::{Pinning, map_of};
use super::place::Place;
use super::reach::Reach;
use super::repository::{Repository, Source};
use super::user_directory::{is_rustup, package, separate, workspace};
use crate::drive::process::ProcessError;
use crate::drive::{BenchExecutable, Interrupt, Progress};
use crate::model::{
    Layout, NotRun, Revision, SharedInput, SharedKind, Sides, Sources, TargetId, TrialSide,
};
use crate::policy::ExtraFiles;
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
    /// What is known already not to run.
    pub not_run: Vec<NotRun>,
    /// How it was built, for the fingerprint.
    pub build: BuildOptions,
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
    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
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
        let pinning = plan.pin_layout.then(|| Pinning::prepare(plan.gate)).transpose()?;
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
        // A workspace above the repository is not part of it: a clone has none.
        let workspace = workspace.or_else(|| package(plan.options, &directory, &real_root));
        Ok(Self {
            plan,
            interrupt,
            place,
            pinning,
            options,
            workspace,
            dependencies: Dependencies::default(),
            config: Config::default(),
            lock: None,
            trees: Sides::from_fn(|_| Vec::new()),
            shared,
            notes: Vec::new(),
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
        // It sets variables that build scripts of dependencies may read.
        if !is_base && self.config == config {
            let [base, head] = TrialSide::ALL.map(|side| self.place.target_of(side));
            self.dependencies.hand_over(&base, &head)?;
        }
        self.config = config;
        let options = self.options(side);
        let built = build(&options, self.interrupt, progress);
        self.keep_lock(side)?;
        let Built { executables, programs, not_run, dependencies, .. } = match built {
            Ok(built) => built,
            // Its benchmarks are new, then.
            Err(BuildError::NoBenches { not_run, .. }) if is_base => {
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
        Ok((BuiltSide { name, revision, executables, not_run, build: options }, programs))
    }

    fn check_out(&mut self, side: TrialSide) -> Result<(), SideError> {
        let on_side = self.place.on_side(side);
        let _entered = on_side.enter()?;
        let root = self.plan.repository.root();
        let checkout = self.place.checkout();
        extra::take_back(checkout);
        let trees = check_out(root, &self.source(side), checkout, self.target_directory())
            .map_err(|source| SideError::CheckOut { side, source })?;
        self.place.mark(side)?;
        self.link_target()?;
        self.trees[side] = trees;
        if let ExtraFiles::Only(globs) = self.plan.extra_files {
            let files = Untracked::of(root, self.target_directory())?.matching(globs);
            extra::give(root, &files, checkout)?;
            self.shared.extend(files.iter().map(|path| shared(SharedKind::ExtraFile, path)));
        }
        self.give_lock(side)
    }

    fn config(&self, side: TrialSide) -> Result<Config, SideError> {
        let on_side = self.place.on_side(side);
        let _entered = on_side.enter()?;
        Ok(Config::load(self.options.directory.as_deref().unwrap_or(Path::new("."))))
    }

    /// Has the checkout's own target directory lead to the one that is used: a benchmark
    /// may look for programs at `target/release`.
    fn link_target(&self) -> Result<(), SideError> {
        let root = fs::canonicalize(self.plan.repository.root())?;
        let inside = self.target_directory().and_then(|target| target.strip_prefix(&root).ok());
        let Some(inside) = inside else { return Ok(()) };
        let link = self.place.checkout().join(inside);
        // One that is committed stays.
        if link.symlink_metadata().is_ok() {
            return Ok(());
        }
        if let Some(parent) = link.parent() {
            fs::create_dir_all(parent)?;
        }
        fs_err::os::unix::fs::symlink(self.place.target(), link)?;
        // git does not ignore a link by a pattern that ends with a slash.
        let exclude = self.place.checkout().join(".git/info/exclude");
        Ok(fs::write(exclude, format!("/{}\n", inside.display()))?)
    }

    /// The project's target directory, without links.
    fn target_directory(&self) -> Option<&Path> {
        self.place.target().ancestors().nth(2)
    }

    fn lock_path(&self) -> Option<PathBuf> {
        Some(self.workspace.as_ref()?.join("Cargo.lock"))
    }

    /// Gives a side that has no Cargo.lock of its own the one that the other side
    /// has: the versions of dependencies must not differ by the day on which they
    /// were looked up.
    fn give_lock(&mut self, side: TrialSide) -> Result<(), SideError> {
        /// Already said of both sides, if cargo wrote it for the base.
        const BASES: &str = "the base's";
        let Some(path) = self.lock_path() else { return Ok(()) };
        let checkout = self.place.checkout();
        let tracked = Git::in_checkout(checkout)
            .args([OsStr::new("ls-files"), OsStr::new("--error-unmatch"), OsStr::new("--")])
            .args([&path])
            .bytes();
        if tracked.is_ok() {
            return Ok(());
        }
        let root = self.plan.repository.root();
        let (lock, whose) = match (std::fs::read(root.join(&path)), &self.lock) {
            (Ok(lock), _) => (lock, "the working tree's"),
            (Err(_), Some(lock)) => (lock.clone(), BASES),
            (Err(_), None) => {
                self.shared.insert(shared(SharedKind::LockFile, &path));
                self.notes.push(format!(
                    "{} is not committed: cargo chooses the versions of dependencies now, for \
                     both sides",
                    path.display()
                ));
                // One of an earlier trial.
                let _ = std::fs::remove_file(checkout.join(&path));
                return Ok(());
            }
        };
        let is_new = self.shared.insert(shared(SharedKind::LockFile, &path));
        if is_new || whose != BASES {
            self.notes.push(format!(
                "{} is not committed on the side {side}: it is built with {whose}",
                path.display()
            ));
        }
        Ok(fs::write(checkout.join(&path), lock)?)
    }

    /// Keeps the Cargo.lock that a side was built with.
    fn keep_lock(&mut self, side: TrialSide) -> Result<(), SideError> {
        let Some(path) = self.lock_path() else { return Ok(()) };
        let on_side = self.place.on_side(side);
        let _entered = on_side.enter()?;
        self.lock = std::fs::read(self.place.checkout().join(path)).ok().or(self.lock.take());
        Ok(())
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
        let names = listed.split(|byte| *byte == 0).filter(|name| !name.is_empty());
        Ok(names.map(|name| PathBuf::from(&*String::from_utf8_lossy(name))).collect())
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
