//! `gate init`

use std::path::{Path, PathBuf};

use clap::Args;

use super::{Context, Failed, diff};
use crate::exit::Exit;
use crate::init::{ActionSource, Planned, plan};
use crate::measure::Repository;
use crate::policy::SEARCHED;
use crate::project::Project;

/// What stands in the workflows as long as nobody says where the actions are.
const ACTIONS: &str = "OWNER/benchgate@COMMIT";

/// Write a first gate.toml and GitHub workflows for this project
///
/// Looks at the manifests and the sources of the bench targets; nothing is built. What would be
/// written is shown first, and a file that is there is never touched:
///
///   gate init --dry-run      only show it, also how it differs from what is there
///   gate init                show it, ask, write it
///   gate init --yes          show it and write it, as a script does
///   gate init --no-workflows gate.toml alone
///
/// Then measure: `gate ab` judges the working tree against its base, and `gate calibrate` says what
/// this machine can show.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Init {
    /// Write without asking
    #[arg(long, short, conflicts_with = "dry_run")]
    yes: bool,
    /// Show what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Leave out the GitHub workflows
    #[arg(long)]
    no_workflows: bool,
    /// Where the workflows use benchgate's actions from; best the full hash of a commit that you
    /// reviewed
    #[arg(long, value_name = "OWNER/REPOSITORY@REVISION", default_value = ACTIONS)]
    actions: ActionSource,
    /// The Cargo.toml to look at
    #[arg(long, value_name = "FILE")]
    manifest_path: Option<PathBuf>,
}

/// What becomes of a file.
enum Fate {
    /// It is not there yet.
    New,
    /// It is there and holds just that.
    Same,
    /// It is there, with this content.
    Kept(String),
}

impl Init {
    pub(super) fn run(self, context: &Context) -> Result<Exit, Failed> {
        let Self { yes, dry_run, no_workflows, actions, manifest_path } = self;
        let mut project = Project::read(&context.directory, manifest_path.as_deref())?;
        // git says where a repository really is, cargo where the user called it.
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
            context.shell.note("none of them can be measured as it is, so far as can be seen");
        }
        let repository = (!no_workflows).then(|| Repository::of(&project.root).ok()).flatten();
        if repository.is_none() && !no_workflows {
            context.shell.note("this is no git repository, so it gets no workflows");
        }
        let root = repository.as_ref().map(|repository| fs_err::canonicalize(repository.root()));
        let files = plan(&project, root.transpose()?.as_deref(), &actions).map_err(|root| {
            anyhow::anyhow!("{}: the project does not lie in its repository", root.display())
        })?;
        let mut new = Vec::new();
        for file in &files {
            let name = shown(&file.path, &context.directory);
            match fate(file, &project.root)? {
                Fate::New => {
                    context.shell.data(&diff::unified(&name, "", &file.text))?;
                    new.push((name, file));
                }
                Fate::Same => context.shell.status("up to date", &name),
                Fate::Kept(text) => {
                    context.shell.status("kept", &format!("{name} is there and is not touched"));
                    if dry_run {
                        context.shell.data(&diff::unified(&name, &text, &file.text))?;
                    }
                }
            }
        }
        let workflows = new.iter().any(|(name, _)| name.contains(".github"));
        if workflows && actions.is_placeholder() {
            context.shell.note(
                "put benchgate's owner, and the commit of it that you reviewed, into the workflows \
                 for OWNER and COMMIT; or name them with --actions",
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
            crate::baseline::create(&file.path, file.text.as_bytes())?;
            context.shell.status("written", &name);
        }
        Ok(Exit::Pass)
    }
}

fn allowed(context: &Context, files: usize) -> Result<bool, Failed> {
    let files = if files == 1 { "this file".to_owned() } else { format!("these {files} files") };
    context.shell.ask(&format!("write {files}?"))?.ok_or_else(|| {
        Failed::usage(anyhow::anyhow!(
            "nothing was written, as there is no terminal to ask on: --yes writes, --dry-run only \
             shows"
        ))
    })
}

/// Whether the file is there; a policy anywhere that it is searched counts.
fn fate(file: &Planned, root: &Path) -> Result<Fate, Failed> {
    let is_policy = file.path.parent() == Some(root);
    let elsewhere = SEARCHED.iter().map(|name| root.join(name)).filter(|_| is_policy);
    let mut places = elsewhere.chain([file.path.clone()]);
    let Some(path) = places.find(|path| path.symlink_metadata().is_ok()) else {
        return Ok(Fate::New);
    };
    let text = fs_err::read_to_string(path)?;
    Ok(if text == file.text { Fate::Same } else { Fate::Kept(text) })
}

/// A path as seen from the working directory, where it lies below.
fn shown(path: &Path, directory: &Path) -> String {
    let directory = fs_err::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
    path.strip_prefix(&directory).unwrap_or(path).display().to_string()
}
