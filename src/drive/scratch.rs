//! A private directory for one invocation's files.

use std::io;
use std::path::{Path, PathBuf};

use fs_err as fs;
use tempfile::TempDir;

/// What the names of these directories begin with.
pub(crate) const SCRATCH_PREFIX: &str = "run-";

/// A directory of this invocation's own, removed when it is dropped: at the
/// end, on an error, on an interrupt.
#[derive(Debug)]
pub struct Scratch {
    directory: TempDir,
}

impl Scratch {
    /// A new directory inside `parent`, which is made where it is missing.
    pub fn create(parent: &Path) -> io::Result<Self> {
        fs::create_dir_all(parent)?;
        // Children run in directories of their own: the path must hold there too.
        let parent = fs::canonicalize(parent)?;
        let directory = tempfile::Builder::new().prefix(SCRATCH_PREFIX).tempdir_in(parent)?;
        Ok(Self { directory })
    }

    /// Where it is; absolute.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// A new empty directory inside.
    pub fn fresh(&self, name: &str) -> io::Result<PathBuf> {
        let path = self.path().join(name);
        fs::create_dir(&path)?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_private_and_gone_when_dropped() {
        let parent = tempfile::tempdir().expect("a directory");
        let first = Scratch::create(&parent.path().join("gate")).expect("scratch");
        let second = Scratch::create(&parent.path().join("gate")).expect("scratch");
        assert_ne!(first.path(), second.path());
        let inner = first.fresh("0-cache").expect("fresh");
        assert!(first.fresh("0-cache").is_err(), "never shared by two processes");
        std::fs::write(inner.join("file"), "x").expect("written");
        let path = first.path().to_owned();
        assert!(path.is_absolute());
        drop(first);
        assert!(!path.exists());
        assert!(second.path().exists());
    }
}
