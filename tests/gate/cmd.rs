//! Tests of the command line that a golden (`tests/goldens.rs`) cannot express.

mod complete;
mod json;
mod setup;
mod streams;
mod widths;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The machine class of all tests.
const CLASS: &str = "ci-box";

/// The snapshots and policies that goldens and tests use.
fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cmd/project")
}

/// The program in `directory`, without variables that the caller's shell may have set.
fn command(program: &str, directory: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).current_dir(directory).env("BENCHGATE_CLASS", CLASS);
    for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "CI", "TERM", "GITHUB_STEP_SUMMARY"]
    {
        command.env_remove(variable);
    }
    command
}

/// Runs `gate ARGS` in the project's directory.
fn gate(args: &[&str]) -> Output {
    command(crate::GATE, &project(), args).output().expect("gate starts")
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).expect("UTF-8 on stdout")
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).expect("UTF-8 on stderr")
}
