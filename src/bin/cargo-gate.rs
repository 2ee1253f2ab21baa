//! `cargo gate …`: the same program under the name that cargo looks for.

use std::process::{ExitCode, Termination as _};

fn main() -> ExitCode {
    benchgate::build::for_cargo()
        .unwrap_or_else(|| benchgate::cli::main(std::env::args_os(), true).report())
}
