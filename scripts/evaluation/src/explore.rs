//! Tries other settings of the gate's rule on pools for tuning.

use std::path::{Path, PathBuf};

use anyhow::ensure;
use benchgate::model::{BenchId, Metric};
use benchgate::policy::Policy;
use clap::ValueEnum as _;

use crate::ours::{Estimator, Rule};
use crate::pairs::Streams;
use crate::processes::{Half, Pool};
use crate::replay::CALM;
use crate::suites::{Bench, Count, Kind, Tally};

/// Try other estimators, looks and levels on pools for tuning
#[derive(clap::Args)]
pub struct Explore {
    /// Pools in any format; may be repeated
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pool: Vec<PathBuf>,
    /// Use only half of their rounds
    #[arg(long, value_enum)]
    half: Option<Half>,
    /// Numbers of screening pairs
    #[arg(long, value_delimiter = ',', default_value = "8")]
    screening: Vec<u32>,
    /// Looks such as 14-28-80
    #[arg(long, value_delimiter = ',', default_value = "14-28-80")]
    looks: Vec<String>,
    /// Levels of a whole suite
    #[arg(long, value_delimiter = ',', default_value = "0.01")]
    alpha: Vec<f64>,
    /// Targets in percent: changes of this size must be found
    #[arg(long, value_delimiter = ',', default_value = "3")]
    target: Vec<f64>,
    /// Estimators of a process [default: all]
    #[arg(long, value_enum, value_delimiter = ',')]
    estimator: Vec<Estimator>,
    /// The number of suites without a change, and of comparisons for each slowdown
    #[arg(long, default_value_t = 300)]
    suites: u64,
}

impl Explore {
    pub fn run(&self) -> anyhow::Result<()> {
        for pool in Pool::read_all(&self.pool)? {
            let pool = match self.half {
                Some(half) => pool.half(half),
                None => pool,
            };
            self.pool(&pool)?;
        }
        Ok(())
    }

    fn pool(&self, pool: &Pool) -> anyhow::Result<()> {
        let streams = Streams::of(pool);
        ensure!(!streams.same.is_empty(), "no two processes of one program in the pool");
        let all: Vec<usize> = (0..pool.subjects.len()).collect();
        let calm: Vec<usize> =
            all.iter().copied().filter(|subject| streams.deviation(*subject) <= CALM).collect();
        println!("{} rounds; calm: {} of {}", pool.rounds(), calm.len(), all.len());
        println!(
            "{:9} {:9} {:>11} {:>6} {:>6} | {:>7} {:>7} {:>6} {:>6} {:>6} | of the calm: found, undecided",
            "estimator",
            "screening",
            "looks",
            "alpha",
            "target",
            "A/A",
            "A/A'",
            "faster",
            "open",
            "s"
        );
        for rule in self.rules()? {
            let Rule { policy, estimator } = &rule;
            let looks: Vec<String> = policy.ab.looks.iter().map(u32::to_string).collect();
            let limits = policy.limits(&BenchId::named("any"), &Metric::time());
            print!(
                "{:9} {:9} {:>11} {:6} {:>6} |",
                format!("{estimator:?}"),
                policy.ab.screening,
                looks.join("-"),
                policy.verdict.alpha,
                limits.target
            );
            self.row(&Bench { pool, streams: &streams, rule: &rule, seed: 7 }, &calm);
        }
        Ok(())
    }

    /// Every combination of the settings.
    fn rules(&self) -> anyhow::Result<Vec<Rule>> {
        let estimators =
            if self.estimator.is_empty() { Estimator::value_variants() } else { &self.estimator };
        let mut rules = Vec::new();
        for estimator in estimators {
            for target in &self.target {
                let text = format!(
                    "version = 1\n[[rule]]\nbench = \"**\"\nmetric = \"time\"\ntarget = \"{target}%\"\n"
                );
                let policy = Policy::parse(&text, Path::new("--target"))?;
                for screening in &self.screening {
                    for looks in &self.looks {
                        for alpha in &self.alpha {
                            let mut policy = policy.clone();
                            policy.ab.screening = *screening;
                            policy.ab.looks =
                                looks.split('-').map(str::parse).collect::<Result<_, _>>()?;
                            policy.verdict.alpha = *alpha;
                            rules.push(Rule { policy, estimator: *estimator });
                        }
                    }
                }
            }
        }
        Ok(rules)
    }

    fn row(&self, bench: &Bench<'_>, calm: &[usize]) {
        let all: Vec<usize> = (0..bench.pool.subjects.len()).collect();
        let same = bench.resampled(&all, &bench.streams.same, Kind::Same, self.suites);
        let mut rebuilt = Count::default();
        let each = self.suites / bench.streams.rebuilt.len().max(1) as u64;
        for pairs in bench.streams.rebuilt.values() {
            rebuilt += bench.resampled(&all, pairs, Kind::Different, each).alarms;
        }
        let mut quiet = Tally::default();
        for subject in calm {
            quiet += same.subjects[subject];
        }
        print!(
            " {:6.1}% {:6.1}% {:5.1}% {:5.1}% {:6.2} |",
            same.alarms.share() * 100.0,
            rebuilt.share() * 100.0,
            same.praises.share() * 100.0,
            quiet.open().share() * 100.0,
            same.all().pairs_each() * bench.pool.pair_seconds()
        );
        for (variant, pairs) in &bench.streams.slowed {
            let each = self.suites / calm.len().max(1) as u64;
            let mut all = Tally::default();
            for tally in bench.slowed(calm, pairs, Some(each)).values() {
                all += *tally;
            }
            print!(
                " {variant}: {:.0}%, {:.0}%",
                all.found().share() * 100.0,
                all.open().share() * 100.0
            );
        }
        println!();
    }
}
