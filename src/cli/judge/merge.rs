//! `gate merge`

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use crate::baseline;
use crate::cli::args::{OutputArgs, PolicyArgs, digest};
use crate::cli::candidate::{BASE, CONTROL, HEAD, judged};
use crate::cli::context::{Context, Failed};
use crate::exit::Exit;
use crate::judge::Case;
use crate::model::Snapshot;
use crate::shards::{MeasuredShard, MergedTrial, merge};

/// Judge the shards of a suite as one trial
///
/// `gate ab --shard K/N` measures one of N parts of the benchmarks, on a machine of its own:
///
///   gate ab --shard 1/2 --report target/one     on one machine
///   gate ab --shard 2/2 --report target/two     on another machine, from the same commits
///   gate merge target/one target/two            wherever both directories are
///
/// The pairs of all shards are judged again, as one family: the chance of any false regression
/// is that of one trial. Shards that are missing or given twice are refused, and so are shards
/// that differ in revision, policy, toolchain, version of the gate or list of benchmarks.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Merge {
    /// Judge these shards: for each the directory of its --report or --keep, or a file in it
    #[arg(required = true, value_name = "REPORT")]
    reports: Vec<PathBuf>,
    /// Keep the merged pairs in this directory, as base.json and head.json [default: not kept]
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    output: OutputArgs,
}

impl Merge {
    pub(super) fn run(self, context: &Context) -> Result<Exit, Failed> {
        let Self { reports, keep, policy, output } = self;
        let policy = policy.find(context)?;
        let shards = reports.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
        let measured = shards.first().and_then(|shard| shard.head.pairing.as_ref()?.shard());
        let measured_by = measured.map(|shard| shard.policy.clone());
        let MergedTrial { base, head, control } = merge(shards).map_err(Failed::usage)?;
        let judged_by = digest(&policy)?;
        if let Some(measured_by) = measured_by.filter(|measured_by| *measured_by != judged_by) {
            let source = policy.source.as_deref().unwrap_or(Path::new("no file"));
            return Err(Failed::usage(anyhow::anyhow!(
                "the shards were measured by another policy ({measured_by}) than the one here \
                 ({judged_by}, {}): name that policy with --config",
                source.display()
            )));
        }
        if let Some(directory) = keep {
            let files = [(BASE, Some(&base)), (HEAD, Some(&head)), (CONTROL, control.as_ref())];
            for (file, snapshot) in files {
                let Some(snapshot) = snapshot else { continue };
                baseline::write(&directory.join(file), snapshot)?;
            }
        }
        let case = Case {
            baseline: Some(&base),
            candidate: &head,
            policy: &policy,
            noise: None,
            today: context.today,
        };
        output.write(context, &judged(&case, control.as_ref()))
    }
}

/// The shard that is kept in a directory, or in the directory of a file.
fn read(path: &Path) -> Result<MeasuredShard, Failed> {
    let directory = if path.is_file() { path.parent().unwrap_or(path) } else { path };
    let side = |file: &str| -> Result<Snapshot, Failed> {
        let missing =
            || format!("{} does not hold a shard of `gate ab --shard`", directory.display());
        baseline::read(&directory.join(file)).with_context(missing).map_err(Failed::usage)
    };
    let (base, head) = (side(BASE)?, side(HEAD)?);
    // An earlier trial may have left a control.
    let has_control = head.pairing.as_ref().is_some_and(|pairing| pairing.control);
    let control = has_control.then(|| side(CONTROL)).transpose()?;
    Ok(MeasuredShard { name: path.display().to_string(), base, head, control })
}
