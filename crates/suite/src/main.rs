//! `benchgate-service`: the reference service as its own program.

use std::io::Write as _;
use std::process::ExitCode;

use benchgate_suite::command::ServiceArgs;
use benchgate_suite::service::Drained;
use clap::Parser;

#[derive(Debug, Parser)]
#[command(name = "benchgate-service", version)]
struct Cli {
    #[command(flatten)]
    service: ServiceArgs,
}

fn main() -> ExitCode {
    match Cli::parse().service.run() {
        Ok(Drained::All) => ExitCode::SUCCESS,
        // The log says that requests were aborted.
        Ok(Drained::NotAll) => ExitCode::FAILURE,
        Err(error) => {
            // Writing fails if stderr is closed.
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}
