//! `gate explain CODE`

use std::fmt::Write as _;

use clap::Args;

use super::{Context, Failed};
use crate::exit::Exit;
use crate::judge::{explained, explanation};

/// Explain a finding's code or a row's outcome
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// The code, as a report shows it; without one, all of them are listed
    code: Option<String>,
}

impl Explain {
    pub(super) fn run(self, context: &Context) -> Result<Exit, Failed> {
        let Self { code } = self;
        let Some(code) = code else {
            let mut list = String::new();
            for name in explained() {
                let text = explanation(name).unwrap_or_default();
                let first = text.split(". ").next().unwrap_or(text).trim_end_matches('.');
                let _ = writeln!(list, "{name:<22}{first}");
            }
            list.push_str("\nExit codes:\n");
            for exit in Exit::ALL {
                let _ = writeln!(list, "{:<22}{}", exit.code(), exit.meaning());
            }
            context.shell.data(&list)?;
            return Ok(Exit::Pass);
        };
        match explanation(&code) {
            Some(text) => {
                context.shell.data(&format!("{code}\n\n{text}\n"))?;
                Ok(Exit::Pass)
            }
            None => Err(Failed::usage(anyhow::anyhow!(
                "there is no code `{code}`; `gate explain` lists them all"
            ))),
        }
    }
}
