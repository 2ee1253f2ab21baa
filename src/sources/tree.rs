//! Walks a directory of results without trusting it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::model::{Problem, ProblemKind};

/// Criterion nests four deep, callgrind's runners five; twice that is no result.
const MAX_DEPTH: usize = 12;

/// A directory and what is directly in it.
#[derive(Debug)]
pub(super) struct Directory {
    /// Where it is: the root as given, with what is below.
    pub(super) path: PathBuf,
    /// Everything that is not a directory; links are among them.
    pub(super) files: BTreeSet<OsString>,
    /// Whether directories are in it.
    pub(super) nested: bool,
}

impl Directory {
    /// Whether a file of that name is in it.
    pub(super) fn has(&self, name: &str) -> bool {
        self.files.contains(OsStr::new(name))
    }

    /// Whether a file is in it whose name ends so.
    pub(super) fn holds(&self, extension: &str) -> bool {
        self.files.iter().any(|name| Path::new(name).extension() == Some(OsStr::new(extension)))
    }

    /// When the files of these names were last written, as far as the system
    /// tells.
    pub(super) fn written(&self, names: &[&str]) -> Vec<SystemTime> {
        names
            .iter()
            .filter(|name| self.has(name))
            .filter_map(|name| modified(&self.path.join(name)))
            .collect()
    }
}

/// When a file itself, not what it links to, was last written.
pub(super) fn modified(path: &Path) -> Option<SystemTime> {
    path.symlink_metadata().ok()?.modified().ok()
}

/// All directories at and below the root, ordered by path, and what stood in
/// the way.
pub(super) fn walk(root: &Path) -> (Vec<Directory>, Vec<Problem>) {
    let mut directories = Vec::new();
    let mut problems = Vec::new();
    let mut too_deep: Option<PathBuf> = None;
    let mut open = vec![(root.to_path_buf(), 0)];
    while let Some((path, depth)) = open.pop() {
        match list(&path) {
            Ok(entries) => {
                let (nested, files): (BTreeMap<_, _>, BTreeMap<_, _>) =
                    entries.into_iter().partition(|(_, entry)| *entry == Entry::Directory);
                for (name, _) in files.iter().filter(|(_, entry)| **entry == Entry::LinkedDirectory)
                {
                    problems.push(unreadable(
                        path.join(name),
                        "is a symbolic link to a directory; links inside the results are not \
                         followed",
                    ));
                }
                for name in nested.keys() {
                    let below = path.join(name);
                    if depth < MAX_DEPTH {
                        open.push((below, depth + 1));
                    } else if too_deep.as_ref().is_none_or(|first| below < *first) {
                        too_deep = Some(below);
                    }
                }
                let nested = !nested.is_empty();
                directories.push(Directory { path, files: files.into_keys().collect(), nested });
            }
            Err(error) => problems.push(unreadable(path, &format!("cannot be listed: {error}"))),
        }
    }
    // One for all: a tree that is no source can hold thousands of them.
    if let Some(path) = too_deep {
        problems.push(unreadable(
            path,
            &format!("lies more than {MAX_DEPTH} directories deep; nothing so deep is read"),
        ));
    }
    directories.sort_by(|a, b| a.path.cmp(&b.path));
    (directories, problems)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Entry {
    Directory,
    LinkedDirectory,
    File,
}

fn list(path: &Path) -> io::Result<BTreeMap<OsString, Entry>> {
    fs::read_dir(path)?
        .map(|entry| {
            let entry = entry?;
            let kind = entry.file_type()?;
            let kind = if kind.is_dir() {
                Entry::Directory
            } else if kind.is_symlink() && entry.path().is_dir() {
                Entry::LinkedDirectory
            } else {
                Entry::File
            };
            Ok((entry.file_name(), kind))
        })
        .collect()
}

/// A problem of a file or directory whose benchmark is not known.
pub(super) fn unreadable(path: PathBuf, reason: &str) -> Problem {
    Problem { kind: ProblemKind::Unreadable, id: None, path, reason: reason.to_owned() }
}
