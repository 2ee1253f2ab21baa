//! `gate baseline save|list|show|promote|prune|import|export`

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use jiff::{SignedDuration, Timestamp, Zoned};

use super::check::{named, newest};
use super::source::{Results, StoreArgs};
use super::{Context, Failed, OutputArgs, PolicyArgs};
use crate::baseline::{self, BaselineError, Entry, Existing, Prune};
use crate::exit::Exit;
use crate::judge::{self, Case};
use crate::model::{BenchId, Snapshot};
use crate::report::plain;

/// Save, list, show, promote, prune and exchange baselines
#[derive(Debug, Args)]
pub(super) struct BaselineCommand {
    #[command(flatten)]
    store: StoreArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Save results as a baseline of this machine class
    Save {
        /// The baseline's name
        name: String,
        /// A snapshot's file, a directory of results or a baseline's name [default: the newest `gate run`]
        #[arg(conflicts_with_all = ["criterion", "callgrind"])]
        from: Option<String>,
        #[command(flatten)]
        results: Results,
        /// Replace a baseline of that name
        #[arg(long)]
        force: bool,
    },
    /// List the baselines of all machine classes
    List,
    /// Show what a baseline holds
    Show {
        /// A baseline's name or a file
        name: String,
        #[command(flatten)]
        policy: PolicyArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Make one baseline another: `promote candidate main`; what it replaces is kept
    Promote {
        /// The baseline that becomes another
        from: String,
        /// The name it gets
        to: String,
    },
    /// Remove old baselines, and what killed writers left
    Prune {
        /// Names that stay, whatever their age
        #[arg(long, value_name = "NAME", default_value = "main")]
        keep: Vec<String>,
        /// Remove what was taken longer ago than this many days
        #[arg(long, value_name = "DAYS", default_value_t = 90)]
        older_than: u32,
        /// Only say what would be removed
        #[arg(long)]
        dry_run: bool,
    },
    /// Take a file of another format as a baseline of this machine class
    Import {
        /// The file
        file: PathBuf,
        /// Its format
        #[arg(long, value_enum, default_value_t = Exchange::Critcmp)]
        format: Exchange,
        /// The baseline's name [default: the one in the file]
        #[arg(long)]
        name: Option<String>,
        /// Replace a baseline of that name
        #[arg(long)]
        force: bool,
    },
    /// Print a baseline in another format
    Export {
        /// A baseline's name or a file
        name: String,
        /// The format
        #[arg(long, value_enum, default_value_t = Exchange::Critcmp)]
        format: Exchange,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Exchange {
    /// What `critcmp --export` writes
    Critcmp,
}

impl BaselineCommand {
    pub(super) fn run(self, context: &Context) -> Result<Exit, Failed> {
        let Self { store: args, action } = self;
        let store = args.store();
        match action {
            Action::Save { name, from, results, force } => {
                let snapshot = match &from {
                    Some(spec) => named(context, &args, spec)?,
                    None if results.any() => results.newest()?,
                    None => newest(context)?,
                };
                save(context, &args, &name, snapshot, force)?;
            }
            Action::List => {
                let entries = store.list()?;
                if entries.is_empty() {
                    context.shell.note("there are no baselines; `gate run --save main` makes one");
                }
                context.shell.data(&list(&entries))?;
                if entries.iter().any(|entry| entry.summary.is_err()) {
                    return Ok(Exit::Failure);
                }
            }
            Action::Show { name, policy, output } => {
                let snapshot = named(context, &args, &name)?;
                let policy = policy.find()?;
                let today = Zoned::now().date();
                let case = Case {
                    baseline: None,
                    candidate: &snapshot,
                    policy: &policy,
                    noise: None,
                    today,
                };
                return output.write(context, &judge::compare(&case));
            }
            Action::Promote { from, to } => {
                let promoted = store.promote(&args.class(), &from, &to).map_err(usage_if_name)?;
                context.shell.status("promoted", &format!("{from} to {}", promoted.path.display()));
                if let Some(kept) = promoted.replaced {
                    context.shell.status("kept", &format!("the former one as {}", kept.display()));
                }
            }
            Action::Prune { keep, older_than, dry_run } => {
                let pruned = store.prune(&Prune {
                    keep: keep.into_iter().collect(),
                    older_than: SignedDuration::from_hours(24 * i64::from(older_than)),
                    now: Timestamp::now(),
                    dry_run,
                })?;
                let verb = if dry_run { "would remove" } else { "removed" };
                for file in &pruned {
                    context.shell.status(verb, &file.path.display().to_string());
                }
                context.shell.status(verb, &counted(pruned.len(), "file"));
            }
            Action::Import { file, format: Exchange::Critcmp, name, force } => {
                let snapshot = baseline::import_critcmp(&file)?;
                let name = name.unwrap_or_else(|| snapshot.name.clone());
                save(context, &args, &name, snapshot, force)?;
            }
            Action::Export { name, format: Exchange::Critcmp } => {
                let export = baseline::export_critcmp(&named(context, &args, &name)?)?;
                context.shell.data(&export.text)?;
                for omitted in &export.omitted {
                    context.shell.note(&format!("critcmp's format cannot hold {omitted}"));
                }
            }
        }
        Ok(Exit::Pass)
    }
}

/// Saves a snapshot under a name in this machine's class, and says where.
pub(super) fn save(
    context: &Context,
    args: &StoreArgs,
    name: &str,
    mut snapshot: Snapshot,
    force: bool,
) -> Result<(), Failed> {
    name.clone_into(&mut snapshot.name);
    if let Some(selection) = &snapshot.selection {
        context.shell.note(&format!("the baseline holds only a part: {selection}"));
    }
    let existing = if force { Existing::Replace } else { Existing::Refuse };
    let saved = args.store().save(&args.class(), &snapshot, existing);
    let path = match saved {
        Ok(path) => path,
        Err(error @ BaselineError::Exists { .. }) => {
            let error = anyhow::Error::new(error);
            return Err(Failed::usage(error.context("not saved; --force replaces it")));
        }
        Err(error) => return Err(usage_if_name(error)),
    };
    let ids: BTreeSet<&BenchId> = snapshot.measurements.iter().map(|m| &m.id).collect();
    let holds =
        format!("{}, {}", counted(ids.len(), "benchmark"), counted(snapshot.runs.len(), "run"));
    context.shell.status("saved", &format!("{}: {holds}", path.display()));
    if !snapshot.problems.is_empty() {
        context.shell.note(&format!(
            "it lacks {} that could not be used: gate baseline show {name}",
            counted(snapshot.problems.len(), "result")
        ));
    }
    Ok(())
}

fn usage_if_name(error: BaselineError) -> Failed {
    match error {
        BaselineError::Name { .. } | BaselineError::SameName { .. } => Failed::usage(error),
        error => error.into(),
    }
}

fn list(entries: &[Entry]) -> String {
    let names: Vec<String> = entries
        .iter()
        .map(|entry| format!("{}/{}", plain(&entry.class), plain(&entry.name)))
        .collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or_default();
    let mut text = String::new();
    for (name, entry) in names.iter().zip(entries) {
        let _ = write!(text, "{name:width$}  ");
        match &entry.summary {
            Ok(summary) => {
                let revision = summary.revision.as_ref().map_or_else(String::new, |revision| {
                    let short: String = revision.commit.chars().take(10).collect();
                    format!("  {}{}", plain(&short), if revision.dirty { "+" } else { "" })
                });
                let _ = writeln!(
                    text,
                    "{}  {}, {}{revision}",
                    summary.created.strftime("%Y-%m-%d %H:%M"),
                    counted(summary.benchmarks, "benchmark"),
                    counted(summary.runs, "run"),
                );
            }
            Err(error) => {
                let _ = writeln!(text, "cannot be used: {}", plain(&error.to_string()));
            }
        }
    }
    text
}

fn counted(count: usize, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}
