//! Commands that set up a project or a machine.

mod completions;
mod doctor;
mod init;
mod man;
mod policy;
mod service;

use clap::Subcommand;

use super::context::{Context, Failed};
use crate::exit::Exit;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Init(init::Init),
    Doctor(doctor::Doctor),
    Policy(policy::PolicyCommand),
    Service(service::Service),
    Completions(completions::Completions),
    Man(man::Man),
}

impl Command {
    /// `definition` is the whole command line, for completions and manual pages.
    pub(super) fn run(self, context: &Context, definition: clap::Command) -> Result<Exit, Failed> {
        match self {
            Self::Init(command) => command.run(context),
            Self::Doctor(command) => command.run(context),
            Self::Policy(command) => command.run(context),
            Self::Service(command) => service::run(command),
            Self::Completions(command) => command.run(context, definition),
            Self::Man(command) => command.run(context, definition),
        }
    }
}
