//! Runs git.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Variables by which git names a repository to its hooks. A checkout, and what is
/// built in it, must not see them: they would lead to the user's repository.
pub(crate) const REPOSITORY_VARIABLES: [&str; 10] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// git could not be run, or refused.
#[derive(Debug, thiserror::Error)]
#[error("`git {command}` failed in {}: {message}", directory.display())]
pub struct GitError {
    /// Its arguments.
    pub command: String,
    /// Where it ran.
    pub directory: PathBuf,
    /// Its own message.
    pub message: String,
}

/// A git command under construction.
pub(super) struct Git {
    command: Command,
    words: Vec<String>,
    directory: PathBuf,
}

impl Git {
    /// A command on the user's repository around `directory`; variables that a hook
    /// sets count.
    pub(super) fn in_repository(directory: &Path) -> Self {
        let mut command = Command::new("git");
        command.current_dir(directory).stdin(Stdio::null());
        Self { command, words: Vec::new(), directory: directory.to_owned() }
    }

    /// A command on the checkout in `directory`, and on no other repository. Hooks
    /// do not run.
    pub(super) fn in_checkout(directory: &Path) -> Self {
        let mut git = Self::in_repository(directory);
        for variable in REPOSITORY_VARIABLES {
            git.command.env_remove(variable);
        }
        // A directory that was damaged must not lead to a repository above it.
        git.command.env("GIT_CEILING_DIRECTORIES", directory.parent().unwrap_or(directory));
        let quiet = ["core.hooksPath=/dev/null", "submodule.recurse=false", "gc.auto=0"];
        git.command.args(quiet.into_iter().flat_map(|setting| ["-c", setting]));
        git
    }

    pub(super) fn args<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        for argument in arguments {
            self.words.push(argument.as_ref().to_string_lossy().into_owned());
            self.command.arg(argument);
        }
        self
    }

    pub(super) fn env(mut self, key: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(key, value);
        self
    }

    /// Standard output, as bytes.
    pub(super) fn bytes(mut self) -> Result<Vec<u8>, GitError> {
        let output = self.command.output();
        let message = match output {
            Ok(output) if output.status.success() => return Ok(output.stdout),
            Ok(output) => {
                let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
                if message.is_empty() { output.status.to_string() } else { message }
            }
            Err(error) => error.to_string(),
        };
        Err(GitError { command: self.words.join(" "), directory: self.directory, message })
    }

    /// Standard output without the newline at its end.
    pub(super) fn text(self) -> Result<String, GitError> {
        let bytes = self.bytes()?;
        Ok(String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_owned())
    }

    /// Runs it for its effect, with `input` as its standard input.
    pub(super) fn feed(mut self, input: &[u8]) -> Result<(), GitError> {
        let file = tempfile::tempfile().and_then(|mut file| {
            std::io::Write::write_all(&mut file, input)?;
            std::io::Seek::rewind(&mut file)?;
            Ok(file)
        });
        match file {
            Ok(file) => self.command.stdin(file),
            Err(error) => {
                let (command, directory) = (self.words.join(" "), self.directory);
                return Err(GitError { command, directory, message: error.to_string() });
            }
        };
        self.bytes().map(drop)
    }
}

/// The paths in a list in which each ends with a zero byte, as git writes them with `-z`.
pub(super) fn paths(listed: &[u8]) -> Vec<PathBuf> {
    let names = listed.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    names.map(|name| PathBuf::from(OsStr::from_bytes(name))).collect()
}

/// Runs git on the user's repository.
pub(super) fn git(directory: &Path, arguments: &[&str]) -> Result<String, GitError> {
    Git::in_repository(directory).args(arguments).text()
}
