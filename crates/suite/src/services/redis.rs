//! Redis: the user's own, or a private one.

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
    // Held for its end: dropping it stops the server.
    private: Option<PrivateServer>,
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
                "{} could not be started: {error}; see whether it runs by hand, or set REDIS_URL",
                program.display()
            ),
        })?;
        let connection = redis_at_socket(&private.directory().join(SOCKET)).map_err(|error| {
            Unavailable { reason: format!("the private server's socket cannot be used: {error}") }
        })?;
        Ok(Self { connection, version, private: Some(private) })
    }

    fn start_program(program: &Path) -> io::Result<(PrivateServer, String)> {
        // A socket instead of a port: nobody else can take it or connect to it.
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

    /// Tells the gate that this server was measured, and whether it was one that
    /// `REDIS_URL` names: the way to it is another than to a private one.
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
