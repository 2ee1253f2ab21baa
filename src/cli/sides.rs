//! The two sides of `gate ab`: laid and built from a git repository, or ready.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::{Context, Failed};
use crate::measure::identity::{Identity, compare};
use crate::measure::{
    self, BenchExecutable, BuildError, BuildOptions, Interrupt, MeasureError, Pinning, Progress,
    Repository, Source, TrialSide,
};
use crate::model::{Layout, NotRun};

/// Names of the sides, and of their directories.
const NAMES: [&str; 2] = ["base", "head"];

/// What a trial is of.
pub(super) struct Sides {
    pub(super) base: TrialSide,
    pub(super) head: TrialSide,
    /// Targets of the same code, by package and name.
    pub(super) identical: BTreeSet<(Option<String>, String)>,
    /// Where functions lie, for each of the others that was built here.
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
    ) -> Result<Sides, Failed> {
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
            sources: [Source::Commit(commit), Source::WorkingTree],
            building: self,
            repository,
            checkout,
        };
        let mut base = yard.side(0, progress)?;
        let mut head = yard.side(1, progress)?;
        let identical = identical(&base, &head);
        let layouts = match pinning {
            Some(pinning) => {
                let relink = &mut |side| yard.relink(side, progress);
                let layouts = pinning.pin([&mut base, &mut head], &identical, relink)?;
                // What benchmarks read when they run is the head's.
                yard.lay(1)?;
                layouts
            }
            None => Vec::new(),
        };
        for layout in &layouts {
            let said = match &layout.reason {
                None => format!(
                    "{}: {} of {} unchanged functions lie alike on both sides",
                    layout.target, layout.same, layout.functions
                ),
                Some(reason) => format!("{}: not pinned: {reason}", layout.target),
            };
            context.shell.status("layout", &said);
        }
        Ok(Sides { base, head, identical, layouts })
    }
}

/// Where both sides are laid and built in turn.
struct Yard<'a> {
    building: &'a Building<'a>,
    repository: Repository,
    /// Base and head.
    sources: [Source; 2],
    checkout: PathBuf,
    options: BuildOptions,
}

impl Yard<'_> {
    fn lay(&self, side: usize) -> Result<(), Failed> {
        let name = NAMES[side];
        let memory = self.building.place.join(format!("{name}-files.json"));
        self.repository.lay(&self.sources[side], &self.checkout, &memory)?;
        Ok(measure::point(&self.building.place.join("build"), name)?)
    }

    fn build(&self, progress: &mut dyn Progress) -> Result<measure::Built, BuildError> {
        measure::build(&self.options, self.building.interrupt, progress)
    }

    fn side(&self, side: usize, progress: &mut dyn Progress) -> Result<TrialSide, Failed> {
        self.lay(side)?;
        let (name, is_base) = (NAMES[side], side == 0);
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
                    .context(format!("the {name} cannot be measured"))
                    .into());
            }
        };
        Ok(TrialSide {
            name: name.to_owned(),
            revision: self.repository.revision(&self.sources[side]),
            executables,
            not_run,
            build: self.options.clone(),
        })
    }

    /// Builds once more what was set aside; the reason where that fails.
    fn relink(
        &self,
        side: usize,
        progress: &mut dyn Progress,
    ) -> Result<Result<(), String>, Failed> {
        self.lay(side)?;
        match self.build(progress) {
            Ok(_) => Ok(Ok(())),
            Err(error @ BuildError::Failed { .. }) => {
                Ok(Err(format!("linking the {} once more failed: {error}", NAMES[side])))
            }
            Err(error) => Err(MeasureError::from(error).into()),
        }
    }
}

/// Targets whose executables hold the same code: green by proof, not measured.
/// Scripts are none of them: what they start is not known.
fn identical(base: &TrialSide, head: &TrialSide) -> BTreeSet<(Option<String>, String)> {
    let mut same = BTreeSet::new();
    for one in &base.executables {
        let key = (one.package.clone(), one.target.clone());
        let other =
            head.executables.iter().find(|other| other.target == key.1 && other.package == key.0);
        if other.is_some_and(|other| matches!(compare(one, other), Identity::Identical { .. })) {
            same.insert(key);
        }
    }
    same
}

pub(super) fn ready(base: &[PathBuf], head: &[PathBuf]) -> Result<Sides, Failed> {
    let mut sides = [("base", Vec::new()), ("head", Vec::new())];
    for (base, head) in base.iter().zip(head) {
        // They belong together by order, so they go by one name: the head's.
        let name = BenchExecutable::ready(head).target;
        for (path, (_, executables)) in [base, head].into_iter().zip(&mut sides) {
            let path = fs_err::canonicalize(path).map_err(Failed::usage)?;
            let mut executable = BenchExecutable::ready(path);
            executable.target.clone_from(&name);
            executables.push(executable);
        }
    }
    let names: BTreeSet<&str> = sides[1].1.iter().map(|one| one.target.as_str()).collect();
    if names.len() < head.len() {
        return Err(Failed::usage(anyhow::anyhow!(
            "two of the head's executables have the same file name: give them different ones"
        )));
    }
    let [base, head] = sides.map(|(name, executables)| TrialSide {
        name: name.to_owned(),
        revision: None,
        executables,
        not_run: Vec::new(),
        build: BuildOptions::default(),
    });
    let identical = identical(&base, &head);
    Ok(Sides { base, head, identical, layouts: Vec::new() })
}
