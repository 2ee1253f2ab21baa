//! Drives processes: programs in, lines and results out.
//!
//! Everything that starts a process takes an [`Interrupt`]: Ctrl-C leaves neither
//! a process nor a scratch directory. Only SIGKILL of the gate itself does; what
//! is left is then below the directory given for scratch.

mod environment;
mod harness;
mod interrupt;
mod load;
mod once;
mod prepare;
pub mod process;
mod progress;
mod scratch;
mod workers;

pub(crate) use environment::machine_at;
pub use environment::{machine, machine_class, probe, runner_version, valgrind_version};
pub use harness::{Filter, Harness, Listed, Listing, list};
pub use interrupt::Interrupt;
pub(crate) use load::{Load, busy};
pub use once::{CriterionTimes, Measured, Process};
pub(crate) use prepare::{Prepared, Ready, last_lines, prepare};
pub use progress::{Event, Progress, Silent};
pub(crate) use scratch::SCRATCH_PREFIX;
pub use scratch::Scratch;
pub(crate) use workers::{Told, share, workers};
