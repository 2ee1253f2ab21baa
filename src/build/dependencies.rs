//! What cargo compiled of published crates, handed from one side to the other.
//!
//! A first trial would compile all dependencies twice. What cargo keeps of a crate from a
//! registry depends on nothing of the checkout but cargo's configuration: its files cannot
//! change, and compiler, flags, profile and features are part of its name. The other side's
//! cargo still decides whether it is what that side needs. If a build script has written
//! anything next to cargo's own files, nothing is handed over: it might be missing.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use cargo_metadata::{Artifact, BuildScript, PackageId};
use fs_err as fs;

use super::config::cargo_home;
use crate::files::copy_with_time;

/// The directories of a profile in which cargo keeps what it compiled, each name ending with
/// the unit's hash. The last one says that the others are complete.
const KEPT: [&str; 3] = ["deps", "build", ".fingerprint"];

/// What cargo compiled of published crates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dependencies {
    /// The directory of the profile, from the target directory, and the unit's hash.
    units: BTreeSet<(PathBuf, String)>,
    /// All files that cargo reported, from the target directory.
    reported: BTreeSet<PathBuf>,
}

impl Dependencies {
    /// Those among what cargo reported of a build in this target directory.
    pub(super) fn of(artifacts: &[Artifact], scripts: &[BuildScript], target: &Path) -> Self {
        // A vendored crate has the name of a published one, but its files are the side's.
        let Some(registry) = cargo_home().map(|home| home.join("registry")) else {
            return Self::default();
        };
        let of_side = |artifact: &&Artifact| !artifact.target.src_path.starts_with(&registry);
        let own: BTreeSet<_> =
            artifacts.iter().filter(of_side).map(|artifact| &artifact.package_id).collect();
        let compiled = artifacts.iter().flat_map(|artifact| {
            artifact.filenames.iter().map(|file| (&artifact.package_id, file.as_std_path()))
        });
        let run = scripts.iter().map(|script| (&script.package_id, script.out_dir.as_std_path()));
        let published = compiled
            .chain(run)
            .filter(|(package, _)| is_published(package) && !own.contains(package));
        let units = published.filter_map(|(_, file)| unit(file.strip_prefix(target).ok()?));
        let files = artifacts
            .iter()
            .flat_map(|artifact| artifact.filenames.iter().chain(&artifact.executable))
            .filter_map(|file| Some(file.as_std_path().strip_prefix(target).ok()?.to_owned()));
        Self { units: units.collect(), reported: files.collect() }
    }

    /// Whether a profile's directory holds anything that cargo would not put there by itself.
    fn has_more(&self, target: &Path, profile: &Path) -> io::Result<bool> {
        const CARGOS: [&str; 3] = ["examples", "incremental", ".cargo-lock"];
        for directory in [profile.to_owned(), profile.join("deps")] {
            for entry in fs::read_dir(target.join(&directory))? {
                let path = directory.join(entry?.file_name());
                let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                let is_known = hash(name).is_some()
                    || path.extension().is_some_and(|kind| kind == "d")
                    || KEPT.iter().chain(&CARGOS).any(|known| *known == name)
                    || self.reported.contains(&path);
                if !is_known {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Copies them from one target directory to another, where that has nothing yet: next to
    /// builds of its own, a copy could look newer than what it was compiled from.
    ///
    /// # Errors
    /// A file cannot be read or written. What is copied by then is complete.
    pub(super) fn hand_over(&self, from: &Path, to: &Path) -> io::Result<()> {
        let profiles: BTreeSet<&PathBuf> = self.units.iter().map(|(profile, _)| profile).collect();
        for profile in &profiles {
            if self.has_more(from, profile)? {
                return Ok(());
            }
        }
        for profile in profiles {
            if to.join(profile).join(".fingerprint").exists() {
                continue;
            }
            for kept in KEPT {
                let (from, to) = (from.join(profile).join(kept), to.join(profile).join(kept));
                fs::create_dir_all(&to)?;
                for entry in fs::read_dir(&from)? {
                    let name = entry?.file_name();
                    let hash = name.to_str().and_then(hash).unwrap_or_default();
                    if self.units.contains(&(profile.clone(), hash.to_owned())) {
                        copy(&from.join(&name), &to.join(&name))?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Whether the files of a package are those that a registry has under that version.
fn is_published(package: &PackageId) -> bool {
    let registries = ["registry+", "sparse+"];
    registries.iter().any(|kind| package.repr.starts_with(kind))
}

/// The unit that wrote a file, which is named from the target directory.
fn unit(file: &Path) -> Option<(PathBuf, String)> {
    let kept = |name: &Path| KEPT.iter().any(|kept| name == Path::new(kept));
    let place =
        file.ancestors().find(|place| place.file_name().is_some_and(|name| kept(name.as_ref())))?;
    let name = file.strip_prefix(place).ok()?.iter().next()?;
    Some((place.parent()?.to_owned(), hash(name.to_str()?)?.to_owned()))
}

/// The hash in the name of a file or directory.
fn hash(name: &str) -> Option<&str> {
    let (_, end) = name.rsplit_once('-')?;
    let hash = end.split('.').next()?;
    (hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(hash)
}

/// Copies a file or directory with the times by which cargo finds it up to date.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let metadata = fs::symlink_metadata(from)?;
    if metadata.is_dir() {
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(from)? {
            let name = entry?.file_name();
            copy(&from.join(&name), &to.join(&name))?;
        }
        return Ok(());
    }
    // Left by a copy that was interrupted.
    match std::fs::remove_file(to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    if metadata.is_symlink() {
        return fs_err::os::unix::fs::symlink(fs::read_link(from)?, to);
    }
    copy_with_time(from, to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_named_by_their_profile_and_hash() {
        let unit = |file: &str| unit(Path::new(file));
        let found = |profile: &str| Some((PathBuf::from(profile), "0123456789abcdef".to_owned()));
        assert_eq!(unit("release/deps/libserde_core-0123456789abcdef.rlib"), found("release"));
        assert_eq!(
            unit("x86_64-unknown-linux-gnu/bench/build/a-b-0123456789abcdef/out"),
            found("x86_64-unknown-linux-gnu/bench")
        );
        for other in ["release/gate", "release/deps/gate-short", "release/deps/no_hash.d", "deps"] {
            assert_eq!(unit(other), None, "{other}");
        }
    }

    #[test]
    fn only_published_units_are_copied_and_only_where_there_is_nothing() {
        let home = tempfile::tempdir().unwrap();
        let (from, to) = (home.path().join("base"), home.path().join("head"));
        let (published, own) = ("0123456789abcdef", "fedcba9876543210");
        for hash in [published, own] {
            for file in ["deps/libx-HASH.rlib", "build/x-HASH/out/x.rs", ".fingerprint/x-HASH/lib"]
            {
                let path = from.join("release").join(file.replace("HASH", hash));
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, hash).unwrap();
            }
        }
        let units = BTreeSet::from([(PathBuf::from("release"), published.to_owned())]);
        let dependencies = Dependencies { units, reported: BTreeSet::new() };
        // A build script has written into the target directory.
        let foreign = from.join("release/gn_out");
        std::fs::create_dir(&foreign).unwrap();
        dependencies.hand_over(&from, &to).unwrap();
        assert!(!to.exists(), "the other side would lack it");
        std::fs::remove_dir(&foreign).unwrap();
        dependencies.hand_over(&from, &to).unwrap();
        let names = |kept: &str| -> Vec<String> {
            let entries = std::fs::read_dir(to.join("release").join(kept)).unwrap();
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
        };
        assert_eq!(names("deps"), [format!("libx-{published}.rlib")]);
        assert_eq!(names("build"), [format!("x-{published}")]);
        assert_eq!(names(".fingerprint"), [format!("x-{published}")]);
        let copied = "release/deps/libx-0123456789abcdef.rlib";
        let modified = |root: &Path| root.join(copied).metadata().unwrap().modified().unwrap();
        assert_eq!(modified(&from), modified(&to));

        // The other side has builds of its own now.
        std::fs::write(to.join(copied), "its own").unwrap();
        dependencies.hand_over(&from, &to).unwrap();
        assert_eq!(std::fs::read_to_string(to.join(copied)).unwrap(), "its own");
    }
}
