//! Commands that change the basis of later comparisons: baselines and waivers.

mod baseline;
mod waive;

use clap::Subcommand;

use super::context::{Context, Failed};
use crate::exit::Exit;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Baseline(baseline::BaselineCommand),
    Waive(waive::Waive),
}

impl Command {
    pub(super) fn run(self, context: &Context) -> Result<Exit, Failed> {
        match self {
            Self::Baseline(command) => command.run(context),
            Self::Waive(command) => command.run(context),
        }
    }
}
