//! A directory of baselines: `<root>/<machine class>/<name>.json`.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::{SignedDuration, Timestamp};

use super::decode;
use super::encode;
use super::error::{BaselineError, NameKind};
use super::name::{NOISE, check};
use crate::files::{self, Existing};
use crate::model::{Revision, Snapshot};

/// The extension of a baseline's file.
const EXTENSION: &str = "json";

/// Baselines below one directory.
///
/// Machine classes and names are single parts of a path, safe on every system;
/// anything else is [`BaselineError::Name`].
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
}

/// One file of a store.
#[derive(Debug)]
pub struct Entry {
    /// The machine class: the directory's name.
    pub class: String,
    /// The baseline's name: the file's name without `.json`.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// The summary of its content, or why it cannot be used.
    pub summary: Result<Summary, BaselineError>,
}

/// The summary of a baseline in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// When the snapshot was taken.
    pub created: Timestamp,
    /// The measured revision, if known.
    pub revision: Option<Revision>,
    /// Number of runs.
    pub runs: usize,
    /// Number of benchmarks: different ids.
    pub benchmarks: usize,
    /// Number of measurements: a benchmark has one for each metric.
    pub measurements: usize,
}

/// The result of a promotion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promoted {
    /// The file that now holds the promoted snapshot.
    pub path: PathBuf,
    /// Where the replaced snapshot is kept; `None` if there was none, or an equal one.
    pub replaced: Option<PathBuf>,
}

/// The baselines that [`Store::prune`] removes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prune {
    /// Names that are kept at any age, in every machine class.
    pub keep: BTreeSet<String>,
    /// Other baselines are removed if they are older than this.
    pub older_than: SignedDuration,
    /// The time from which ages are counted.
    pub now: Timestamp,
    /// Only list what would be removed.
    pub dry_run: bool,
}

/// A file that prune removed, or would remove.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pruned {
    /// The file.
    pub path: PathBuf,
    /// When its snapshot was taken; `None` for a temporary file that a killed writer
    /// left behind.
    pub created: Option<Timestamp>,
}

impl Store {
    /// The store below `root`, which is created by the first save.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The directory that holds the machine classes.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where a baseline is or would be.
    pub fn path(&self, class: &str, name: &str) -> Result<PathBuf, BaselineError> {
        check(NameKind::Class, class)?;
        check(NameKind::Baseline, name)?;
        Ok(self.root.join(class).join(format!("{name}.{EXTENSION}")))
    }

    /// Saves a snapshot under its own name and returns the path.
    ///
    /// The file is replaced atomically. With [`Existing::Refuse`] an existing file is
    /// an error: [`BaselineError::Exists`].
    pub fn save(
        &self,
        class: &str,
        snapshot: &Snapshot,
        existing: Existing,
    ) -> Result<PathBuf, BaselineError> {
        let path = self.path(class, &snapshot.name)?;
        let text = encode::text(snapshot)?;
        match files::write(&path, &text, existing) {
            Ok(()) => Ok(path),
            Err(error)
                if existing == Existing::Refuse
                    && error.source.kind() == io::ErrorKind::AlreadyExists =>
            {
                Err(BaselineError::Exists { path })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Loads a baseline. It takes its name from the file, so a copied file can be used
    /// without editing it.
    pub fn load(&self, class: &str, name: &str) -> Result<Snapshot, BaselineError> {
        let path = self.path(class, name)?;
        match decode::read(&path) {
            Ok(snapshot) => Ok(Snapshot { name: name.to_owned(), ..snapshot }),
            Err(BaselineError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Err(BaselineError::NotFound {
                    class: class.to_owned(),
                    name: name.to_owned(),
                    path,
                    known: self.names(class)?,
                })
            }
            Err(error) => Err(error),
        }
    }

    /// All baselines, by class and name. A file that cannot be used is listed with the
    /// reason; hidden files and files of other kinds are ignored.
    pub fn list(&self) -> Result<Vec<Entry>, BaselineError> {
        let mut entries = Vec::new();
        for (class, directory) in self.classes()? {
            for (name, path) in baselines(&directory)? {
                let summary = self
                    .path(&class, &name)
                    .and_then(|_| decode::read(&path))
                    .map(|snapshot| summarise(&snapshot));
                entries.push(Entry { class: class.clone(), name, path, summary });
            }
        }
        Ok(entries)
    }

    /// Makes the baseline `from` the baseline `to` of the same class, and leaves
    /// `from` as it is.
    ///
    /// A different snapshot under `to` is first saved as `to.<when it was taken>` (UTC),
    /// without replacing any other; [`prune`](Self::prune) removes it later.
    pub fn promote(&self, class: &str, from: &str, to: &str) -> Result<Promoted, BaselineError> {
        if from == to {
            return Err(BaselineError::SameName { name: to.to_owned() });
        }
        let path = self.path(class, to)?;
        let next = Snapshot { name: to.to_owned(), ..self.load(class, from)? };
        let replaced = match self.load(class, to) {
            Ok(previous) if previous == next => None,
            Ok(previous) => Some(self.keep(class, previous)?),
            Err(BaselineError::NotFound { .. }) => None,
            Err(error) => return Err(error),
        };
        self.save(class, &next, Existing::Replace)?;
        Ok(Promoted { path, replaced })
    }

    /// Saves a snapshot that is about to be replaced under another name.
    fn keep(&self, class: &str, snapshot: Snapshot) -> Result<PathBuf, BaselineError> {
        let base = format!("{}.{}", snapshot.name, snapshot.created.strftime("%Y-%m-%dT%H-%M-%SZ"));
        let mut snapshot = Snapshot { name: base.clone(), ..snapshot };
        let mut number = 2;
        loop {
            match self.save(class, &snapshot, Existing::Refuse) {
                Err(BaselineError::Exists { path }) => {
                    // Saved by an earlier promotion that was interrupted.
                    if self.load(class, &snapshot.name).is_ok_and(|kept| kept == snapshot) {
                        return Ok(path);
                    }
                    snapshot.name = format!("{base}-{number}");
                    number += 1;
                }
                other => return other,
            }
        }
    }

    /// Removes old baselines that need not be kept, and temporary files that killed
    /// writers left more than an hour ago. Returns the removed files, sorted. A file that
    /// cannot be read is kept, as its age is unknown.
    pub fn prune(&self, prune: &Prune) -> Result<Vec<Pruned>, BaselineError> {
        let Prune { keep, older_than, now, dry_run } = prune;
        let mut pruned = Vec::new();
        for Entry { name, path, summary, .. } in self.list()? {
            let Ok(Summary { created, .. }) = summary else { continue };
            if !keep.contains(&name) && now.duration_since(created) > *older_than {
                pruned.push(Pruned { path, created: Some(created) });
            }
        }
        for (_, directory) in self.classes()? {
            for path in files(&directory)? {
                if files::is_abandoned(&path, SystemTime::from(*now)) {
                    pruned.push(Pruned { path, created: None });
                }
            }
        }
        pruned.sort();
        if !dry_run {
            for Pruned { path, .. } in &pruned {
                fs::remove_file(path).map_err(|source| BaselineError::Io {
                    action: "remove",
                    path: path.clone(),
                    source,
                })?;
            }
        }
        Ok(pruned)
    }

    /// The names in a class, sorted; empty if the class does not exist.
    fn names(&self, class: &str) -> Result<Vec<String>, BaselineError> {
        Ok(baselines(&self.root.join(class))?.into_iter().map(|(name, _)| name).collect())
    }

    /// The machine classes and their directories, sorted.
    fn classes(&self) -> Result<Vec<(String, PathBuf)>, BaselineError> {
        let directories = files(&self.root)?.into_iter().filter(|path| path.is_dir());
        Ok(directories
            .map(|path| (last_part(&path), path))
            .filter(|(class, _)| !class.starts_with('.'))
            .collect())
    }
}

fn summarise(snapshot: &Snapshot) -> Summary {
    let ids: BTreeSet<_> = snapshot.measurements.iter().map(|m| &m.id).collect();
    Summary {
        created: snapshot.created,
        revision: snapshot.revision.clone(),
        runs: snapshot.runs.len(),
        benchmarks: ids.len(),
        measurements: snapshot.measurements.len(),
    }
}

/// The baselines in a class's directory, by name.
fn baselines(directory: &Path) -> Result<Vec<(String, PathBuf)>, BaselineError> {
    let mut baselines: Vec<_> = files(directory)?
        .into_iter()
        .filter_map(|path| {
            let file = last_part(&path);
            let name = file.strip_suffix(EXTENSION)?.strip_suffix('.')?;
            (!file.starts_with('.') && name != NOISE).then(|| (name.to_owned(), path))
        })
        .collect();
    // By name, not by file: `main.json` comes before `main-2.json`.
    baselines.sort();
    Ok(baselines)
}

/// The entries of a directory, sorted; empty if it does not exist.
fn files(directory: &Path) -> Result<Vec<PathBuf>, BaselineError> {
    let listed = fs::read_dir(directory).and_then(|entries| {
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()
    });
    match listed {
        Ok(mut paths) => {
            paths.sort();
            Ok(paths)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => {
            Err(BaselineError::Io { action: "list", path: directory.to_owned(), source })
        }
    }
}

fn last_part(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
