//! `gate compare`

use clap::Args;
use jiff::Zoned;

use super::check::{named, newest};
use super::source::{self, StoreArgs};
use super::{Context, Failed, OutputArgs, PolicyArgs};
use crate::exit::Exit;
use crate::judge::{self, Case};

/// Show the differences between two snapshots, judge nothing
#[derive(Debug, Args)]
pub(super) struct Compare {
    /// A baseline's name, a file, a directory of results, or DIR@NAME
    baseline: String,
    /// The same, for the other side [default: the newest `gate run`]
    candidate: Option<String>,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    output: OutputArgs,
}

impl Compare {
    pub(super) fn run(self, context: &Context) -> Result<Exit, Failed> {
        let Self { baseline, candidate, store, policy, output } = self;
        let policy = policy.find()?;
        let baseline = named(context, &store, &baseline)?;
        let candidate = match &candidate {
            Some(spec) => named(context, &store, spec)?,
            None => newest(context)?,
        };
        let noise = source::noise_for(&store, &candidate)?;
        let report = judge::compare(&Case {
            baseline: Some(&baseline),
            candidate: &candidate,
            policy: &policy,
            noise: noise.as_ref(),
            today: Zoned::now().date(),
        });
        output.write(context, &report)
    }
}
