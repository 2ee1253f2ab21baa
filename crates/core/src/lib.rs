//! What benchgate measures and how it judges: pure functions over values.
//!
//! | module | holds |
//! |---|---|
//! | [`model`] | measurements, snapshots, environments |
//! | [`stats`] | statistics as pure functions over slices |
//! | [`policy`] | `gate.toml` |
//! | [`judge`] | compare, decide, the report |
//! | [`shards`] | trials of parts of a suite, as one trial |
//! | [`calibrate`] | what a machine's noise allows the gate to find |
//! | [`text`] | percentages, plurals, lists and similar names |
//! | [`exit`] | the exit codes |
//!
//! Nothing here starts a process, opens a socket or knows a command line. ARCHITECTURE.md
//! holds the table of dependencies between these modules.

pub mod calibrate;
pub mod exit;
pub mod judge;
pub mod model;
pub mod policy;
pub mod shards;
pub mod stats;
pub mod text;
