//! `gate run`

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use jiff::Zoned;

use super::ab::criterion_times;
use super::build::{BuildArgs, claim, selection};
use super::learn::{self, Codes, codes};
use super::progress;
use super::source::{self, StoreArgs};
use super::{Context, Failed, OutputArgs, PolicyArgs, baseline};
use crate::exit::Exit;
use crate::judge::{self, Case, Outcome, Report, Row, Severity};
use crate::measure::{
    self, BenchExecutable, BuildOptions, Filter, Harness, Interrupt, Plan, Progress, Silent,
};
use crate::model::Snapshot;
use crate::policy::{Gate, MeasureRules, Policy};

/// Criterion's own intervals are not used for any verdict, so its bootstrap is
/// kept short: at its default it takes about as long as measuring.
pub(super) const RESAMPLES: u32 = 1000;

/// Fresh processes for a first look: the least of which one can be told apart.
const QUICK_REPEAT: u32 = 3;
/// Their times, where the policy's are not shorter.
const QUICK_WARM_UP: Duration = Duration::from_millis(20);
const QUICK_TIME: Duration = Duration::from_millis(50);

/// The baseline that is compared with where none is named.
const MAIN: &str = "main";

/// Measure this project's benches in fresh processes, and judge them against the baseline
///
/// Builds with `cargo bench --no-run`, runs every bench target several times in turn, writes a
/// snapshot and compares it with the machine class's baseline `main`, if there is one:
///
///   gate run                            measure and judge
///   gate run --save main                measure and save a baseline
///   gate run --bench cache --filter l1  only a part
///   gate run --quick                    a first look, at larger changes only
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Run {
    /// Save the snapshot as a baseline of this machine class; one that stands there is replaced
    /// only if nothing regressed against it and nothing of it is missing
    #[arg(long, value_name = "NAME", conflicts_with = "baseline")]
    save: Option<String>,
    /// With --save: replace the baseline whatever the comparison says
    #[arg(long, requires = "save")]
    force: bool,
    /// Also keep how much these runs differ for the machine class, as `gate calibrate` does: a
    /// session more of this code, if the last was an hour ago. What benchmarks read when they run
    /// must be the same
    #[arg(long)]
    learn: bool,
    /// What to compare with: a baseline's name, a file, a directory of results, or DIR@NAME
    /// [default: main]
    #[arg(long, value_name = "SPEC")]
    baseline: Option<String>,
    /// Fresh processes for each bench target [default: the policy's, 5]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    repeat: Option<u32>,
    /// A first look: fewer and shorter processes, and no instructions counted. It shows larger
    /// changes only, and is no baseline
    #[arg(long, conflicts_with_all = ["save", "learn", "repeat"])]
    quick: bool,
    /// Only benchmarks whose name matches this regular expression
    #[arg(long, value_name = "REGEX")]
    filter: Option<String>,
    #[command(flatten)]
    build: BuildArgs,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    output: OutputArgs,
}

impl Run {
    pub(super) fn run(self, context: &Context) -> Result<Exit, Failed> {
        let Self {
            save,
            force,
            learn,
            baseline,
            repeat,
            quick,
            filter,
            build,
            store,
            policy,
            output,
        } = self;
        let mut policy = policy.find()?;
        if quick {
            shorten(&mut policy.measure);
        }
        let filter =
            filter.map(|filter| Filter::matching(&filter)).transpose().map_err(Failed::usage)?;
        let build = build.options(context);
        let selection = selection(&build, filter.as_ref());
        let selection = match selection {
            // What it leaves out, instructions for one, is not lost.
            part if quick => {
                Some(format!("--quick {}", part.unwrap_or_default()).trim().to_owned())
            }
            part => part,
        };
        policy.measure.repeat = repeat.unwrap_or(policy.measure.repeat);

        if let Some(name) = &save {
            // A name that cannot be saved is said before minutes of measuring.
            store.store().path(&store.class(), name).map_err(Failed::usage)?;
        }

        // So is a noise file that cannot be read.
        let noise = source::noise(&store)?;

        let interrupt = Interrupt::install()?;
        let _claim = claim(context, "gate run", &build.target_directory()?, &interrupt)?;
        let name = save.as_deref().unwrap_or("newest");
        let (mut snapshot, target, codes) =
            measure(context, &policy, name, build, filter, quick, &interrupt)?;
        snapshot.selection = selection;
        let newest = source::newest_in(&target);
        crate::baseline::write(&newest, &snapshot)?;
        if learn {
            // Judged by what was known before: a run is no witness for itself.
            learn::keep(context, &store, noise.clone(), &snapshot, &codes, policy.measure.process)?;
        }

        let against = match &save {
            Some(name) => source::stored(&store, name)?,
            None => source::load(context, &store, baseline.as_deref().unwrap_or(MAIN))?,
        };
        let case = Case {
            baseline: against.as_ref(),
            candidate: &snapshot,
            policy: &policy,
            noise: noise.as_ref(),
            today: Zoned::now().date(),
        };
        let Some(save) = &save else {
            return output.write(context, &judge::judge(&case));
        };
        // A first baseline has nothing to be judged against.
        let report = if against.is_some() { judge::judge(&case) } else { judge::compare(&case) };
        let exit = output.write(context, &report)?.worst(broken(&report));
        if let Some(why) = unfit(&report, exit).filter(|_| !force) {
            context
                .shell
                .note(&format!("not saved as `{save}`: {why}; --force saves it all the same"));
            return Ok(exit.worst(Exit::NothingCompared));
        }
        baseline::save(context, &store, save, snapshot, true)?;
        Ok(if force { Exit::Pass } else { exit })
    }
}

/// Why a snapshot must not take a baseline's place without being told to: it
/// is worse, or it knows less.
fn unfit(report: &Report, exit: Exit) -> Option<String> {
    if exit != Exit::Pass {
        return Some(format!("{} (exit {})", exit.meaning(), exit.code()));
    }
    report.baseline.as_ref()?;
    if let Some(selection) = &report.candidate.selection {
        return Some(format!("it holds only a part, {selection}"));
    }
    let lost = |row: &&Row| row.gate > Gate::Show && row.outcome() == Some(Outcome::Missing);
    match report.rows.iter().filter(lost).count() {
        0 => None,
        lost => Some(format!("it lacks {lost} rows of the baseline")),
    }
}

/// What a report without a verdict still says of things that broke.
fn broken(report: &Report) -> Exit {
    report
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Fail)
        .fold(Exit::Pass, |exit, finding| exit.worst(finding.code.exit()))
}

/// What a first look takes of the policy.
fn shorten(rules: &mut MeasureRules) {
    rules.repeat = rules.repeat.min(QUICK_REPEAT);
    rules.process.warm_up = rules.process.warm_up.min(QUICK_WARM_UP);
    rules.process.time = rules.process.time.min(QUICK_TIME);
    rules.counts = 0;
}

/// Builds and measures; the snapshot, the target directory, the names of the code.
fn measure(
    context: &Context,
    policy: &Policy,
    name: &str,
    options: BuildOptions,
    filter: Option<Filter>,
    quick: bool,
    interrupt: &Interrupt,
) -> Result<(Snapshot, PathBuf, Codes), Failed> {
    let mut bar: Box<dyn Progress> =
        if context.shell.quiet { Box::new(Silent) } else { progress::on_stderr() };
    let mut built = measure::build(&options, interrupt, bar.as_mut())?;
    if quick {
        // One whose kind cannot be read is left in: that it cannot run is said.
        let counts = |one: &BenchExecutable| {
            Harness::detect(&one.path).ok().flatten().is_some_and(Harness::counts)
        };
        built.executables.retain(|one| !counts(one));
    }
    let gate: &Path = &built.target_directory.join("gate");
    let codes = codes(&built.executables);
    let plan = Plan {
        name: name.to_owned(),
        executables: built.executables,
        not_run: built.not_run,
        build: options,
        repeats: policy.measure.repeat,
        filter,
        criterion: criterion_times(&policy.measure.process),
        counts: policy.measure.counts,
        uncounted: policy.measure.uncounted.clone(),
        time_limit: policy.measure.time_limit,
        scratch: gate.to_owned(),
        logs: Some(gate.join("logs")),
    };
    let snapshot = measure::run(&plan, interrupt, bar.as_mut())?;
    Ok((snapshot, built.target_directory, codes))
}
