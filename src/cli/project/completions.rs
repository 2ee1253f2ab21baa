//! `gate completions`

use clap::Args;
use clap_complete::Shell;

use crate::cli::context::{Context, Failed};
use crate::exit::Exit;

/// Print a shell completion script
///
///   gate completions bash > ~/.local/share/bash-completion/completions/gate
///   gate completions zsh  > ~/.zfunc/_gate          with ~/.zfunc in fpath, before compinit
///   gate completions fish > ~/.config/fish/completions/gate.fish
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Completions {
    /// Print the script of this shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(super) fn run(
        self,
        context: &Context,
        mut definition: clap::Command,
    ) -> Result<Exit, Failed> {
        let Self { shell } = self;
        let mut text = Vec::new();
        clap_complete::generate(shell, &mut definition, "gate", &mut text);
        context.shell.data(&String::from_utf8(text)?)?;
        Ok(Exit::Pass)
    }
}
