//! Files that git does not track and that benchmarks read, such as a corpus that a
//! script downloads.
//!
//! A clone does not have them, so neither does a checkout. Which of them benchmarks
//! read is found out from the head's programs: for a moment its checkout has a copy of
//! each file, every benchmark runs once, and the files that are opened are the ones.
//! An ignored directory with too many files to be copied, a link, and any file on a
//! system that cannot report opened files, count as read if the program contains their
//! name.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::git::{Git, GitError, paths};
use crate::drive::process::ProcessError;
use crate::drive::{BenchExecutable, Interrupt, contains, opened};
use crate::files::copy_with_time;
use crate::model::Pattern;

/// An ignored directory with more files than this is not copied to try it.
const MOST_FILES: usize = 2_000;
/// No more than so many bytes are copied to each side.
const MOST_BYTES: u64 = 512 << 20;
/// Directories with more files than this are not looked at.
const MOST_LISTED: usize = 50_000;

/// In a checkout's `.git`: the files that it was given, each ended by a zero.
const GIVEN: &str = "benchgate-extra";

/// Files of a working tree that git does not track: paths from its root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Untracked {
    /// Files that can be copied to see whether they are opened.
    tried: Vec<PathBuf>,
    /// Links, and files that are too many or too large.
    others: Vec<PathBuf>,
    /// Ignored directories, from which the files above are.
    directories: Vec<PathBuf>,
}

impl Untracked {
    /// Those of the working tree at `root`. Directories in which cargo builds, and a
    /// Cargo.lock, are not among them.
    ///
    /// # Errors
    /// git cannot list them.
    pub(super) fn of(root: &Path, leave_out: Option<&Path>) -> Result<Self, GitError> {
        let list = |arguments: &[&str]| {
            Git::in_repository(root)
                .args(["ls-files", "-z", "--others", "--exclude-standard"])
                .args(arguments)
                .bytes()
                .map(|listed| paths(&listed))
        };
        let left_out = leave_out.and_then(|path| path.strip_prefix(root).ok());
        let is_left_out = |path: &Path| left_out.is_some_and(|inside| path.starts_with(inside));
        let mut entries = list(&["--ignored", "--directory"])?;
        entries.extend(list(&[])?);
        let (mut found, mut bytes) = (Self::default(), 0);
        for entry in entries {
            let Some(name) = entry.file_name() else { continue };
            if name == "Cargo.lock" || is_left_out(&entry) {
                continue;
            }
            let path = root.join(&entry);
            let Ok(metadata) = path.symlink_metadata() else { continue };
            if metadata.is_symlink() {
                found.others.push(entry);
                continue;
            }
            let files = if metadata.is_dir() {
                found.directories.push(entry.clone());
                files_below(root, &entry)
            } else {
                vec![(entry, metadata.len())]
            };
            // What cargo built may be inside of an ignored directory.
            let files: Vec<_> = files.into_iter().filter(|(file, _)| !is_left_out(file)).collect();
            let size: u64 = files.iter().map(|(_, size)| size).sum();
            let is_small = files.len() <= MOST_FILES && bytes + size <= MOST_BYTES;
            bytes += if is_small { size } else { 0 };
            let kept = if is_small { &mut found.tried } else { &mut found.others };
            kept.extend(files.into_iter().map(|(file, _)| file));
        }
        // An untracked directory that holds an ignored one is listed, and so is that one.
        for files in [&mut found.tried, &mut found.others] {
            files.sort();
            files.dedup();
        }
        Ok(found)
    }

    fn all(&self) -> impl Iterator<Item = &PathBuf> {
        self.tried.iter().chain(&self.others)
    }

    /// Those that one of the globs selects.
    pub(super) fn matching(&self, globs: &[Pattern]) -> Vec<PathBuf> {
        let is_meant = |path: &&PathBuf| {
            let text = path.to_string_lossy();
            globs.iter().any(|glob| glob.matches_text(&text))
        };
        self.all().filter(is_meant).cloned().collect()
    }

    /// Those that the head's executables read. Its files must be at the shared paths.
    ///
    /// # Errors
    /// A file cannot be copied, or this process was interrupted.
    pub(super) fn read_by(
        &self,
        executables: &[BenchExecutable],
        root: &Path,
        checkout: &Path,
        interrupt: &Interrupt,
    ) -> Result<BTreeSet<PathBuf>, ReadError> {
        let mut read = self.named_by(executables, &self.others);
        if self.tried.is_empty() {
            return Ok(read);
        }
        let given = give(root, &self.tried, checkout)?;
        let directories = self.tried.iter().filter_map(|file| file.parent());
        let directories = directories.map(|inside| checkout.join(inside)).collect();
        match opened(&directories, executables, interrupt)? {
            Some(opened) => {
                let is_read = |file: &&PathBuf| {
                    let path = checkout.join(file);
                    let listed = || {
                        // The names in a directory that a clone has are not the point.
                        self.directories.iter().any(|directory| file.starts_with(directory))
                            && path.parent().is_some_and(|parent| opened.listed.contains(parent))
                    };
                    opened.more || opened.files.contains(&path) || listed()
                };
                read.extend(self.tried.iter().filter(is_read).cloned());
            }
            None => read.extend(self.named_by(executables, &self.tried)),
        }
        for file in given.iter().filter(|file| !read.contains(*file)) {
            fs::remove_file(checkout.join(file))?;
        }
        Ok(read)
    }

    /// Those of some files that an executable contains the name of. If it contains the
    /// path of an ignored directory, it may list that.
    fn named_by(&self, executables: &[BenchExecutable], files: &[PathBuf]) -> BTreeSet<PathBuf> {
        if files.is_empty() {
            return BTreeSet::new();
        }
        let images: Vec<Vec<u8>> = executables
            .iter()
            .filter_map(|executable| std::fs::read(&executable.path).ok())
            .collect();
        let named = |text: &OsStr| images.iter().any(|image| contains(image, text.as_bytes()));
        let whole: Vec<PathBuf> = self
            .directories
            .iter()
            .map(|directory| directory.components().collect::<PathBuf>())
            .filter(|directory| directory.components().count() > 1 && named(directory.as_os_str()))
            .collect();
        let is_named = |file: &&PathBuf| {
            // A name so short is in any program.
            file.file_name().is_some_and(|name| name.len() > 2 && named(name))
                && file.parent().and_then(Path::file_name).is_none_or(named)
                || whole.iter().any(|directory| file.starts_with(directory))
        };
        files.iter().filter(is_named).cloned().collect()
    }

    /// Those that some texts, the sources of benchmarks, name; for advice only.
    pub(super) fn named_in(&self, sources: &[String]) -> Vec<&PathBuf> {
        let is_named = |file: &&PathBuf| {
            let name = file.file_name().and_then(OsStr::to_str).unwrap_or_default();
            let is_source = file.extension() == Some(OsStr::new("rs"));
            name.len() > 2 && !is_source && sources.iter().any(|source| source.contains(name))
        };
        self.all().filter(is_named).collect()
    }
}

/// Why it was not found out what benchmarks read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A program could not be run.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// git cannot list the files of a checkout.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A file could not be copied.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The files below a directory and their sizes; none where there are too many to look
/// at. A directory that its owner has marked as a cache, as cargo does with its own, and
/// a repository of its own are left out.
fn files_below(root: &Path, directory: &Path) -> Vec<(PathBuf, u64)> {
    let mut files = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(next) = open.pop() {
        let path = root.join(&next);
        if path.join("CACHEDIR.TAG").exists() || path.join(".git").exists() {
            continue;
        }
        let Ok(entries) = std::fs::read_dir(path) else { continue };
        for entry in entries.flatten() {
            let path = next.join(entry.file_name());
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => open.push(path),
                Ok(metadata) if metadata.is_file() => files.push((path, metadata.len())),
                _ => {}
            }
        }
        if files.len() + open.len() > MOST_LISTED {
            return Vec::new();
        }
    }
    files
}

/// Whether the files are so large that they are only copied if the policy names them.
pub(super) fn are_too_large<'a>(root: &Path, files: impl IntoIterator<Item = &'a PathBuf>) -> bool {
    let size = |path: &PathBuf| root.join(path).metadata().map_or(0, |metadata| metadata.len());
    files.into_iter().map(size).sum::<u64>() > MOST_BYTES
}

/// Copies files from `root` to the same places in a checkout, with their times, and
/// returns those that it has copied. A file that the checkout has of its own stays.
///
/// # Errors
/// git cannot list the checkout's files, or a file cannot be read or written.
pub(super) fn give<'a>(
    root: &Path,
    files: impl IntoIterator<Item = &'a PathBuf>,
    checkout: &Path,
) -> Result<Vec<PathBuf>, ReadError> {
    let tracked = Git::in_checkout(checkout).args(["ls-files", "-z"]).bytes()?;
    let tracked: BTreeSet<PathBuf> = paths(&tracked).into_iter().collect();
    let list = checkout.join(".git").join(GIVEN);
    let mut given: BTreeSet<PathBuf> =
        paths(&std::fs::read(&list).unwrap_or_default()).into_iter().collect();
    let mut copied = Vec::new();
    for file in files {
        let (from, to) = (root.join(file), checkout.join(file));
        if tracked.contains(file) || to.symlink_metadata().is_ok() && !given.contains(file) {
            continue;
        }
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent)?;
        }
        copy(&from, &to)?;
        given.insert(file.clone());
        copied.push(file.clone());
    }
    let names = given.iter().flat_map(|file| file.as_os_str().as_bytes().iter().chain([&0]));
    fs::write(list, names.copied().collect::<Vec<u8>>())?;
    Ok(copied)
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if from.symlink_metadata()?.is_symlink() {
        let _ = std::fs::remove_file(to);
        // A relative link would lead elsewhere from here.
        let to_what = fs::canonicalize(from)?;
        return fs_err::os::unix::fs::symlink(to_what, to);
    }
    // A build script that watches the file must not run for nothing.
    copy_with_time(from, to)
}

/// Removes the files that were given to a checkout.
pub(super) fn take_back(checkout: &Path) {
    let list = checkout.join(".git").join(GIVEN);
    for file in paths(&std::fs::read(&list).unwrap_or_default()) {
        // One that is gone is what is wanted.
        let _ = std::fs::remove_file(checkout.join(file));
    }
    let _ = std::fs::remove_file(list);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(root: &Path, ignored: &str, files: &[&str]) {
        for file in files {
            let path = root.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        std::fs::write(root.join(".gitignore"), ignored).unwrap();
        super::super::git::git(root, &["init", "-q"]).unwrap();
        super::super::git::git(root, &["add", ".gitignore"]).unwrap();
    }

    #[test]
    fn ignored_and_new_files_are_found_but_nothing_that_cargo_builds() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        let files = [
            "benches/data/a.txt",
            "new.txt",
            "other-target/CACHEDIR.TAG",
            "other-target/debug/b",
            "target/data/words.bin",
            "Cargo.lock",
        ];
        repository(root, "data\ntarget\nother-target\nCargo.lock\n", &files);
        std::os::unix::fs::symlink("/etc", root.join("linked")).unwrap();
        let found = Untracked::of(root, Some(&root.join("target"))).unwrap();
        assert_eq!(found.tried, ["benches/data/a.txt", "new.txt"].map(PathBuf::from));
        assert_eq!(found.others, [PathBuf::from("linked")]);
        let globs = [Pattern::new("benches/**").unwrap()];
        assert_eq!(found.matching(&globs), [PathBuf::from("benches/data/a.txt")]);
        let source = "read(\"a.txt\")".to_owned();
        assert_eq!(found.named_in(&[source]), [&PathBuf::from("benches/data/a.txt")]);
    }

    #[test]
    fn a_program_that_contains_the_name_of_a_file_may_read_it() {
        let directory = tempfile::tempdir().unwrap();
        let bench = directory.path().join("bench");
        std::fs::write(&bench, "..benches/data..cache..words.bin..").unwrap();
        let files = ["benches/data/a", "cache/words.bin", "cache/unnamed", "other/words.bin"];
        let untracked = Untracked {
            others: files.map(PathBuf::from).to_vec(),
            directories: ["benches/data/", "cache/", "other/"].map(PathBuf::from).to_vec(),
            ..Untracked::default()
        };
        let named = untracked.named_by(&[BenchExecutable::ready(&bench)], &untracked.others);
        assert_eq!(named, files[..2].iter().map(PathBuf::from).collect());
    }

    #[test]
    fn a_checkout_keeps_its_own_files_and_gives_back_the_others() {
        let directory = tempfile::tempdir().unwrap();
        let (root, checkout) = (directory.path().join("root"), directory.path().join("checkout"));
        let files = ["own", "tracked", "data/a", "data/b"].map(PathBuf::from);
        repository(&root, "", &["own", "tracked", "data/a", "data/b"]);
        repository(&checkout, "", &["own", "tracked"]);
        super::super::git::git(&checkout, &["add", "tracked"]).unwrap();
        std::os::unix::fs::symlink("data/a", root.join("link")).unwrap();
        let wanted = [&files[..], &[PathBuf::from("link")]].concat();
        for _ in 0..2 {
            let given = give(&root, &wanted, &checkout).unwrap();
            assert_eq!(given, wanted[2..]);
        }
        let time = |path: PathBuf| path.metadata().unwrap().modified().unwrap();
        assert_eq!(time(checkout.join("data/a")), time(root.join("data/a")));
        assert_eq!(std::fs::read(checkout.join("link")).unwrap(), b"x");
        take_back(&checkout);
        assert!(!checkout.join("data/a").exists() && !checkout.join("link").exists());
        assert!(checkout.join("own").exists() && checkout.join("tracked").exists());
    }
}
