//! The servers that the suite measures: the user's own if a URL names one, otherwise a
//! private one, otherwise a reason why there is none.
//!
//! A private server has a directory of its own, listens only on a socket in it, keeps
//! nothing, and ends with this process, however the process ends.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

pub use postgres::Postgres;
pub use redis::Redis;
pub use store::{OwnCopy, Store};

mod postgres;
mod private;
mod redis;
mod store;

/// Why a file or process that a workload needs could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action}: {source}")]
pub struct SetUpError {
    /// What was being done.
    pub action: &'static str,
    /// The system's error.
    pub source: io::Error,
}

impl SetUpError {
    pub(crate) fn of(action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self { action, source }
    }
}

/// Why a service cannot be measured, and what would help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unavailable {
    /// A sentence for [`not_run`](benchgate_record::not_run).
    pub reason: String,
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Unavailable {}

/// Finds an executable on `PATH`, then in the directories `also`.
pub fn find_program(name: &str, also: &[PathBuf]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(also.iter().cloned())
        // An empty part of PATH means the current directory, which is not searched.
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.join(name))
        .find(|candidate| is_executable(candidate))
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.is_file()
}
