//! `gate run`

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Args;

use super::learn::{self, Codes, codes};
use super::plan::criterion_times;
use super::subjects::Subjects;
use crate::baseline;
use crate::cli::args::{BuildArgs, FilterArgs, OutputArgs, PolicyArgs, StoreArgs};
use crate::cli::candidate::{find, newest_file_in};
use crate::cli::context::{Context, Failed};
use crate::cli::store::{missing, noise, save, stored};
use crate::exit::Exit;
use crate::judge::{self, Case, Outcome, Report, Row, Severity};
use crate::measure::{self, BenchExecutable, Filter, Harness, Interrupt, Plan};
use crate::model::{BenchId, NotRun, Snapshot};
use crate::policy::{Gate, MeasureRules, Policy};
use crate::text::plural;

/// Fresh processes of a quick run: the fewest that show an outlier.
const QUICK_REPEAT: u32 = 3;
/// The times of a quick run, unless the policy's are shorter.
const QUICK_WARM_UP: Duration = Duration::from_millis(20);
const QUICK_TIME: Duration = Duration::from_millis(50);

/// The baseline to compare with if none is named.
const MAIN: &str = "main";

/// Reasons for not measuring that are listed after a first run.
const REASONS_SHOWN: usize = 8;

/// Measure in fresh processes, and judge against a baseline
///
/// Builds with `cargo bench --no-run`, runs every bench target several times in turn, writes a
/// snapshot and compares it with the machine class's baseline `main`, if there is one:
///
///   gate run                            measure and judge
///   gate run --save main                measure and save a baseline
///   gate run --bench cache --filter l1  measure only a part
///   gate run --quick                    a first look, which detects only larger changes
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Run {
    /// Save the snapshot as a baseline of this machine class. An existing baseline is replaced only
    /// if nothing regressed and no benchmark is missing [default: not saved]
    #[arg(long, value_name = "NAME", conflicts_with = "baseline")]
    save: Option<String>,
    /// Replace the baseline that --save names, whatever the comparison says
    #[arg(long, requires = "save")]
    force: bool,
    /// Record these runs' noise for this machine class, as `gate calibrate` does (at most once an
    /// hour). Files that benchmarks read must not have changed since the last session
    #[arg(long)]
    learn: bool,
    /// Compare with this: a baseline's name, a file, a directory of results, or DIR@NAME
    /// [default: main]
    #[arg(long, value_name = "SPEC")]
    baseline: Option<String>,
    /// Run each bench target in this many fresh processes [default: from the policy, 5]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    repeat: Option<u32>,
    /// Take a quick look with fewer and shorter processes, without counting instructions. Detects
    /// only larger changes; cannot be saved as a baseline
    #[arg(long, conflicts_with_all = ["save", "learn", "repeat"])]
    quick: bool,
    #[command(flatten)]
    filter: FilterArgs,
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
            save: save_as,
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
        let args = policy;
        let mut policy = args.find(context)?;
        if quick {
            shorten(&mut policy.measure);
        }
        policy.measure.repeat = repeat.unwrap_or(policy.measure.repeat);
        let filter = filter.compile()?;
        let mut subjects =
            Subjects::select(context, &policy, &args, build.options(context), filter.as_ref())?;
        let selection = match subjects.selection.take() {
            // Recorded as a selection, so that the instructions it leaves out do not
            // count as missing.
            part if quick => {
                Some(format!("--quick {}", part.unwrap_or_default()).trim().to_owned())
            }
            part => part,
        };
        // Checked before measuring: a name that cannot be saved is reported at once, and
        // so is a noise file that cannot be read.
        if let Some(name) = &save_as {
            store.store().path(&store.class(), name).map_err(Failed::usage)?;
        }
        let noise = noise(&store)?;

        let interrupt = Interrupt::install()?;
        let _claim = context.claim("gate run", &subjects.target, &interrupt)?;
        let name = save_as.as_deref().unwrap_or("newest");
        let (mut snapshot, codes) =
            measure(context, &policy, name, &subjects, filter, quick, &interrupt)?;
        snapshot.selection = selection;
        baseline::write(&newest_file_in(&subjects.target), &snapshot)?;
        if learn {
            // Judged by the noise known before: a run must not be evidence for itself.
            learn::keep(context, &store, noise.clone(), &snapshot, &codes, policy.measure.process)?;
        }

        let name = save_as.as_deref().or(baseline.as_deref()).unwrap_or(MAIN);
        let against = if save_as.is_some() { stored(&store, name)? } else { find(&store, name)? };
        let case = Case {
            baseline: against.as_ref(),
            candidate: &snapshot,
            policy: &policy,
            noise: noise.as_ref(),
            today: context.today,
        };
        if save_as.is_none() {
            let exit = output.write(context, &judge::judge(&case))?;
            if against.is_none() {
                context.shell.note(&missing(&store, name)?);
                first_run(context, &snapshot, name, quick);
            }
            return Ok(exit);
        }
        // A first baseline has nothing to be judged against.
        let report = if against.is_some() { judge::judge(&case) } else { judge::compare(&case) };
        let exit = output.write(context, &report)?.worst(broken(&report));
        if let Some(reason) = unfit(&report, exit).filter(|_| !force) {
            context
                .shell
                .note(&format!("not saved as `{name}`: {reason}; --force saves it anyway"));
            return Ok(exit.worst(Exit::NothingCompared));
        }
        save(context, &store, name, snapshot, true)?;
        Ok(if force { Exit::Pass } else { exit })
    }
}

/// After a run without a baseline: reports that measuring worked, what was not measured,
/// and which command comes next.
fn first_run(context: &Context, snapshot: &Snapshot, name: &str, quick: bool) {
    let shell = &context.shell;
    let measured: BTreeSet<&BenchId> =
        snapshot.measurements.iter().map(|measurement| &measurement.id).collect();
    if measured.is_empty() {
        shell.note("nothing was measured, so there is nothing to save as a baseline");
    } else {
        shell.note(&format!(
            "measuring worked ({}, {}); only the comparison is missing, because there is no \
             baseline yet",
            plural(measured.len(), "benchmark"),
            plural(snapshot.runs.len(), "run"),
        ));
    }
    let reasons = reasons(&snapshot.not_run);
    for (reason, subjects) in reasons.iter().take(REASONS_SHOWN) {
        shell.note(&format!("not measured: {}: {reason}", subjects.join(", ")));
    }
    if let Some(more @ 1..) = reasons.len().checked_sub(REASONS_SHOWN) {
        shell.note(&format!("not measured for {}: see the report", plural(more, "other reason")));
    }
    let program = context.program;
    if measured.is_empty() {
        shell.note(&format!("next: `{program} doctor` checks this machine and project"));
    } else if quick {
        shell.note(&format!(
            "next: `{program} run --save {name}` measures in full and saves the baseline that \
             later runs are compared with"
        ));
    } else {
        shell.note(&format!(
            "next: `{program} baseline save {name}` saves these results as the baseline that later \
             runs are compared with"
        ));
    }
}

/// The subjects that were not measured, by reason, in the order of the reasons' first
/// occurrence.
fn reasons(not_run: &[NotRun]) -> Vec<(&str, Vec<&str>)> {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for NotRun { subject, reason, .. } in not_run {
        match reasons.iter_mut().find(|(known, _)| known == reason) {
            Some((_, subjects)) => subjects.push(subject),
            None => reasons.push((reason, vec![subject])),
        }
    }
    reasons
}

/// Why a snapshot must not replace a baseline without --force: it is worse, or it lacks
/// rows.
fn unfit(report: &Report, exit: Exit) -> Option<String> {
    if exit != Exit::Pass {
        return Some(format!("{} (exit {})", exit.meaning(), exit.code()));
    }
    report.baseline.as_ref()?;
    if let Some(selection) = &report.candidate.selection {
        return Some(format!("it contains only a part, {selection}"));
    }
    let lost = |row: &&Row| row.gate > Gate::Show && row.outcome() == Some(Outcome::Missing);
    match report.rows.iter().filter(lost).count() {
        0 => None,
        lost => Some(format!("it lacks {lost} rows of the baseline")),
    }
}

/// The exit code for failures that even a report without a verdict lists.
fn broken(report: &Report) -> Exit {
    report
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Fail)
        .fold(Exit::Pass, |exit, finding| exit.worst(finding.code.exit()))
}

/// Shortens the policy's rules for a quick look.
fn shorten(rules: &mut MeasureRules) {
    rules.repeat = rules.repeat.min(QUICK_REPEAT);
    rules.process.warm_up = rules.process.warm_up.min(QUICK_WARM_UP);
    rules.process.time = rules.process.time.min(QUICK_TIME);
    rules.counts = 0;
}

/// Builds and measures. Returns the snapshot and a name for each target's code.
fn measure(
    context: &Context,
    policy: &Policy,
    name: &str,
    subjects: &Subjects,
    filter: Option<Filter>,
    quick: bool,
    interrupt: &Interrupt,
) -> Result<(Snapshot, Codes), Failed> {
    let mut bar = context.progress();
    let (mut built, commands) = subjects.build(interrupt, bar.as_mut())?;
    if quick {
        // An executable whose harness cannot be read stays in: the report then says why
        // it cannot run.
        let counts = |executable: &BenchExecutable| {
            Harness::detect(&executable.path).ok().flatten().is_some_and(Harness::counts)
        };
        built.executables.retain(|executable| !counts(executable));
    }
    let gate = subjects.place();
    let codes = codes(&built.executables);
    let plan = Plan {
        name: name.to_owned(),
        executables: built.executables,
        commands,
        not_run: built.not_run,
        build: subjects.options.clone(),
        repeats: policy.measure.repeat,
        filter,
        criterion: criterion_times(&policy.measure.process),
        counts: policy.measure.counts,
        uncounted: policy.measure.uncounted.clone(),
        time_limit: policy.measure.time_limit,
        logs: Some(gate.join("logs")),
        scratch: gate,
    };
    let snapshot = measure::run(&plan, interrupt, bar.as_mut())?;
    Ok((snapshot, codes))
}
