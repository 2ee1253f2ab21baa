//! `gate completions`

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::{Cli, Context, Failed};
use crate::exit::Exit;

/// Print what a shell needs to complete gate's commands and options
///
///   gate completions bash > ~/.local/share/bash-completion/completions/gate
///   gate completions zsh  > ~/.zfunc/_gate          with ~/.zfunc in fpath, before compinit
///   gate completions fish > ~/.config/fish/completions/gate.fish
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self, context: &Context) -> Result<Exit, Failed> {
        let Self { shell } = self;
        let mut text = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "gate", &mut text);
        context.shell.data(&String::from_utf8(text)?)?;
        Ok(Exit::Pass)
    }
}
