//! `gate policy show|validate|schema`

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Context, Failed, PolicyArgs, find_policy};
use crate::exit::Exit;
use crate::policy::{self, SEARCHED};

/// Show or check the policy (gate.toml)
#[derive(Debug, Args)]
pub(super) struct PolicyCommand {
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
        /// The file; without one, the policy that would be found
        file: Option<PathBuf>,
    },
    /// Print the JSON Schema of policy files, for editors
    Schema,
}

impl PolicyCommand {
    pub(super) fn run(self, context: &Context) -> Result<Exit, Failed> {
        match self.action {
            Action::Show { policy } => {
                let found = policy.find()?;
                let mut text = policy::DEFAULT.to_owned();
                if let Some(path) = &found.source {
                    let own = fs_err::read_to_string(path)?;
                    let path = path.display();
                    text =
                        format!("{text}\n# ---- on top of these defaults, {path} says:\n\n{own}");
                }
                context.shell.data(&text)?;
            }
            Action::Validate { file } => {
                let name = match find_policy(file.as_deref())?.source {
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
