//! `gate waive`

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use jiff::Zoned;
use jiff::civil::Date;

use super::{Context, Failed, diff, source};
use crate::exit::Exit;
use crate::model::Snapshot;
use crate::policy::{self, Policy, SEARCHED, Waiver};

/// How alike a name must be to be suggested (Jaro–Winkler, 0 to 1).
const LOOKS_MEANT: f64 = 0.8;

/// Accept one known regression, up to a ceiling and until a day
///
/// Adds a [[waiver]] to gate.toml and leaves its comments and order as they are. It is reviewed like
/// any other change of the repository:
///
///   gate waive cache/hit --metric time --up-to 12% --until 2027-01-31 --reason "checksums, #12"
///   gate waive app/cache::cache/hit …      where two bench targets have a benchmark of that name
///
/// The row passes until that day, the day included, as long as it is worse by no more than the
/// ceiling. A waiver that is over, or that no row needs any more, is reported: `gate explain
/// waiver-expired`, `gate explain waiver-unused`.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
#[expect(clippy::doc_markdown, reason = "the text is shown as it is, by --help")]
pub(super) struct Waive {
    /// The benchmark's exact name, or `package/target::name`
    #[arg(value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    bench: String,
    /// The metric's exact name: time, instructions, …
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    metric: String,
    /// The ceiling, as a percentage
    #[arg(long, value_name = "PERCENT", value_parser = policy::percentage)]
    up_to: f64,
    /// The last day on which it holds
    #[arg(long, value_name = "YYYY-MM-DD")]
    until: Date,
    /// Why, so that a reader can check it
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    reason: String,
    /// Instead of the waiver that the row has
    #[arg(long)]
    replace: bool,
    /// Show what would change, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// The policy file [default: gate.toml or ci/gate.toml; gate.toml is made where there is none]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Waive {
    pub(super) fn run(self, context: &Context) -> Result<Exit, Failed> {
        let Self { bench, metric, up_to, until, reason, replace, dry_run, config } = self;
        let waiver = Waiver { bench, metric, up_to, until, reason };
        let today = Zoned::now().date();
        if waiver.until < today {
            return Err(Failed::usage(anyhow::anyhow!(
                "--until {}: that day is over (today is {today}); name the last day on which the \
                 waiver shall hold",
                waiver.until
            )));
        }
        let path = config
            .or_else(|| Policy::searched(Path::new("")))
            .unwrap_or_else(|| PathBuf::from(SEARCHED[0]));
        // A link stays a link: the file that it leads to is replaced.
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
        crate::baseline::replace(file.as_deref().unwrap_or(&path), edited.as_bytes())?;
        context.shell.status("written", &path.display().to_string());
        Ok(Exit::Pass)
    }
}

/// What the newest results say of the row that is named. A waiver for a row that
/// they lack is allowed: they may be of a part, or older than the benchmark.
fn known(context: &Context, waiver: &Waiver) -> Option<String> {
    let (name, snapshot) = match newest(context) {
        Ok(Some(found)) => found,
        Ok(None) => {
            return Some("nothing was measured here yet, so the name is not checked".to_owned());
        }
        Err(error) => return Some(format!("the name is not checked: {error}")),
    };
    let Waiver { bench, metric, .. } = waiver;
    let identical = snapshot.pairing.iter().flat_map(|pairing| &pairing.identical);
    let ids: BTreeSet<_> =
        snapshot.measurements.iter().map(|one| &one.id).chain(identical).collect();
    let meant: Vec<_> = ids.iter().filter(|id| waiver.names(id)).collect();
    match meant[..] {
        [] => {
            let nearest = ids
                .iter()
                .map(|id| (strsim::jaro_winkler(bench, &id.name), &id.name))
                .filter(|(likeness, _)| *likeness >= LOOKS_MEANT)
                .max_by(|a, b| a.0.total_cmp(&b.0));
            let meant = nearest.map(|(_, name)| format!("; did you mean `{name}`?"));
            let meant = meant.unwrap_or_default();
            Some(format!("{name} holds no benchmark `{bench}`{meant}"))
        }
        [id] => {
            let measured = snapshot.measurements.iter().filter(|one| one.id == **id);
            let metrics: Vec<&str> = measured.map(|one| one.metric.name.as_str()).collect();
            // What has the same code on both sides was not measured.
            let unknown = !metrics.is_empty() && !metrics.contains(&metric.as_str());
            let has = metrics.join(", ");
            unknown.then(|| format!("{name} has no {metric} of `{bench}`, only {has}"))
        }
        _ => {
            let all: Vec<String> = meant.iter().map(|id| id.qualified()).collect();
            let all = all.join(", ");
            Some(format!("{name} holds several benchmarks `{bench}`; name one of them: {all}"))
        }
    }
}

/// What `gate run` or `gate ab` measured last, whichever was later.
fn newest(context: &Context) -> Result<Option<(String, Snapshot)>, crate::baseline::BaselineError> {
    let run = source::newest(context);
    let ab = run.with_file_name("ab").join("head.json");
    let mut found = Vec::new();
    for (name, path) in [("the newest `gate run`", run), ("the newest `gate ab`", ab)] {
        if path.exists() {
            found.push((name.to_owned(), crate::baseline::read(&path)?));
        }
    }
    Ok(found.into_iter().max_by_key(|(_, snapshot)| snapshot.created))
}
