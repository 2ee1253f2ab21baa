//! What is measured: cargo's bench targets, and the commands of the policy.

use std::path::PathBuf;

use crate::cli::args::{PolicyArgs, selection};
use crate::cli::context::{Context, Failed};
use crate::files::{self, Existing};
use crate::measure::{
    self, BuildError, BuildOptions, Built, Command, CommandPlace, Filter, Interrupt, Progress,
};
use crate::policy::{self, Policy};
use crate::text::listed;

/// The names of commands that an error lists.
const LISTED: usize = 10;

/// What is measured, and where the gate keeps its files.
pub(super) struct Subjects {
    /// cargo's options for the bench targets.
    pub(super) options: BuildOptions,
    /// Whether there are bench targets to build.
    pub(super) benches: bool,
    /// The commands of the policy that are selected.
    pub(super) commands: Vec<policy::Command>,
    /// Where the directories of the commands are meant from.
    pub(super) commands_from: PathBuf,
    /// What was selected, in the words of the command line.
    pub(super) selection: Option<String>,
    /// cargo's target directory, or one that is only the gate's.
    pub(super) target: PathBuf,
}

impl Subjects {
    /// Selects by cargo's options. `--bench` names bench targets and commands; `--package` selects
    /// bench targets alone.
    ///
    /// # Errors
    /// There is neither a cargo project nor a command, or a name is unknown.
    pub(super) fn select(
        context: &Context,
        policy: &Policy,
        args: &PolicyArgs,
        mut options: BuildOptions,
        filter: Option<&Filter>,
    ) -> Result<Self, Failed> {
        let selection = selection(&options, filter);
        let all = &policy.measure.command;
        let by_name = !options.benches.is_empty();
        let is_wanted = |command: &&policy::Command| {
            if by_name {
                options.benches.contains(&command.name)
            } else {
                options.packages.is_empty()
            }
        };
        let commands: Vec<policy::Command> = all.iter().filter(is_wanted).cloned().collect();
        options.benches.retain(|name| !commands.iter().any(|command| command.name == *name));
        let only_commands = by_name && options.benches.is_empty();
        // Without commands, cargo says what is missing.
        let has_cargo = all.is_empty() || options.has_project();
        if let Some(unknown) = options.benches.first().filter(|_| !has_cargo) {
            let names: Vec<&str> = all.iter().map(|command| command.name.as_str()).collect();
            return Err(Failed::usage(anyhow::anyhow!(
                "`{unknown}` is not a command of the policy, and outside of a cargo project it cannot \
                 be a bench target; the policy has the commands {}",
                listed(&names, LISTED)
            )));
        }
        if !has_cargo && commands.is_empty() {
            return Err(Failed::usage(anyhow::anyhow!(
                "nothing is selected: --package selects the bench targets of a cargo project, and \
                 this directory is outside of one"
            )));
        }
        let commands_from = args.directory(context);
        let target = if has_cargo {
            options.target_directory()?
        } else {
            let target = context.directory.join("target");
            // cargo's own target directory is ignored by the project's repository.
            let gate = target.join("gate");
            files::write(&gate.join(".gitignore"), b"*\n", Existing::Replace)?;
            target
        };
        let benches = has_cargo && !only_commands;
        Ok(Self { options, benches, commands, commands_from, selection, target })
    }

    /// The gate's own directory.
    pub(super) fn place(&self) -> PathBuf {
        self.target.join("gate")
    }

    /// Builds the bench targets and the commands where they are.
    pub(super) fn build(
        &self,
        interrupt: &Interrupt,
        progress: &mut dyn Progress,
    ) -> Result<(Built, Vec<Command>), Failed> {
        let mut built = if self.benches {
            match measure::build(&self.options, interrupt, progress) {
                Err(BuildError::NoBenches { not_run, .. }) if !self.commands.is_empty() => {
                    Built { not_run, ..Built::default() }
                }
                built => built?,
            }
        } else {
            Built::default()
        };
        let place = CommandPlace {
            directory: self.commands_from.clone(),
            logs: Some(self.place().join("logs")),
            ..CommandPlace::default()
        };
        let (commands, failed) = measure::build_commands(&self.commands, &place, interrupt)?;
        built.not_run.extend(failed);
        refuse_twins(&built, &self.commands)?;
        Ok((built, commands))
    }
}

/// Refuses a command that has the name of a bench target: their results could be confused.
fn refuse_twins(built: &Built, commands: &[policy::Command]) -> Result<(), Failed> {
    let mut names = built.executables.iter().map(|executable| &executable.target.name);
    let is_command = |name: &&String| commands.iter().any(|command| command.name == **name);
    names.find(is_command).map_or(Ok(()), |name| {
        Err(Failed::usage(anyhow::anyhow!(
            "the policy has a command `{name}`, and there is a bench target of that name: give the \
             command another name"
        )))
    })
}
