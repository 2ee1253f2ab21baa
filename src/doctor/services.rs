//! The services that the suite measures: the user's own if a URL names them, else
//! programs that the suite starts.

use std::path::{Path, PathBuf};

use super::Check;
use super::address::{self, Address, Parts};

/// Where Debian and its derivatives put the programs of `PostgreSQL`, a directory for each
/// version.
const POSTGRESQL: &str = "usr/lib/postgresql";

/// The variables that name a part of the suite.
const VARIABLES: [&str; 6] = [
    "REDIS_URL",
    "DATABASE_URL",
    "DATABASE_REPLICA_URL",
    "TARGET_URL",
    "MODEL_PATH",
    "ORT_DYLIB_PATH",
];

/// The services that the environment names, and the programs that the suite could use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Services {
    /// `REDIS_URL`.
    pub redis_url: Option<String>,
    /// `DATABASE_URL`.
    pub database_url: Option<String>,
    /// `DATABASE_REPLICA_URL`.
    pub replica_url: Option<String>,
    /// `TARGET_URL`.
    pub target_url: Option<String>,
    /// `MODEL_PATH`.
    pub model: Option<PathBuf>,
    /// ONNX Runtime's library: `ORT_DYLIB_PATH`, else the one that `scripts/setup` installed.
    pub onnx_runtime: Option<PathBuf>,
    /// Directories that are searched for programs.
    pub path: Vec<PathBuf>,
}

impl Services {
    /// Reads the environment by a function that reads a variable; the system's directories
    /// are below `root`.
    pub fn find(root: &Path, variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let mut path: Vec<PathBuf> = std::env::split_paths(&set("PATH").unwrap_or_default())
            .filter(|directory| directory.is_absolute())
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
                .filter(|entry| entry.file_name().to_string_lossy().starts_with("onnxruntime-"))
                .map(|entry| entry.path().join("libonnxruntime.so"))
                .filter(|library| library.is_file())
                .collect();
            libraries.sort();
            libraries.pop()
        };
        Self {
            redis_url: set("REDIS_URL"),
            database_url: set("DATABASE_URL"),
            replica_url: set("DATABASE_REPLICA_URL"),
            target_url: set("TARGET_URL"),
            model: set("MODEL_PATH").map(PathBuf::from),
            onnx_runtime: set("ORT_DYLIB_PATH").map(PathBuf::from).or_else(installed),
            path,
        }
    }

    /// Whether the environment names a part of the suite.
    pub fn named(variable: impl Fn(&str) -> Option<String>) -> bool {
        VARIABLES.into_iter().any(|name| variable(name).is_some_and(|value| !value.is_empty()))
    }

    fn program(&self, name: &str) -> Option<PathBuf> {
        self.path.iter().map(|directory| directory.join(name)).find(|program| program.is_file())
    }
}

/// Checks the services that the suite measures. A service that a URL names is asked for
/// an answer; nothing in it is changed.
pub fn services(services: &Services) -> Vec<Check> {
    let Services { redis_url, database_url, replica_url, target_url, model, onnx_runtime, path: _ } =
        services;
    vec![
        match redis_url {
            Some(url) => named(&REDIS, url),
            None => startable(services, &REDIS, "redis-server"),
        },
        match database_url {
            Some(url) => named(&POSTGRES, url),
            None => startable(services, &POSTGRES, "postgres"),
        },
        match replica_url {
            Some(url) => named(&REPLICA, url),
            None => {
                Check::ok(REPLICA.name, "DATABASE_REPLICA_URL is not set: reads go to one server")
            }
        },
        match target_url {
            Some(url) => named(&TARGET, url),
            None => {
                Check::ok(TARGET.name, "TARGET_URL is not set: your own service is not measured")
            }
        },
        model_file(model.as_deref()),
        runtime(onnx_runtime.as_deref()),
    ]
}

/// The kind of server that a variable names.
struct Kind {
    name: &'static str,
    variable: &'static str,
    /// The form of the variable's value.
    form: &'static str,
    /// The address of the server, or why the URL is invalid.
    address: fn(&Parts<'_>) -> Result<Address, &'static str>,
    /// The request to send; empty for TLS, which is not tried.
    request: fn(&Parts<'_>) -> Vec<u8>,
    /// The fault in the beginning of its answer, if there is one.
    wrong: fn(&[u8]) -> Option<String>,
    /// The remedy if it does not answer.
    remedy: &'static str,
}

const REDIS: Kind = Kind {
    name: "redis",
    variable: "REDIS_URL",
    form: "redis://HOST:PORT or unix:///PATH",
    address: |url| match url.scheme {
        "redis" | "rediss" | "valkey" | "valkeys" => {
            url.tcp(6379).ok_or("it names no host and port")
        }
        "unix" | "redis+unix" | "valkey+unix" => socket(url.path),
        _ => Err("its scheme is not Redis's"),
    },
    request: |url| match url.scheme {
        "rediss" | "valkeys" => Vec::new(),
        _ => b"PING\r\n".to_vec(),
    },
    // A server that requires a password answers with an error, which is an answer.
    wrong: |answer| (!answer.starts_with(b"+") && !answer.starts_with(b"-")).then(strange),
    remedy: "start it, or unset REDIS_URL to measure a private server",
};

const POSTGRES: Kind = Kind {
    name: "postgresql",
    variable: "DATABASE_URL",
    form: "postgres://USER@HOST:PORT/NAME",
    address: |url| match url.scheme {
        "postgres" | "postgresql" => postgres(url),
        _ => Err("its scheme is not PostgreSQL's"),
    },
    // SSLRequest: length 8, code 80877103. The server answers with the letter S or N,
    // before anybody signs in (postgresql.org, "Message Formats").
    request: |_| [8_u32.to_be_bytes(), 80_877_103_u32.to_be_bytes()].concat(),
    wrong: |answer| (!matches!(answer.first(), Some(b'S' | b'N'))).then(strange),
    remedy: "start it, or unset DATABASE_URL to measure a private server",
};

const REPLICA: Kind = Kind {
    name: "postgresql-replica",
    variable: "DATABASE_REPLICA_URL",
    remedy: "start it, or unset DATABASE_REPLICA_URL to measure without a replica",
    ..POSTGRES
};

const TARGET: Kind = Kind {
    name: "target",
    variable: "TARGET_URL",
    form: "http://HOST:PORT/PATH",
    address: |url| match url.scheme {
        "http" if url.signed_in => Err("it holds a password, which the suite does not send"),
        "http" => url.tcp(80).ok_or("it names no host and port"),
        _ => Err("only plain http is measured"),
    },
    request: |url| {
        let path = if url.path.is_empty() { "/" } else { url.path };
        let query = if url.query.is_empty() { String::new() } else { format!("?{}", url.query) };
        format!("GET {path}{query} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", url.host)
            .into_bytes()
    },
    wrong: |answer| {
        let line = answer.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let Some(rest) = line.strip_prefix(b"HTTP/1.") else { return Some(strange()) };
        let status: String = rest
            .iter()
            .skip(2)
            .take(3)
            .map(|byte| char::from(*byte))
            .filter(char::is_ascii_digit)
            .collect();
        (status != "200").then(|| format!("it answers GET with status {status}, not with 200"))
    },
    remedy: "start it, name a path that GET answers with 200, or unset TARGET_URL",
};

fn strange() -> String {
    "something else answers there".to_owned()
}

fn socket(path: &str) -> Result<Address, &'static str> {
    let path = address::decoded(path).ok_or("its path is not text")?;
    if path.starts_with('/') {
        Ok(Address::Socket(path.into()))
    } else {
        Err("it does not name a socket by an absolute path")
    }
}

/// A host, or the directory of a socket: either the host, with slashes as `%2F`, or
/// `host` in the query.
fn postgres(url: &Parts<'_>) -> Result<Address, &'static str> {
    let directory = match (url.host, url.queried("host")) {
        (host, _) if host.to_ascii_lowercase().starts_with("%2f") => Some(host),
        ("", Some(host)) => Some(host),
        ("", None) => return Err("it names no host"),
        _ => None,
    };
    let Some(directory) = directory else {
        return url.tcp(5432).ok_or("it names no host and port");
    };
    let directory = address::decoded(directory).ok_or("its host is not text")?;
    let port = match url.queried("port").map(str::parse) {
        None => 5432,
        Some(Ok(port)) => port,
        Some(Err(_)) => return Err("its port is not a number"),
    };
    if directory.starts_with('/') {
        return Ok(Address::Socket(Path::new(&directory).join(format!(".s.PGSQL.{port}"))));
    }
    Ok(Address::Tcp(directory, port))
}

/// A server that a variable names. The URL may hold a password, so only the address is
/// shown.
fn named(kind: &Kind, url: &str) -> Check {
    let Kind { name, variable, form, address, request, wrong, remedy } = kind;
    let unusable = |why: &str| {
        Check::problem(
            name,
            format!("{variable} cannot be used: {why}"),
            format!("set it to {form}"),
        )
    };
    let Some(url) = address::parts(url) else { return unusable("it is not a URL") };
    if url.path.contains(char::is_control) || url.query.contains(char::is_control) {
        return unusable("it holds control characters");
    }
    let place = match address(&url) {
        Ok(place) => place,
        Err(why) => return unusable(why),
    };
    let request = request(&url);
    let fails = |why: String| {
        let found = format!("{place} ({variable}) does not answer as expected: {why}");
        Check::problem(name, found, *remedy)
    };
    match address::ask(&place, &request) {
        Err(error) => fails(error.to_string()),
        Ok(_) if request.is_empty() => {
            Check::ok(name, format!("{place} accepts connections; TLS was not tried"))
        }
        Ok(answer) => match wrong(&answer) {
            Some(why) => fails(why),
            None => Check::ok(name, format!("{place} answers")),
        },
    }
}

/// A server that the suite would start itself.
fn startable(services: &Services, kind: &Kind, program: &str) -> Check {
    let Kind { name, variable, .. } = kind;
    match services.program(program) {
        Some(program) => {
            Check::ok(name, format!("{}, which the suite starts privately", program.display()))
        }
        None => Check::warning(
            name,
            format!("not measured: {program} is not on PATH and {variable} is not set"),
            format!("run scripts/setup, or set {variable}"),
        ),
    }
}

fn model_file(model: Option<&Path>) -> Check {
    const NAME: &str = "model";
    let Some(path) = model else {
        return Check::ok(NAME, "MODEL_PATH is not set: the suite's own models are measured");
    };
    let shown = path.display();
    let remedy =
        "set it to an ONNX model whose input is a single f32 tensor [batch, n], or unset it";
    match std::fs::File::open(path).and_then(|file| file.metadata()) {
        Err(error) => Check::problem(
            NAME,
            format!("MODEL_PATH names {shown}, which cannot be read: {error}"),
            remedy,
        ),
        Ok(found) if !found.is_file() => {
            Check::problem(NAME, format!("MODEL_PATH names {shown}, which is not a file"), remedy)
        }
        Ok(found) if found.len() == 0 => {
            Check::problem(NAME, format!("MODEL_PATH names {shown}, which is empty"), remedy)
        }
        Ok(found) => Check::ok(
            NAME,
            format!("{shown}, {} bytes; its content is checked when it is loaded", found.len()),
        ),
    }
}

fn runtime(library: Option<&Path>) -> Check {
    const NAME: &str = "onnxruntime";
    match library {
        Some(library) if library.is_file() => Check::ok(NAME, library.display().to_string()),
        Some(library) => Check::problem(
            NAME,
            format!("ORT_DYLIB_PATH names {}, which is not a file", library.display()),
            "set it to libonnxruntime.so, or unset it",
        ),
        None => Check::warning(
            NAME,
            "not installed: inference is measured only in pure Rust",
            "run scripts/setup, or set ORT_DYLIB_PATH to libonnxruntime.so",
        ),
    }
}

#[cfg(test)]
mod tests;
