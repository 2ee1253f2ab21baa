//! What can go wrong with a stored snapshot, and the way out.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::files::WriteError;

/// Why a snapshot could not be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// A name that is not safe as a part of a path, on every system.
    #[error("{kind} {name:?} {reason}")]
    Name {
        /// What was to be named.
        kind: NameKind,
        /// The name as given.
        name: String,
        /// What is wrong with it, and what to use instead.
        reason: &'static str,
    },
    /// No such baseline.
    #[error(
        "no baseline `{name}` for machine class `{class}`: {} does not exist{}",
        path.display(),
        listed(known)
    )]
    NotFound {
        /// The machine class asked for.
        class: String,
        /// The name asked for.
        name: String,
        /// Where it would be.
        path: PathBuf,
        /// The names that this machine class does have.
        known: Vec<String>,
    },
    /// A baseline of that name is there and was not to be replaced.
    #[error("{} exists: choose another name, or say that it may be replaced", path.display())]
    Exists {
        /// The file in the way.
        path: PathBuf,
    },
    /// A baseline promoted to its own name.
    #[error("baseline `{name}` cannot be promoted to itself: name two different ones")]
    SameName {
        /// The name given twice.
        name: String,
    },
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// `read`, `list` or `remove`.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Not a regular file.
    #[error("{} is not a regular file", path.display())]
    NotAFile {
        /// What was to be read.
        path: PathBuf,
    },
    /// Larger than any snapshot.
    #[error(
        "{} has {bytes} bytes; a snapshot has at most {limit}: this is another kind of file",
        path.display()
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// Not JSON, or not the fields that a snapshot or a critcmp export has.
    #[error("{} is neither a snapshot nor a critcmp export: {source}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column.
        source: serde_json::Error,
    },
    /// Not JSON, or not the fields that a noise file has.
    #[error(
        "{} is no noise file: {source}; restore it, or remove it and run `gate calibrate`",
        path.display()
    )]
    Noise {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column.
        source: serde_json::Error,
    },
    /// Written by a version of the gate that came after this one.
    #[error(
        "{} has snapshot schema version {version}, and this benchgate {} reads up to {known}: \
         it was written by benchgate {tool}; install that version or a later one",
        path.display(),
        env!("CARGO_PKG_VERSION")
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        version: u64,
        /// The newest version that is known here.
        known: u32,
        /// The version of the gate that wrote it, as the file says.
        tool: String,
    },
    /// The fields are there, and what they hold makes no sense.
    #[error("{} at {place}: {reason}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Where in it, as a JSON pointer.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// A snapshot in memory that no file can hold.
    #[error("snapshot `{name}` cannot be kept: {reason} (it would stand at {place})")]
    Unkeepable {
        /// The snapshot's name.
        name: String,
        /// Where in the file it would stand, as a JSON pointer.
        place: String,
        /// What is wrong.
        reason: String,
    },
}

/// What a name is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameKind {
    /// A directory of baselines that were measured on like machines.
    Class,
    /// One baseline.
    Baseline,
}

impl fmt::Display for NameKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Class => "machine class",
            Self::Baseline => "baseline name",
        })
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        "; nothing is saved for this class yet".to_owned()
    } else {
        format!("; there are: {}", names.join(", "))
    }
}

/// What is wrong at one place of a file, before the file is known.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) place: String,
    pub(super) reason: String,
}

impl Fault {
    pub(super) fn in_file(self, path: impl Into<PathBuf>) -> BaselineError {
        BaselineError::Invalid { path: path.into(), place: self.place, reason: self.reason }
    }

    pub(super) fn in_snapshot(self, name: &str) -> BaselineError {
        BaselineError::Unkeepable { name: name.to_owned(), place: self.place, reason: self.reason }
    }
}

/// A place in a file, as a JSON pointer (RFC 6901).
#[derive(Clone, Debug, Default)]
pub(super) struct Place(String);

impl Place {
    pub(super) fn at(&self, part: impl fmt::Display) -> Self {
        let part = part.to_string().replace('~', "~0").replace('/', "~1");
        Self(format!("{}/{part}", self.0))
    }

    pub(super) fn fault(&self, reason: impl Into<String>) -> Fault {
        let place = if self.0.is_empty() { "the top".to_owned() } else { self.0.clone() };
        Fault { place, reason: reason.into() }
    }
}
