//! Why instructions were not counted.

use std::io;
use std::time::Duration;

use crate::drive::process::ProcessError;

/// Why nothing was counted at all.
#[derive(Debug, thiserror::Error)]
pub enum CountError {
    /// There is no valgrind.
    #[error(
        "instructions are not counted: valgrind is not installed (Debian, Ubuntu: `apt-get install \
         valgrind`)"
    )]
    NoValgrind,
    /// The scratch directory failed.
    #[error("cannot use the scratch directory: {0}")]
    Scratch(io::Error),
    /// A process could not be handled, or all of it was interrupted.
    #[error(transparent)]
    Process(#[from] ProcessError),
}

/// Why a benchmark has no counts, and what would help.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Uncounted {
    /// The executable cannot be looked into.
    #[error("its executable is not one that symbols can be read from: {0}")]
    Unreadable(String),
    /// The executable has no symbols.
    #[error(
        "its executable has no symbols to know criterion's functions by; set `strip = \"none\"` in \
         the bench profile"
    )]
    Stripped,
    /// No timing function is among the symbols.
    #[error(
        "its executable has none of the functions by which criterion 0.3 to 0.8 times a benchmark"
    )]
    NoTiming,
    /// None of the timing functions was entered.
    #[error(
        "nothing was counted: the benchmark never entered a function of criterion's that callgrind \
         knows, or a script runs it in a process of its own (let it `exec` the benchmark)"
    )]
    Nothing,
    /// Criterion ran nothing of that name: the line of the list was not criterion's.
    #[error("criterion knows no benchmark of that name")]
    NoBenchmark,
    /// More than one benchmark has that name, and their counts cannot be told apart.
    #[error("{0} benchmarks answer to its name; give each a name of its own")]
    Shared(usize),
    /// The process did not end well under valgrind.
    #[error("under valgrind its process ended with {0}")]
    Failed(String),
    /// The process took too long.
    #[error("under valgrind its process did not end within {} s", .0.as_secs_f64())]
    TimedOut(Duration),
    /// The time for counting was used up before its turn.
    #[error("the share of the time budget for counting ended; give more time with --budget")]
    OutOfTime,
    /// What callgrind wrote cannot be used.
    #[error("callgrind's output cannot be used: {0}")]
    Profile(String),
}
