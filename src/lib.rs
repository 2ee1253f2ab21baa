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
//! | [`report`] | renderers, for people and for other tools; they decide nothing | what they render |
//! | [`project`] | what a cargo project holds, unbuilt | `measure` |
//! | [`init`] | a project's first policy and workflows | `project`, `report` |
//! | [`doctor`] | what makes measurements bad or impossible | `project`, `measure`, `sources`, `judge` |
//! | [`cli`] | one file a subcommand | all |
//! | [`record`] | how a bench program tells the gate what its harness cannot | `model` |
//!
pub mod baseline;
pub mod build;
pub mod cli;
pub mod doctor;
pub mod drive;
pub mod init;
pub mod measure;
pub mod project;
pub mod report;
pub mod sources;

pub use benchgate_core::{calibrate, exit, judge, model, policy, stats, text};
pub use benchgate_record as record;
