//! The two sides of `gate ab`: built from a git repository, or ready.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::Context as _;

use super::subjects::Subjects;
use crate::build::{Reach, identical};
use crate::cli::context::{Context, Failed};
use crate::measure::{
    BenchExecutable, BuiltSide, BuiltSides, Interrupt, MeasureError, Progress, Repository,
    SideBuilder, SideError, SidePlan,
};
use crate::model::{Sides, Sources, TargetId};
use crate::policy::Policy;

/// How sides are built.
pub(super) struct Building<'a> {
    pub(super) context: &'a Context,
    pub(super) subjects: &'a Subjects,
    pub(super) policy: &'a Policy,
    pub(super) interrupt: &'a Interrupt,
}

impl Building<'_> {
    /// Builds base, then head, each in a checkout of its own.
    pub(super) fn sides(
        &self,
        base: Option<&str>,
        progress: &mut dyn Progress,
    ) -> Result<BuiltSides, Failed> {
        let shell = &self.context.shell;
        let repository = Repository::of(&self.context.directory)
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
        shell.status("base", &format!("{short}; head is the working tree"));
        let subjects = self.subjects;
        let place = subjects.place();
        let plan = SidePlan {
            options: &subjects.options,
            repository: &repository,
            base: &commit,
            benches: subjects.benches,
            commands: &subjects.commands,
            commands_from: &subjects.commands_from,
            gate: &place,
            pin_layout: self.policy.ab.pin_layout,
            extra_files: &self.policy.ab.extra_files,
        };
        let failed = |error: SideError| match error.signal() {
            Some(signal) => Failed::from(MeasureError::Interrupted { signal }),
            None => error.into(),
        };
        let mut waiting = |holder: &str| {
            shell.note(&format!(
                "waiting for another gate to end ({holder}): it builds and measures this repository"
            ));
        };
        let mut builder = SideBuilder::new(plan, self.interrupt, &mut waiting).map_err(failed)?;
        let sides = builder.build(progress).map_err(failed);
        for note in builder.notes() {
            shell.note(note);
        }
        let sides = sides?;
        for layout in &sides.layouts {
            let text = match &layout.reason {
                None => format!(
                    "{}: {} of {} unchanged functions have the same address on both sides",
                    layout.target.name, layout.same, layout.functions
                ),
                Some(reason) => format!("{}: not pinned: {reason}", layout.target.name),
            };
            shell.status("layout", &text);
        }
        Ok(sides)
    }
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
    let identical = identical(&sides, &Reach::default());
    Ok(BuiltSides {
        sides,
        identical,
        layouts: Vec::new(),
        maps: BTreeMap::new(),
        sources: Sources::default(),
    })
}
