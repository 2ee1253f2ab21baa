//! The commands of the policy: where and how each runs, and what builds it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::drive::process::{self, Ended, Job, ProcessError, Remains};
use crate::drive::{BenchExecutable, Command, Interrupt, OnSide, last_lines};
use crate::model::{NotRun, TargetId};
use crate::policy;

/// Where commands run.
#[derive(Clone, Debug, Default)]
pub struct CommandPlace {
    /// The directory from which those of the commands are meant.
    pub directory: PathBuf,
    /// Variables of this process that commands do not get.
    pub without: BTreeSet<OsString>,
    /// The side whose files they need, where two sides share their paths.
    pub on_side: Option<OnSide>,
    /// The directory for the output of what builds them, a file for each.
    pub logs: Option<PathBuf>,
}

/// Builds the commands that need it, one after the other, and says how each is run.
///
/// A command whose build fails is not run. The reason has the last lines that the build
/// printed.
///
/// # Errors
/// This process was interrupted, or a file could not be handled.
pub fn build_commands(
    commands: &[policy::Command],
    place: &CommandPlace,
    interrupt: &Interrupt,
) -> Result<(Vec<Command>, Vec<NotRun>), ProcessError> {
    let (mut ready, mut not_run) = (Vec::new(), Vec::new());
    for command in commands {
        match built(command, place, interrupt)? {
            None => ready.push(Command {
                program: place.program(command, &command.words),
                time_limit: command.time_limit,
            }),
            Some(reason) => not_run.push(NotRun::failed(command.name.clone(), reason)),
        }
    }
    Ok((ready, not_run))
}

/// Builds a command. Returns why that failed, if it did.
fn built(
    command: &policy::Command,
    place: &CommandPlace,
    interrupt: &Interrupt,
) -> Result<Option<String>, ProcessError> {
    let Some(words) = &command.build else { return Ok(None) };
    let mut job: Job = place.program(command, words).job();
    // A compiler cache's server outlives the build that started it.
    job.remains = Remains::Keep;
    let log = |logs: &PathBuf| logs.join(format!("{}-build.log", command.name));
    job.log = place.logs.as_ref().map(log);
    let shown = words.join(" ");
    match process::run(&job, interrupt, &mut |_, _| {}) {
        Ok(outcome) if outcome.ended.success() => Ok(None),
        Ok(outcome) => Ok(Some(failed(&shown, outcome.ended, &outcome.tail))),
        Err(error @ ProcessError::Start { .. }) => Ok(Some(format!("its build: {error}"))),
        Err(error) => Err(error),
    }
}

fn failed(build: &str, ended: Ended, tail: &[String]) -> String {
    format!("its build `{build}` ended with {ended}{}", last_lines(tail))
}

impl CommandPlace {
    /// How the words of a command are started.
    fn program(&self, command: &policy::Command, words: &[String]) -> BenchExecutable {
        let directory = self.directory.join(&command.directory);
        let mut words = words.iter();
        let program = words.next().map(String::as_str).unwrap_or_default();
        let variables = command.environment.iter();
        let mut environment: BTreeMap<OsString, OsString> =
            variables.map(|(name, value)| (name.into(), value.into())).collect();
        // That of this process names its own directory.
        environment.entry("PWD".into()).or_insert_with(|| directory.clone().into());
        BenchExecutable {
            target: TargetId::named(&*command.name),
            path: located(program, &directory),
            arguments: words.map(OsString::from).collect(),
            directory: Some(directory),
            environment,
            without: self.without.clone(),
            runner: Vec::new(),
            on_side: self.on_side.clone(),
        }
    }
}

/// A program by its path is meant from the directory in which it runs. One without a slash is
/// searched by the system.
fn located(program: &str, directory: &Path) -> PathBuf {
    if program.contains('/') { directory.join(program) } else { program.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_by_its_path_is_meant_from_where_it_runs() {
        let directory = Path::new("/project/bench");
        for (program, path) in [
            ("python3", "python3"),
            ("./bench.sh", "/project/bench/./bench.sh"),
            ("bin/bench", "/project/bench/bin/bench"),
            ("/usr/bin/env", "/usr/bin/env"),
        ] {
            assert_eq!(located(program, directory), Path::new(path));
        }
    }
}
