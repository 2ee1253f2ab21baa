//! `benchgate-service`: the reference service by itself.

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
        // The log says which requests were given up.
        Ok(Drained::NotAll) => ExitCode::FAILURE,
        Err(error) => {
            // A closed stderr has no reader.
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}
