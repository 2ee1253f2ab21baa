//! Builds and drives bench executables: fresh processes in, a snapshot out.
//!
//! From the whole to the parts, each usable without the one before it:
//!
//! | function | does |
//! |---|---|
//! | [`run`] | all executables, several times in turn → a [`Snapshot`](crate::model::Snapshot) |
//! | [`trial`] | base and head in turn, in pairs of processes → two snapshots |
//! | [`Process::run`] | one executable, one fresh process → what it measured |
//! | [`identity::compare`] | two builds → whether they are the same code |
//! | [`Pinning::pin`] | two builds → the same, linked so that equal functions lie alike |
//! | [`count`] | criterion benchmarks, unmodified → the instructions of each |
//! | [`build`] | has cargo build the executables |
//! | [`Claim::take`] | keeps a second gate out of the target directory |
//! | [`Harness::detect`], [`list`] | what an executable is, and holds |
//! | [`probe`], [`revision`] | where and what is measured |
//! | [`process::run`] | any program, in a group that never outlives its time |
//!
//! Everything that starts a process takes an [`Interrupt`]: Ctrl-C leaves no
//! process and no scratch directory. Only SIGKILL of the gate itself does; what
//! is left then lies below the directory given for scratch.

#[cfg(not(unix))]
compile_error!(
    "benchgate needs process groups and their signals to leave no benchmark running; only Unix has them so far"
);

mod build;
mod checkout;
mod claim;
mod counted;
mod environment;
mod harness;
pub mod identity;
mod instructions;
mod interrupt;
pub mod layout;
mod load;
mod merge;
mod once;
mod pin;
mod prepare;
pub mod process;
mod progress;
mod revision;
mod run;
mod scratch;
mod trial;
mod witness;
mod workers;

pub use build::{BenchExecutable, BuildError, BuildOptions, Built, build};
pub use checkout::{CheckoutError, Repository, Source, point};
pub use claim::Claim;
pub(crate) use environment::machine_at;
pub use environment::{machine, machine_class, probe, runner_version, valgrind_version};
pub use harness::{Filter, Harness, Listed, Listing, list};
pub use instructions::{
    CountError, CountOptions, CountTarget, CountedBenchmark, Counts, Uncounted, count,
};
pub use interrupt::Interrupt;
pub(crate) use load::busy;
pub use once::{CriterionTimes, Measured, Process};
pub use pin::Pinning;
pub use progress::{Event, Progress, Silent};
pub use revision::revision;
pub use run::{MeasureError, Plan, run};
pub(crate) use scratch::SCRATCH_PREFIX;
pub use scratch::Scratch;
pub use trial::{Steps, Trial, TrialPlan, TrialSide, carry_out, trial};
