//! What a side is built from: its files, its target directory, its Cargo.lock and cargo's
//! configuration.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::super::checkout::check_out;
use super::super::config::Config;
use super::super::extra::{self, Untracked};
use super::super::git::Git;
use super::super::leftovers;
use super::{SideBuilder, SideError, shared};
use crate::model::{SharedKind, TrialSide};
use crate::policy::ExtraFiles;

impl SideBuilder<'_> {
    pub(super) fn check_out(&mut self, side: TrialSide) -> Result<(), SideError> {
        let on_side = self.place.on_side(side);
        let _entered = on_side.enter()?;
        let root = self.plan.repository.root();
        let checkout = self.place.checkout();
        extra::take_back(checkout);
        let trees = check_out(root, &self.source(side), checkout, self.target_directory())
            .map_err(|source| SideError::CheckOut { side, source })?;
        self.place.mark(side)?;
        let lock = self.lock_path().map(|path| checkout.join(path));
        leftovers::remove(checkout, &self.place.target_of(side), &trees, lock.as_deref())?;
        self.trees[side] = trees;
        if self.plan.benches {
            self.link_target()?;
        }
        let checkout = self.place.checkout();
        if let ExtraFiles::Only(globs) = self.plan.extra_files {
            let files = Untracked::of(root, self.target_directory())?.matching(globs);
            extra::give(root, &files, checkout)?;
            self.shared.extend(files.iter().map(|path| shared(SharedKind::ExtraFile, path)));
        }
        self.give_lock(side)
    }

    pub(super) fn config(&self, side: TrialSide) -> Result<Config, SideError> {
        let on_side = self.place.on_side(side);
        let _entered = on_side.enter()?;
        Ok(Config::load(self.options.directory.as_deref().unwrap_or(Path::new("."))))
    }

    /// Has the checkout's own target directory lead to the one that is used, and cargo use it by
    /// that name: what is above it is then the checkout, as in a clone, for build scripts and
    /// benchmarks that look for files there.
    fn link_target(&mut self) -> Result<(), SideError> {
        let target = self.place.target().to_owned();
        self.options.target_dir = Some(target.clone());
        let root = fs::canonicalize(self.plan.repository.root())?;
        let inside = self.target_directory().and_then(|target| target.strip_prefix(&root).ok());
        let Some(inside) = inside else { return Ok(()) };
        let link = self.place.checkout().join(inside);
        if !std::fs::read_link(&link).is_ok_and(|to| to == target) {
            // One that is committed stays.
            if link.symlink_metadata().is_ok() {
                return Ok(());
            }
            if let Some(parent) = link.parent() {
                fs::create_dir_all(parent)?;
            }
            fs_err::os::unix::fs::symlink(target, &link)?;
            // git does not ignore a link by a pattern that ends with a slash.
            let exclude = self.place.checkout().join(".git/info/exclude");
            fs::write(exclude, format!("/{}\n", inside.display()))?;
        }
        self.options.target_dir = Some(link);
        Ok(())
    }

    /// The project's target directory, without links.
    pub(super) fn target_directory(&self) -> Option<&Path> {
        self.place.target().ancestors().nth(2)
    }

    fn lock_path(&self) -> Option<PathBuf> {
        Some(self.workspace.as_ref()?.join("Cargo.lock"))
    }

    /// Gives a side that has no Cargo.lock of its own the one that the other side
    /// has: the versions of dependencies must not differ by the day on which they
    /// were looked up.
    fn give_lock(&mut self, side: TrialSide) -> Result<(), SideError> {
        /// Already said of both sides, if cargo wrote it for the base.
        const BASES: &str = "the base's";
        let Some(path) = self.lock_path() else { return Ok(()) };
        let checkout = self.place.checkout();
        let tracked = Git::in_checkout(checkout)
            .args([OsStr::new("ls-files"), OsStr::new("--error-unmatch"), OsStr::new("--")])
            .args([&path])
            .bytes();
        if tracked.is_ok() {
            return Ok(());
        }
        let root = self.plan.repository.root();
        let (lock, whose) = match (std::fs::read(root.join(&path)), &self.lock) {
            (Ok(lock), _) => (lock, "the working tree's"),
            (Err(_), Some(lock)) => (lock.clone(), BASES),
            (Err(_), None) => {
                self.shared.insert(shared(SharedKind::LockFile, &path));
                self.notes.push(format!(
                    "{} is not committed: cargo chooses the versions of dependencies now, for \
                     both sides",
                    path.display()
                ));
                // One of an earlier trial.
                let _ = std::fs::remove_file(checkout.join(&path));
                return Ok(());
            }
        };
        let is_new = self.shared.insert(shared(SharedKind::LockFile, &path));
        if is_new || whose != BASES {
            self.notes.push(format!(
                "{} is not committed on the side {side}: it is built with {whose}",
                path.display()
            ));
        }
        Ok(fs::write(checkout.join(&path), lock)?)
    }

    /// Keeps the Cargo.lock that a side was built with.
    pub(super) fn keep_lock(&mut self, side: TrialSide) -> Result<(), SideError> {
        let Some(path) = self.lock_path() else { return Ok(()) };
        let on_side = self.place.on_side(side);
        let _entered = on_side.enter()?;
        self.lock = std::fs::read(self.place.checkout().join(path)).ok().or(self.lock.take());
        Ok(())
    }
}
