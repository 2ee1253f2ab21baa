//! `gate selftest`

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use clap::Args;

use super::ab::case;
use super::plan::{first_conclusive_look, trial_plan};
use crate::cli::args::{BuildArgs, PolicyArgs, parse_duration, parse_share};
use crate::cli::candidate::judged;
use crate::cli::context::{Context, Failed};
use crate::exit::Exit;
use crate::judge::{Outcome, Report, Row, Severity, to_confirm};
use crate::measure::{
    self, BenchExecutable, Built, BuiltSide, Filter, Harness, Interrupt, Listing, Progress, Trial,
    TrialPlan,
};
use crate::model::Metric;
use crate::policy::Policy;
use crate::text::percent;

/// Show on your own bench that the gate turns red
///
/// Measures one benchmark as `gate ab` does, with the same executable on both sides. The head's
/// processes are slowed by a known share from outside: they are stopped and continued, so their
/// code does not change. Next to them the base is measured against itself, which must stay green:
///
///   gate selftest                          the first benchmark, slowed by 10%
///   gate selftest --benchmark parse --slow 6%
///
/// Exits with 0 if the slowdown failed the gate and nothing else did, and with 4 if not: then this
/// machine is too noisy for that benchmark, and the output says what can be found.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Selftest {
    /// Use this benchmark [default: the first criterion benchmark]
    #[arg(long, value_name = "NAME")]
    benchmark: Option<String>,
    /// Take this much longer in the head's processes
    #[arg(long, value_name = "SHARE", default_value = "10%", value_parser = parse_share)]
    slow: f64,
    /// Stop starting new pairs after this long [default: from the policy, 15m]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    budget: Option<Duration>,
    /// Seed the order of processes [default: random]
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    #[command(flatten)]
    build: BuildArgs,
    #[command(flatten)]
    policy: PolicyArgs,
}

impl Selftest {
    pub(super) fn run(self, context: &Context) -> Result<Exit, Failed> {
        let Self { benchmark, slow, budget, seed, build, policy } = self;
        let policy = policy.find(context)?;
        let options = build.options(context);
        let interrupt = Interrupt::install()?;
        let target = options.target_directory()?;
        let _claim = context.claim("gate selftest", &target, &interrupt)?;
        let mut progress = context.progress();
        let built = measure::build(&options, &interrupt, progress.as_mut())?;
        let (executable, name) = choose(&built, benchmark.as_deref(), &policy, &interrupt)?;
        let side = |name: &str| BuiltSide {
            name: name.to_owned(),
            executables: vec![executable.clone()],
            build: options.clone(),
            ..BuiltSide::default()
        };
        let plan = TrialPlan {
            base: side("base"),
            head: side("head"),
            filter: Some(Filter::exactly(name.as_str())),
            seed: seed.unwrap_or_else(|| fastrand::u64(..)),
            screening: policy.ab.screening,
            looks: policy.ab.looks.clone(),
            alpha: policy.verdict.alpha,
            least: first_conclusive_look(&policy),
            control: true,
            // The code is the same, so its instructions say nothing.
            counts: 0,
            slow_head: Some(slow),
            budget: Some(budget.unwrap_or(policy.ab.budget)),
            ..trial_plan(&policy, &target.join("gate"))
        };
        let started = Instant::now();
        let report = trial(&plan, &policy, context, &interrupt, progress.as_mut())?;
        drop(progress);
        let seconds = started.elapsed().as_secs();
        let result = SelfTest { report: &report, name: &name, slow, seconds };
        context.shell.data(&result.text())?;
        Ok(if result.passed() { Exit::Pass } else { Exit::Undecided })
    }
}

/// The benchmark to slow, with its executable.
fn choose(
    built: &Built,
    wanted: Option<&str>,
    policy: &Policy,
    interrupt: &Interrupt,
) -> Result<(BenchExecutable, String), Failed> {
    let mut names = Vec::new();
    for executable in &built.executables {
        let harness = Harness::detect(&executable.path).map_err(anyhow::Error::new)?;
        let Some(harness @ Harness::Criterion) = harness else { continue };
        let limit = policy.measure.time_limit;
        let listing = measure::list(executable, harness, None, limit, interrupt)?;
        let Listing::Benchmarks { listed, .. } = listing else { continue };
        for benchmark in listed {
            if wanted.is_none_or(|wanted| wanted == benchmark.name) {
                return Ok((executable.clone(), benchmark.name));
            }
            names.push(benchmark.name);
        }
    }
    Err(Failed::usage(match wanted {
        Some(wanted) if !names.is_empty() => anyhow::anyhow!(
            "there is no criterion benchmark `{wanted}`; there are: {}",
            crate::text::listed(&names.iter().map(String::as_str).collect::<Vec<_>>(), 10)
        ),
        _ => anyhow::anyhow!(
            "no criterion benchmark was found; `gate doctor` says what this project has"
        ),
    }))
}

fn trial(
    plan: &TrialPlan,
    policy: &Policy,
    context: &Context,
    interrupt: &Interrupt,
    progress: &mut dyn Progress,
) -> Result<Report, Failed> {
    let mut suspects = |trial: &Trial| to_confirm(&case(policy, trial, context));
    let trial = measure::trial(plan, &mut suspects, interrupt, progress)?;
    Ok(judged(&case(policy, &trial, context), trial.control.as_ref()))
}

/// What a self-test showed.
struct SelfTest<'a> {
    report: &'a Report,
    name: &'a str,
    slow: f64,
    seconds: u64,
}

impl SelfTest<'_> {
    fn row(&self) -> Option<&Row> {
        self.report.rows.iter().find(|row| row.metric == Metric::TIME && row.id == self.name)
    }

    fn is_found(&self) -> bool {
        self.row().and_then(|row| row.judgement.as_ref()).is_some_and(|judgement| {
            judgement.outcome == Outcome::Regression && judgement.severity == Severity::Fail
        })
    }

    fn is_quiet(&self) -> bool {
        self.report.control.as_ref().is_some_and(|control| control.alarms.is_empty())
    }

    fn passed(&self) -> bool {
        self.is_found() && self.is_quiet()
    }

    fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |label: &str, value: &str| {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{label:<9} {value}");
        };
        let slow = percent(self.slow);
        line("slowed", &format!("{}: the head's processes, by {slow} from outside", self.name));
        let Some((row, judgement)) =
            self.row().and_then(|row| Some((row, row.judgement.as_ref()?)))
        else {
            line("found", "nothing: the benchmark gave no result");
            return text;
        };
        let change = row.change.map_or_else(String::new, |change| {
            let share = |share: f64| format!("{:+.1}%", share * 100.0);
            match (change.lower, change.upper) {
                (Some(lower), Some(upper)) => {
                    format!(" {} [{}, {}]", share(change.estimate), share(lower), share(upper))
                }
                _ => format!(" {}", share(change.estimate)),
            }
        });
        let (outcome, reason) = (judgement.outcome.as_str(), &judgement.reason);
        line("found", &format!("{outcome}{change}: {reason}, {} s", self.seconds));
        line(
            "A/A",
            if self.is_quiet() {
                "the base against itself, measured in the same way: no change"
            } else {
                "the base against itself shows a change, which is not there"
            },
        );
        line(
            "verdict",
            &match (self.is_found(), self.is_quiet()) {
                (true, true) => format!(
                    "the gate turns red for {slow} here, and stays green where nothing changed"
                ),
                (false, true) => match judgement.detectable {
                    Some(detectable) => format!(
                        "not proven: for this benchmark this machine shows changes above {}; try \
                         --slow with more, another --benchmark, or a longer --budget",
                        percent(detectable)
                    ),
                    None => "not proven: try --slow with more, another --benchmark, or a longer \
                             --budget"
                        .to_owned(),
                },
                (_, false) => "this machine shows changes where there are none: close other \
                               programs, and see `gate doctor`"
                    .to_owned(),
            },
        );
        text
    }
}
