//! Where seeded databases are kept from run to run, and handed out as copies.

use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::SuiteError;

/// What nobody has used for so long is deleted when something new is made.
const KEPT: Duration = Duration::from_hours(14 * 24);

/// The name of what is being made: nothing of it is used before it is whole.
const BUILDING: &str = "building-";

/// The name of a copy that a process works on.
const COPY: &str = "copy-";

/// In each directory: its time says when it was used, its lock by whom.
const USED: &str = "used";

/// A directory of things that take long to make, each of them whole or not there
/// at all. Any number of processes may use it at once.
#[derive(Clone, Debug)]
pub struct Store {
    directory: PathBuf,
}

impl Store {
    /// The one of this user: `benchgate` in `XDG_CACHE_HOME`, else in `~/.cache`.
    pub fn find() -> Result<Self, SuiteError> {
        let home = |variable: &str| {
            let path = PathBuf::from(std::env::var_os(variable)?);
            // The specification has relative ones ignored.
            path.is_absolute().then_some(path)
        };
        home("XDG_CACHE_HOME")
            .or_else(|| Some(home("HOME")?.join(".cache")))
            .map(|cache| Self::at(cache.join("benchgate")))
            .ok_or_else(|| {
                let reason = "neither XDG_CACHE_HOME nor HOME names a directory; set one of them";
                failed("keep a seeded database")(io::Error::new(io::ErrorKind::NotFound, reason))
            })
    }

    /// The one in this directory, which need not exist.
    pub fn at(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Where it is.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Lets `copy` read the directory called `key`, which `make` fills first where
    /// it is not there. Where `copy` finds it damaged, it is made anew, once.
    pub fn with<T>(
        &self,
        key: &str,
        make: impl Fn(&Path) -> Result<(), SuiteError>,
        copy: impl Fn(&Path) -> Result<T, SuiteError>,
    ) -> Result<T, SuiteError> {
        let lock = self.lock_file()?;
        let entry = self.directory.join(key);
        for again in [false, true] {
            lock.lock_shared().map_err(failed("lock the cache of databases"))?;
            if !entry.is_dir() {
                lock.unlock().map_err(failed("unlock the cache of databases"))?;
                lock.lock().map_err(failed("lock the cache of databases"))?;
                // Another process may have been first.
                if !entry.is_dir() {
                    self.make(&entry, &make)?;
                }
            }
            touch(&entry)?;
            match copy(&entry) {
                Err(_) if !again => {
                    lock.unlock().map_err(failed("unlock the cache of databases"))?;
                    lock.lock().map_err(failed("lock the cache of databases"))?;
                    if entry.is_dir() {
                        fs::remove_dir_all(&entry).map_err(failed("delete a damaged database"))?;
                    }
                }
                result => return result,
            }
        }
        unreachable!("the second time returns")
    }

    fn lock_file(&self) -> Result<File, SuiteError> {
        create_private(&self.directory)
            .and_then(|()| {
                let path = self.directory.join("lock");
                File::options().create(true).append(true).open(path)
            })
            .map_err(failed("open the cache of databases"))
    }

    /// With the lock held by this process alone.
    fn make(
        &self,
        entry: &Path,
        make: impl Fn(&Path) -> Result<(), SuiteError>,
    ) -> Result<(), SuiteError> {
        self.tidy().map_err(failed("tidy up the cache of databases"))?;
        let building = tempfile::Builder::new()
            .prefix(BUILDING)
            .tempdir_in(&self.directory)
            .map_err(failed("make a directory for a database"))?;
        make(building.path())?;
        fs::rename(building.path(), entry).map_err(failed("keep a seeded database"))?;
        // Nothing is there any more to be deleted.
        let _ = building.keep();
        Ok(())
    }

    /// Deletes what killed processes have left, and what is no longer used.
    fn tidy(&self) -> io::Result<()> {
        for found in fs::read_dir(&self.directory)? {
            let found = found?;
            let (name, path) = (found.file_name(), found.path());
            let name = name.to_string_lossy();
            let stale = if name.starts_with(BUILDING) {
                // Who makes one holds the lock, and that is this process.
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

    /// A directory for this process alone, deleted with the value; where the
    /// process is killed, by the next one that asks for such a directory.
    pub fn own_copy(&self) -> Result<OwnCopy, SuiteError> {
        let lock = self.lock_file()?;
        // Until the copy's own lock is held, nobody tidies up.
        lock.lock().map_err(failed("lock the cache of databases"))?;
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
        make().map_err(failed("make a directory for a database"))
    }
}

/// A directory that belongs to this process, and goes with the value.
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

/// Whether nobody holds the lock of this copy. One without a lock file is left
/// from before it got one.
fn is_abandoned(copy: &Path) -> bool {
    match File::open(copy.join(USED)) {
        Ok(file) => !matches!(file.try_lock(), Err(TryLockError::WouldBlock)),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

fn touch(entry: &Path) -> Result<(), SuiteError> {
    File::options()
        .create(true)
        .append(true)
        .open(entry.join(USED))
        .and_then(|file| file.set_modified(SystemTime::now()))
        .map_err(failed("mark a database as used"))
}

fn unused_for(entry: &Path) -> io::Result<Duration> {
    let used = fs::metadata(entry.join(USED)).or_else(|_| fs::metadata(entry))?.modified()?;
    // A clock that was set back: it was used just now.
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

fn failed(action: &'static str) -> impl FnOnce(io::Error) -> SuiteError {
    move |source| SuiteError::Io { action, source }
}
