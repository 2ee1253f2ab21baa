//! `gate waive`

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use jiff::civil::Date;

use crate::cli::args::policy_to_edit;
use crate::cli::candidate::newest_file;
use crate::cli::context::{Context, Failed};
use crate::cli::diff;
use crate::exit::Exit;
use crate::files::{self, Existing};
use crate::model::Snapshot;
use crate::policy::{self, Waiver};
use crate::text::nearest;

/// Accept a known regression, up to a ceiling and until a date
///
/// Adds a [[waiver]] to gate.toml and keeps the file's comments and order. Review it like any other
/// change of the repository:
///
///   gate waive cache/hit --metric time --up-to 12% --until 2027-01-31 --reason "checksums, #12"
///   gate waive app/cache::cache/hit …      if two bench targets have a benchmark of that name
///
/// The row passes up to and including that day, unless it is worse by more than the ceiling. A waiver
/// that has expired or is no longer needed is reported: see `gate explain waiver-expired` and
/// `gate explain waiver-unused`.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
#[expect(clippy::doc_markdown, reason = "--help shows the text unchanged")]
pub(in crate::cli) struct Waive {
    /// Waive this benchmark: its exact name, or `package/target::name`
    #[arg(value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    bench: String,
    /// Waive this metric: its exact name, such as time or instructions
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    metric: String,
    /// Accept up to this percentage
    #[arg(long, value_name = "PERCENT", value_parser = policy::percentage)]
    up_to: f64,
    /// Accept it up to and including this day
    #[arg(long, value_name = "YYYY-MM-DD")]
    until: Date,
    /// Give the reason, so that a reader can check it
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    reason: String,
    /// Replace the waiver that the row already has
    #[arg(long)]
    replace: bool,
    /// Show what would change, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Change this policy [default: gate.toml or ci/gate.toml, here or in the workspace's root; a new
    /// gate.toml if there is none]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Waive {
    pub(super) fn run(self, context: &Context) -> Result<Exit, Failed> {
        let Self { bench, metric, up_to, until, reason, replace, dry_run, config } = self;
        let waiver = Waiver { bench, metric, up_to, until, reason };
        let today = context.today;
        if waiver.until < today {
            return Err(Failed::usage(anyhow::anyhow!(
                "--until {} is in the past (today is {today}); give the last day on which the \
                 waiver should apply",
                waiver.until
            )));
        }
        let path = config.unwrap_or_else(|| policy_to_edit(context));
        // A symbolic link is kept: the file that it points to is replaced.
        let file = fs_err::canonicalize(&path);
        let text = match &file {
            Ok(file) => fs_err::read_to_string(file)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(anyhow::anyhow!("{error}").into()),
        };
        let edited = policy::with_waiver(&text, &path, &waiver, replace).map_err(Failed::usage)?;
        if let Some(note) = known(context, &waiver) {
            context.shell.note(&note);
        }
        context.shell.data(&diff::unified(&path.display().to_string(), &text, &edited))?;
        if dry_run {
            return Ok(Exit::Pass);
        }
        let target = file.as_deref().unwrap_or(&path);
        files::write(target, edited.as_bytes(), Existing::Replace)?;
        context.shell.status("written", &path.display().to_string());
        Ok(Exit::Pass)
    }
}

/// A note if the newest results do not contain the named row. Such a waiver is still
/// allowed: the results may be partial, or older than the benchmark.
fn known(context: &Context, waiver: &Waiver) -> Option<String> {
    let (name, snapshot) = match newest(context) {
        Ok(Some(found)) => found,
        Ok(None) => {
            return Some("nothing was measured here yet, so the name is not checked".to_owned());
        }
        Err(error) => return Some(format!("the name is not checked: {error}")),
    };
    let Waiver { bench, metric, .. } = waiver;
    let pairing = snapshot.pairing.iter();
    let unmeasured = pairing.flat_map(|pairing| pairing.unmeasured().map(|(id, _)| id));
    let ids: BTreeSet<_> =
        snapshot.measurements.iter().map(|measurement| &measurement.id).chain(unmeasured).collect();
    let meant: Vec<_> = ids.iter().filter(|id| waiver.names(id)).collect();
    match meant[..] {
        [] => {
            let nearest = nearest(bench, ids.iter(), |id| &id.name);
            let meant = nearest.map(|id| format!("; did you mean `{}`?", id.name));
            let meant = meant.unwrap_or_default();
            Some(format!("{name} does not contain a benchmark `{bench}`{meant}"))
        }
        [id] => {
            let measured =
                snapshot.measurements.iter().filter(|measurement| measurement.id == **id);
            let metrics: Vec<&str> =
                measured.map(|measurement| measurement.metric.name.as_str()).collect();
            // Nothing of a benchmark with identical code on both sides was measured.
            let unknown = !metrics.is_empty() && !metrics.contains(&metric.as_str());
            let has = metrics.join(", ");
            unknown.then(|| format!("{name} does not contain {metric} of `{bench}`, only {has}"))
        }
        _ => {
            let all: Vec<String> = meant.iter().map(|id| id.qualified()).collect();
            let all = all.join(", ");
            Some(format!("{name} contains several benchmarks `{bench}`; choose one: {all}"))
        }
    }
}

/// The results of the last `gate run` or `gate ab`, whichever was later.
fn newest(context: &Context) -> Result<Option<(String, Snapshot)>, crate::baseline::BaselineError> {
    let run = newest_file(context);
    let ab = run.with_file_name("ab").join("head.json");
    let mut found = Vec::new();
    for (name, path) in [("the newest `gate run`", run), ("the newest `gate ab`", ab)] {
        if path.exists() {
            found.push((name.to_owned(), crate::baseline::read(&path)?));
        }
    }
    Ok(found.into_iter().max_by_key(|(_, snapshot)| snapshot.created))
}
