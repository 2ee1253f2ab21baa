//! Tests of the gate from outside: its library's readers and writers, its commands, and
//! the scripts and documents around it. They are one program because linking takes
//! longer than most tests.

mod ab;
mod architecture;
mod baseline;
mod calibrate;
mod cmd;
mod commands;
mod control;
mod differential;
mod docs;
mod files;
mod hdr;
mod identity;
mod instructions;
mod kit;
mod measure;
mod package;
mod record;
mod report;
mod run;
mod schema;
mod sources;
mod suite_docs;
mod verdicts;

use std::path::Path;

/// The programs under test: see Cargo.toml.
const GATE: &str = env!("CARGO_BIN_EXE_gate-under-test");
const CARGO_GATE: &str = env!("CARGO_BIN_EXE_cargo-gate-under-test");

/// The root of the repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is below the root")
}
