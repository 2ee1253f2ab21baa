//! Files that git ignores and that benchmarks read, such as a corpus that a script
//! downloads.
//!
//! A clone does not have them, so neither does a checkout. Those that the head's
//! executables name are copied to both sides, and reported: both sides then work on
//! the same data.

use std::io;
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::git::{Git, GitError};
use crate::drive::{BenchExecutable, contains};

/// No more than so many files are looked at in an ignored directory.
const MOST_FILES: usize = 2_000;
/// No more than so many bytes are copied to each side.
const MOST_BYTES: u64 = 512 << 20;

/// Ignored files of the working tree at `root` that one of the executables names:
/// paths from there. What is in `leave_out`, where cargo builds, is not looked at.
///
/// # Errors
/// git cannot list them.
pub(super) fn named_by(
    executables: &[BenchExecutable],
    root: &Path,
    leave_out: Option<&Path>,
) -> Result<Vec<PathBuf>, GitError> {
    let list = ["ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory"];
    let listed = Git::in_repository(root).args(list).bytes()?;
    let left_out = leave_out.and_then(|path| path.strip_prefix(root).ok());
    let is_left_out = |path: &PathBuf| left_out.is_some_and(|left_out| path.starts_with(left_out));
    let entries: Vec<PathBuf> = listed
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
        .map(|name| PathBuf::from(&*String::from_utf8_lossy(name)))
        .filter(|path| path.file_name().is_none_or(|name| name != "Cargo.lock"))
        .filter(|path| !is_left_out(path))
        .collect();
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let images: Vec<Vec<u8>> =
        executables.iter().filter_map(|executable| std::fs::read(&executable.path).ok()).collect();
    let named = |text: &[u8]| images.iter().any(|image| contains(image, text));
    let mut found = Vec::new();
    for entry in entries {
        add(root, &entry, &named, &mut found);
    }
    // What cargo built may be inside of an ignored directory.
    found.retain(|path| !is_left_out(path));
    found.sort();
    Ok(found)
}

/// Adds what is named of an ignored file, or of the files in an ignored directory.
fn add(root: &Path, entry: &Path, named: &dyn Fn(&[u8]) -> bool, found: &mut Vec<PathBuf>) {
    let name = |path: &Path| path.file_name().map(|name| name.as_encoded_bytes().to_vec());
    let is_named = |path: &Path| name(path).is_some_and(|name| named(&name));
    if !root.join(entry).is_dir() {
        found.extend(is_named(entry).then(|| entry.to_owned()));
        return;
    }
    if !is_named(entry) {
        return;
    }
    let files = files_below(root, entry);
    // A directory that is named by its whole path may be listed.
    let path: PathBuf = entry.components().collect();
    let whole = path.components().count() > 1 && named(path.as_os_str().as_encoded_bytes());
    found.extend(files.into_iter().filter(|file| whole || is_named(file)));
}

/// The files below a directory; none where there are too many to look at.
fn files_below(root: &Path, directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(next) = open.pop() {
        let Ok(entries) = std::fs::read_dir(root.join(&next)) else { continue };
        for entry in entries.flatten() {
            let path = next.join(entry.file_name());
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => open.push(path),
                Ok(kind) if kind.is_file() => files.push(path),
                _ => {}
            }
        }
        if files.len() + open.len() > MOST_FILES {
            return Vec::new();
        }
    }
    files
}

/// The size of files, and whether it is so much that they are not copied.
pub(super) fn are_too_large(root: &Path, files: &[PathBuf]) -> bool {
    let size = |path: &PathBuf| root.join(path).metadata().map_or(0, |metadata| metadata.len());
    files.iter().map(size).sum::<u64>() > MOST_BYTES
}

/// Copies files from `root` to the same places in a checkout. A file that the checkout
/// has of its own stays.
///
/// # Errors
/// A file cannot be read or written.
pub(super) fn copy(root: &Path, files: &[PathBuf], checkout: &Path) -> io::Result<()> {
    for file in files {
        let (from, to) = (root.join(file), checkout.join(file));
        let time = |path: &Path| path.metadata().and_then(|metadata| metadata.modified()).ok();
        let tracked = || Git::in_checkout(checkout).args(["ls-files", "--error-unmatch", "--"]);
        if tracked().args([file]).bytes().is_ok() || to.exists() && time(&to) >= time(&from) {
            continue;
        }
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::copy(from, to)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_that_an_executable_names_are_found() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("root");
        std::fs::create_dir_all(root.join("benches/data")).unwrap();
        std::fs::create_dir_all(root.join("cache/data")).unwrap();
        std::fs::create_dir_all(root.join("node_modules")).unwrap();
        std::fs::create_dir_all(root.join("target/data")).unwrap();
        for file in [
            "benches/data/a.txt",
            "cache/data/words.bin",
            "cache/data/unnamed",
            "node_modules/words.bin",
            "target/data/words.bin",
            "x",
        ] {
            std::fs::write(root.join(file), "x").unwrap();
        }
        std::fs::write(root.join(".gitignore"), "data\nnode_modules\nx\ntarget\n").unwrap();
        super::super::git::git(&root, &["init", "-q"]).unwrap();
        let bench = directory.path().join("bench");
        std::fs::write(&bench, "..benches/data..words.bin..").unwrap();
        let executables = [BenchExecutable::ready(&bench)];
        let found = named_by(&executables, &root, Some(&root.join("target"))).unwrap();
        let expected = ["benches/data/a.txt", "cache/data/words.bin"].map(PathBuf::from);
        assert_eq!(found, expected);
        let checkout = directory.path().join("checkout");
        super::super::git::git(directory.path(), &["init", "-q", "checkout"]).unwrap();
        copy(&root, &found, &checkout).unwrap();
        assert!(found.iter().all(|file| checkout.join(file).is_file()));
    }
}
