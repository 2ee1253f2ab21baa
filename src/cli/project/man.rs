//! `gate man`

use std::path::PathBuf;

use clap::Args;

use crate::cli::context::{Context, Failed};
use crate::exit::Exit;

/// Write the manual pages into a directory
///
/// There is a page for the program and one for each command (gate.1, gate-run.1, …):
///
///   gate man ~/.local/share/man/man1
///   man gate-ab
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Man {
    /// Write into this directory, which is created if it does not exist
    directory: PathBuf,
}

impl Man {
    pub(super) fn run(self, context: &Context, definition: clap::Command) -> Result<Exit, Failed> {
        let Self { directory } = self;
        fs_err::create_dir_all(&directory)?;
        clap_mangen::generate_to(definition, &directory)?;
        context.shell.status("written", &directory.display().to_string());
        Ok(Exit::Pass)
    }
}
