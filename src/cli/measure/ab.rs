//! `gate ab`

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::plan::{first_conclusive_look, trial_plan};
use super::sides::{Building, ready};
use super::subjects::Subjects;
use crate::baseline;
use crate::cli::args::{
    BuildArgs, FilterArgs, OutputArgs, PolicyArgs, digest, parse_duration, selection,
};
use crate::cli::candidate::{BASE, CONTROL, HEAD, judged};
use crate::cli::context::{Context, Failed};
use crate::exit::Exit;
use crate::judge::{Case, to_confirm};
use crate::measure::{
    self, BuildError, BuildOptions, BuiltSides, Claim, Interrupt, MeasureError, Progress,
    ShardPlan, Trial, TrialPlan,
};
use crate::model::{ShardNumber, Sides};
use crate::policy::{Policy, SameCodeClock};

/// Compare the working tree with its base, measured in turn
///
/// Both sides are built at the same path. Valgrind, if it is installed, counts the instructions of
/// each criterion benchmark; then both sides run in pairs of fresh processes. Every benchmark is
/// screened. Those that look changed are measured again, and judged on that fresh data alone:
///
///   gate ab                  the working tree against its merge base with the default branch
///   gate ab --base v1.2      against another revision
///   gate ab --base-exe OLD --head-exe NEW
///                            two criterion executables, or scripts that exec them
///   gate ab --shard 2/4      the second of four machines: every fourth benchmark, both sides
///
/// Each side is built and run as in a clone of its own, with its own files, toolchain and cargo
/// configuration. Your working tree is not touched.
///
/// A shard is not judged: it exits with 0 if it could be measured. Its --report directory also
/// holds its pairs, from which `gate merge` reaches the verdict.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Ab {
    /// Compare with this revision [default: the merge base with the default branch]
    #[arg(long, value_name = "REV")]
    base: Option<String>,
    #[command(flatten)]
    executables: Executables,
    #[command(flatten)]
    filter: FilterArgs,
    /// Measure only this part of the benchmarks; `gate merge` judges all parts together
    /// [default: all]
    #[arg(long, value_name = "K/N")]
    shard: Option<ShardNumber>,
    #[command(flatten)]
    rules: Rules,
    /// Keep every pair in this directory, as base.json and head.json: `gate check --baseline
    /// base.json head.json` judges them again [default: target/gate/ab]
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    #[command(flatten)]
    build: BuildArgs,
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Executables that are not built here.
#[derive(Debug, Args)]
struct Executables {
    /// Measure this ready executable as the base; may be repeated, paired with --head-exe by order
    /// [default: built from --base]
    #[arg(long, value_name = "FILE", requires = "head_exe", conflicts_with = "base")]
    base_exe: Vec<PathBuf>,
    /// Measure this ready executable as the head [default: built from the working tree]
    #[arg(long, value_name = "FILE", requires = "base_exe")]
    head_exe: Vec<PathBuf>,
}

/// Options that override the policy.
#[derive(Debug, Args)]
struct Rules {
    /// Stop starting new pairs after this long [default: from the policy, 15m]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    budget: Option<Duration>,
    /// Count each criterion benchmark's instructions this often on each side, at most once for each
    /// screening pair; 0 turns counting off [default: from the policy, 2]
    #[arg(long, value_name = "N")]
    counts: Option<u32>,
    /// Measure the base against itself as well; a change found there makes the verdict undecided
    /// [default: from the policy, false]
    #[arg(long)]
    control: bool,
    /// Seed the order of processes [default: random]
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
}

impl Ab {
    pub(super) fn run(self, context: &Context) -> Result<Exit, Failed> {
        let Self { base, executables, filter, shard, rules, keep, build, policy, output } = self;
        executables.check()?;
        let args = policy;
        let policy = args.find(context)?;
        let filter = filter.compile()?;
        let shard = match shard {
            Some(number) => Some(ShardPlan { number, policy: digest(&policy)? }),
            None => None,
        };
        let options = build.options(context);
        let interrupt = Interrupt::install()?;
        let mut progress = context.progress();
        let (place, built, selection) = if executables.any() {
            let place = Place::of_project(context, &options, &interrupt)?;
            let selection = selection(&options, filter.as_ref());
            (place, ready(&executables.base_exe, &executables.head_exe)?, selection)
        } else {
            let subjects = Subjects::select(context, &policy, &args, options, filter.as_ref())
                .map_err(in_project)?;
            let place = Place::claim(context, &subjects.target, &interrupt)?;
            let building =
                Building { context, subjects: &subjects, policy: &policy, interrupt: &interrupt };
            let built = building.sides(base.as_deref(), progress.as_mut())?;
            (place, built, subjects.selection)
        };
        let BuiltSides { sides: Sides { base, head }, identical, layouts, maps, sources } = built;
        let plan = TrialPlan {
            base,
            head,
            identical,
            layouts,
            maps,
            sources,
            filter,
            shard,
            selection,
            ..rules.plan(&policy, &place.directory)
        };
        let trial = measure(&plan, &policy, context, &interrupt, progress.as_mut())?;
        drop(progress);
        write(&keep.unwrap_or_else(|| place.directory.join("ab")), &trial)?;
        if let Some(directory) = output.directory().filter(|_| plan.shard.is_some()) {
            write(directory, &trial)?;
        }
        output.write(context, &judged(&case(&policy, &trial, context), trial.control.as_ref()))
    }
}

impl Executables {
    fn any(&self) -> bool {
        !self.base_exe.is_empty()
    }

    fn check(&self) -> Result<(), Failed> {
        let Self { base_exe, head_exe } = self;
        if base_exe.len() == head_exe.len() {
            return Ok(());
        }
        Err(Failed::usage(anyhow::anyhow!(
            "--base-exe is given {} times and --head-exe {} times: they are paired by their order",
            base_exe.len(),
            head_exe.len()
        )))
    }
}

impl Rules {
    /// The policy, with these overrides. The caller fills in what is measured.
    fn plan(self, policy: &Policy, place: &Path) -> TrialPlan {
        let Self { budget, counts, control, seed } = self;
        TrialPlan {
            seed: seed.unwrap_or_else(|| fastrand::u64(..)),
            screening: policy.ab.screening,
            looks: policy.ab.looks.clone(),
            alpha: policy.verdict.alpha,
            least: first_conclusive_look(policy),
            control: control || policy.ab.control,
            budget: Some(budget.unwrap_or(policy.ab.budget)),
            counts: counts.unwrap_or(policy.ab.counts),
            skip_same_code: policy.ab.same_code_clock == SameCodeClock::Skip,
            ..trial_plan(policy, place)
        }
    }
}

/// The gate's own directory while it is claimed.
struct Place {
    directory: PathBuf,
    /// Held until the end.
    _claim: Option<Claim>,
}

impl Place {
    fn claim(context: &Context, target: &Path, interrupt: &Interrupt) -> Result<Self, Failed> {
        let claim = context.claim("gate ab", target, interrupt)?;
        Ok(Self { directory: target.join("gate"), _claim: Some(claim) })
    }

    /// The directory in the project's target directory. Ready executables can also be
    /// measured outside of a project, which has no directory to claim.
    fn of_project(
        context: &Context,
        options: &BuildOptions,
        interrupt: &Interrupt,
    ) -> Result<Self, Failed> {
        match options.target_directory() {
            Ok(target) => Self::claim(context, &target, interrupt),
            Err(_) => Ok(Self { directory: std::env::temp_dir(), _claim: None }),
        }
    }
}

/// Names the other ways to measure where cargo has no project to build.
fn in_project(failed: Failed) -> Failed {
    if !failed.error.is::<BuildError>() {
        return failed;
    }
    Failed::usage(failed.error.context(
        "`gate ab` needs a cargo project, a `[[measure.command]]` in the policy, or --base-exe and \
         --head-exe",
    ))
}

fn measure(
    plan: &TrialPlan,
    policy: &Policy,
    context: &Context,
    interrupt: &Interrupt,
    progress: &mut dyn Progress,
) -> Result<Trial, Failed> {
    let mut suspects = |trial: &Trial| to_confirm(&case(policy, trial, context));
    measure::trial(plan, &mut suspects, interrupt, progress).map_err(|error| match error {
        MeasureError::Budget { .. } => Failed::usage(error),
        error => error.into(),
    })
}

/// Keeps the trial's snapshots, so that they can be judged again.
fn write(directory: &Path, trial: &Trial) -> Result<(), Failed> {
    baseline::write(&directory.join(BASE), &trial.base)?;
    baseline::write(&directory.join(HEAD), &trial.head)?;
    if let Some(control) = &trial.control {
        baseline::write(&directory.join(CONTROL), control)?;
    }
    Ok(())
}

pub(super) fn case<'a>(policy: &'a Policy, trial: &'a Trial, context: &Context) -> Case<'a> {
    Case {
        baseline: Some(&trial.base),
        candidate: &trial.head,
        policy,
        noise: None,
        today: context.today,
    }
}
