//! Keeps seeded databases between runs and hands out copies of them.

use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::SetUpError;

/// Entries that have not been used for this long are deleted when a new one is made.
const KEPT: Duration = Duration::from_hours(14 * 24);

/// The prefix of an entry that is being made. It is not used before it is complete.
const BUILDING: &str = "building-";

/// The prefix of a copy that a process works on.
const COPY: &str = "copy-";

/// A file in each directory. Its time says when the directory was last used; its lock
/// is held by the process that uses it.
const USED: &str = "used";

/// A directory of entries that take long to make. Each entry is either complete or
/// absent. Any number of processes may use the store at once.
#[derive(Clone, Debug)]
pub struct Store {
    directory: PathBuf,
}

impl Store {
    /// The user's store: `benchgate` in `XDG_CACHE_HOME`, or in `~/.cache`.
    pub fn find() -> Result<Self, SetUpError> {
        let home = |variable: &str| {
            let path = PathBuf::from(std::env::var_os(variable)?);
            // The specification says to ignore relative paths.
            path.is_absolute().then_some(path)
        };
        home("XDG_CACHE_HOME")
            .or_else(|| Some(home("HOME")?.join(".cache")))
            .map(|cache| Self::at(cache.join("benchgate")))
            .ok_or_else(|| {
                let reason = "neither XDG_CACHE_HOME nor HOME names a directory; set one of them";
                SetUpError::of("keep a seeded database")(io::Error::new(
                    io::ErrorKind::NotFound,
                    reason,
                ))
            })
    }

    /// The store in this directory, which need not exist.
    pub fn at(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Where it is.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Calls `copy` with the directory of the entry `key`. If the entry does not exist,
    /// `make` fills it first. If `copy` fails, the entry is made again, once.
    pub fn with<T, E: From<SetUpError>>(
        &self,
        key: &str,
        make: impl Fn(&Path) -> Result<(), E>,
        copy: impl Fn(&Path) -> Result<T, E>,
    ) -> Result<T, E> {
        let lock = self.lock_file()?;
        let entry = self.directory.join(key);
        for again in [false, true] {
            lock.lock_shared().map_err(SetUpError::of("lock the cache of databases"))?;
            if !entry.is_dir() {
                lock.unlock().map_err(SetUpError::of("unlock the cache of databases"))?;
                lock.lock().map_err(SetUpError::of("lock the cache of databases"))?;
                // Another process may have been faster.
                if !entry.is_dir() {
                    self.make(&entry, &make)?;
                }
            }
            touch(&entry)?;
            match copy(&entry) {
                Err(_) if !again => {
                    lock.unlock().map_err(SetUpError::of("unlock the cache of databases"))?;
                    lock.lock().map_err(SetUpError::of("lock the cache of databases"))?;
                    if entry.is_dir() {
                        fs::remove_dir_all(&entry)
                            .map_err(SetUpError::of("delete a damaged database"))?;
                    }
                }
                result => return result,
            }
        }
        unreachable!("the second attempt returns")
    }

    fn lock_file(&self) -> Result<File, SetUpError> {
        create_private(&self.directory)
            .and_then(|()| {
                let path = self.directory.join("lock");
                File::options().create(true).append(true).open(path)
            })
            .map_err(SetUpError::of("open the cache of databases"))
    }

    /// Makes an entry, with the lock held exclusively by this process.
    fn make<E: From<SetUpError>>(
        &self,
        entry: &Path,
        make: impl Fn(&Path) -> Result<(), E>,
    ) -> Result<(), E> {
        self.tidy().map_err(SetUpError::of("tidy up the cache of databases"))?;
        let building = tempfile::Builder::new()
            .prefix(BUILDING)
            .tempdir_in(&self.directory)
            .map_err(SetUpError::of("make a directory for a database"))?;
        make(building.path())?;
        fs::rename(building.path(), entry).map_err(SetUpError::of("keep a seeded database"))?;
        // The directory has been renamed: nothing is left to delete.
        let _ = building.keep();
        Ok(())
    }

    /// Deletes entries that killed processes left behind or that are no longer used.
    fn tidy(&self) -> io::Result<()> {
        for found in fs::read_dir(&self.directory)? {
            let found = found?;
            let (name, path) = (found.file_name(), found.path());
            let name = name.to_string_lossy();
            let stale = if name.starts_with(BUILDING) {
                // Only the holder of the lock makes entries, and that is this process.
                true
            } else if name.starts_with(COPY) {
                is_abandoned(&path)
            } else {
                path.is_dir() && unused_for(&path)? > KEPT
            };
            if stale {
                fs::remove_dir_all(path)?;
            }
        }
        Ok(())
    }

    /// Creates a directory for this process, which is deleted with the returned value.
    /// If the process is killed, the next process that calls this deletes it.
    pub fn own_copy(&self) -> Result<OwnCopy, SetUpError> {
        let lock = self.lock_file()?;
        // No other process tidies up until the copy's own lock is held.
        lock.lock().map_err(SetUpError::of("lock the cache of databases"))?;
        let make = || {
            for found in fs::read_dir(&self.directory)? {
                let path = found?.path();
                let name = path.file_name().unwrap_or(OsStr::new("")).to_string_lossy();
                if name.starts_with(COPY) && is_abandoned(&path) {
                    fs::remove_dir_all(path)?;
                }
            }
            let directory = tempfile::Builder::new().prefix(COPY).tempdir_in(&self.directory)?;
            let held = File::create(directory.path().join(USED))?;
            held.lock()?;
            Ok(OwnCopy { directory, _held: held })
        };
        make().map_err(SetUpError::of("make a directory for a database"))
    }
}

/// A directory that belongs to this process and is deleted with this value.
#[derive(Debug)]
pub struct OwnCopy {
    directory: tempfile::TempDir,
    _held: File,
}

impl OwnCopy {
    /// Where it is.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }
}

/// Whether no process holds the lock of this copy. A copy without a lock file was
/// abandoned before it got one.
fn is_abandoned(copy: &Path) -> bool {
    match File::open(copy.join(USED)) {
        Ok(file) => !matches!(file.try_lock(), Err(TryLockError::WouldBlock)),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

fn touch(entry: &Path) -> Result<(), SetUpError> {
    File::options()
        .create(true)
        .append(true)
        .open(entry.join(USED))
        .and_then(|file| file.set_modified(SystemTime::now()))
        .map_err(SetUpError::of("mark a database as used"))
}

fn unused_for(entry: &Path) -> io::Result<Duration> {
    let used = fs::metadata(entry.join(USED)).or_else(|_| fs::metadata(entry))?.modified()?;
    // If the clock was set back, the entry counts as just used.
    Ok(SystemTime::now().duration_since(used).unwrap_or_default())
}

#[cfg(unix)]
fn create_private(directory: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

#[cfg(not(unix))]
fn create_private(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)
}
