//! Which files processes open.
//!
//! inotify reports each file of a watched directory that any process opens: it needs no
//! privileges, no tracer and no other program, does not slow a process down and misses
//! nothing, whatever starts whatever. Its limit is that a file must exist to be opened.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::process::{self, ProcessError};
use super::{BenchExecutable, Harness, Interrupt};

/// A program that has not ended by then has opened what it needs.
const TIME_LIMIT: Duration = Duration::from_mins(2);

/// What processes opened in watched directories.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Opened {
    /// Files.
    pub(crate) files: BTreeSet<PathBuf>,
    /// Watched directories that were listed.
    pub(crate) listed: BTreeSet<PathBuf>,
    /// Whether there were more than could be recorded.
    pub(crate) more: bool,
}

/// Runs each benchmark of the executables once, and returns which files of the
/// directories were opened meanwhile; `None` where the system cannot tell.
///
/// How the programs end does not matter.
///
/// # Errors
/// This process was interrupted, or a program could not be waited for.
pub(crate) fn opened(
    directories: &BTreeSet<PathBuf>,
    executables: &[BenchExecutable],
    interrupt: &Interrupt,
) -> Result<Option<Opened>, ProcessError> {
    let Ok(watch) = Watch::new(directories.iter().map(PathBuf::as_path)) else { return Ok(None) };
    for executable in executables {
        if let Ok(Some(harness)) = Harness::detect(&executable.path) {
            rehearse(executable, harness, interrupt)?;
        }
    }
    Ok(watch.opened().ok())
}

/// Runs each benchmark of an executable once, without measuring.
fn rehearse(
    executable: &BenchExecutable,
    harness: Harness,
    interrupt: &Interrupt,
) -> Result<(), ProcessError> {
    let home = tempfile::tempdir().map_err(ProcessError::Log)?;
    let mut job = executable.job().arg("--bench");
    if harness == Harness::Criterion {
        job = job.arg("--test");
    }
    job.time_limit = Some(TIME_LIMIT);
    for variable in harness.hidden_variables() {
        job.environment.insert(variable.into(), None);
    }
    job = harness.with_home(job, home.path());
    match process::run(&job, interrupt, &mut |_, _| {}) {
        Ok(_) | Err(ProcessError::Start { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod watch {
    use std::collections::BTreeMap;
    use std::ffi::OsStr;
    use std::mem::MaybeUninit;
    use std::os::fd::OwnedFd;
    use std::os::unix::ffi::OsStrExt as _;

    use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
    use rustix::io::Errno;

    use super::{Opened, Path, PathBuf, io};

    /// Directories whose files are watched.
    pub(super) struct Watch {
        queue: OwnedFd,
        directories: BTreeMap<i32, PathBuf>,
    }

    impl Watch {
        pub(super) fn new<'a>(directories: impl IntoIterator<Item = &'a Path>) -> io::Result<Self> {
            let queue = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
            let mut watched = BTreeMap::new();
            for directory in directories {
                let flags = WatchFlags::OPEN | WatchFlags::ONLYDIR;
                let number = inotify::add_watch(&queue, directory, flags)?;
                watched.insert(number, directory.to_owned());
            }
            Ok(Self { queue, directories: watched })
        }

        /// What was opened since.
        pub(super) fn opened(&self) -> io::Result<Opened> {
            let mut opened = Opened::default();
            let mut buffer = [MaybeUninit::uninit(); 1 << 14];
            let mut reader = Reader::new(&self.queue, &mut buffer);
            loop {
                let event = match reader.next() {
                    Ok(event) => event,
                    Err(Errno::AGAIN) => return Ok(opened),
                    Err(Errno::INTR) => continue,
                    Err(error) => return Err(error.into()),
                };
                opened.more |= event.events().contains(ReadFlags::QUEUE_OVERFLOW);
                let Some(directory) = self.directories.get(&event.wd()) else { continue };
                match event.file_name() {
                    None => drop(opened.listed.insert(directory.clone())),
                    Some(name) if !event.events().contains(ReadFlags::ISDIR) => {
                        let name = OsStr::from_bytes(name.to_bytes());
                        opened.files.insert(directory.join(name));
                    }
                    Some(_) => {}
                }
            }
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod watch {
    use super::{Opened, Path, io};

    /// Only Linux reports opened files without privileges.
    pub(super) struct Watch;

    impl Watch {
        pub(super) fn new<'a>(_: impl IntoIterator<Item = &'a Path>) -> io::Result<Self> {
            Err(io::ErrorKind::Unsupported.into())
        }

        #[expect(clippy::unused_self, reason = "the same signature on each system")]
        pub(super) fn opened(&self) -> io::Result<Opened> {
            Err(io::ErrorKind::Unsupported.into())
        }
    }
}

use watch::Watch;

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn opened_files_and_listed_directories_are_reported() {
        let directory = tempfile::tempdir().unwrap();
        let at = directory.path();
        let below = at.join("below");
        std::fs::create_dir(&below).unwrap();
        for file in ["read", "only-looked-at", "below/read"] {
            std::fs::write(at.join(file), "x").unwrap();
        }
        let watch = Watch::new([at, below.as_path()]).unwrap();
        let read = ["read", "below/read"].map(|file| at.join(file));
        for path in &read {
            std::fs::read(path).unwrap();
        }
        assert!(at.join("only-looked-at").metadata().unwrap().is_file());
        assert_eq!(std::fs::read_dir(&below).unwrap().count(), 1);
        let opened = watch.opened().unwrap();
        assert_eq!(opened.files, BTreeSet::from(read));
        assert_eq!(opened.listed, BTreeSet::from([below]));
        assert!(!opened.more);
        assert_eq!(watch.opened().unwrap(), Opened::default(), "reported once");
    }

    #[test]
    fn a_directory_that_is_missing_cannot_be_watched() {
        assert!(Watch::new([Path::new("/nonexistent")]).is_err());
    }
}
