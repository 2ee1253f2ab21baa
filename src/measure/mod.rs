//! Builds and drives bench executables: fresh processes in, a snapshot out.
//!
//! From the whole to the parts; each part is usable without the parts above it:
//!
//! | function | does |
//! |---|---|
//! | [`run`] | all executables, several times in turn → a [`Snapshot`](crate::model::Snapshot) |
//! | [`trial`] | base and head in turn, in pairs of processes → two snapshots |
//! | [`Process::run`] | one executable, one fresh process → what it measured |
//! | [`identity::compare`] | two builds → whether they are the same code |
//! | [`Pinning::pin`] | two builds → the same builds, with equal functions at equal addresses |
//! | [`count`] | criterion benchmarks, unmodified → the instructions of each |
//! | [`build`] | builds the executables with cargo |
//! | [`build_commands`] | builds the commands of the policy |
//! | [`Claim::take`] | keeps a second gate out of the target directory |
//! | [`Harness::detect`], [`list`] | the harness and the benchmarks of an executable |
//! | [`probe`], [`revision`] | the environment and the revision |
//! | [`process::run`] | any program, in a group that never outlives its time |
//!
//! Everything that starts a process takes an [`Interrupt`]: Ctrl-C leaves no process
//! and no scratch directory behind. Only SIGKILL of the gate itself does; leftovers
//! are then below the scratch directory.

#[cfg(not(unix))]
compile_error!(
    "benchgate needs process groups and their signals to leave no benchmark running; only Unix has them so far"
);

mod count;
mod driver;
mod error;
mod merge;
mod plan;
mod run;
mod same_code;
mod trial;
mod witness;

pub use crate::build::{
    BuildError, BuildOptions, Built, BuiltSide, BuiltSides, CheckoutError, Claim, ClaimError,
    CommandPlace, Pinning, Repository, SideBuilder, SideError, SidePlan, Source, build,
    build_commands, identity, layout, probe, revision,
};
pub use crate::drive::{
    BenchExecutable, Command, CriterionTimes, Event, Filter, Harness, Interrupt, Listed, Listing,
    Measured, Process, Progress, Scratch, Silent, list, machine, machine_class, process,
    runner_version, valgrind_version,
};
pub(crate) use crate::drive::{SCRATCH_PREFIX, busy, machine_at};

pub use count::{
    Basis, Charge, CountError, CountOptions, CountReading, CountTarget, CountedBenchmark, Counts,
    Executed, Profiles, Uncounted, Untimed, count,
};
pub use error::MeasureError;
pub use plan::Plan;
pub use run::run;
pub use trial::{ShardPlan, Steps, Trial, TrialPlan, carry_out, trial};
