//! `PostgreSQL`: the user's own server, or a private one with the query workload's rows.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use super::private::{PrivateServer, Setup, User, own_directory};
use super::{SetUpError, Store, Unavailable, find_program};
use crate::queries::schema;
use crate::sizes;
use benchgate_record::{self as record, RecordError};

/// The only user of a private server, a superuser.
const SUPERUSER: &str = "benchgate";
/// The database that every server has.
const DATABASE: &str = "postgres";
/// The data directory within a private server's directory, and within the store.
const DATA: &str = "data";

/// The settings of a private server that differ from the defaults. Its data need not
/// survive a crash, so commits do not wait for the disk; and periodic work, which would
/// be noise, is off.
const SETTINGS: [&str; 7] = [
    "listen_addresses=",
    "fsync=off",
    "full_page_writes=off",
    "autovacuum=off",
    "checkpoint_timeout=1h",
    "max_connections=200",
    "log_min_messages=fatal",
];

/// The users that a server may run as if this process runs as root, which `PostgreSQL`
/// refuses. The first that exists is used.
const UNPRIVILEGED: [&str; 2] = ["postgres", "nobody"];

/// A `PostgreSQL` server to measure, with its replica if there is one.
#[derive(Debug)]
pub struct Postgres {
    primary: PgConnectOptions,
    replica: Option<PgConnectOptions>,
    version: String,
    // Dropping it stops the server.
    private: Option<PrivateServer>,
}

impl Postgres {
    /// Finds the server at `DATABASE_URL`, with the replica at `DATABASE_REPLICA_URL`;
    /// without these, starts a private server.
    ///
    /// If a URL is set and the server there does not answer, no private server replaces
    /// it: a measurement of another server would be reported under the same name.
    pub fn find() -> Result<Self, Unavailable> {
        let url = |name| std::env::var(name).ok().filter(|url: &String| !url.is_empty());
        match (url("DATABASE_URL"), url("DATABASE_REPLICA_URL")) {
            (Some(primary), replica) => Self::at(&primary, replica.as_deref()),
            (None, Some(_)) => Err(Unavailable {
                reason: "DATABASE_REPLICA_URL is set, but DATABASE_URL is not; set both or \
                         neither"
                    .to_owned(),
            }),
            (None, None) => Self::start(),
        }
    }

    fn at(primary: &str, replica: Option<&str>) -> Result<Self, Unavailable> {
        let (primary, version) = answering("DATABASE_URL", primary)?;
        let replica = match replica {
            Some(url) => Some(answering("DATABASE_REPLICA_URL", url)?.0),
            None => None,
        };
        Ok(Self { primary, replica, version, private: None })
    }

    /// Starts a private, seeded server, whatever the environment says.
    pub fn start() -> Result<Self, Unavailable> {
        let programs = programs().ok_or_else(|| Unavailable {
            reason: "no `postgres` with `initdb` on PATH or under /usr/lib/postgresql, and \
                     DATABASE_URL is not set; install it (`scripts/setup`, or `apt-get install \
                     postgresql`) or set DATABASE_URL"
                .to_owned(),
        })?;
        Self::start_programs(&programs).map_err(|error| Unavailable {
            reason: format!(
                "{} could not be started: {error}; check that it runs by hand, or set \
                 DATABASE_URL",
                programs.join("postgres").display()
            ),
        })
    }

    fn start_programs(programs: &Path) -> Result<Self, SetUpError> {
        let user = unprivileged().map_err(SetUpError::of("find a user for the server"))?;
        let store = Store::find()?;
        let setup = Setup::new("postgres").signal("INT").user(user);
        let mut private = store.with(
            &key(programs)?,
            |directory| seed(programs, user, &directory.join(DATA)),
            |directory| {
                let start = PrivateServer::start(setup, |own| {
                    copy(&directory.join(DATA), &own.join(DATA), user)?;
                    Ok(command(programs, own))
                });
                start.map_err(SetUpError::of("start the server"))
            },
        )?;
        let primary = private_options(private.directory());
        let socket = socket(private.directory());
        let version = private
            .wait_until_ready(sizes::SERVICE_START_TIMEOUT, || {
                if socket.exists() {
                    version(&primary).map_err(|error| error.to_string())
                } else {
                    Err("there is no socket".to_owned())
                }
            })
            .map_err(SetUpError::of("wait for the server"))?;
        Ok(Self { primary, replica: None, version, private: Some(private) })
    }

    /// How to connect to the server.
    pub fn primary(&self) -> &PgConnectOptions {
        &self.primary
    }

    /// How to connect to its replica.
    pub fn replica(&self) -> Option<&PgConnectOptions> {
        self.replica.as_ref()
    }

    /// The version that the server reports.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The URL of a private server, for programs that need one.
    pub fn url(&self) -> Option<String> {
        let socket = self.primary.get_socket()?;
        Some(format!("postgres://{SUPERUSER}@localhost/{DATABASE}?host={}", socket.display()))
    }

    /// Records that this server was measured, and whether a URL named it: such a server
    /// is reached in another way than a private one.
    pub fn record(&self) -> Result<(), RecordError> {
        let version = &self.version;
        match (&self.private, &self.replica) {
            (Some(_), _) => record::service("postgres", version),
            (None, None) => record::service("postgres", &format!("{version} by URL")),
            (None, Some(_)) => {
                record::service("postgres", &format!("{version} by URL with a replica"))
            }
        }
    }
}

/// Parses a URL and asks the server there for its version. Messages never repeat the
/// URL, as it may hold a password.
fn answering(variable: &str, url: &str) -> Result<(PgConnectOptions, String), Unavailable> {
    let refused = |why: &str| Unavailable {
        reason: format!(
            "{variable} cannot be used: {why}; set it to postgres://USER:PASSWORD@HOST/DATABASE"
        ),
    };
    if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err(refused("it is not the URL of a PostgreSQL server"));
    }
    let options: PgConnectOptions =
        url.parse().map_err(|error: sqlx::Error| refused(&error.to_string()))?;
    let version = version(&options).map_err(|error| Unavailable {
        reason: format!(
            "the server at {variable} does not answer: {error}; start it, check user and password, \
             or unset {variable} to measure a private server"
        ),
    })?;
    Ok((options, version))
}

/// Asks for the version on a separate thread, as the caller may be within a runtime.
fn version(options: &PgConnectOptions) -> Result<String, sqlx::Error> {
    let ask = async {
        let mut connection = options.connect().await?;
        let version: String =
            sqlx::query_scalar("SHOW server_version").fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok(version.split_whitespace().next().unwrap_or("unknown").to_owned())
    };
    let in_time = async {
        tokio::time::timeout(sizes::POSTGRES_CONNECTION_TIMEOUT, ask)
            .await
            .map_err(|_| sqlx::Error::PoolTimedOut)?
    };
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(in_time)
        });
        asking.join().unwrap_or(Err(sqlx::Error::WorkerCrashed))
    })
}

/// The directory of `postgres` and `initdb`: from PATH, or Debian's latest version.
fn programs() -> Option<PathBuf> {
    let on_path = find_program("postgres", &[]).and_then(|program| {
        // Often a link; the other programs are next to its target.
        Some(program.canonicalize().ok()?.parent()?.to_owned())
    });
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|found| {
            let path = found.ok()?.path();
            Some((path.file_name()?.to_str()?.parse().ok()?, path.join("bin")))
        })
        .collect();
    versions.sort();
    let installed = versions.into_iter().rev().map(|(_, path)| path);
    on_path
        .into_iter()
        .chain(installed)
        .find(|path| ["postgres", "initdb"].iter().all(|name| path.join(name).is_file()))
}

/// The user that the server runs as: this process's user, but never root.
fn unprivileged() -> io::Result<Option<User>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let id = |what: &str, name: &str| -> Option<u32> {
        let output = Command::new("id").args([what, name]).output().ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse().ok()
    };
    UNPRIVILEGED
        .iter()
        .find_map(|name| Some(User { id: id("-u", name)?, group: id("-g", name)? }))
        .map(Some)
        .ok_or_else(|| {
            io::Error::other(
                "PostgreSQL does not run as root, and neither the user `postgres` nor `nobody` \
                 exists",
            )
        })
}

/// The name of a seeded data directory, one for each version of the server.
fn key(programs: &Path) -> Result<String, SetUpError> {
    let output = Command::new(programs.join("postgres"))
        .arg("--version")
        .output()
        .map_err(SetUpError::of("ask for the server's version"))?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    let version: String = stdout
        .split_whitespace()
        .find(|word| word.starts_with(|first: char| first.is_ascii_digit()))
        .unwrap_or("unknown")
        .chars()
        .filter(|letter| letter.is_ascii_alphanumeric() || *letter == '.')
        .collect();
    Ok(format!("postgres-{version}-{}", schema::postgres_content()))
}

/// A command that ignores the user's settings.
fn program(path: PathBuf, user: Option<User>, directory: &Path) -> Command {
    let mut command = Command::new(path);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PG") {
            command.env_remove(name);
        }
    }
    command.current_dir(directory).env("LC_ALL", "C").stdout(Stdio::piped()).stderr(Stdio::piped());
    if let Some(user) = user {
        user.run(&mut command);
    }
    command
}

/// Creates a data directory, fills it in the server's single-user mode, and copies it
/// to `kept`.
fn seed(programs: &Path, user: Option<User>, kept: &Path) -> Result<(), SetUpError> {
    let make = || -> io::Result<()> {
        // Outside the store, which the server's user may not be able to enter.
        let directory = own_directory("postgres")?;
        if let Some(user) = user {
            user.own(directory.path())?;
        }
        let data = directory.path().join(DATA);
        let mut initdb = program(programs.join("initdb"), user, directory.path());
        initdb.arg("--pgdata").arg(&data).args([
            "--username",
            SUPERUSER,
            "--auth=trust",
            "--encoding=UTF8",
            "--no-locale",
            "--no-sync",
        ]);
        run("initdb", initdb.stdin(Stdio::null()), "")?;
        let mut single = program(programs.join("postgres"), user, directory.path());
        single.args(["--single", "-j", "-D"]).arg(&data);
        for setting in ["exit_on_error=on", "fsync=off", "full_page_writes=off"] {
            single.args(["-c", setting]);
        }
        single.arg(DATABASE);
        run("postgres --single", &mut single, &schema::postgres_script())?;
        copy(&data, kept, None)
    };
    make().map_err(SetUpError::of("seed the server"))
}

/// Runs a program to its end, with `input` as its standard input.
fn run(name: &str, command: &mut Command, input: &str) -> io::Result<()> {
    if !input.is_empty() {
        command.stdin(Stdio::piped());
    }
    let mut child = command.spawn()?;
    let writer = child.stdin.take().map(|mut stdin| {
        let input = input.to_owned();
        // A program that ends early stops reading; its status says why.
        std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())))
    });
    let output = child.wait_with_output()?;
    if let Some(writer) = writer {
        let _ = writer.join();
    }
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let last = stderr.trim_end().lines().next_back().unwrap_or("nothing");
    Err(io::Error::other(format!("`{name}` failed ({}); its last line: {last}", output.status)))
}

/// Copies a data directory, which holds only directories and files.
fn copy(from: &Path, to: &Path, owner: Option<User>) -> io::Result<()> {
    fs::DirBuilder::new().mode(0o700).create(to)?;
    for found in fs::read_dir(from)? {
        let found = found?;
        let target = to.join(found.file_name());
        if found.file_type()?.is_dir() {
            copy(&found.path(), &target, owner)?;
        } else {
            fs::copy(found.path(), &target)?;
            if let Some(owner) = owner {
                owner.own(&target)?;
            }
        }
    }
    match owner {
        Some(owner) => owner.own(to),
        None => Ok(()),
    }
}

fn command(programs: &Path, own: &Path) -> Vec<OsString> {
    let mut command: Vec<OsString> =
        vec![programs.join("postgres").into(), "-D".into(), own.join(DATA).into(), "-k".into()];
    command.push(own.into());
    for setting in SETTINGS {
        command.extend(["-c".into(), setting.into()]);
    }
    command
}

fn socket(own: &Path) -> PathBuf {
    own.join(".s.PGSQL.5432")
}

fn private_options(own: &Path) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .socket(own)
        .port(5432)
        .username(SUPERUSER)
        .database(DATABASE)
}
