//! `gate check`

use std::path::PathBuf;

use clap::Args;
use jiff::Zoned;

use super::source::{self, Results, StoreArgs};
use super::{Context, Failed, OutputArgs, PolicyArgs, ab};
use crate::exit::Exit;
use crate::judge::Case;
use crate::model::Snapshot;

/// Judge results against a baseline by the policy
///
/// The candidate is what `gate run` measured last, or any project's results:
///
///   gate check                                 the newest `gate run` against baseline `main`
///   gate check --criterion target/criterion    after a plain `cargo bench`
///   gate check --baseline main.json head.json  two files (ours, or critcmp's exports)
///   gate check --baseline target/criterion@before --criterion target/criterion
///                                              what `--save-baseline before` kept
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Check {
    /// A snapshot's file, a directory of results, or a baseline's name [default: the newest `gate run`]
    #[arg(conflicts_with_all = ["criterion", "callgrind"])]
    candidate: Option<String>,
    #[command(flatten)]
    results: Results,
    /// What to compare with: a baseline's name, a file, a directory of results, or DIR@NAME for
    /// one that criterion saved
    #[arg(long, value_name = "SPEC", default_value = "main")]
    baseline: String,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    output: OutputArgs,
}

impl Check {
    pub(super) fn run(self, context: &Context) -> Result<Exit, Failed> {
        let Self { candidate, results, baseline, store, policy, output } = self;
        let policy = policy.find()?;
        let file = candidate.as_ref().map(PathBuf::from);
        let candidate = match &candidate {
            Some(spec) => named(context, &store, spec)?,
            None if results.any() => results.newest()?,
            None => newest(context)?,
        };
        let baseline = source::load(context, &store, &baseline)?;
        let noise = source::noise_for(&store, &candidate)?;
        let case = Case {
            baseline: baseline.as_ref(),
            candidate: &candidate,
            policy: &policy,
            noise: noise.as_ref(),
            today: Zoned::now().date(),
        };
        let control = ab::control_of(baseline.as_ref(), &candidate, file.as_deref())?;
        let report = ab::report(&case, control.as_ref());
        output.write(context, &report)
    }
}

/// The snapshot that must be there.
pub(super) fn named(context: &Context, store: &StoreArgs, spec: &str) -> Result<Snapshot, Failed> {
    source::load(context, store, spec)?
        .ok_or_else(|| Failed::nothing(anyhow::anyhow!("there is no snapshot `{spec}`")))
}

/// What `gate run` measured last.
pub(super) fn newest(context: &Context) -> Result<Snapshot, Failed> {
    let path = source::newest(context);
    if !path.exists() {
        return Err(Failed::usage(anyhow::anyhow!(
            "nothing was measured here yet: run `gate run`, or name results with --criterion DIR"
        )));
    }
    Ok(crate::baseline::read(&path)?)
}
