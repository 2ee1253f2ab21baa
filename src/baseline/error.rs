//! Why a snapshot cannot be read or stored, and how to fix it.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::files::WriteError;

/// Why a snapshot could not be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// A name that is not a safe part of a path on every system.
    #[error("{kind} {name:?} {reason}")]
    Name {
        /// The kind of name.
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
    /// A baseline of that name exists and may not be replaced.
    #[error("{} already exists: choose another name, or allow replacing it", path.display())]
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
        /// The path.
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
        "{} is not a noise file: {source}; restore it, or remove it and run `gate calibrate`",
        path.display()
    )]
    Noise {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column.
        source: serde_json::Error,
    },
    /// Written by a later version of the gate.
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
    /// The fields are present, but their values are invalid.
    #[error("{} at {place}: {reason}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Where in it, as a JSON pointer.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// A snapshot in memory that cannot be stored.
    #[error("snapshot `{name}` cannot be stored: {reason} (at {place})")]
    Unkeepable {
        /// The snapshot's name.
        name: String,
        /// Where it would be in the file, as a JSON pointer.
        place: String,
        /// What is wrong.
        reason: String,
    },
}

/// The kind of name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameKind {
    /// A directory of baselines from machines of the same kind.
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

/// A fault at a place in a file, before the file is known.
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
