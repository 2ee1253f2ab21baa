//! The command line: one file a subcommand, each thin.

mod ab;
mod baseline;
mod build;
mod calibrate;
mod check;
mod compare;
mod completions;
mod diff;
mod doctor;
mod explain;
mod init;
mod learn;
mod man;
mod output;
mod policy;
mod progress;
mod report;
mod run;
mod service;
mod shell;
mod sides;
mod source;
mod waive;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};

use crate::exit::Exit;
use crate::policy::Policy;
use output::OutputArgs;
use shell::Shell;

/// Runs the program with these arguments, the first being its name.
///
/// Called as `cargo gate …`, cargo passes `gate` as the second argument: pass
/// `cargo = true` to drop it.
pub fn main(args: impl Iterator<Item = OsString>, cargo: bool) -> Exit {
    let mut args: Vec<OsString> = args.collect();
    if cargo && args.get(1).is_some_and(|arg| arg == "gate") {
        args.remove(1);
    }
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors: clap says so by its exit code.
            let _ = error.print();
            return if error.exit_code() == 0 { Exit::Pass } else { Exit::Usage };
        }
    };
    let Cli { quiet, command } = cli;
    let shell = Shell { quiet };
    let directory = match std::env::current_dir() {
        Ok(directory) => directory,
        Err(error) => {
            shell.error(&format!("the working directory cannot be used: {error}"));
            return Exit::Failure;
        }
    };
    let context = Context { shell, directory };
    let outcome = match command {
        Command::Run(command) => command.run(&context),
        Command::Ab(command) => command.run(&context),
        Command::Calibrate(command) => command.run(&context),
        Command::Check(command) => command.run(&context),
        Command::Compare(command) => command.run(&context),
        Command::Baseline(command) => command.run(&context),
        Command::Report(command) => command.run(&context),
        Command::Policy(command) => command.run(&context),
        Command::Waive(command) => command.run(&context),
        Command::Explain(command) => command.run(&context),
        Command::Init(command) => command.run(&context),
        Command::Doctor(command) => command.run(&context),
        Command::Service(command) => service::run(command, &context),
        Command::Completions(command) => command.run(&context),
        Command::Man(command) => command.run(&context),
    };
    outcome.unwrap_or_else(|failed| {
        context.shell.error(&chain(&failed.error));
        failed.exit
    })
}

/// The error and its causes on one line; a cause that the text before already
/// holds is not said twice.
fn chain(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// Measure benchmarks, and fail a pipeline on a real regression and nothing else
#[derive(Debug, Parser)]
#[command(
    name = "gate",
    version,
    after_help = "Exit codes: 0 pass · 1 could not complete · 2 usage or configuration · \
                  3 regression or budget exceeded · 4 undecided, where the policy blocks on that · \
                  5 nothing compared, or a required benchmark is missing"
)]
struct Cli {
    /// Leave out status lines
    #[arg(long, short, global = true, display_order = 900)]
    quiet: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Run),
    Ab(ab::Ab),
    Check(check::Check),
    Calibrate(calibrate::Calibrate),
    Compare(compare::Compare),
    Baseline(baseline::BaselineCommand),
    Report(report::ReportCommand),
    Policy(policy::PolicyCommand),
    Waive(waive::Waive),
    Explain(explain::Explain),
    Init(init::Init),
    Doctor(doctor::Doctor),
    Service(service::Service),
    Completions(completions::Completions),
    Man(man::Man),
}

/// What every subcommand stands in.
struct Context {
    shell: Shell,
    directory: PathBuf,
}

/// An error with the exit code that it asks for.
#[derive(Debug)]
struct Failed {
    exit: Exit,
    error: anyhow::Error,
}

impl Failed {
    /// The command line or the policy is wrong.
    fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self { exit: Exit::Usage, error: error.into() }
    }

    /// The command exists, and this program was compiled without its part.
    #[cfg(not(feature = "full"))]
    fn not_compiled_in(command: &str, feature: &str) -> Self {
        Self::usage(anyhow::anyhow!(
            "`gate {command}` needs the feature `{feature}`, which is not compiled in; install it \
             with: cargo install benchgate --features {feature}"
        ))
    }

    /// There is nothing to compare with.
    fn nothing(error: impl Into<anyhow::Error>) -> Self {
        Self { exit: Exit::NothingCompared, error: error.into() }
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self { exit: Exit::Failure, error: error.into() }
    }
}

/// Which policy is in force.
#[derive(Debug, Args)]
struct PolicyArgs {
    /// The policy file [default: gate.toml or ci/gate.toml, where there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl PolicyArgs {
    fn find(&self) -> Result<Policy, Failed> {
        find_policy(self.config.as_deref())
    }
}

/// The policy of that file, else the one of the working directory, else the
/// defaults. Paths stay relative: they are shown, and written into reports.
fn find_policy(file: Option<&Path>) -> Result<Policy, Failed> {
    Policy::find(file, Path::new("")).map_err(Failed::usage)
}
