//! `gate man`

use std::path::PathBuf;

use clap::{Args, CommandFactory as _};

use super::{Cli, Context, Failed};
use crate::exit::Exit;

/// Write the manual pages into a directory: gate.1, gate-run.1, …
///
///   gate man ~/.local/share/man/man1
///   man gate-ab
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Man {
    /// The directory; made where it is missing
    directory: PathBuf,
}

impl Man {
    pub(super) fn run(self, context: &Context) -> Result<Exit, Failed> {
        let Self { directory } = self;
        fs_err::create_dir_all(&directory)?;
        clap_mangen::generate_to(Cli::command(), &directory)?;
        context.shell.status("written", &directory.display().to_string());
        Ok(Exit::Pass)
    }
}
