//! benchgate: a benchmark suite, and a gate that fails a pipeline on a real
//! regression and on nothing else.
//!
//! Data flows one way:
//!
//! ```text
//! sources ──> Snapshot ──> baseline store
//!                │
//! baseline ──> compare ──> judge(policy) ──> Report ──> terminal · json · html … ──> exit code
//! ```
//!
//! | module | holds | knows |
//! |---|---|---|
//! | [`model`] | measurements, snapshots, environments | nothing |
//! | [`stats`] | pure functions over slices | nothing |
//! | [`sources`] | readers of criterion's and callgrind's files | `model` |
//! | [`baseline`] | snapshots on disk, readable by critcmp | `model` |
//! | [`policy`] | `gate.toml` | `model` |
//! | [`judge`] | compare, decide, the report | `model`, `stats`, `policy` |
//! | [`calibrate`] | what a machine's noise lets the gate find | `model`, `stats`, `policy`, `judge` |
//! | [`measure`] | builds and drives bench executables | `model`, `sources` |
//! | [`report`] | renderers, for people and for other tools; they decide nothing | `judge`'s report |
//! | [`cli`] | one file a subcommand | all |
//! | [`record`] | how a bench program tells the gate what its harness cannot | `model` |
//! | `suite` | the workloads under test (feature `suite`) | `record` |

pub mod baseline;
pub mod calibrate;
pub mod cli;
pub mod exit;
pub mod judge;
pub mod measure;
pub mod model;
pub mod policy;
pub mod record;
pub mod report;
pub mod sources;
pub mod stats;
#[cfg(feature = "suite")]
pub mod suite;
