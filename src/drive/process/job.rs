//! What is run, and how it ended.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use crate::drive::shared_paths::OnSide;

/// What to run, and how.
#[derive(Clone, Debug)]
pub struct Job {
    /// The executable.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Where it runs; without one, where this process does.
    pub directory: Option<PathBuf>,
    /// Variables set (or, with `None`, removed) on top of this process's own.
    pub environment: BTreeMap<OsString, Option<OsString>>,
    /// How long it may take.
    pub time_limit: Option<Duration>,
    /// A file that gets what it prints, up to 16 MiB.
    pub log: Option<PathBuf>,
    /// Where its standard error goes.
    pub stderr: Stderr,
    /// What happens to processes of its group that are left when it ends well.
    pub remains: Remains,
    /// By which share everything that it does is to take longer; it is stopped and continued
    /// for that.
    pub slowdown: Option<f64>,
    /// The side whose files it needs, where two sides share their paths.
    pub on_side: Option<OnSide>,
}

impl Job {
    /// A program with nothing but its name: no arguments, no time limit, output
    /// captured, remains ended.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            directory: None,
            environment: BTreeMap::new(),
            time_limit: None,
            log: None,
            stderr: Stderr::Captured,
            remains: Remains::End,
            slowdown: None,
            on_side: None,
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, key: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.insert(key.into(), Some(value.into()));
        self
    }
}

/// Where a job's standard error goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stderr {
    /// Line by line to the caller and the log, like standard output.
    Captured,
    /// To this process's own standard error: a compiler's messages.
    Inherited,
}

/// What happens to processes that a job left running in its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remains {
    /// They are ended.
    End,
    /// They stay: a compiler cache's server outlives the build that started it.
    Keep,
}

/// Which stream a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By itself.
    Exited(ExitStatus),
    /// By us, having reached its time limit.
    TimedOut(Duration),
}

impl Ended {
    /// Whether it ended by itself with status 0.
    pub fn success(self) -> bool {
        matches!(self, Self::Exited(status) if status.success())
    }
}

/// `exit status 101`, `signal 11`, `time limit of 2 s reached`.
impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(status) => match (status.code(), status.signal()) {
                (Some(code), _) => write!(f, "exit status {code}"),
                (None, Some(signal)) => match signal_name(signal) {
                    Some(name) => write!(f, "signal {signal} ({name})"),
                    None => write!(f, "signal {signal}"),
                },
                (None, None) => write!(f, "{status}"),
            },
            Self::TimedOut(limit) => {
                write!(f, "time limit of {} s reached", limit.as_secs_f64())
            }
        }
    }
}

fn signal_name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        4 => "SIGILL",
        6 => "SIGABRT",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        15 => "SIGTERM",
        _ => return None,
    })
}

/// What is known of a job once it has ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How it ended.
    pub ended: Ended,
    /// The number that its leading process had; it is free again.
    pub pid: i32,
    /// From start to end, in seconds.
    pub seconds: f64,
    /// The last lines it printed; where a Rust program panicked, what it said
    /// then: a backtrace and what others printed meanwhile would hide it. No
    /// control characters.
    pub tail: Vec<String>,
}

/// Why a job gave no outcome.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The program could not be started.
    #[error("cannot start {}: {source}", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Its end could not be waited for.
    #[error("cannot wait for {}: {source}", program.display())]
    Wait {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Its log could not be written.
    #[error("cannot write the log: {0}")]
    Log(io::Error),
    /// The paths that two sides share could not be switched.
    #[error("cannot switch between the files of base and head: {0}")]
    Side(io::Error),
    /// This process was asked to stop; the job's group was ended.
    #[error("interrupted by signal {signal}")]
    Interrupted {
        /// The signal.
        signal: i32,
    },
}
