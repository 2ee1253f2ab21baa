//! Programs that hold benchmarks.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::process::Job;
use super::shared_paths::OnSide;
use crate::model::TargetId;

/// An executable that holds benchmarks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BenchExecutable {
    /// Its bench target, with the package where cargo built it.
    pub target: TargetId,
    /// The file.
    pub path: PathBuf,
    /// Where it runs: the package's directory, as under `cargo bench`, or that of a command.
    pub directory: Option<PathBuf>,
    /// Arguments before those of its harness.
    pub arguments: Vec<OsString>,
    /// Variables that `cargo bench` would give it, or those of a command.
    pub environment: BTreeMap<OsString, OsString>,
    /// Variables of this process that it does not get.
    pub without: BTreeSet<OsString>,
    /// The program through which it is started, and its arguments: cargo's `runner`.
    pub runner: Vec<OsString>,
    /// The side whose files it needs, where two sides share their paths.
    pub on_side: Option<OnSide>,
}

impl BenchExecutable {
    /// A ready executable, named after its file.
    pub fn ready(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let name = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy();
        Self {
            target: TargetId::named(name),
            path,
            directory: None,
            arguments: Vec::new(),
            environment: BTreeMap::new(),
            without: BTreeSet::new(),
            runner: Vec::new(),
            on_side: None,
        }
    }

    /// How it is started, before the arguments of its harness.
    pub(crate) fn job(&self) -> Job {
        let mut words = self.runner.iter().map(OsString::as_os_str).chain([self.path.as_os_str()]);
        let mut job = Job::new(words.next().unwrap_or_default());
        job.arguments = words.map(OsString::from).chain(self.arguments.iter().cloned()).collect();
        job.directory.clone_from(&self.directory);
        job.on_side.clone_from(&self.on_side);
        for key in &self.without {
            job.environment.insert(key.clone(), None);
        }
        for (key, value) in &self.environment {
            job.environment.insert(key.clone(), Some(value.clone()));
        }
        // Never the file of a gate that this one runs under.
        job.environment.insert(crate::record::VARIABLE.into(), None);
        job
    }
}

/// A program in any language that records its results by itself, and is measured like a bench
/// target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// How it is started. Its target has the command's name.
    pub program: BenchExecutable,
    /// The longest time that a process may take; that of bench targets if `None`.
    pub time_limit: Option<Duration>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ready_executable_is_named_after_its_file() {
        let executable = BenchExecutable::ready("/some/where/cache-base.sh");
        assert_eq!(executable.target, TargetId::named("cache-base"));
    }

    #[test]
    fn an_executable_is_started_through_its_runner() {
        let runner = ["qemu".into(), "-L".into()].to_vec();
        let job =
            BenchExecutable { runner, ..BenchExecutable::ready("/bench") }.job().arg("--bench");
        assert_eq!(job.program, PathBuf::from("qemu"));
        assert_eq!(job.arguments, ["-L", "/bench", "--bench"]);
        assert_eq!(BenchExecutable::ready("/bench").job().program, PathBuf::from("/bench"));
    }
}
