//! Servers that the suite measures: the user's own where a URL names one, else
//! one started privately, else a reason.
//!
//! A private server lives in a directory of its own, listens on nothing but a
//! socket in it, keeps nothing, and ends with this process, however that ends.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _};

use super::sizes;
use crate::record::{self, RecordError};

/// Why a service cannot be measured, and what would help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unavailable {
    /// A sentence for [`record::not_run`].
    pub reason: String,
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Unavailable {}

/// The first executable of that name on `PATH`, then in `also`.
pub fn find_program(name: &str, also: &[PathBuf]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(also.iter().cloned())
        // An empty part of PATH means the current directory: not searched.
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.join(name))
        .find(|candidate| is_executable(candidate))
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.is_file()
}

/// A Redis server to measure.
#[derive(Debug)]
pub struct Redis {
    connection: ConnectionInfo,
    version: String,
    // Held for its end: dropping it stops the server.
    _private: Option<PrivateServer>,
}

impl Redis {
    /// The server that `REDIS_URL` names, else a private one.
    ///
    /// With `REDIS_URL` set and no answer there, no private server takes its
    /// place: a measurement of another server would go by the same name.
    pub fn find() -> Result<Self, Unavailable> {
        match std::env::var("REDIS_URL") {
            Ok(url) if !url.is_empty() => Self::at(&url),
            _ => Self::start(),
        }
    }

    fn at(url: &str) -> Result<Self, Unavailable> {
        // The URL itself may hold a password: it is not repeated.
        let connection = url.into_connection_info().map_err(|error| Unavailable {
            reason: format!("REDIS_URL cannot be used: {error}; set it to redis://HOST:PORT"),
        })?;
        let version =
            redis_version(&connection, sizes::REDIS_CONNECTION_TIMEOUT).map_err(|error| {
                Unavailable {
                    reason: format!(
                        "the server that REDIS_URL names does not answer: {error}; start it, or \
                         unset REDIS_URL to measure a private server"
                    ),
                }
            })?;
        Ok(Self { connection, version, _private: None })
    }

    fn start() -> Result<Self, Unavailable> {
        let program = find_program("redis-server", &[]).ok_or_else(|| Unavailable {
            reason: "no `redis-server` on PATH and REDIS_URL is not set; install it \
                     (`scripts/setup`, or `apt-get install redis-server`) or set REDIS_URL"
                .to_owned(),
        })?;
        let (private, version) = Self::start_program(&program).map_err(|error| Unavailable {
            reason: format!(
                "{} could not be started: {error}; see whether it runs by hand, or set REDIS_URL",
                program.display()
            ),
        })?;
        let connection = redis_at_socket(&private.socket()).map_err(|error| Unavailable {
            reason: format!("the private server's socket cannot be used: {error}"),
        })?;
        Ok(Self { connection, version, _private: Some(private) })
    }

    fn start_program(program: &Path) -> io::Result<(PrivateServer, String)> {
        // A socket instead of a port: nobody else can take it or connect to it.
        let mut private = PrivateServer::start("redis", |directory| {
            let mut command = vec![program.as_os_str().to_owned()];
            for (option, value) in [
                ("--port", OsStr::new("0")),
                ("--unixsocket", directory.join(SOCKET).as_os_str()),
                ("--unixsocketperm", OsStr::new("700")),
                ("--dir", directory.as_os_str()),
                ("--save", OsStr::new("")),
                ("--appendonly", OsStr::new("no")),
                ("--daemonize", OsStr::new("no")),
            ] {
                command.extend([OsString::from(option), value.to_owned()]);
            }
            command
        })?;
        let connection = redis_at_socket(&private.socket()).map_err(io::Error::other)?;
        let version = private.wait_until_ready(sizes::SERVICE_START_TIMEOUT, || {
            redis_version(&connection, sizes::REDIS_CONNECTION_TIMEOUT)
        })?;
        Ok((private, version))
    }

    /// A client for it.
    pub fn client(&self) -> redis::RedisResult<redis::Client> {
        redis::Client::open(self.connection.clone())
    }

    /// What the server says it is.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Where it listens: `HOST:PORT`, or the socket's path.
    pub fn address(&self) -> String {
        self.connection.addr().to_string()
    }

    /// Tells the gate that this server was measured.
    pub fn record(&self) -> Result<(), RecordError> {
        record::service("redis", &self.version)
    }
}

fn redis_at_socket(socket: &Path) -> redis::RedisResult<ConnectionInfo> {
    ConnectionAddr::Unix(socket.to_owned()).into_connection_info()
}

/// PING, then the version: a server that is still loading answers neither.
fn redis_version(connection: &ConnectionInfo, timeout: Duration) -> redis::RedisResult<String> {
    let client = redis::Client::open(connection.clone())?;
    let mut connection = client.get_connection_with_timeout(timeout)?;
    connection.set_read_timeout(Some(timeout))?;
    connection.set_write_timeout(Some(timeout))?;
    redis::cmd("PING").query::<()>(&mut connection)?;
    let info: String = redis::cmd("INFO").arg("server").query(&mut connection)?;
    let version = info.lines().find_map(|line| line.strip_prefix("redis_version:"));
    Ok(version.unwrap_or("unknown").trim().to_owned())
}

/// The socket's name in a private server's directory.
const SOCKET: &str = "server.sock";

/// Runs the server until it ends by itself, or until this shell's own input is
/// closed: the system does that when the process at the other end is gone, even
/// if it was killed. Interrupts from the terminal reach this shell too and are
/// left to that process.
const SUPERVISOR: &str = r#"
directory=$1; shift
trap '' INT HUP TERM
exec 3<&0
"$@" 3<&- &
server=$!
{ cat <&3; kill "$server"; sleep 5; kill -9 "$server"; } >/dev/null 2>&1 &
watcher=$!
wait "$server"
kill -9 "$watcher"
rm -rf "$directory"
"#;

/// A server in a temporary directory that ends, directory and all, with this
/// value or with this process. Where the whole process group is killed, and the
/// supervisor with it, the server ends too and an empty directory is left.
#[derive(Debug)]
struct PrivateServer {
    supervisor: Child,
    directory: PathBuf,
    // Held open: it can be read when the directory is gone.
    log: File,
}

impl PrivateServer {
    /// Starts what `command` says, given the server's directory.
    fn start(name: &str, command: impl FnOnce(&Path) -> Vec<OsString>) -> io::Result<Self> {
        let directory = tempfile::Builder::new().prefix(&format!("benchgate-{name}-")).tempdir()?;
        let log = tempfile::tempfile_in(directory.path())?;
        let supervisor = Command::new("/bin/sh")
            .args(["-c", SUPERVISOR, "benchgate-supervisor"])
            .arg(directory.path())
            .args(command(directory.path()))
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log.try_clone()?)
            .spawn()?;
        // From here on the supervisor removes it: it outlives a killed process.
        Ok(Self { supervisor, directory: directory.keep(), log })
    }

    fn socket(&self) -> PathBuf {
        self.directory.join(SOCKET)
    }

    /// Polls `probe` until it succeeds, the server ends, or the time is over.
    fn wait_until_ready<T, E: fmt::Display>(
        &mut self,
        timeout: Duration,
        mut probe: impl FnMut() -> Result<T, E>,
    ) -> io::Result<T> {
        let deadline = Instant::now() + timeout;
        loop {
            // Asked first: nobody but this server answers at its socket.
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
        // A log that cannot be read is no reason to lose the error it is for.
        let _ = self.log.rewind().and_then(|()| self.log.read_to_end(&mut log));
        match String::from_utf8_lossy(&log).trim_end().lines().next_back() {
            Some(line) => format!("; its log ends with: {line}"),
            None => String::new(),
        }
    }
}

impl Drop for PrivateServer {
    fn drop(&mut self) {
        // Closing its input is the signal to end.
        drop(self.supervisor.stdin.take());
        // Nothing is left to do where the supervisor cannot be waited for.
        let _ = self.supervisor.wait();
    }
}
