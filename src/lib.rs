//! benchgate: a benchmark suite, and a gate that fails a pipeline on a real
//! regression and on nothing else. This package is the gate.
//!
//! Data flows one way:
//!
//! ```text
//! sources ──> Snapshot ──> baseline store
//!                │
//! baseline ──> compare ──> judge(policy) ──> Report ──> terminal · json · html … ──> exit code
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`sources`] | readers of files that other tools wrote |
//! | [`drive`] | child processes, harnesses, the environment, interrupts |
//! | [`build`] | the executables of each side |
//! | [`measure`] | what to run, how often and in which order |
//! | [`baseline`] | snapshots and known noise on disk, readable by critcmp |
//! | [`report`] | renderers, for people and for other tools |
//! | [`project`] | the packages and bench targets of a cargo project |
//! | [`init`] | a project's first policy and workflows |
//! | [`doctor`] | checks of the machine, the tools and the project |
//! | [`hdr`] | HdrHistogram's form of a distribution |
//! | [`files`] | reads up to a limit, atomic writes |
//! | [`cli`] | the commands |
//!
//! The pure parts are in `benchgate-core`, and the format of recorded metrics is in
//! `benchgate-record`; both are offered here under their names. ARCHITECTURE.md holds
//! the table of dependencies between all parts, which a test compares with the code.

pub mod baseline;
pub mod build;
pub mod cli;
mod criterion;
pub mod doctor;
pub mod drive;
pub mod files;
mod fnv;
pub mod hdr;
pub mod init;
pub mod measure;
pub mod project;
pub mod report;
pub mod sources;

pub use benchgate_core::{calibrate, exit, judge, model, policy, shards, stats, text};
pub use benchgate_record as record;
