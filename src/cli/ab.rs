//! `gate ab`

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use jiff::{SignedDuration, Zoned};

use super::build::{BuildArgs, claim, selection};
use super::run::RESAMPLES;
use super::sides::{Building, BuiltSides, ready};
use super::{Context, Failed, OutputArgs, PolicyArgs, progress};
use crate::exit::Exit;
use crate::judge::{Case, Report, judge, judge_controlled, to_confirm};
use crate::measure::{
    self, CriterionTimes, Filter, Interrupt, MeasureError, Progress, Silent, Trial, TrialPlan,
};
use crate::model::{Sides, Snapshot};
use crate::policy::Policy;
use crate::stats::smallest_n;

/// The file that keeps the control.
const CONTROL: &str = "control.json";

/// Judge this working tree against its base, measured in turn on this machine
///
/// Both sides are built at one path. The instructions of each criterion benchmark are counted, where
/// valgrind is installed; then both run by fresh processes in pairs. Everything is screened; what
/// looks changed is measured again, and judged on that fresh data alone:
///
///   gate ab                  the working tree against its merge base with the default branch
///   gate ab --base v1.2      against another revision
///   gate ab --base-exe OLD --head-exe NEW
///                            two criterion executables, or scripts that exec them
///
/// Your own tree is never touched: sources are laid into `target/gate/checkout`. The head's are laid
/// last, so what benchmarks read at run time (files below `CARGO_MANIFEST_DIR` or `OUT_DIR`) is the
/// head's on both sides: code is compared, on the same data.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Ab {
    /// The revision to compare with [default: the merge base with the default branch]
    #[arg(long, value_name = "REV")]
    base: Option<String>,
    /// A ready executable of the base; may be repeated, paired with --head-exe by order
    #[arg(long, value_name = "FILE", requires = "head_exe", conflicts_with = "base")]
    base_exe: Vec<PathBuf>,
    /// A ready executable of the head
    #[arg(long, value_name = "FILE", requires = "base_exe")]
    head_exe: Vec<PathBuf>,
    /// Only benchmarks whose name matches this regular expression
    #[arg(long, value_name = "REGEX")]
    filter: Option<String>,
    /// No pair is begun after this time [default: the policy's, 15m]
    #[arg(long, value_name = "TIME", value_parser = time)]
    budget: Option<Duration>,
    /// Counts of each criterion benchmark's instructions on each side, at most as many as pairs
    /// are screened; 0 for none [default: the policy's, 2]
    #[arg(long, value_name = "N")]
    counts: Option<u32>,
    /// Also measure the base against itself; a change found there makes the verdict undecided
    /// [default: the policy's, no]
    #[arg(long)]
    control: bool,
    /// Seeds the order of processes [default: from the clock]
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Where base.json and head.json keep every pair; `gate check --baseline base.json head.json`
    /// judges them again [default: target/gate/ab]
    #[arg(long, value_name = "DIR")]
    save: Option<PathBuf>,
    #[command(flatten)]
    build: BuildArgs,
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn time(text: &str) -> Result<Duration, String> {
    text.parse::<SignedDuration>()
        .ok()
        .and_then(|time| Duration::try_from(time).ok())
        .ok_or_else(|| "write a length of time such as 90s or 10m".to_owned())
}

impl Ab {
    pub(super) fn run(self, context: &Context) -> Result<Exit, Failed> {
        let Self {
            base,
            base_exe,
            head_exe,
            filter,
            budget,
            counts,
            control,
            seed,
            save,
            build,
            policy,
            output,
        } = self;
        if base_exe.len() != head_exe.len() {
            return Err(Failed::usage(anyhow::anyhow!(
                "{} times --base-exe, {} times --head-exe: they are paired by their order",
                base_exe.len(),
                head_exe.len()
            )));
        }
        let policy = policy.find()?;
        let filter =
            filter.map(|filter| Filter::matching(&filter)).transpose().map_err(Failed::usage)?;
        let options = build.options(context);
        let selection = selection(&options, filter.as_ref());
        let target = options.target_directory();
        let interrupt = Interrupt::install()?;
        let _claim = target
            .as_ref()
            .ok()
            .map(|target| claim(context, "gate ab", target, &interrupt))
            .transpose()?;
        let mut bar: Box<dyn Progress> =
            if context.shell.quiet { Box::new(Silent) } else { progress::on_stderr() };
        let (sides, place) = if base_exe.is_empty() {
            let target = target
                .context("`gate ab` needs a cargo project, or --base-exe and --head-exe")
                .map_err(Failed::usage)?;
            let place = target.join("gate");
            let building = Building {
                context,
                options: &options,
                place: &place,
                pin_layout: policy.ab.pin_layout,
                interrupt: &interrupt,
            };
            (building.sides(base.as_deref(), bar.as_mut())?, place)
        } else {
            // Outside of a project there is no target directory to use.
            let place = target.map_or_else(|_| std::env::temp_dir(), |target| target.join("gate"));
            (ready(&base_exe, &head_exe)?, place)
        };
        let BuiltSides { sides: Sides { base, head }, identical, layouts } = sides;
        let plan = TrialPlan {
            identical,
            layouts,
            base,
            head,
            seed: seed.unwrap_or_else(|| fastrand::u64(..)),
            screening: policy.ab.screening,
            looks: policy.ab.looks.clone(),
            least: least(&policy),
            control: control || policy.ab.control,
            budget: Some(budget.unwrap_or(policy.ab.budget)),
            counts: counts.unwrap_or(policy.ab.counts),
            filter,
            selection,
            ..processes(&policy, &place)
        };
        let trial = measure::trial(
            &plan,
            &mut |trial| to_confirm(&case(&policy, trial)),
            &interrupt,
            bar.as_mut(),
        )
        .map_err(|error| match error {
            MeasureError::Budget { .. } => Failed::usage(error),
            error => error.into(),
        })?;
        drop(bar);
        let save = save.unwrap_or_else(|| place.join("ab"));
        crate::baseline::write(&save.join("base.json"), &trial.base)?;
        crate::baseline::write(&save.join("head.json"), &trial.head)?;
        if let Some(control) = &trial.control {
            crate::baseline::write(&save.join(CONTROL), control)?;
        }
        output.write(context, &report(&case(&policy, &trial), trial.control.as_ref()))
    }
}

/// The report on a trial, with its control where there is one.
pub(super) fn report(case: &Case<'_>, control: Option<&Snapshot>) -> Report {
    control.map_or_else(|| judge(case), |control| judge_controlled(case, control))
}

/// The control of the trial that these two are the sides of: `control.json`,
/// beside the file of the head.
pub(super) fn control_of(
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
    let control = crate::baseline::read(&path).with_context(|| {
        format!("this trial had a control, which must lie beside the head as {CONTROL}")
    })?;
    if control.pairing.as_ref().is_none_or(|other| other.trial != head.trial) {
        return Err(Failed::usage(anyhow::anyhow!(
            "{}: the control of another trial than that of the head beside it",
            path.display()
        )));
    }
    Ok(Some(control))
}

/// How the processes of a trial run by the policy; which ones is left open.
pub(super) fn processes(policy: &Policy, place: &Path) -> TrialPlan {
    TrialPlan {
        criterion: criterion_times(&policy.ab.process),
        uncounted: policy.measure.uncounted.clone(),
        time_limit: policy.measure.time_limit,
        scratch: place.to_owned(),
        ..TrialPlan::default()
    }
}

/// How long criterion takes in each process.
pub(super) fn criterion_times(rules: &crate::policy::ProcessRules) -> CriterionTimes {
    let crate::policy::ProcessRules { warm_up, time, samples } = *rules;
    CriterionTimes { warm_up, measurement: time, samples, resamples: RESAMPLES }
}

/// The first look at which a single suspect can be confirmed.
fn least(policy: &Policy) -> u32 {
    let looks = &policy.ab.looks;
    let needed = smallest_n(policy.verdict.alpha / looks.len() as f64).unwrap_or_default();
    // The policy's validation has seen that the last one serves.
    looks.iter().copied().find(|look| *look >= needed).or(looks.last().copied()).unwrap_or_default()
}

fn case<'a>(policy: &'a Policy, trial: &'a Trial) -> Case<'a> {
    Case {
        baseline: Some(&trial.base),
        candidate: &trial.head,
        policy,
        noise: None,
        today: Zoned::now().date(),
    }
}
