//! What benchgate measures and how it judges: pure functions over values.
//!
//! | module | holds | knows |
//! |---|---|---|
//! | [`model`] | measurements, snapshots, environments | nothing |
//! | [`stats`] | pure functions over slices | nothing |
//! | [`policy`] | `gate.toml` | `model` |
//! | [`judge`] | compare, decide, the report | `model`, `stats`, `policy` |
//! | [`calibrate`] | what a machine's noise lets the gate find | `model`, `stats`, `policy`, `judge` |
//! | [`text`] | percentages, plurals, lists and similar names | nothing |
//! | [`exit`] | the exit codes | nothing |
//!
//! Nothing here starts a process, opens a socket or knows a command line.

pub mod calibrate;
pub mod exit;
pub mod judge;
pub mod model;
pub mod policy;
pub mod stats;
pub mod text;
