//! Servers that this process starts for itself.

use std::ffi::OsString;
use std::fmt;
use std::fs::{File, Permissions};
use std::io::{self, Read as _, Seek as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Runs the server until it ends by itself or until this shell's standard input is
/// closed. The system closes it when the parent process ends, even if that was killed.
/// Interrupts from the terminal reach this shell too; it ignores them and leaves them
/// to the parent.
const SUPERVISOR: &str = r#"
directory=$1; signal=$2; shift 2
trap '' INT HUP TERM
exec 3<&0
"$@" 3<&- &
server=$!
{ cat <&3; kill -s "$signal" "$server"; sleep 5; kill -9 "$server"; } >/dev/null 2>&1 &
watcher=$!
wait "$server"
kill -9 "$watcher"
rm -rf "$directory"
"#;

/// The user that a server runs as.
#[derive(Clone, Copy, Debug)]
pub(super) struct User {
    pub(super) id: u32,
    pub(super) group: u32,
}

impl User {
    /// Makes this user the owner of a path.
    pub(super) fn own(self, path: &Path) -> io::Result<()> {
        std::os::unix::fs::chown(path, Some(self.id), Some(self.group))
    }

    /// Runs a program as this user, without supplementary groups: the standard library
    /// drops them when it sets the user.
    pub(super) fn run(self, command: &mut Command) {
        command.uid(self.id).gid(self.group);
    }
}

/// What a private server needs in addition to its command.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setup {
    /// A part of its directory's name.
    name: &'static str,
    /// The signal that ends it.
    signal: &'static str,
    /// The user that it runs as, if not this process's user.
    user: Option<User>,
}

impl Setup {
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, signal: "TERM", user: None }
    }

    pub(super) fn signal(self, signal: &'static str) -> Self {
        Self { signal, ..self }
    }

    pub(super) fn user(self, user: Option<User>) -> Self {
        Self { user, ..self }
    }
}

/// Creates a temporary directory that no other user can enter.
pub(super) fn own_directory(name: &str) -> io::Result<tempfile::TempDir> {
    tempfile::Builder::new()
        .prefix(&format!("benchgate-{name}-"))
        .permissions(Permissions::from_mode(0o700))
        .tempdir()
}

/// A server in a temporary directory. It ends, and the directory is removed, with this
/// value or with this process. If the whole process group is killed, including the
/// supervisor, the server ends too, but an empty directory is left behind.
#[derive(Debug)]
pub(super) struct PrivateServer {
    supervisor: Child,
    directory: PathBuf,
    // Kept open, so that it can be read after the directory is removed.
    log: File,
}

impl PrivateServer {
    /// Starts the command that `command` returns. `command` gets the server's directory
    /// and may put files into it.
    pub(super) fn start(
        setup: Setup,
        command: impl FnOnce(&Path) -> io::Result<Vec<OsString>>,
    ) -> io::Result<Self> {
        let directory = own_directory(setup.name)?;
        let log = tempfile::tempfile_in(directory.path())?;
        let mut supervisor = Command::new("/bin/sh");
        supervisor
            .args(["-c", SUPERVISOR, "benchgate-supervisor"])
            .arg(directory.path())
            .arg(setup.signal)
            .args(command(directory.path())?)
            .current_dir(directory.path())
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log.try_clone()?);
        if let Some(user) = setup.user {
            user.own(directory.path())?;
            user.run(&mut supervisor);
        }
        let supervisor = supervisor.spawn()?;
        // From now on the supervisor removes the directory, as it outlives this process.
        Ok(Self { supervisor, directory: directory.keep(), log })
    }

    /// The server's directory.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Polls `probe` until it succeeds, the server ends, or `timeout` passes.
    pub(super) fn wait_until_ready<T, E: fmt::Display>(
        &mut self,
        timeout: Duration,
        mut probe: impl FnMut() -> Result<T, E>,
    ) -> io::Result<T> {
        let deadline = Instant::now() + timeout;
        loop {
            // Checked before the probe, so that an answer given just before the end counts.
            let ended = self.supervisor.try_wait()?.is_some();
            let error = match probe() {
                Ok(found) => return Ok(found),
                Err(error) => error,
            };
            if ended {
                return Err(io::Error::other(format!("it ended at once{}", self.last_words())));
            }
            if Instant::now() >= deadline {
                let seconds = timeout.as_secs();
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!("no answer within {seconds} s ({error}){}", self.last_words()),
                ));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// The last line of the server's log, for an error message.
    fn last_words(&mut self) -> String {
        let mut log = Vec::new();
        // If the log cannot be read, the error is reported without it.
        let _ = self.log.rewind().and_then(|()| self.log.read_to_end(&mut log));
        match String::from_utf8_lossy(&log).trim_end().lines().next_back() {
            Some(line) => format!("; its log ends with: {line}"),
            None => String::new(),
        }
    }
}

impl Drop for PrivateServer {
    fn drop(&mut self) {
        // Closing its input makes the supervisor end the server.
        drop(self.supervisor.stdin.take());
        // If waiting fails, there is nothing left to do.
        let _ = self.supervisor.wait();
    }
}
