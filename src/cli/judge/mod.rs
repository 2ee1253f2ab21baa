//! Commands that judge results, or show a judgement.

mod check;
mod compare;
mod explain;
mod merge;
mod report;
mod targets;

use clap::Subcommand;

use super::context::{Context, Failed};
use crate::exit::Exit;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Check(check::Check),
    Compare(compare::Compare),
    Targets(targets::Targets),
    Merge(merge::Merge),
    Report(report::ReportCommand),
    Explain(explain::Explain),
}

impl Command {
    pub(super) fn run(self, context: &Context) -> Result<Exit, Failed> {
        match self {
            Self::Check(command) => command.run(context),
            Self::Compare(command) => command.run(context),
            Self::Targets(command) => command.run(context),
            Self::Merge(command) => command.run(context),
            Self::Report(command) => command.run(context),
            Self::Explain(command) => command.run(context),
        }
    }
}
