//! Drives processes: programs in, lines and results out.
//!
//! Everything that starts a process takes an [`Interrupt`]: Ctrl-C leaves neither
//! a process nor a scratch directory. Only SIGKILL of the gate itself does; what
//! is left is then below the directory given for scratch.

mod environment;
mod executable;
mod filter;
mod harness;
mod interrupt;
mod listing;
mod load;
mod look_alike;
mod once;
mod opened;
mod prepare;
mod printed;
pub mod process;
mod progress;
mod scratch;
mod shared_paths;
mod times;
mod workers;

pub(crate) use environment::{facts, libc_version, machine_at, tools};
pub use environment::{machine, machine_class, runner_version, valgrind_version};
pub use executable::{BenchExecutable, Command};
pub use filter::Filter;
pub use harness::Harness;
pub(crate) use harness::contains;
pub use interrupt::Interrupt;
pub use listing::{Listed, Listing, list};
pub(crate) use load::{Load, busy};
pub use once::{Measured, Process};
pub(crate) use opened::opened;
pub(crate) use prepare::{Prepared, Programs, Ready, last_lines, prepare};
pub use progress::{Event, Progress, Silent};
pub(crate) use scratch::SCRATCH_PREFIX;
pub use scratch::Scratch;
pub use shared_paths::{Entered, OnSide, SharedPaths};
pub use times::CriterionTimes;
pub(crate) use workers::{JobEvent, parallel_map, workers};
