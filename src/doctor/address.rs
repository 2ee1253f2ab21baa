//! The address that a URL names, and whether a server answers there.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

/// How long a server may take to accept a connection, and then to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// The part of an answer that is read.
const ANSWER: usize = 256;

/// An address that a URL names. It never shows a user or a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// A host and a port.
    Tcp(String, u16),
    /// A socket in the file system.
    Socket(PathBuf),
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp(host, port) => write!(f, "{host}:{port}"),
            Self::Socket(path) => write!(f, "{}", path.display()),
        }
    }
}

/// The parts of a URL that tell where to connect.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parts<'a> {
    pub(super) scheme: &'a str,
    /// Without user and password.
    pub(super) host: &'a str,
    /// From the first slash.
    pub(super) path: &'a str,
    /// After the question mark.
    pub(super) query: &'a str,
    /// Whether it contains a user or a password.
    pub(super) signed_in: bool,
}

/// Takes `scheme://[user[:password]@][host][/path][?query][#fragment]` apart. A
/// scheme without `//`, as in `unix:/run/redis.sock`, has only a path.
pub(super) fn parts(url: &str) -> Option<Parts<'_>> {
    let (scheme, rest) = url.split_once(':')?;
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    if scheme.is_empty() || !scheme.chars().all(known) {
        return None;
    }
    let rest = rest.split('#').next().unwrap_or_default();
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let Some(rest) = rest.strip_prefix("//") else {
        return Some(Parts { scheme, host: "", path: rest, query, signed_in: false });
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (signed_in, host) = match authority.rsplit_once('@') {
        Some((_, host)) => (true, host),
        None => (false, authority),
    };
    Some(Parts { scheme, host, path, query, signed_in })
}

impl Parts<'_> {
    /// Its host and port, with a default port; `None` without a host or with an invalid
    /// port.
    pub(super) fn tcp(&self, port: u16) -> Option<Address> {
        let (host, port) = match self.host.strip_prefix('[').and_then(|host| host.split_once(']')) {
            Some((host, "")) => (host, port),
            Some((host, after)) => (host, after.strip_prefix(':')?.parse().ok()?),
            None => match self.host.split_once(':') {
                Some((host, port)) => (host, port.parse().ok()?),
                None => (self.host, port),
            },
        };
        (!host.is_empty()).then(|| Address::Tcp(host.to_owned(), port))
    }

    /// The value of a key in the query, not decoded.
    pub(super) fn queried(&self, key: &str) -> Option<&str> {
        self.query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))
    }
}

/// A text without percent signs: `%2F` is a slash.
pub(super) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        bytes.push(if byte == b'%' {
            let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
            rest = &rest[2..];
            u8::from_str_radix(digits, 16).ok()?
        } else {
            byte
        });
    }
    String::from_utf8(bytes).ok()
}

/// Sends a request and returns the beginning of the answer. With an empty request only
/// connects, and returns nothing.
pub(super) fn ask(address: &Address, request: &[u8]) -> io::Result<Vec<u8>> {
    match address {
        Address::Tcp(host, port) => {
            let stream = connected(host, *port)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            exchange(stream, request)
        }
        Address::Socket(path) => {
            let stream = UnixStream::connect(path)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            exchange(stream, request)
        }
    }
}

fn exchange(mut stream: impl Read + Write, request: &[u8]) -> io::Result<Vec<u8>> {
    if request.is_empty() {
        return Ok(Vec::new());
    }
    stream.write_all(request)?;
    let mut answer = vec![0; ANSWER];
    match stream.read(&mut answer) {
        Ok(0) => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it closed the connection")),
        Ok(count) => {
            answer.truncate(count);
            Ok(answer)
        }
        Err(error)
            if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) =>
        {
            Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "it accepts connections but does not answer",
            ))
        }
        Err(error) => Err(error),
    }
}

fn connected(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports_of_urls() {
        let of = |url| Some(parts(url)?.tcp(5432)?.to_string());
        for (url, want) in [
            ("postgres://localhost", Some("localhost:5432")),
            ("postgres://a:p%40ss@db.example:6000/name?x=1", Some("db.example:6000")),
            ("redis://:p@ss@10.0.0.1/0", Some("10.0.0.1:5432")),
            ("redis://[::1]:7000", Some("[::1]:7000")),
            ("redis://[::1]/0", Some("[::1]:5432")),
            ("redis+unix:///run/redis.sock", None),
            ("postgres:///name", None),
            ("redis://host:port", None),
            ("redis://host:99999", None),
            ("nonsense", None),
            ("://host", None),
            ("a b://host", None),
        ] {
            assert_eq!(of(url).as_deref(), want, "{url}");
        }
    }

    #[test]
    fn the_rest_of_a_url() {
        let url = parts("http://u:p@host:1/a/b?x=1&y=%2Fz#top").expect("a URL");
        assert_eq!((url.path, url.queried("y"), url.queried("z")), ("/a/b", Some("%2Fz"), None));
        assert!(url.signed_in);
        assert_eq!(parts("unix:/run/a.sock").expect("a URL").path, "/run/a.sock");
        assert_eq!(decoded("%2Frun%2fa%20b").as_deref(), Some("/run/a b"));
        for text in ["%", "%2", "%zz", "%ff"] {
            assert_eq!(decoded(text), None, "{text}");
        }
    }
}
