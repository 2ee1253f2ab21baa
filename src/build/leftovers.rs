//! What an earlier trial has left of a side that a clean clone would not have.
//!
//! A side's checkout and target directory are used again, so that little has to be built. cargo
//! builds a package again if its sources changed, but it does not know every file that a
//! build script or a macro reads, and not that a build script wrote one next to the sources.
//! Once a side has other files than at its last build, what was made of the old ones goes.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::git::{Git, GitError, paths};

/// In a side's target directory: the git trees that it was last built from.
const TREES: &str = "benchgate-trees";
/// A file of cargo's by which it knows that a build script has run.
const SCRIPT_RAN: &str = "run-build-script";

/// Why leftovers cannot be removed.
#[derive(Debug, thiserror::Error)]
pub(super) enum LeftoverError {
    #[error(transparent)]
    Git(#[from] GitError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Removes what was made of other files than these `trees`: files that git ignores, and what
/// cargo knows of the packages in `lock`, a Cargo.lock, that come from no registry. If only
/// Rust's sources differ, cargo sees by itself which packages to build, and only build scripts
/// run again.
pub(super) fn remove(
    checkout: &Path,
    target: &Path,
    trees: &[String],
    lock: Option<&Path>,
) -> Result<(), LeftoverError> {
    let noted = target.join(TREES);
    let before = std::fs::read_to_string(&noted).unwrap_or_default();
    let now = trees.join("\n");
    if before == now {
        return Ok(());
    }
    // git may ignore it.
    let own = lock.and_then(|lock| own_packages(&std::fs::read_to_string(lock).ok()?));
    Git::in_checkout(checkout).args(["clean", "-ffdxq"]).bytes()?;
    if target.exists() {
        let before: Vec<&str> = before.lines().collect();
        let scripts_alone = only_sources_differ(checkout, &before, trees);
        for fingerprints in fingerprints(target)? {
            forget(&fingerprints, own.as_ref(), scripts_alone)?;
        }
    }
    // Noted before the build: one that fails leaves nothing of other files either.
    fs::create_dir_all(target)?;
    Ok(fs::write(noted, now)?)
}

/// Whether two states of the repository differ in nothing but Rust's sources.
fn only_sources_differ(checkout: &Path, before: &[&str], now: &[String]) -> bool {
    let ([before, of_submodules @ ..], [now, submodules @ ..]) = (before, now) else {
        return false;
    };
    let git = Git::in_checkout(checkout);
    // The trees of an earlier trial may be gone.
    let names = ["diff", "--name-only", "--no-renames", "-z", before, now.as_str()];
    let Ok(differ) = git.args(names).bytes() else { return false };
    let is_source = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "rs");
    of_submodules == submodules && paths(&differ).iter().all(is_source)
}

/// The names of the packages that no registry has.
fn own_packages(lock: &str) -> Option<BTreeSet<String>> {
    let lock: toml::Table = lock.parse().ok()?;
    let packages = lock.get("package")?.as_array()?;
    let own = packages.iter().filter(|package| package.get("source").is_none());
    Some(own.filter_map(|package| Some(package.get("name")?.as_str()?.to_owned())).collect())
}

/// The directories in which cargo notes what it has built: of each profile, and of each platform
/// that was named.
fn fingerprints(target: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for profile in directories(target)? {
        let below = directories(&profile)?;
        for directory in [profile].into_iter().chain(below) {
            let fingerprints = directory.join(".fingerprint");
            if fingerprints.is_dir() {
                found.push(fingerprints);
            }
        }
    }
    Ok(found)
}

fn directories(parent: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(parent)?.map(|entry| Ok(entry?.path()));
    entries.filter(|path| path.as_ref().map_or(true, |path| path.is_dir())).collect()
}

/// Has cargo forget that it built the packages of these names, or all packages.
fn forget(
    fingerprints: &Path,
    packages: Option<&BTreeSet<String>>,
    scripts_alone: bool,
) -> io::Result<()> {
    for unit in directories(fingerprints)? {
        let name = unit.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let package = name.rsplit_once('-').map_or(name, |(package, _)| package);
        let is_meant = packages.is_none_or(|packages| packages.contains(package));
        if is_meant && (!scripts_alone || ran_script(&unit)?) {
            fs::remove_dir_all(&unit)?;
        }
    }
    Ok(())
}

fn ran_script(unit: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(unit)? {
        if entry?.file_name().to_string_lossy().starts_with(SCRIPT_RAN) {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_became_a_source_differs() {
        let home = tempfile::tempdir().unwrap();
        let git =
            |arguments: &[&str]| Git::in_checkout(home.path()).args(arguments).text().unwrap();
        git(&["init", "--quiet"]);
        let tree = |name: &str, text: &str| {
            std::fs::write(home.path().join(name), text).unwrap();
            git(&["add", "--all"]);
            let tree = git(&["write-tree"]);
            std::fs::remove_file(home.path().join(name)).unwrap();
            tree
        };
        let before = tree("table.txt", "1, 2, 3");
        let renamed = tree("table.rs", "1, 2, 3");
        let edited = tree("table.rs", "1, 2, 4");
        let only_sources = |before: &String, now: &String| {
            only_sources_differ(home.path(), &[before.as_str()], std::slice::from_ref(now))
        };
        assert!(!only_sources(&before, &renamed), "git would take it for a renamed file");
        assert!(only_sources(&renamed, &edited));
        assert!(!only_sources(&"0".repeat(40), &edited), "a tree that is gone");
    }

    #[test]
    fn packages_without_a_source_are_the_users_own() {
        let lock = "version = 4\n[[package]]\nname = \"mine\"\nversion = \"0.1.0\"\n\
                    [[package]]\nname = \"theirs\"\nversion = \"1.0.0\"\n\
                    source = \"registry+https://github.com/rust-lang/crates.io-index\"\n";
        assert_eq!(own_packages(lock), Some(BTreeSet::from(["mine".to_owned()])));
        assert_eq!(own_packages("no lock"), None);
    }

    #[test]
    fn own_packages_are_forgotten_or_their_build_scripts_alone() {
        let home = tempfile::tempdir().unwrap();
        let target = home.path();
        let make = || {
            for (unit, file) in [
                ("mine-1", "lib-mine"),
                ("mine-2", "run-build-script-build-script-build"),
                ("theirs-3", "run-build-script-build-script-build"),
            ] {
                for profile in ["release", "some-triple/release"] {
                    let unit = target.join(profile).join(".fingerprint").join(unit);
                    std::fs::create_dir_all(&unit).unwrap();
                    std::fs::write(unit.join(file), "").unwrap();
                }
            }
        };
        let mine = BTreeSet::from(["mine".to_owned()]);
        for (packages, scripts_alone, left) in [
            (Some(&mine), false, &["theirs-3"][..]),
            (Some(&mine), true, &["mine-1", "theirs-3"]),
            (None, false, &[]),
        ] {
            make();
            let all = fingerprints(target).unwrap();
            assert_eq!(all.len(), 2);
            for fingerprints in all {
                forget(&fingerprints, packages, scripts_alone).unwrap();
                let mut units: Vec<_> = directories(&fingerprints)
                    .unwrap()
                    .into_iter()
                    .map(|unit| unit.file_name().unwrap().to_str().unwrap().to_owned())
                    .collect();
                units.sort();
                assert_eq!(units, left);
            }
        }
    }
}
