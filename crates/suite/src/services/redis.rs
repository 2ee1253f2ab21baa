//! Redis: the user's own server, or a private one.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;
use std::time::Duration;

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _};

use super::private::{PrivateServer, Setup};
use super::{Unavailable, find_program};
use crate::sizes;
use benchgate_record::{self as record, RecordError};

/// The socket's name in the private server's directory.
const SOCKET: &str = "server.sock";

/// A Redis server to measure.
#[derive(Debug)]
pub struct Redis {
    connection: ConnectionInfo,
    version: String,
    // Dropping it stops the server.
    private: Option<PrivateServer>,
}

impl Redis {
    /// Finds the server at `REDIS_URL`; without it, starts a private server.
    ///
    /// If `REDIS_URL` is set and the server there does not answer, no private server
    /// replaces it: a measurement of another server would be reported under the same
    /// name.
    pub fn find() -> Result<Self, Unavailable> {
        match std::env::var("REDIS_URL") {
            Ok(url) if !url.is_empty() => Self::at(&url),
            _ => Self::start(),
        }
    }

    fn at(url: &str) -> Result<Self, Unavailable> {
        // Messages never repeat the URL, as it may hold a password.
        let connection = url.into_connection_info().map_err(|error| Unavailable {
            reason: format!("REDIS_URL cannot be used: {error}; set it to redis://HOST:PORT"),
        })?;
        let version =
            redis_version(&connection, sizes::REDIS_CONNECTION_TIMEOUT).map_err(|error| {
                Unavailable {
                    reason: format!(
                        "the server at REDIS_URL does not answer: {error}; start it, or unset \
                         REDIS_URL to measure a private server"
                    ),
                }
            })?;
        Ok(Self { connection, version, private: None })
    }

    fn start() -> Result<Self, Unavailable> {
        let program = find_program("redis-server", &[]).ok_or_else(|| Unavailable {
            reason: "no `redis-server` on PATH and REDIS_URL is not set; install it \
                     (`scripts/setup`, or `apt-get install redis-server`) or set REDIS_URL"
                .to_owned(),
        })?;
        let (private, version) = Self::start_program(&program).map_err(|error| Unavailable {
            reason: format!(
                "{} could not be started: {error}; check that it runs by hand, or set REDIS_URL",
                program.display()
            ),
        })?;
        let connection = redis_at_socket(&private.directory().join(SOCKET)).map_err(|error| {
            Unavailable { reason: format!("the private server's socket cannot be used: {error}") }
        })?;
        Ok(Self { connection, version, private: Some(private) })
    }

    fn start_program(program: &Path) -> io::Result<(PrivateServer, String)> {
        // A socket instead of a port: no one else can take it or connect to it.
        let mut private = PrivateServer::start(Setup::new("redis"), |directory| {
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
            Ok(command)
        })?;
        let connection =
            redis_at_socket(&private.directory().join(SOCKET)).map_err(io::Error::other)?;
        let version = private.wait_until_ready(sizes::SERVICE_START_TIMEOUT, || {
            redis_version(&connection, sizes::REDIS_CONNECTION_TIMEOUT)
        })?;
        Ok((private, version))
    }

    /// Creates a client of the server.
    pub fn client(&self) -> redis::RedisResult<redis::Client> {
        redis::Client::open(self.connection.clone())
    }

    /// The version that the server reports.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The server's address: `HOST:PORT`, or the path of its socket.
    pub fn address(&self) -> String {
        self.connection.addr().to_string()
    }

    /// Records that this server was measured, and whether a URL named it: such a server
    /// is reached in another way than a private one.
    pub fn record(&self) -> Result<(), RecordError> {
        match &self.private {
            Some(_) => record::service("redis", &self.version),
            None => record::service("redis", &format!("{} by URL", self.version)),
        }
    }
}

fn redis_at_socket(socket: &Path) -> redis::RedisResult<ConnectionInfo> {
    ConnectionAddr::Unix(socket.to_owned()).into_connection_info()
}

/// Sends PING, then asks for the version. A server that is still loading answers
/// neither.
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
