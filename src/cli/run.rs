//! `gate run`

use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Zoned;

use super::progress;
use super::source::{self, StoreArgs};
use super::{Context, Failed, OutputArgs, PolicyArgs, baseline};
use crate::exit::Exit;
use crate::judge::{self, Case, Report, Severity};
use crate::measure::{
    self, BuildOptions, CriterionTimes, Filter, Interrupt, Plan, Progress, Silent,
};
use crate::model::Snapshot;
use crate::policy::Policy;

/// Criterion's own intervals are not used for any verdict, so its bootstrap is
/// kept short: at its default it takes about as long as measuring.
const RESAMPLES: u32 = 1000;

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
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Run {
    /// Save the snapshot as a baseline of this machine class; one that stands there is replaced
    /// only if nothing regressed against it
    #[arg(long, value_name = "NAME")]
    save: Option<String>,
    /// What to compare with: a baseline's name, a file, a directory of results, or DIR@NAME
    /// [default: main]
    #[arg(long, value_name = "SPEC")]
    baseline: Option<String>,
    /// Fresh processes for each bench target [default: the policy's, 5]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    repeat: Option<u32>,
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

/// Cargo's options, passed on.
#[derive(Debug, Args)]
struct BuildArgs {
    /// Only these bench targets
    #[arg(long, value_name = "TARGET")]
    bench: Vec<String>,
    /// Only these packages
    #[arg(long, short, value_name = "PACKAGE")]
    package: Vec<String>,
    /// All packages of the workspace
    #[arg(long)]
    workspace: bool,
    /// Features to build with
    #[arg(long, short = 'F', value_name = "FEATURES")]
    features: Vec<String>,
    /// Build with all features
    #[arg(long)]
    all_features: bool,
    /// Build without the default features
    #[arg(long)]
    no_default_features: bool,
    /// The Cargo.toml to measure
    #[arg(long, value_name = "FILE")]
    manifest_path: Option<PathBuf>,
}

impl BuildArgs {
    fn options(self, context: &Context) -> BuildOptions {
        let Self {
            bench,
            package,
            workspace,
            features,
            all_features,
            no_default_features,
            manifest_path,
        } = self;
        BuildOptions {
            directory: Some(context.directory.clone()),
            benches: bench,
            packages: package,
            workspace,
            features,
            all_features,
            no_default_features,
            manifest_path,
            quiet: context.shell.quiet,
            ..BuildOptions::default()
        }
    }
}

impl Run {
    pub(super) fn run(self, context: &Context) -> Result<Exit, Failed> {
        let Self { save, baseline, repeat, filter, build, store, policy, output } = self;
        let policy = policy.find(context)?;
        let filter =
            filter.map(|filter| Filter::matching(&filter)).transpose().map_err(Failed::usage)?;
        let build = build.options(context);
        let selection = selection(&build, filter.as_ref());
        let repeats = repeat.unwrap_or(policy.measure.repeat);

        let name = save.as_deref().unwrap_or("newest");
        let (mut snapshot, target) = measure(context, &policy, name, build, filter, repeats)?;
        snapshot.selection = selection;
        let newest = source::newest_in(&target);
        crate::baseline::write(&newest, &snapshot)?;

        let spec = baseline.as_deref().or(save.as_deref()).unwrap_or(MAIN);
        let against = source::load(context, &store, spec)?;
        let case = Case {
            baseline: against.as_ref(),
            candidate: &snapshot,
            policy: &policy,
            today: Zoned::now().date(),
        };
        let Some(save) = &save else {
            return output.write(context, &judge::judge(&case));
        };
        // A first baseline has nothing to be judged against.
        let report = if against.is_some() { judge::judge(&case) } else { judge::compare(&case) };
        let exit = output.write(context, &report)?.worst(broken(&report));
        if matches!(exit, Exit::Regression | Exit::Failure | Exit::NothingCompared) {
            context.shell.note(&format!(
                "not saved as `{save}`: see above. To save it all the same: gate baseline save \
                 {save} --force"
            ));
            return Ok(exit);
        }
        baseline::save(context, &store, save, snapshot, true)?;
        Ok(exit)
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

/// What was selected, in the words of the command line.
fn selection(build: &BuildOptions, filter: Option<&Filter>) -> Option<String> {
    let mut words = Vec::new();
    for (option, values) in [("--bench", &build.benches), ("--package", &build.packages)] {
        words.extend(values.iter().map(|value| format!("{option} {value}")));
    }
    words.extend(filter.map(|filter| format!("--filter {}", filter.as_str())));
    (!words.is_empty()).then(|| words.join(" "))
}

/// Builds and measures; the snapshot, and the target directory.
fn measure(
    context: &Context,
    policy: &Policy,
    name: &str,
    options: BuildOptions,
    filter: Option<Filter>,
    repeats: u32,
) -> Result<(Snapshot, PathBuf), Failed> {
    let interrupt = Interrupt::install()?;
    let mut bar: Box<dyn Progress> =
        if context.shell.quiet { Box::new(Silent) } else { progress::on_stderr() };
    let built = measure::build(&options, &interrupt, bar.as_mut())?;
    let gate: &Path = &built.target_directory.join("gate");
    let plan = Plan {
        name: name.to_owned(),
        executables: built.executables,
        not_run: built.not_run,
        build: options,
        repeats,
        filter,
        criterion: CriterionTimes {
            warm_up: policy.measure.warm_up,
            measurement: policy.measure.time,
            samples: policy.measure.samples,
            resamples: RESAMPLES,
        },
        counts: policy.measure.counts,
        time_limit: policy.measure.time_limit,
        scratch: gate.to_owned(),
        logs: Some(gate.join("logs")),
    };
    let snapshot = measure::run(&plan, &interrupt, bar.as_mut())?;
    Ok((snapshot, built.target_directory))
}
