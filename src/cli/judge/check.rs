//! `gate check`

use std::path::PathBuf;

use clap::Args;

use crate::cli::args::{OutputArgs, PartArgs, PolicyArgs, Results, StoreArgs};
use crate::cli::candidate::{control, judged, load, named, newest};
use crate::cli::context::{Context, Failed};
use crate::cli::store::noise_for;
use crate::exit::Exit;
use crate::judge::Case;
use crate::model::Pairing;
use crate::sources::{criterion, exchange};

/// Judge results against a baseline by the policy
///
/// The candidate is the last `gate run`, or the results of any project:
///
///   gate check                                 the newest `gate run` against baseline `main`
///   gate check --criterion target/criterion    after a plain `cargo bench`
///   gate check --record run-1.jsonl run-2.jsonl
///                                              what any program wrote, a file for each run
///   gate check --baseline main.json head.json  two files (ours, or critcmp's exports)
///   gate check --baseline target/criterion@before --criterion target/criterion
///                                              against the results of `--save-baseline before`
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Check {
    /// Judge this candidate: a snapshot's file, a directory of results, or a baseline's name
    /// [default: the newest `gate run`]
    #[arg(conflicts_with_all = ["criterion", "callgrind", "record"])]
    candidate: Option<String>,
    #[command(flatten)]
    results: Results,
    /// Compare with this: a baseline's name, a file, a directory of results, or DIR@NAME for a
    /// baseline that criterion saved
    #[arg(long, value_name = "SPEC", default_value = "main")]
    baseline: String,
    #[command(flatten)]
    part: PartArgs,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    output: OutputArgs,
}

impl Check {
    pub(super) fn run(self, context: &Context) -> Result<Exit, Failed> {
        let Self { candidate, results, baseline, part, store, policy, output } = self;
        let policy = policy.find(context)?;
        let file = candidate.as_ref().map(PathBuf::from);
        let from_files = candidate.is_none() && results.any();
        let mut candidate = match &candidate {
            Some(spec) => named(context, &store, spec)?,
            None if results.any() => results.newest()?,
            None => newest(context)?,
        };
        let mut baseline = load(context, &store, &baseline)?;
        if from_files && let Some(baseline) = &baseline {
            criterion::adopt_metrics(&mut candidate, baseline);
            exchange::adopt_metrics(&mut candidate, baseline);
        }
        if let Some(shard) = candidate.pairing.as_ref().and_then(Pairing::shard) {
            return Err(Failed::usage(anyhow::anyhow!(
                "this is shard {} of a suite: `gate merge` judges all shards together",
                shard.number
            )));
        }
        let mut control = control(baseline.as_ref(), &candidate, file.as_deref())?;
        part.apply(&mut candidate, [baseline.as_mut(), control.as_mut()])?;
        let noise = noise_for(&store, &candidate)?;
        let case = Case {
            baseline: baseline.as_ref(),
            candidate: &candidate,
            policy: &policy,
            noise: noise.as_ref(),
            today: context.today,
        };
        output.write(context, &judged(&case, control.as_ref()))
    }
}
