//! The gate: parse, run, exit code; nothing else.

use std::process::{ExitCode, Termination as _};

fn main() -> ExitCode {
    benchgate::build::for_cargo()
        .unwrap_or_else(|| benchgate::cli::main(std::env::args_os(), false).report())
}
