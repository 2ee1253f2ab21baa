//! The command line: one file for each command, in a folder for each group of commands.

mod args;
mod candidate;
mod context;
mod diff;
mod help;
mod judge;
mod keep;
mod measure;
mod progress;
mod project;
mod shell;
mod store;

use std::ffi::OsString;
use std::io;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use jiff::Zoned;

use crate::exit::Exit;
use context::{Context, Failed};
use shell::Shell;

/// Runs the program with these arguments. The first argument is its name.
///
/// Called as `cargo gate …`, cargo passes `gate` as the second argument: pass
/// `cargo = true` to drop it.
pub fn main(args: impl Iterator<Item = OsString>, cargo: bool) -> Exit {
    let mut args: Vec<OsString> = args.collect();
    if cargo && args.get(1).is_some_and(|arg| arg == "gate") {
        args.remove(1);
    }
    let program = if cargo { "cargo gate" } else { "gate" };
    if args.len() < 2 {
        // Nothing was done, so a pipeline that forgot the command does not pass.
        Shell::default().plain(&help::first_steps(program));
        return Exit::Usage;
    }
    let parsed = definition(program)
        .try_get_matches_from(args)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let Cli { quiet, command } = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            // Ignored: there may be no reader, and there is nowhere left to report it.
            let _ = error.print();
            // Clap reports help and version as errors with the exit code 0.
            return if error.exit_code() == 0 { Exit::Pass } else { Exit::Usage };
        }
    };
    let shell = Shell { quiet };
    match context(program, shell) {
        Ok(context) => command.run(&context).unwrap_or_else(|failed| {
            context.shell.error(&failed.message());
            failed.exit
        }),
        Err(error) => {
            Shell { quiet }.error(&format!("cannot use the working directory: {error}"));
            Exit::Failure
        }
    }
}

fn context(program: &'static str, shell: Shell) -> io::Result<Context> {
    let directory = std::env::current_dir()?;
    Ok(Context { program, shell, directory, today: Zoned::now().date() })
}

/// The definition of the command line, with help that groups the commands.
fn definition(program: &str) -> clap::Command {
    help::grouped(
        Cli::command().bin_name(program),
        &[
            ("Measure", commands::<measure::Command>()),
            ("Judge", commands::<judge::Command>()),
            ("Keep", commands::<keep::Command>()),
            ("Project", commands::<project::Command>()),
        ],
    )
}

fn commands<T: Subcommand>() -> clap::Command {
    T::augment_subcommands(clap::Command::new("group"))
}

/// Measure benchmarks, and fail a pipeline only on a real regression
#[derive(Debug, Parser)]
#[command(
    name = "gate",
    version,
    after_help = "Exit codes: 0 pass · 1 could not complete · 2 usage or configuration · \
                  3 regression, or a target or budget missed · 4 undecided, and the policy blocks on \
                  that · 5 nothing compared, or a required benchmark or target was not measured"
)]
struct Cli {
    /// Suppress status messages
    #[arg(long, short, global = true, display_order = 900)]
    quiet: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(flatten)]
    Measure(measure::Command),
    #[command(flatten)]
    Judge(judge::Command),
    #[command(flatten)]
    Keep(keep::Command),
    #[command(flatten)]
    Project(project::Command),
}

impl Command {
    fn run(self, context: &Context) -> Result<Exit, Failed> {
        match self {
            Self::Measure(command) => command.run(context),
            Self::Judge(command) => command.run(context),
            Self::Keep(command) => command.run(context),
            Self::Project(command) => command.run(context, definition("gate")),
        }
    }
}

#[cfg(test)]
mod tests;
