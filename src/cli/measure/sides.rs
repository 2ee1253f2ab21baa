//! The two sides of `gate ab`: laid and built from a git repository, or ready.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::cli::context::{Context, Failed};
use crate::measure::identity::{Identity, compare};
use crate::measure::{
    self, BenchExecutable, BuildError, BuildOptions, BuiltSide, Interrupt, MeasureError, Pinning,
    Progress, Repository, Source,
};
use crate::model::{Layout, NotRun, Sides, TargetId, TrialSide};

/// Both sides of a trial, ready to be measured.
pub(super) struct BuiltSides {
    pub(super) sides: Sides<BuiltSide>,
    /// Bench targets of the same code.
    pub(super) identical: BTreeSet<TargetId>,
    /// Where functions are, for each of the others that was built here.
    pub(super) layouts: Vec<Layout>,
}

/// How sides are built.
pub(super) struct Building<'a> {
    pub(super) context: &'a Context,
    /// cargo's options, as given.
    pub(super) options: &'a BuildOptions,
    /// The gate's own directory, below the project's target directory.
    pub(super) place: &'a Path,
    pub(super) pin_layout: bool,
    pub(super) interrupt: &'a Interrupt,
}

impl Building<'_> {
    /// Lays and builds base, then head, in one checkout directory; then links once
    /// more what differs, so that equal functions lie alike.
    pub(super) fn sides(
        &self,
        base: Option<&str>,
        progress: &mut dyn Progress,
    ) -> Result<BuiltSides, Failed> {
        let context = self.context;
        let repository = Repository::of(&context.directory)
            .context("`gate ab` needs a git repository, or --base-exe and --head-exe")
            .map_err(Failed::usage)?;
        let commit = match base {
            Some(revision) => repository
                .commit(revision)
                .with_context(|| format!("there is no revision `{revision}`"))
                .map_err(Failed::usage)?,
            None => repository.merge_base().map_err(Failed::usage)?,
        };
        let short: String = commit.chars().take(10).collect();
        context.shell.status("base", &format!("{short}; head is the working tree"));
        if repository.is_at(&commit) {
            context.shell.note(
                "the working tree is its base, so there is no change to judge; name an earlier \
                 revision with --base HEAD~1",
            );
        }
        // The part of the repository that the command was given in.
        let inside = fs_err::canonicalize(&context.directory)?;
        let inside =
            inside.strip_prefix(fs_err::canonicalize(repository.root())?).map(Path::to_owned);
        let checkout = self.place.join("checkout");
        let pinning = self.pin_layout.then(|| Pinning::prepare(self.place)).transpose()?;
        let yard = Yard {
            options: BuildOptions {
                directory: Some(checkout.join(inside.unwrap_or_default())),
                // One name for the target directories of both sides, as for their sources.
                target_dir: Some(self.place.join("build")),
                variables: pinning.as_ref().map(Pinning::variables).unwrap_or_default(),
                ..self.options.clone()
            },
            sources: Sides { base: Source::Commit(commit), head: Source::WorkingTree },
            building: self,
            repository,
            checkout,
        };
        let mut sides = Sides {
            base: yard.side(TrialSide::Base, progress)?,
            head: yard.side(TrialSide::Head, progress)?,
        };
        let identical = identical(&sides);
        let layouts = match pinning {
            Some(pinning) => {
                let relink = &mut |side| yard.relink(side, progress);
                let layouts = pinning.pin(sides.each_mut(), &identical, relink)?;
                // What benchmarks read when they run is the head's.
                yard.lay(TrialSide::Head)?;
                layouts
            }
            None => Vec::new(),
        };
        for layout in &layouts {
            let said = match &layout.reason {
                None => format!(
                    "{}: {} of {} unchanged functions lie alike on both sides",
                    layout.target.name, layout.same, layout.functions
                ),
                Some(reason) => format!("{}: not pinned: {reason}", layout.target.name),
            };
            context.shell.status("layout", &said);
        }
        Ok(BuiltSides { sides, identical, layouts })
    }
}

/// Where both sides are laid and built in turn.
struct Yard<'a> {
    building: &'a Building<'a>,
    repository: Repository,
    sources: Sides<Source>,
    checkout: PathBuf,
    options: BuildOptions,
}

impl Yard<'_> {
    fn lay(&self, side: TrialSide) -> Result<(), Failed> {
        let memory = self.building.place.join(format!("{side}-files.json"));
        self.repository.lay(&self.sources[side], &self.checkout, &memory)?;
        Ok(measure::point(&self.building.place.join("build"), side.as_str())?)
    }

    fn build(&self, progress: &mut dyn Progress) -> Result<measure::Built, BuildError> {
        measure::build(&self.options, self.building.interrupt, progress)
    }

    fn side(&self, side: TrialSide, progress: &mut dyn Progress) -> Result<BuiltSide, Failed> {
        self.lay(side)?;
        let is_base = side == TrialSide::Base;
        let (executables, not_run) = match self.build(progress) {
            Ok(built) => (built.executables, built.not_run),
            // Its benchmarks are new, then.
            Err(BuildError::NoBenches { not_run, .. }) if is_base => (Vec::new(), not_run),
            Err(error @ (BuildError::Failed { .. } | BuildError::Metadata(_))) if is_base => {
                (Vec::new(), vec![NotRun::failed("build", error.to_string())])
            }
            Err(error) => {
                let error = MeasureError::from(error);
                return Err(anyhow::Error::from(error)
                    .context(format!("the {side} cannot be measured"))
                    .into());
            }
        };
        Ok(BuiltSide {
            name: side.to_string(),
            revision: self.repository.revision(&self.sources[side]),
            executables,
            not_run,
            build: self.options.clone(),
        })
    }

    /// Builds once more what was set aside; the reason where that fails.
    fn relink(
        &self,
        side: TrialSide,
        progress: &mut dyn Progress,
    ) -> Result<Result<(), String>, Failed> {
        self.lay(side)?;
        match self.build(progress) {
            Ok(_) => Ok(Ok(())),
            Err(error @ BuildError::Failed { .. }) => {
                Ok(Err(format!("linking the {side} once more failed: {error}")))
            }
            Err(error) => Err(MeasureError::from(error).into()),
        }
    }
}

/// Bench targets whose executables hold the same code: green by proof, not
/// measured. A script is never among them, as nobody knows what it starts.
fn identical(sides: &Sides<BuiltSide>) -> BTreeSet<TargetId> {
    let mut same = BTreeSet::new();
    for base in &sides.base.executables {
        let head = sides.head.executables.iter().find(|head| head.target == base.target);
        if head.is_some_and(|head| matches!(compare(base, head), Identity::Identical { .. })) {
            same.insert(base.target.clone());
        }
    }
    same
}

pub(super) fn ready(base: &[PathBuf], head: &[PathBuf]) -> Result<BuiltSides, Failed> {
    let mut sides =
        Sides::from_fn(|side| BuiltSide { name: side.to_string(), ..BuiltSide::default() });
    for (base, head) in base.iter().zip(head) {
        // They belong together by order, so they go by one name: the head's.
        let target = BenchExecutable::ready(head).target;
        for (path, side) in [base, head].into_iter().zip(sides.each_mut()) {
            let path = fs_err::canonicalize(path).map_err(Failed::usage)?;
            let mut executable = BenchExecutable::ready(path);
            executable.target.clone_from(&target);
            side.executables.push(executable);
        }
    }
    let targets: BTreeSet<&TargetId> =
        sides.head.executables.iter().map(|executable| &executable.target).collect();
    if targets.len() < head.len() {
        return Err(Failed::usage(anyhow::anyhow!(
            "two of the head's executables have the same file name: give them different ones"
        )));
    }
    let identical = identical(&sides);
    Ok(BuiltSides { sides, identical, layouts: Vec::new() })
}
