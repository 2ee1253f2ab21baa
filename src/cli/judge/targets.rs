//! `gate targets`

use clap::Args;

use crate::cli::args::{PolicyArgs, Shown, StoreArgs};
use crate::cli::candidate::{find, load, named, newest};
use crate::cli::context::{Context, Failed};
use crate::exit::Exit;
use crate::judge::{Case, judge_targets};
use crate::model::Snapshot;

/// The name of the newest `gate run`.
const LATEST: &str = "latest";

/// The baseline that is used if there is one.
const MAIN: &str = "main";

/// Show which targets of the policy a snapshot meets
///
/// Targets are absolute limits ([[target]] and [[budget]] in gate.toml). They need no baseline:
///
///   gate targets                       the newest `gate run`
///   gate targets latest main           the newest run, and the baseline `main`
///   gate targets head.json --all       a file, with all benchmarks of each target
///   gate targets --format markdown     for a pull request's comment
///
/// Each target is met, missed, undecided (the runs vary too much to be sure), unsupported (too few
/// observations for its quantile) or not measured. The grade is the share of targets that are met,
/// and does not change the exit code.
///
/// Exit codes: 0 no target fails · 3 missed · 4 undecided, and it blocks · 5 required, but not
/// measured, or nothing measured at all. A target's severity decides whether a miss fails. With
/// several snapshots, the exit code is the worst.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Targets {
    /// Judge these snapshots: `latest`, a baseline's name, a file, or a directory of results
    #[arg(value_name = "SNAPSHOT", default_value = LATEST)]
    snapshots: Vec<String>,
    /// Show the values of this baseline, too [default: `main`, if there is one]
    #[arg(long, value_name = "SPEC")]
    baseline: Option<String>,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    shown: Shown,
}

impl Targets {
    pub(super) fn run(self, context: &Context) -> Result<Exit, Failed> {
        let Self { snapshots, baseline, store, policy, shown } = self;
        let policy = policy.find(context)?;
        let baseline = match &baseline {
            Some(spec) => load(context, &store, spec)?,
            None => find(&store, MAIN)?,
        };
        let candidate = |spec: &String| -> Result<Snapshot, Failed> {
            if spec == LATEST { newest(context) } else { named(context, &store, spec) }
        };
        // All are read before the first is shown.
        let candidates = snapshots.iter().map(candidate).collect::<Result<Vec<_>, _>>()?;
        let mut exit = Exit::Pass;
        for (index, candidate) in candidates.iter().enumerate() {
            let case = Case {
                baseline: baseline.as_ref(),
                candidate,
                policy: &policy,
                noise: None,
                today: context.today,
            };
            let report = judge_targets(&case).ok_or_else(|| {
                Failed::usage(anyhow::anyhow!(
                    "the policy has no targets: add [[target]] to gate.toml (`gate policy show` \
                     explains its keys)"
                ))
            })?;
            if index > 0 {
                context.shell.data("\n")?;
            }
            shown.write(context, &report)?;
            exit = exit.worst(report.verdict.as_ref().map_or(Exit::Pass, |verdict| verdict.exit));
        }
        Ok(exit)
    }
}
