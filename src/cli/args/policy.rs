//! The policy in force.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::context::{Context, Failed};
use crate::fnv::Fnv;
use crate::policy::{Policy, SEARCHED};
use crate::project::workspace_root;

#[derive(Debug, Args)]
pub(in crate::cli) struct PolicyArgs {
    /// Use this policy [default: gate.toml or ci/gate.toml, here or in the workspace's root]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl PolicyArgs {
    /// Where the directories of commands are meant from: where the policy was searched and found,
    /// or the working directory.
    pub(in crate::cli) fn directory(&self, context: &Context) -> PathBuf {
        let here = || context.directory.clone();
        if self.config.is_some() || Policy::searched(Path::new("")).is_some() {
            return here();
        }
        root(context)
            .filter(|root| Policy::searched(root).is_some())
            .map_or_else(here, |root| context.directory.join(root))
    }

    pub(in crate::cli) fn find(&self, context: &Context) -> Result<Policy, Failed> {
        find_policy(context, self.config.as_deref())
    }
}

/// The policy of `file`, else the project's, else the defaults.
pub(in crate::cli) fn find_policy(
    context: &Context,
    file: Option<&Path>,
) -> Result<Policy, Failed> {
    let file = file.map(Path::to_owned).or_else(|| search(context));
    Policy::find(file.as_deref(), Path::new("")).map_err(Failed::usage)
}

/// A short name for the text of a policy, wherever its file is: equal policies have equal
/// names.
pub(in crate::cli) fn digest(policy: &Policy) -> Result<String, Failed> {
    let Some(source) = &policy.source else { return Ok("the defaults".to_owned()) };
    let text = fs_err::read(source).map_err(Failed::usage)?;
    let mut name = Fnv::default();
    name.add(&text);
    Ok(name.to_string())
}

/// The policy file to change: the project's, or a new one in the workspace's root.
pub(in crate::cli) fn policy_to_edit(context: &Context) -> PathBuf {
    search(context).unwrap_or_else(|| root(context).unwrap_or_default().join(SEARCHED[0]))
}

/// The policy file of the working directory, else of the workspace's root.
fn search(context: &Context) -> Option<PathBuf> {
    Policy::searched(Path::new("")).or_else(|| Policy::searched(&root(context)?))
}

/// The root of the workspace that the working directory is in. The path stays
/// relative, as it is shown and written into reports.
fn root(context: &Context) -> Option<PathBuf> {
    let root = workspace_root(&context.directory)?;
    Some(match context.directory.strip_prefix(&root) {
        Ok(below) => below.components().map(|_| "..").collect(),
        Err(_) => root,
    })
}
