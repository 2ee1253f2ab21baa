//! Where the checkouts of a repository are kept, and the paths that both sides
//! share.
//!
//! A checkout must not be below the user's repository: cargo, rustup and git look
//! for their files in all directories above, so the base would be built with the
//! head's configuration, workspace and toolchain. The place is therefore a
//! directory in the user's cache, one for each repository.
//!
//! Equal sources give equal code only at an equal path: symbol hashes, the paths
//! of panics and what a build script writes below `OUT_DIR` depend on it. Both
//! sides therefore share two paths, the checkout and cargo's target directory. One
//! side's files are there at a time: the other side's checkout is renamed, and the
//! target directory is a link that is switched. If the project's own target directory
//! is inside the repository, cargo uses a link to it in the checkout: a build script
//! that looks for the repository above `OUT_DIR` then finds the checkout.
//!
//! ```text
//! <cache>/benchgate/<hash of the repository's path>/
//!     repository            the repository's path
//!     src/<its name>        the checkout of one side
//!     parked/base, head     the checkout of the other side
//! <target>/gate/
//!     build                 a link to base or head
//!     base, head            cargo's target directories
//! ```

use std::fs::File;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fs_err as fs;

use super::claim::{self, Claim, ClaimError};
use crate::drive::{Interrupt, OnSide, SharedPaths};
use crate::fnv::Fnv;
use crate::model::TrialSide;

/// In a checkout's `.git`: which side it is of.
const MARKER: &str = "benchgate-side";
/// In the place: the path of the repository that it belongs to.
const REPOSITORY: &str = "repository";
/// A place that was not used for so long is removed by a gate that runs elsewhere.
const UNUSED: Duration = Duration::from_hours(30 * 24);

/// Where the two sides of a repository are checked out and built.
#[derive(Debug)]
pub struct Place {
    checkout: PathBuf,
    target: PathBuf,
    paths: Arc<SharedPaths>,
    /// Keeps other gates out.
    _claim: Claim,
}

impl Place {
    /// The place of the repository at `root`; its target directories are in `gate`,
    /// the gate's own directory below the project's. `up` is how many directories
    /// above the repository its path dependencies reach: the checkout then has as
    /// many directories of the place above it.
    ///
    /// Waits while another gate uses it, as [`Claim::take`] does.
    ///
    /// # Errors
    /// A directory cannot be made, read or locked.
    pub fn of(
        root: &Path,
        gate: &Path,
        up: usize,
        interrupt: &Interrupt,
        waiting: &mut dyn FnMut(&str),
    ) -> Result<Self, ClaimError> {
        let root = fs::canonicalize(root)?;
        let places = places(&root);
        let directory = places.join(name(&root));
        let claim = Claim::take(&directory, "gate ab", interrupt, waiting)?;
        fs::write(directory.join(REPOSITORY), root.as_os_str().as_encoded_bytes())?;
        sweep(&places, &directory);

        let checkout = directory.join("src").join(last_components(&root, up.max(1)));
        let parked = directory.join("parked");
        fs::create_dir_all(&parked)?;
        if let Some(parent) = checkout.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::create_dir_all(gate)?;
        let target = fs::canonicalize(gate)?.join("build");
        let paths = {
            let (checkout, target) = (checkout.clone(), target.clone());
            SharedPaths::new(move |side| {
                switch_checkout(&checkout, &parked, side)?;
                switch_link(&target, side.as_str())
            })
        };
        Ok(Self { checkout, target, paths: Arc::new(paths), _claim: claim })
    }

    /// The path of both checkouts.
    pub fn checkout(&self) -> &Path {
        &self.checkout
    }

    /// The path of both target directories.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// The target directory of a side, whichever side the shared path leads to.
    pub(super) fn target_of(&self, side: TrialSide) -> PathBuf {
        self.target.with_file_name(side.as_str())
    }

    /// What a process needs that works on one side.
    pub fn on_side(&self, side: TrialSide) -> OnSide {
        OnSide::new(Arc::clone(&self.paths), side)
    }

    /// Notes that the checkout, which has just been made, is of this side.
    pub(super) fn mark(&self, side: TrialSide) -> io::Result<()> {
        fs::write(self.checkout.join(".git").join(MARKER), side.as_str())
    }
}

/// The directory of all places: in the user's cache, or, where that is inside of
/// the repository, in the directory for temporary files.
fn places(root: &Path) -> PathBuf {
    let absolute = |path: PathBuf| path.is_absolute().then_some(path);
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).and_then(absolute);
    let cache = cache.or_else(|| Some(std::env::home_dir().and_then(absolute)?.join(".cache")));
    let outside = |path: &PathBuf| !settled(path).starts_with(root);
    cache
        .filter(outside)
        .unwrap_or_else(|| std::env::temp_dir().join(format!("benchgate-{}", user())))
        .join("benchgate")
}

fn user() -> u32 {
    rustix::process::getuid().as_raw()
}

/// The path without links, as far as it exists.
fn settled(path: &Path) -> PathBuf {
    path.ancestors()
        .find_map(|parent| Some((std::fs::canonicalize(parent).ok()?, parent)))
        .map_or_else(
            || path.to_owned(),
            |(real, parent)| real.join(path.strip_prefix(parent).unwrap_or(Path::new(""))),
        )
}

fn name(root: &Path) -> String {
    let mut hash = Fnv::default();
    hash.add(root.as_os_str().as_encoded_bytes());
    hash.to_string()
}

/// The end of a path: so many names.
fn last_components(path: &Path, count: usize) -> PathBuf {
    let names: Vec<Component<'_>> =
        path.components().filter(|part| matches!(part, Component::Normal(_))).collect();
    names[names.len().saturating_sub(count)..].iter().collect()
}

/// Removes places whose repository is gone, or that were not used for long. What
/// cannot be removed stays.
fn sweep(places: &Path, own: &Path) {
    let Ok(entries) = std::fs::read_dir(places) else { return };
    for place in entries.flatten().map(|entry| entry.path()).filter(|path| path != own) {
        // Its time says when the place was last used.
        let Ok(lock) = File::open(place.join(claim::FILE)) else { continue };
        if lock.try_lock().is_err() {
            continue;
        }
        let repository = std::fs::read(place.join(REPOSITORY)).unwrap_or_default();
        let gone =
            !Path::new(std::ffi::OsStr::new(&*String::from_utf8_lossy(&repository))).exists();
        let age = lock.metadata().and_then(|metadata| metadata.modified()).ok();
        let unused = age.and_then(|time| time.elapsed().ok()).is_some_and(|age| age > UNUSED);
        if gone || unused {
            let _ = std::fs::remove_dir_all(&place);
        }
    }
}

/// Has `checkout` be that of a side; it is missing afterwards where the side has not
/// been checked out yet.
fn switch_checkout(checkout: &Path, parked: &Path, side: TrialSide) -> io::Result<()> {
    let marker = checkout.join(".git").join(MARKER);
    match fs::read_to_string(&marker) {
        Ok(name) if name == side.as_str() => return Ok(()),
        Ok(name) if TrialSide::ALL.iter().any(|side| side.as_str() == name) => {
            let to = parked.join(name);
            remove_all(&to)?;
            fs::rename(checkout, to)?;
        }
        // Left half made by a gate that was killed.
        _ => remove_all(checkout)?,
    }
    let from = parked.join(side.as_str());
    if from.exists() { fs::rename(from, checkout) } else { Ok(()) }
}

fn remove_all(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Has `link` lead to its neighbour `side` (a file name), which is made where it is
/// missing. The link is replaced at once: there is always one.
pub fn switch_link(link: &Path, side: &str) -> io::Result<()> {
    fs::create_dir_all(link.with_file_name(side))?;
    if std::fs::read_link(link).is_ok_and(|to| to == Path::new(side)) {
        return Ok(());
    }
    let next = link.with_extension(format!("{}", std::process::id()));
    // Left by a process of that number that was killed here.
    let _ = std::fs::remove_file(&next);
    fs_err::os::unix::fs::symlink(side, &next)?;
    fs::rename(&next, link)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_side_has_its_own_files_at_the_shared_path() {
        let directory = tempfile::tempdir().unwrap();
        let (checkout, parked) = (directory.path().join("src"), directory.path().join("parked"));
        std::fs::create_dir_all(&parked).unwrap();
        let make = |side: TrialSide| {
            switch_checkout(&checkout, &parked, side).unwrap();
            assert!(!checkout.exists(), "{side} has not been checked out yet");
            std::fs::create_dir_all(checkout.join(".git")).unwrap();
            std::fs::write(checkout.join(".git").join(MARKER), side.as_str()).unwrap();
            std::fs::write(checkout.join("file"), format!("{side}'s")).unwrap();
        };
        TrialSide::ALL.into_iter().for_each(make);
        for side in [TrialSide::Base, TrialSide::Base, TrialSide::Head, TrialSide::Base] {
            switch_checkout(&checkout, &parked, side).unwrap();
            let text = std::fs::read_to_string(checkout.join("file")).unwrap();
            assert_eq!(text, format!("{side}'s"));
        }
        // A gate was killed between the two renames.
        std::fs::rename(&checkout, parked.join("base")).unwrap();
        switch_checkout(&checkout, &parked, TrialSide::Head).unwrap();
        assert_eq!(std::fs::read_to_string(checkout.join("file")).unwrap(), "head's");
    }

    #[test]
    fn a_place_is_never_inside_of_the_repository() {
        let home = std::env::home_dir().expect("a home directory");
        let home = std::fs::canonicalize(home).expect("it exists");
        assert!(!places(&home).starts_with(&home));
        assert!(!places(Path::new("/")).as_os_str().is_empty());
    }

    #[test]
    fn the_end_of_a_path_has_as_many_names_as_asked_for() {
        let path = Path::new("/home/u/w/main");
        assert_eq!(last_components(path, 1), Path::new("main"));
        assert_eq!(last_components(path, 2), Path::new("w/main"));
        assert_eq!(last_components(path, 9), Path::new("home/u/w/main"));
    }
}
