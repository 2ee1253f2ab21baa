//! Commands that measure.

mod ab;
mod calibrate;
mod learn;
mod plan;
mod run;
mod selftest;
mod sides;
mod subjects;

use clap::Subcommand;

use super::context::{Context, Failed};
use crate::exit::Exit;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Run(run::Run),
    Ab(ab::Ab),
    Calibrate(calibrate::Calibrate),
    Selftest(selftest::Selftest),
}

impl Command {
    pub(super) fn run(self, context: &Context) -> Result<Exit, Failed> {
        match self {
            Self::Run(command) => command.run(context),
            Self::Ab(command) => command.run(context),
            Self::Calibrate(command) => command.run(context),
            Self::Selftest(command) => command.run(context),
        }
    }
}
