//! `gate baseline save|list|show|promote|prune|import|export`

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use jiff::{SignedDuration, Timestamp};

use crate::baseline::{self, Entry, Prune};
use crate::cli::args::{OutputArgs, PolicyArgs, Results, StoreArgs};
use crate::cli::candidate::{named, newest};
use crate::cli::context::{Context, Failed};
use crate::cli::store::{save, usage_if_name};
use crate::exit::Exit;
use crate::judge::{self, Case};
use crate::report::plain;
use crate::text::plural;

/// Save, list, show, promote, prune and exchange baselines
///
///   gate baseline save main            the results of the newest `gate run`
///   gate baseline save main --criterion target/criterion
///                                      the results of a plain `cargo bench`
///   gate baseline promote next main    replace `main`; the former baseline is kept
///   gate baseline list                 all baselines of every machine class
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct BaselineCommand {
    #[command(flatten)]
    store: StoreArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Save results as a baseline of this machine class
    Save {
        /// Save under this name
        name: String,
        /// Save this: a snapshot's file, a directory of results or a baseline's name [default: the
        /// newest `gate run`]
        #[arg(conflicts_with_all = ["criterion", "callgrind", "record"])]
        from: Option<String>,
        #[command(flatten)]
        results: Results,
        /// Replace a baseline of that name
        #[arg(long)]
        force: bool,
    },
    /// List the baselines of all machine classes
    List,
    /// Show the measurements of a baseline
    Show {
        /// Show this: a baseline's name or a file
        name: String,
        #[command(flatten)]
        policy: PolicyArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Copy a baseline to another name and keep the replaced baseline: `promote next main`
    Promote {
        /// Copy this baseline
        from: String,
        /// Replace this baseline, or create it
        to: String,
    },
    /// Remove old baselines and leftover temporary files
    Prune {
        /// Keep this baseline whatever its age; may be repeated
        #[arg(long, value_name = "NAME", default_value = "main")]
        keep: Vec<String>,
        /// Remove baselines that are older than this many days
        #[arg(long, value_name = "DAYS", default_value_t = 90)]
        older_than: u32,
        /// Show what would be removed, and remove nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Import a file in another format as a baseline
    Import {
        /// Import this file
        file: PathBuf,
        /// Read the file in this format
        #[arg(long, value_enum, default_value_t = Exchange::Critcmp)]
        format: Exchange,
        /// Save under this name [default: the name in the file]
        #[arg(long)]
        name: Option<String>,
        /// Replace a baseline of that name
        #[arg(long)]
        force: bool,
    },
    /// Print a baseline in another format
    Export {
        /// Export this: a baseline's name or a file
        name: String,
        /// Print it in this format
        #[arg(long, value_enum, default_value_t = Exchange::Critcmp)]
        format: Exchange,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Exchange {
    /// The format of `critcmp --export`
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
                    context
                        .shell
                        .note("there are no baselines; `gate run --save main` saves the first");
                }
                context.shell.data(&list(&entries))?;
                if entries.iter().any(|entry| entry.summary.is_err()) {
                    return Ok(Exit::Failure);
                }
            }
            Action::Show { name, policy, output } => {
                let snapshot = named(context, &args, &name)?;
                let policy = policy.find(context)?;
                let case = Case {
                    baseline: None,
                    candidate: &snapshot,
                    policy: &policy,
                    noise: None,
                    today: context.today,
                };
                return output.write(context, &judge::compare(&case));
            }
            Action::Promote { from, to } => {
                let promoted = store.promote(&args.class(), &from, &to).map_err(usage_if_name)?;
                context.shell.status("promoted", &format!("{from} to {}", promoted.path.display()));
                if let Some(kept) = promoted.replaced {
                    context
                        .shell
                        .status("kept", &format!("the former baseline as {}", kept.display()));
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
                context.shell.status(verb, &plural(pruned.len(), "file"));
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
                    plural(summary.benchmarks, "benchmark"),
                    plural(summary.runs, "run"),
                );
            }
            Err(error) => {
                let _ = writeln!(text, "cannot be used: {}", plain(&error.to_string()));
            }
        }
    }
    text
}
