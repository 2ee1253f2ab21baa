//! Finds the snapshots that the command line names.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::args::{Results, StoreArgs};
use super::context::{Context, Failed};
use super::store::{missing, stored};
use crate::baseline;
use crate::judge::{Case, Report, judge, judge_controlled};
use crate::measure::BuildOptions;
use crate::model::Snapshot;

/// The files that keep the sides of a trial.
pub(super) const BASE: &str = "base.json";
pub(super) const HEAD: &str = "head.json";

/// The file that keeps the control of a trial.
pub(super) const CONTROL: &str = "control.json";

/// The file of the newest measurement, kept so that it can be saved or checked
/// without measuring again.
pub(super) fn newest_file(context: &Context) -> PathBuf {
    let options =
        BuildOptions { directory: Some(context.directory.clone()), ..BuildOptions::default() };
    // Outside a cargo project there may still be a `target` from elsewhere.
    newest_file_in(&options.target_directory().unwrap_or_else(|_| context.directory.join("target")))
}

/// As [`newest_file`], in a known target directory.
pub(super) fn newest_file_in(target: &Path) -> PathBuf {
    target.join("gate").join("newest.json")
}

/// The results of the last `gate run`.
pub(super) fn newest(context: &Context) -> Result<Snapshot, Failed> {
    let path = newest_file(context);
    if !path.exists() {
        return Err(Failed::usage(anyhow::anyhow!(
            "nothing was measured here yet: run `gate run`, or name results with --criterion DIR or --record FILE"
        )));
    }
    Ok(baseline::read(&path)?)
}

/// A snapshot that must exist.
pub(super) fn named(context: &Context, store: &StoreArgs, spec: &str) -> Result<Snapshot, Failed> {
    load(context, store, spec)?
        .ok_or_else(|| Failed::nothing(anyhow::anyhow!("there is no snapshot `{spec}`")))
}

/// Reads what `spec` names, as [`find`] does, and reports a missing baseline.
pub(super) fn load(
    context: &Context,
    store: &StoreArgs,
    spec: &str,
) -> Result<Option<Snapshot>, Failed> {
    let found = find(store, spec)?;
    if found.is_none() {
        context.shell.note(&missing(store, spec)?);
    }
    Ok(found)
}

/// Reads what `spec` names: a name in the store, else a file (a snapshot, or results of any
/// program) or a directory of results (`DIR@NAME` for a baseline that criterion saved there).
/// `Ok(None)` if it is neither a name in the store nor an existing file.
pub(super) fn find(store: &StoreArgs, spec: &str) -> Result<Option<Snapshot>, Failed> {
    let path = Path::new(spec);
    // `main` is the baseline, even if there is a directory of that name.
    let is_path = spec.contains(['/', '\\', '@'])
        || path.extension().is_some_and(|extension| extension == "json" || extension == "jsonl");
    if !is_path && let Some(snapshot) = stored(store, spec)? {
        return Ok(Some(snapshot));
    }
    if path.is_dir() {
        return Results::of(spec).newest().map(Some);
    }
    if let Some((directory, name)) = spec.rsplit_once('@')
        && Path::new(directory).is_dir()
    {
        return Results::saved(directory, name).map(Some);
    }
    if path.is_file() {
        return match Results::of_file(path) {
            Some(results) => results.newest().map(Some),
            None => Ok(Some(baseline::read(path)?)),
        };
    }
    if is_path {
        return Err(Failed::usage(anyhow::anyhow!("{spec}: there is no such file or directory")));
    }
    Ok(None)
}

/// The control of the trial that these two snapshots are the sides of:
/// `control.json` in the directory of the head's file.
pub(super) fn control(
    base: Option<&Snapshot>,
    head: &Snapshot,
    file: Option<&Path>,
) -> Result<Option<Snapshot>, Failed> {
    let sides = [base.and_then(|base| base.pairing.as_ref()), head.pairing.as_ref()];
    let [Some(base), Some(head)] = sides else { return Ok(None) };
    if base.trial != head.trial || !head.control {
        return Ok(None);
    }
    let path = file.unwrap_or(Path::new("")).with_file_name(CONTROL);
    let control = baseline::read(&path).with_context(|| {
        format!("this trial had a control, so the head's directory must also hold {CONTROL}")
    })?;
    if control.pairing.as_ref().is_none_or(|other| other.trial != head.trial) {
        return Err(Failed::usage(anyhow::anyhow!(
            "{}: this control and the head are of different trials",
            path.display()
        )));
    }
    Ok(Some(control))
}

/// The verdict on a case, with the control of its trial if there is one.
pub(super) fn judged(case: &Case<'_>, control: Option<&Snapshot>) -> Report {
    control.map_or_else(|| judge(case), |control| judge_controlled(case, control))
}
