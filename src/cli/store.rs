//! Reads baselines and noise from the store, and saves baselines.

use std::collections::BTreeSet;

use super::args::StoreArgs;
use super::context::{Context, Failed};
use crate::baseline::BaselineError;
use crate::files::Existing;
use crate::measure;
use crate::model::{BenchId, Field, Noise, Snapshot};
use crate::text::plural;

/// The baseline of that name for this machine class, if it exists.
pub(super) fn stored(args: &StoreArgs, name: &str) -> Result<Option<Snapshot>, Failed> {
    match args.store().load(&args.class(), name) {
        Ok(snapshot) => Ok(Some(snapshot)),
        Err(BaselineError::NotFound { .. }) => Ok(None),
        Err(error) => Err(usage_if_name(error)),
    }
}

/// Explains that the store lacks a baseline of that name, and how to save it. Often another
/// machine class has it.
pub(super) fn missing(args: &StoreArgs, name: &str) -> Result<String, Failed> {
    let class = args.class();
    let entries = args.store().list()?.into_iter().filter(|entry| entry.name == name);
    let mut others: Vec<String> = entries.map(|entry| entry.class).collect();
    others.sort();
    let save = format!("`gate run --save {name}` or `gate baseline save {name}`");
    Ok(if others.is_empty() {
        format!("no baseline `{name}` for this machine class ({class}); save one with {save}")
    } else {
        format!(
            "no baseline `{name}` for this machine class ({class}), only for {}; save one here \
             with {save}, or name a class with --class",
            others.join(", ")
        )
    })
}

/// The known noise of this machine class.
pub(super) fn noise(args: &StoreArgs) -> Result<Option<Noise>, Failed> {
    args.store().noise(&args.class()).map_err(usage_if_name)
}

/// The noise to judge a snapshot by. A snapshot that records another machine is not
/// judged by this machine's noise, unless the user named the class.
pub(super) fn noise_for(args: &StoreArgs, candidate: &Snapshot) -> Result<Option<Noise>, Failed> {
    let environment = candidate.environment();
    let known = environment.get(Field::CpuModel).is_some();
    if args.named_class().is_none() && known && measure::machine_class(&environment) != args.class()
    {
        return Ok(None);
    }
    noise(args)
}

/// Saves a snapshot under a name in this machine's class, and reports where.
pub(super) fn save(
    context: &Context,
    args: &StoreArgs,
    name: &str,
    mut snapshot: Snapshot,
    force: bool,
) -> Result<(), Failed> {
    name.clone_into(&mut snapshot.name);
    if let Some(selection) = &snapshot.selection {
        context.shell.note(&format!("the baseline contains only a part: {selection}"));
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
        format!("{}, {}", plural(ids.len(), "benchmark"), plural(snapshot.runs.len(), "run"));
    context.shell.status("saved", &format!("{}: {holds}", path.display()));
    if !snapshot.problems.is_empty() {
        context.shell.note(&format!(
            "it lacks {} that could not be used: gate baseline show {name}",
            plural(snapshot.problems.len(), "result")
        ));
    }
    Ok(())
}

/// A name that cannot be used is the command line's fault.
pub(super) fn usage_if_name(error: BaselineError) -> Failed {
    match error {
        BaselineError::Name { .. } | BaselineError::SameName { .. } => Failed::usage(error),
        error => error.into(),
    }
}
