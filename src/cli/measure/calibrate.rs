//! `gate calibrate`

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;

use super::learn::codes;
use super::plan::trial_plan;
use super::subjects::Subjects;
use crate::calibrate::{
    Evidence, Instructions, Observed, calibrate, observe, observe_trial, remember,
};
use crate::cli::args::{BuildArgs, FilterArgs, Format, PolicyArgs, StoreArgs, parse_duration};
use crate::cli::context::{Context, Failed};
use crate::cli::store::noise;
use crate::exit::Exit;
use crate::measure::{
    self, BenchExecutable, BuiltSide, CountError, CountOptions, CountTarget, Filter, Interrupt,
    Listed, Progress, Trial, TrialPlan,
};
use crate::model::{BenchId, Metric, Nature, NotRun, Snapshot, Sources};
use crate::policy::Policy;
use crate::report;

/// Pairs that are screened before the budget is looked at; no fewer are asked for.
const FIRST_PAIRS: u32 = 6;

/// How often each benchmark's instructions are counted to see whether they repeat.
const COUNTS: u32 = 3;

/// Measure this machine's noise
///
/// Runs the same executables against themselves. Reports what size of change each benchmark's clock
/// can show here, keeps that for the machine class (`gate run` and `gate check` take it into account),
/// and suggests rules for gate.toml:
///
///   gate calibrate                     this project's benches, 20 pairs
///   gate calibrate --bench cache       only one bench target
///   gate calibrate --from a.json b.json
///                                      snapshots of unchanged code, each a session; nothing is
///                                      measured
///
/// Run it at three or more different times: nothing else shows how much sessions differ.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Calibrate {
    /// Measure this many pairs of processes [default: from the policy, 20]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(6..=1000))]
    pairs: Option<u32>,
    #[command(flatten)]
    filter: FilterArgs,
    /// Stop starting new pairs after this long [default: from the policy, 15m]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    budget: Option<Duration>,
    /// Seed the order of processes [default: random]
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Learn from these snapshots, which must be of the same code, and measure nothing
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["pairs", "filter", "budget", "seed"])]
    from: Vec<PathBuf>,
    /// Show the result, and keep nothing
    #[arg(long)]
    dry_run: bool,
    /// Write the calibration to stdout in this format
    #[arg(long, value_enum, default_value_t = Format::Terminal)]
    format: Format,
    #[command(flatten)]
    build: BuildArgs,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    policy: PolicyArgs,
}

/// What was measured, or read.
#[derive(Default)]
struct Found {
    observed: Vec<Observed>,
    instructions: BTreeMap<BenchId, Instructions>,
    not_run: Vec<NotRun>,
}

impl Calibrate {
    pub(super) fn run(self, context: &Context) -> Result<Exit, Failed> {
        let Self { pairs, filter, budget, seed, from, dry_run, format, build, store, policy } =
            self;
        let args = policy;
        let policy = args.find(context)?;
        let class = store.class();
        let path = store.store().noise_path(&class).map_err(Failed::usage)?;
        // Read before measuring: a file that cannot be read is reported at once.
        let known = noise(&store)?.unwrap_or_default();
        let found = if from.is_empty() {
            let how = How {
                pairs: pairs.unwrap_or(policy.calibrate.pairs),
                budget: budget.unwrap_or(policy.calibrate.budget),
                seed: seed.unwrap_or_else(|| fastrand::u64(..)),
                filter: filter.compile()?,
            };
            let options = build.options(context);
            let subjects = Subjects::select(context, &policy, &args, options, how.filter.as_ref())?;
            measure(context, &policy, &subjects, how)?
        } else {
            read(&from)?
        };
        if found.observed.is_empty() {
            return Err(Failed::nothing(anyhow::anyhow!(
                "no benchmark has two or more runs to learn from"
            )));
        }
        let noise = remember(&known, &found.observed);
        let evidence = Evidence {
            observed: &found.observed,
            noise: &noise,
            instructions: &found.instructions,
            not_run: &found.not_run,
        };
        let calibration = calibrate(&evidence, &policy, &class, path);
        if !dry_run {
            let path = store.store().save_noise(&class, &noise)?;
            context.shell.status("kept", &path.display().to_string());
        }
        let table = || report::calibration(&calibration, context.shell.width());
        context.shell.data(&format.render(&calibration, table)?)?;
        Ok(Exit::Pass)
    }
}

/// The snapshots' runs, and what counts they hold.
fn read(files: &[PathBuf]) -> Result<Found, Failed> {
    let mut found = Found::default();
    let mut taken = BTreeSet::new();
    for file in files {
        let snapshot = crate::baseline::read(file)?;
        if !taken.insert(snapshot.created) {
            return Err(Failed::usage(anyhow::anyhow!(
                "{}: another of these snapshots was taken at the same time, {}; each session \
                 counts only once",
                file.display(),
                snapshot.created
            )));
        }
        found.observed.extend(observe(&snapshot));
        found.instructions.extend(counted(&snapshot));
    }
    Ok(found)
}

fn counted(snapshot: &Snapshot) -> impl Iterator<Item = (BenchId, Instructions)> {
    let counts = snapshot.measurements.iter().filter(|measurement| {
        measurement.metric.name == Metric::INSTRUCTIONS
            && measurement.metric.nature == Nature::Counted
    });
    counts.map(|measurement| {
        let values =
            measurement.runs.iter().filter_map(|run| crate::judge::run_value(&run.reading));
        (measurement.id.clone(), steadiness(&values.collect::<Vec<_>>()))
    })
}

fn steadiness(values: &[f64]) -> Instructions {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(0.0, f64::max);
    match values.len() {
        0 | 1 => Instructions::Unavailable("counted once, which does not show spread".to_owned()),
        _ if least == most => Instructions::Steady,
        _ => Instructions::Vary((most - least) / least.max(1.0)),
    }
}

/// How much is measured of what.
struct How {
    pairs: u32,
    budget: Duration,
    seed: u64,
    filter: Option<Filter>,
}

fn measure(
    context: &Context,
    policy: &Policy,
    subjects: &Subjects,
    how: How,
) -> Result<Found, Failed> {
    let How { pairs, budget, seed, filter } = how;
    let interrupt = Interrupt::install()?;
    let _claim = context.claim("gate calibrate", &subjects.target, &interrupt)?;
    let mut bar = context.progress();
    let (built, commands) = subjects.build(&interrupt, bar.as_mut())?;
    let place = subjects.place();
    let side = |name: &str, not_run: Vec<NotRun>| BuiltSide {
        name: name.to_owned(),
        revision: None,
        executables: built.executables.clone(),
        commands: commands.clone(),
        not_run,
        build: subjects.options.clone(),
    };
    let plan = TrialPlan {
        base: side("first", built.not_run.clone()),
        head: side("second", Vec::new()),
        identical: BTreeSet::new(),
        layouts: Vec::new(),
        sources: Sources::default(),
        seed,
        screening: FIRST_PAIRS,
        looks: vec![(pairs - FIRST_PAIRS).max(1)],
        // Nothing is decided, so no number of pairs is too few; and instructions are
        // counted below, once the clock is done.
        budget: Some(budget),
        selection: subjects.selection.clone(),
        filter,
        ..trial_plan(policy, &place)
    };
    let when = Timestamp::now();
    // Everything is measured on, until there are pairs enough.
    let mut wanted = pairs > FIRST_PAIRS;
    let mut open = |trial: &Trial| {
        let ids =
            trial.base.measurements.iter().map(|measurement| measurement.id.clone()).collect();
        if std::mem::take(&mut wanted) { ids } else { BTreeSet::new() }
    };
    let trial = measure::trial(&plan, &mut open, &interrupt, bar.as_mut())?;
    let codes = codes(&built.executables);
    let mut found = Found {
        observed: observe_trial([&trial.base, &trial.head], when, &codes),
        instructions: BTreeMap::new(),
        not_run: [trial.base.not_run.clone(), trial.head.not_run].concat(),
    };
    count(&built.executables, &trial.base, policy, place, &interrupt, bar.as_mut(), &mut found)?;
    Ok(found)
}

/// Whether the instructions of what has a time can be counted, and repeat.
fn count(
    executables: &[BenchExecutable],
    measured: &Snapshot,
    policy: &Policy,
    scratch: PathBuf,
    interrupt: &Interrupt,
    progress: &mut dyn Progress,
    found: &mut Found,
) -> Result<(), Failed> {
    let timed = |executable: &BenchExecutable| -> Vec<Listed> {
        let own = measured.measurements.iter().filter(|measurement| {
            measurement.metric == Metric::time() && executable.target.holds(&measurement.id)
        });
        own.map(|measurement| Listed { name: measurement.id.name.clone(), cut: false }).collect()
    };
    let targets: Vec<CountTarget<'_>> = executables
        .iter()
        .map(|executable| CountTarget {
            executable,
            subject: &executable.target.name,
            benchmarks: timed(executable),
        })
        .filter(|target| !target.benchmarks.is_empty())
        .collect();
    let options = CountOptions {
        counts: COUNTS,
        unsteady_counts: COUNTS,
        time_limit: policy.measure.time_limit,
        scratch,
        profiles: false,
        until: None,
    };
    let id = |executable: &BenchExecutable, name: String| BenchId {
        name,
        target: Some(executable.target.clone()),
    };
    match measure::count(&targets, &options, interrupt, progress) {
        Ok(counted) => found.instructions.extend(counted.into_iter().map(|one| {
            let instructions = match one.outcome {
                Ok(counts) => counts.inexact().map_or_else(
                    || {
                        let values = counts.values(counts.basis());
                        steadiness(&values.into_iter().map(|n| n as f64).collect::<Vec<_>>())
                    },
                    Instructions::Unavailable,
                ),
                Err(reason) => Instructions::Unavailable(reason.to_string()),
            };
            (id(targets[one.target].executable, one.listed.name), instructions)
        })),
        Err(CountError::NoValgrind) => {
            let reason = || Instructions::Unavailable(CountError::NoValgrind.to_string());
            for target in &targets {
                let names = target.benchmarks.iter().map(|listed| listed.name.clone());
                found
                    .instructions
                    .extend(names.map(|name| (id(target.executable, name), reason())));
            }
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}
