//! `gate policy show|validate|schema`

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::args::{PolicyArgs, find_policy};
use crate::cli::context::{Context, Failed};
use crate::exit::Exit;
use crate::policy::{self, SEARCHED};

/// Show or check the policy (gate.toml)
///
///   gate policy show         the commented defaults, then the project's own file
///   gate policy validate     check the file; nothing is judged
///   gate policy schema > gate.schema.json
///                            for an editor's completion and checks
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct PolicyCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print the policy in force: the commented defaults, then the file
    Show {
        #[command(flatten)]
        policy: PolicyArgs,
    },
    /// Check a policy without judging anything
    Validate {
        /// Check this file [default: the policy that other commands would use]
        file: Option<PathBuf>,
    },
    /// Print the JSON Schema of policy files, for editors
    Schema,
}

impl PolicyCommand {
    pub(super) fn run(self, context: &Context) -> Result<Exit, Failed> {
        match self.action {
            Action::Show { policy } => {
                let found = policy.find(context)?;
                let mut text = policy::DEFAULT.to_owned();
                if let Some(path) = &found.source {
                    let own = fs_err::read_to_string(path)?;
                    let path = path.display();
                    text = format!("{text}\n# ---- {path}, which overrides the defaults:\n\n{own}");
                }
                context.shell.data(&text)?;
            }
            Action::Validate { file } => {
                let name = match find_policy(context, file.as_deref())?.source {
                    Some(path) => path.display().to_string(),
                    None => format!("the defaults; there is no {}", SEARCHED.join(" or ")),
                };
                context.shell.status("valid", &name);
            }
            Action::Schema => {
                let text = serde_json::to_string_pretty(&policy::schema())?;
                context.shell.data(&(text + "\n"))?;
            }
        }
        Ok(Exit::Pass)
    }
}
