//! `gate ab`

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use jiff::{SignedDuration, Zoned};

use super::build::{BuildArgs, selection};
use super::run::RESAMPLES;
use super::{Context, Failed, OutputArgs, PolicyArgs, progress};
use crate::exit::Exit;
use crate::judge::{Case, Outcome, judge};
use crate::measure::identity::{Identity, compare};
use crate::measure::{
    self, BenchExecutable, BuildOptions, CriterionTimes, Filter, Interrupt, Progress, Repository,
    Silent, Source, Trial, TrialPlan, TrialSide,
};
use crate::model::BenchId;
use crate::policy::Policy;

/// Judge this working tree against its base, measured in turn on this machine
///
/// Both sides are built at one path, then run by fresh processes in pairs. Everything is screened;
/// what looks changed is measured again, and judged on that fresh data alone:
///
///   gate ab                  the working tree against its merge base with the default branch
///   gate ab --base v1.2      against another revision
///   gate ab --base-exe OLD --head-exe NEW
///                            two criterion executables, or scripts that exec them
///
/// Your own tree is never touched: sources are laid into `target/gate/checkout`.
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
        let Self { base, base_exe, head_exe, filter, budget, seed, save, build, policy, output } =
            self;
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
        let mut bar: Box<dyn Progress> =
            if context.shell.quiet { Box::new(Silent) } else { progress::on_stderr() };
        let (sides, place) = if base_exe.is_empty() {
            let target = target
                .context("`gate ab` needs a cargo project, or --base-exe and --head-exe")
                .map_err(Failed::usage)?;
            let sides =
                built(context, base.as_deref(), &options, &target, &interrupt, bar.as_mut())?;
            (sides, target.join("gate"))
        } else {
            // Outside of a project there is no target directory to use.
            let place = target.map_or_else(|_| std::env::temp_dir(), |target| target.join("gate"));
            (ready(&base_exe, &head_exe)?, place)
        };
        let [base, head] = sides;
        let plan = TrialPlan {
            identical: identical(&base, &head),
            base,
            head,
            seed: seed.unwrap_or_else(|| fastrand::u64(..)),
            screening: policy.ab.screening,
            looks: policy.ab.looks.clone(),
            budget: Some(budget.unwrap_or(policy.ab.budget)),
            filter,
            criterion: CriterionTimes {
                warm_up: policy.ab.warm_up,
                measurement: policy.ab.time,
                samples: policy.ab.samples,
                resamples: RESAMPLES,
            },
            time_limit: policy.measure.time_limit,
            scratch: place.clone(),
            logs: None,
            selection,
        };
        let trial = measure::trial(
            &plan,
            &mut |trial| undecided(&policy, trial),
            &interrupt,
            bar.as_mut(),
        )?;
        let save = save.unwrap_or_else(|| place.join("ab"));
        crate::baseline::write(&save.join("base.json"), &trial.base)?;
        crate::baseline::write(&save.join("head.json"), &trial.head)?;
        output.write(context, &judge(&case(&policy, &trial)))
    }
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

/// Targets whose executables hold the same code: green by proof, not measured.
/// Scripts are none of them: what they start is not known.
fn identical(base: &TrialSide, head: &TrialSide) -> BTreeSet<(Option<String>, String)> {
    let mut same = BTreeSet::new();
    for one in &base.executables {
        let key = (one.package.clone(), one.target.clone());
        let other =
            head.executables.iter().find(|other| other.target == key.1 && other.package == key.0);
        if other.is_some_and(|other| matches!(compare(one, other), Identity::Identical { .. })) {
            same.insert(key);
        }
    }
    same
}

/// What is to be measured again.
fn undecided(policy: &Policy, trial: &Trial) -> BTreeSet<BenchId> {
    let report = judge(&case(policy, trial));
    let open = report.rows.iter().filter(|row| {
        let both = row.baseline.is_some() && row.candidate.is_some();
        both && !row.counted && row.outcome() == Some(Outcome::Undecided)
    });
    open.map(crate::judge::Row::bench_id).collect()
}

fn ready(base: &[PathBuf], head: &[PathBuf]) -> Result<[TrialSide; 2], Failed> {
    let mut sides = [("base", Vec::new()), ("head", Vec::new())];
    for (base, head) in base.iter().zip(head) {
        // They belong together by order, so they go by one name: the head's.
        let name = BenchExecutable::ready(head).target;
        for (path, (_, executables)) in [base, head].into_iter().zip(&mut sides) {
            let path = fs_err::canonicalize(path).map_err(Failed::usage)?;
            let mut executable = BenchExecutable::ready(path);
            executable.target.clone_from(&name);
            executables.push(executable);
        }
    }
    let names: BTreeSet<&str> = sides[1].1.iter().map(|one| one.target.as_str()).collect();
    if names.len() < head.len() {
        return Err(Failed::usage(anyhow::anyhow!(
            "two of the head's executables have the same file name: give them different ones"
        )));
    }
    Ok(sides.map(|(name, executables)| TrialSide {
        name: name.to_owned(),
        revision: None,
        executables,
        not_run: Vec::new(),
        build: BuildOptions::default(),
    }))
}

/// Lays and builds base, then head, in one checkout directory.
fn built(
    context: &Context,
    base: Option<&str>,
    options: &BuildOptions,
    target: &Path,
    interrupt: &Interrupt,
    progress: &mut dyn Progress,
) -> Result<[TrialSide; 2], Failed> {
    let repository = Repository::of(&context.directory)
        .context("`gate ab` needs a git repository, or --base-exe and --head-exe")
        .map_err(Failed::usage)?;
    let commit = match base {
        Some(revision) => repository
            .commit(revision)
            .with_context(|| format!("there is no revision `{revision}`"))
            .map_err(Failed::usage)?,
        None => repository.merge_base().map_err(Failed::usage)?,
    };
    let short: String = commit.chars().take(10).collect();
    context.shell.status("base", &format!("{short}; head is the working tree"));
    // The part of the repository that the command was given in.
    let inside = fs_err::canonicalize(&context.directory)?;
    let inside = inside.strip_prefix(fs_err::canonicalize(repository.root())?).map(Path::to_owned);
    let inside = inside.unwrap_or_default();
    let checkout = target.join("gate").join("checkout");
    let mut sides = Vec::new();
    for (name, source) in [("base", Source::Commit(commit)), ("head", Source::WorkingTree)] {
        let memory = target.join("gate").join(format!("{name}-files.json"));
        repository.lay(&source, &checkout, &memory)?;
        let options = BuildOptions {
            directory: Some(checkout.join(&inside)),
            target_dir: Some(target.join("gate").join(name)),
            ..options.clone()
        };
        let built = measure::build(&options, interrupt, progress)
            .with_context(|| format!("the {name} cannot be measured"))?;
        sides.push(TrialSide {
            name: name.to_owned(),
            revision: repository.revision(&source),
            executables: built.executables,
            not_run: built.not_run,
            build: options,
        });
    }
    Ok(sides.try_into().expect("two sides"))
}
