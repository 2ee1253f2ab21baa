//! `gate init`

use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::context::{Context, Failed};
use crate::cli::diff;
use crate::exit::Exit;
use crate::files::{self, Existing};
use crate::init::{ActionSource, Planned, plan};
use crate::measure::Repository;
use crate::policy::SEARCHED;
use crate::project::Project;

/// The placeholder in the workflows, unless --actions replaces it.
const ACTIONS: &str = "OWNER/benchgate@COMMIT";

/// Write a first gate.toml and GitHub workflows
///
/// Reads the manifests and the sources of the bench targets; nothing is built. Shows the files before
/// writing them, and never changes an existing file. gate.toml goes into the workspace's root, the
/// workflows into the repository's:
///
///   gate init --dry-run        show the files, and how they differ from existing ones
///   gate init                  show the files, ask, write them
///   gate init --yes            show the files and write them, for scripts
///   gate init --no-workflows   write only gate.toml
///
/// Then measure: `gate ab` compares the working tree with its base, and `gate calibrate` finds out how
/// small a change this machine can show.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Init {
    /// Write without asking
    #[arg(long, short, conflicts_with = "dry_run")]
    yes: bool,
    /// Show the files, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Leave out the GitHub workflows
    #[arg(long)]
    no_workflows: bool,
    /// Use benchgate's actions from here in the workflows, preferably at the full hash of a commit
    /// that you have reviewed
    #[arg(long, value_name = "OWNER/REPOSITORY@REVISION", default_value = ACTIONS)]
    actions: ActionSource,
    /// Read the project of this Cargo.toml [default: the working directory's]
    #[arg(long, value_name = "FILE")]
    manifest_path: Option<PathBuf>,
}

/// Whether a file exists already.
enum FileState {
    New,
    /// It exists with the planned content.
    Same,
    /// It exists with this other content.
    Differs(String),
}

impl Init {
    pub(super) fn run(self, context: &Context) -> Result<Exit, Failed> {
        let Self { yes, dry_run, no_workflows, actions, manifest_path } = self;
        let mut project = Project::read(&context.directory, manifest_path.as_deref())?;
        // git resolves symbolic links in a repository's path, cargo does not.
        project.root = fs_err::canonicalize(&project.root)?;
        if project.benches.is_empty() {
            return Err(anyhow::anyhow!(
                "{} has no bench target to measure: add a `[[bench]]` with `harness = false` that \
                 uses criterion or iai-callgrind",
                project.root.display()
            )
            .into());
        }
        for bench in &project.benches {
            let refusal = bench.driver.refusal().map(|text| format!(": {text}"));
            let refusal = refusal.unwrap_or_default();
            let found = format!("{}/{}  {}{refusal}", bench.package, bench.target, bench.driver);
            context.shell.status("found", &found);
        }
        if project.harnesses().is_empty() {
            context.shell.note("none of these bench targets seems to be measurable yet");
        }
        let repository = (!no_workflows).then(|| Repository::of(&project.root).ok()).flatten();
        if repository.is_none() && !no_workflows {
            context.shell.note("not in a git repository, so no workflows are planned");
        }
        let root = repository.as_ref().map(|repository| fs_err::canonicalize(repository.root()));
        let files = plan(&project, root.transpose()?.as_deref(), &actions).map_err(|root| {
            anyhow::anyhow!("{}: the project is not inside its repository", root.display())
        })?;
        let mut new = Vec::new();
        for file in &files {
            let name = shown(&file.path, &context.directory);
            match state(file, &project.root)? {
                FileState::New => {
                    context.shell.data(&diff::unified(&name, "", &file.text))?;
                    new.push((name, file));
                }
                FileState::Same => context.shell.status("up to date", &name),
                FileState::Differs(text) => {
                    context.shell.status("kept", &format!("{name} exists and is not changed"));
                    if dry_run {
                        context.shell.data(&diff::unified(&name, &text, &file.text))?;
                    }
                }
            }
        }
        let workflows = new.iter().any(|(name, _)| name.contains(".github"));
        if workflows && actions.is_placeholder() {
            context.shell.note(
                "replace OWNER and COMMIT in the workflows with benchgate's owner and the commit that \
                 you have reviewed, or name them with --actions",
            );
        }
        if dry_run || new.is_empty() {
            return Ok(Exit::Pass);
        }
        if !yes && !allowed(context, new.len())? {
            context.shell.note("nothing was written");
            return Ok(Exit::Pass);
        }
        for (name, file) in new {
            files::write(&file.path, file.text.as_bytes(), Existing::Refuse)?;
            context.shell.status("written", &name);
        }
        Ok(Exit::Pass)
    }
}

fn allowed(context: &Context, files: usize) -> Result<bool, Failed> {
    let files = if files == 1 { "this file".to_owned() } else { format!("these {files} files") };
    context.shell.ask(&format!("write {files}?"))?.ok_or_else(|| {
        Failed::usage(anyhow::anyhow!(
            "nothing was written, because there is no terminal to ask on; use --yes to write \
             without asking, or --dry-run to show the files"
        ))
    })
}

/// The state of a file. A policy counts as existing in any place where it is searched.
fn state(file: &Planned, root: &Path) -> Result<FileState, Failed> {
    let is_policy = file.path.parent() == Some(root);
    let elsewhere = SEARCHED.iter().map(|name| root.join(name)).filter(|_| is_policy);
    let mut places = elsewhere.chain([file.path.clone()]);
    let Some(path) = places.find(|path| path.symlink_metadata().is_ok()) else {
        return Ok(FileState::New);
    };
    let text = fs_err::read_to_string(path)?;
    Ok(if text == file.text { FileState::Same } else { FileState::Differs(text) })
}

/// A path relative to the working directory, if it is inside.
fn shown(path: &Path, directory: &Path) -> String {
    let directory = fs_err::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
    path.strip_prefix(&directory).unwrap_or(path).display().to_string()
}
