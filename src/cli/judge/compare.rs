//! `gate compare`

use clap::Args;

use crate::cli::args::{OutputArgs, PartArgs, PolicyArgs, StoreArgs};
use crate::cli::candidate::{named, newest};
use crate::cli::context::{Context, Failed};
use crate::cli::store::noise_for;
use crate::exit::Exit;
use crate::judge::{self, Case};

/// Show the differences between two snapshots without judging them
///
///   gate compare main                    baseline `main` with the newest `gate run`
///   gate compare before.json after.json  two files
///   gate compare target/criterion@before target/criterion
///                                        two of criterion's own baselines
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Compare {
    /// Compare with this: a baseline's name, a file, a directory of results, or DIR@NAME
    baseline: String,
    /// Compare this: a name, a file or a directory, as above [default: the newest `gate run`]
    candidate: Option<String>,
    #[command(flatten)]
    part: PartArgs,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    output: OutputArgs,
}

impl Compare {
    pub(super) fn run(self, context: &Context) -> Result<Exit, Failed> {
        let Self { baseline, candidate, part, store, policy, output } = self;
        let policy = policy.find(context)?;
        let mut baseline = named(context, &store, &baseline)?;
        let mut candidate = match &candidate {
            Some(spec) => named(context, &store, spec)?,
            None => newest(context)?,
        };
        part.apply(&mut candidate, [Some(&mut baseline), None])?;
        let noise = noise_for(&store, &candidate)?;
        let report = judge::compare(&Case {
            baseline: Some(&baseline),
            candidate: &candidate,
            policy: &policy,
            noise: noise.as_ref(),
            today: context.today,
        });
        output.write(context, &report)
    }
}
