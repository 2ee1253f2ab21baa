//! The services that the suite measures: the user's own, where a URL names one,
//! else programs that it would start.

use std::net::{TcpStream, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Check;

/// How long a server may take to accept a connection.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where Debian and its children put the programs of `PostgreSQL`, one directory a version.
const POSTGRESQL: &str = "usr/lib/postgresql";

/// What the suite's parts are told and could find.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Services {
    /// `REDIS_URL`.
    pub redis_url: Option<String>,
    /// `DATABASE_URL`.
    pub database_url: Option<String>,
    /// ONNX Runtime's library: `ORT_DYLIB_PATH`, else where `scripts/setup` puts it.
    pub onnx_runtime: Option<PathBuf>,
    /// Directories in which programs are looked for.
    pub path: Vec<PathBuf>,
}

impl Services {
    /// What the environment says, by a function that reads its variables;
    /// directories of the system lie below `root`.
    pub fn find(root: &Path, variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let mut path: Vec<PathBuf> = std::env::split_paths(&set("PATH").unwrap_or_default())
            .filter(|one| one.is_absolute())
            .collect();
        let versions = std::fs::read_dir(root.join(POSTGRESQL)).into_iter().flatten().flatten();
        path.extend(versions.map(|version| version.path().join("bin")));
        let data = set("XDG_DATA_HOME")
            .map(PathBuf::from)
            .or_else(|| Some(Path::new(&set("HOME")?).join(".local/share")));
        let installed = || {
            let versions =
                std::fs::read_dir(data?.join("benchgate")).into_iter().flatten().flatten();
            let mut libraries: Vec<PathBuf> = versions
                .filter(|one| one.file_name().to_string_lossy().starts_with("onnxruntime-"))
                .map(|one| one.path().join("libonnxruntime.so"))
                .filter(|library| library.is_file())
                .collect();
            libraries.sort();
            libraries.pop()
        };
        Self {
            redis_url: set("REDIS_URL"),
            database_url: set("DATABASE_URL"),
            onnx_runtime: set("ORT_DYLIB_PATH").map(PathBuf::from).or_else(installed),
            path,
        }
    }

    /// Whether the environment names a part of the suite.
    pub fn named(variable: impl Fn(&str) -> Option<String>) -> bool {
        let names = ["REDIS_URL", "DATABASE_URL", "ORT_DYLIB_PATH"];
        names.into_iter().any(|name| variable(name).is_some_and(|value| !value.is_empty()))
    }

    fn program(&self, name: &str) -> Option<PathBuf> {
        self.path.iter().map(|directory| directory.join(name)).find(|program| program.is_file())
    }
}

/// Looks for the services that the suite measures; connects to those that a URL
/// names.
pub fn services(services: &Services) -> Vec<Check> {
    let Services { redis_url, database_url, onnx_runtime, path: _ } = services;
    vec![
        server(services, "redis", "REDIS_URL", redis_url.as_deref(), "redis-server", 6379),
        server(services, "postgresql", "DATABASE_URL", database_url.as_deref(), "postgres", 5432),
        match onnx_runtime {
            Some(library) if library.is_file() => {
                Check::ok("onnxruntime", library.display().to_string())
            }
            Some(library) => Check::problem(
                "onnxruntime",
                format!("ORT_DYLIB_PATH names {}, which is no file", library.display()),
                "set it to libonnxruntime.so, or unset it",
            ),
            None => Check::warning(
                "onnxruntime",
                "not installed: inference is measured in pure Rust alone",
                "scripts/setup, or set ORT_DYLIB_PATH to libonnxruntime.so",
            ),
        },
    ]
}

fn server(
    services: &Services,
    name: &str,
    variable: &str,
    url: Option<&str>,
    program: &str,
    port: u16,
) -> Check {
    if let Some(url) = url {
        // The URL may hold a password: only its host and port are shown.
        let Some(address) = address(url, port) else {
            return Check::ok(name, format!("{variable} names no host and port: not tried"));
        };
        return match reach(&address) {
            Ok(()) => Check::ok(name, format!("{} accepts connections", shown(&address))),
            Err(error) => Check::problem(
                name,
                format!("{}, which {variable} names, does not answer: {error}", shown(&address)),
                format!("start it, or unset {variable} to have a private one measured"),
            ),
        };
    }
    match services.program(program) {
        Some(program) => Check::ok(name, format!("{}, to be started privately", program.display())),
        None => Check::warning(
            name,
            format!("no {program} on PATH, and {variable} is not set: not measured"),
            format!("scripts/setup, or set {variable}"),
        ),
    }
}

fn shown((host, port): &(String, u16)) -> String {
    format!("{host}:{port}")
}

/// Host and port of `scheme://[user[:password]@]host[:port][/…]`.
fn address(url: &str, port: u16) -> Option<(String, u16)> {
    let (scheme, rest) = url.split_once("://")?;
    if scheme.contains("unix") {
        return None;
    }
    let rest = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    let (host, port) = match host.strip_prefix('[').and_then(|host| host.split_once(']')) {
        Some((host, "")) => (host, port),
        Some((host, after)) => (host, after.strip_prefix(':')?.parse().ok()?),
        None => match host.split_once(':') {
            Some((host, port)) => (host, port.parse().ok()?),
            None => (host, port),
        },
    };
    (!host.is_empty()).then(|| (host.to_owned(), port))
}

fn reach((host, port): &(String, u16)) -> std::io::Result<()> {
    let mut last = std::io::Error::new(std::io::ErrorKind::NotFound, "the host has no address");
    for address in (host.as_str(), *port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(_) => return Ok(()),
            Err(error) => last = error,
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::doctor::Status;

    #[test]
    fn hosts_and_ports_of_urls() {
        let of = |url| address(url, 5432).map(|address| shown(&address));
        for (url, want) in [
            ("postgres://localhost", Some("localhost:5432")),
            ("postgres://a:p%40ss@db.example:6000/name?x=1", Some("db.example:6000")),
            ("redis://:p@ss@10.0.0.1/0", Some("10.0.0.1:5432")),
            ("redis://[::1]:7000", Some("::1:7000")),
            ("redis://[::1]/0", Some("::1:5432")),
            ("redis+unix:///run/redis.sock", None),
            ("postgres:///name", None),
            ("redis://host:port", None),
            ("nonsense", None),
        ] {
            assert_eq!(of(url).as_deref(), want, "{url}");
        }
    }

    #[test]
    fn a_server_that_a_url_names_is_tried_and_its_password_not_shown() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let url = format!("redis://:secret@127.0.0.1:{port}/0");
        let all = Services { redis_url: Some(url), ..Services::default() };
        let redis = services(&all).remove(0);
        assert_eq!(
            (redis.status, redis.found),
            (Status::Ok, format!("127.0.0.1:{port} accepts connections"))
        );
        drop(listener);
        let redis = services(&all).remove(0);
        assert_eq!(redis.status, Status::Problem);
        let start = format!("127.0.0.1:{port}, which REDIS_URL names, does not answer: ");
        assert!(redis.found.starts_with(&start) && !redis.found.contains("secret"), "{redis:?}");
    }

    #[test]
    fn programs_and_libraries_are_looked_for_where_they_are_put() {
        let root = tempfile::tempdir().expect("a directory");
        let put = |path: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            std::fs::write(&path, "").expect("written");
            path
        };
        let home = root.path().join("home").display().to_string();
        let variable = |name: &str| match name {
            "HOME" => Some(home.clone()),
            "PATH" => Some(format!(":relative:{home}/bin")),
            "REDIS_URL" => Some(String::new()),
            _ => None,
        };
        let statuses = || -> Vec<Status> {
            let all = services(&Services::find(root.path(), variable));
            all.into_iter().map(|check| check.status).collect()
        };
        assert!(!Services::named(variable), "an empty variable names nothing");
        assert_eq!(statuses(), [Status::Warning; 3]);
        put("home/bin/redis-server");
        put("usr/lib/postgresql/15/bin/postgres");
        let library = put("home/.local/share/benchgate/onnxruntime-1.24.1/libonnxruntime.so");
        assert_eq!(statuses(), [Status::Ok; 3]);
        std::fs::remove_file(&library).expect("removed");
        let named = |name: &str| match name {
            "ORT_DYLIB_PATH" => Some(library.display().to_string()),
            other => variable(other),
        };
        assert!(Services::named(named));
        let all = services(&Services::find(root.path(), named));
        assert_eq!(all[2].status, Status::Problem);
    }
}
