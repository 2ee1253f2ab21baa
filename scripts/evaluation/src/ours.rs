//! Replays the gate's own rule: its judgement of pairs from a pool.

use std::collections::BTreeSet;

use benchgate::judge::{Case, Outcome, Severity, judge, to_confirm};
use benchgate::measure::{Steps, carry_out};
use benchgate::model::{
    BenchId, Extent, Layout, Measurement, Metric, Pairing, Reading, RunReading, Snapshot, Sources,
    TargetId, Unit,
};
use benchgate::policy::Policy;
use benchgate::stats;
use jiff::Timestamp;
use jiff::civil::Date;

use crate::heap;
use crate::pairs::Pair;

/// How the samples of a process become one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Estimator {
    /// The median of the samples, which the gate uses.
    Median,
    /// The lower quartile.
    Quartile,
    /// The lowest decile.
    Decile,
    /// The minimum.
    Minimum,
    /// The mean without the lowest and the highest fifth.
    Trimmed,
    /// The mean.
    Mean,
}

impl Estimator {
    fn of(self, samples: &[f64]) -> f64 {
        let quantile = |level| stats::quantile(samples, level).expect("there are samples");
        match self {
            Self::Median => quantile(0.5),
            Self::Quartile => quantile(0.25),
            Self::Decile => quantile(0.1),
            Self::Minimum => quantile(0.0),
            Self::Trimmed => {
                let mut sorted = samples.to_vec();
                sorted.sort_by(f64::total_cmp);
                let off = sorted.len() / 5;
                mean(&sorted[off..sorted.len() - off])
            }
            Self::Mean => mean(samples),
        }
    }
}

fn mean(values: &[f64]) -> f64 {
    stats::mean(values).expect("there are values")
}

/// The gate's rule with a policy and an estimator.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The levels, pairs and limits.
    pub policy: Policy,
    /// How the samples of a process become one number.
    pub estimator: Estimator,
}

/// How a trial draws the pairs of one benchmark.
#[derive(Debug)]
pub enum Draw<'s, 'a> {
    /// `left` pairs from position `at`, wrapping around at the end.
    Next { pairs: &'s [Pair<'a>], at: usize, left: usize },
    /// Each pair once, in another order.
    Shuffled { pairs: &'s [Pair<'a>], order: Vec<usize> },
    /// A random pair each time. If both sides are the same program, they may be swapped.
    Any { pairs: &'s [Pair<'a>], turned: bool, random: fastrand::Rng },
}

impl<'a> Draw<'_, 'a> {
    fn draw(&mut self) -> Option<Pair<'a>> {
        match self {
            Self::Next { pairs, at, left } => {
                *left = left.checked_sub(1)?;
                *at += 1;
                Some(pairs[(*at - 1) % pairs.len()])
            }
            Self::Shuffled { pairs, order } => order.pop().map(|at| pairs[at]),
            Self::Any { pairs, turned, random } => {
                let Pair { base, head } = random.choice(pairs.iter()).copied()?;
                let turn = *turned && random.bool();
                Some(if turn { Pair { base: head, head: base } } else { Pair { base, head } })
            }
        }
    }
}

/// The result of one benchmark in a trial.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decided {
    /// The gate's outcome.
    pub outcome: Outcome,
    /// Whether it fails the gate.
    pub fails: bool,
    /// The number of its pairs, including screening.
    pub pairs: u32,
}

/// One benchmark of a trial.
struct Measured {
    id: BenchId,
    /// Its index in the pool.
    subject: usize,
    base: Vec<RunReading>,
    head: Vec<RunReading>,
}

/// What a trial knows besides clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// Nothing.
    Clocks,
    /// The layout is pinned, and both sides execute the same number of instructions.
    SameInstructions,
}

/// A trial whose processes come from a pool.
struct Replay<'r, 'd, 's, 'a> {
    rule: &'r Rule,
    known: Known,
    measured: Vec<Measured>,
    draws: &'d mut [Draw<'s, 'a>],
    /// The number of pairs so far.
    runs: u32,
    /// The benchmarks that have no pairs left.
    ended: BTreeSet<BenchId>,
    /// After how many confirming pairs is decided.
    looks: Vec<u32>,
}

/// The pairs of a benchmark ended during screening.
struct TooShort;

impl Rule {
    /// The rule with the gate's defaults.
    pub fn shipped() -> Self {
        Self { policy: Policy::builtin(), estimator: Estimator::Median }
    }

    /// The maximum number of pairs of a benchmark.
    pub fn most_pairs(&self) -> usize {
        let last = self.policy.ab.looks.last().copied().unwrap_or(0);
        (self.policy.ab.screening + last) as usize
    }

    /// The number of pairs up to the first look.
    pub fn least_pairs(&self) -> usize {
        let first = self.policy.ab.looks.first().copied().unwrap_or(0);
        (self.policy.ab.screening + first) as usize
    }

    /// Runs one trial of the benchmarks `subjects` (indices into `names`), each with its own
    /// pairs. A benchmark that runs out of pairs is judged by those that it had; `None` if
    /// this happens during screening.
    ///
    /// All steps and decisions are those of `gate ab`; only the processes come from a pool.
    pub fn trial(
        &self,
        names: &[String],
        subjects: &[usize],
        draws: &mut [Draw<'_, '_>],
    ) -> Option<Vec<Decided>> {
        let benchmarks = subjects.iter().map(|subject| (&*names[*subject], *subject));
        self.trial_of(benchmarks, Known::Clocks, draws)
    }

    /// The same for benchmarks with names of their own, each with the index of its subject.
    pub fn trial_of<'n>(
        &self,
        benchmarks: impl IntoIterator<Item = (&'n str, usize)>,
        known: Known,
        draws: &mut [Draw<'_, '_>],
    ) -> Option<Vec<Decided>> {
        let pinned = known == Known::SameInstructions;
        let unmeasured = |(name, subject)| Measured {
            id: BenchId { target: pinned.then(target), ..BenchId::named(name) },
            subject,
            base: Vec::new(),
            head: Vec::new(),
        };
        let measured = benchmarks.into_iter().map(unmeasured).collect();
        let looks = self.policy.ab.looks.clone();
        let ended = BTreeSet::new();
        let mut replay = Replay { rule: self, known, measured, draws, runs: 0, ended, looks };
        carry_out(&mut replay).ok()?;
        let [base, head] = replay.snapshots();
        let report = judge(&self.case(&base, &head));
        let decided = replay.measured.iter().map(|measured| {
            let name = &measured.id.name;
            let mut rows = report.rows.iter();
            let row = rows.find(|row| row.id == *name && row.metric == Metric::TIME);
            let judgement = row.and_then(|row| row.judgement.as_ref()).expect("it was judged");
            Decided {
                outcome: judgement.outcome,
                fails: judgement.severity == Severity::Fail,
                pairs: measured.base.len() as u32,
            }
        });
        Some(decided.collect())
    }

    fn case<'c>(&'c self, base: &'c Snapshot, head: &'c Snapshot) -> Case<'c> {
        Case {
            baseline: Some(base),
            candidate: head,
            policy: &self.policy,
            noise: None,
            today: Date::constant(2026, 1, 1),
        }
    }
}

impl Steps for Replay<'_, '_, '_, '_> {
    type Suspects = BTreeSet<BenchId>;
    type Error = TooShort;

    fn screen(&mut self) -> Result<(), TooShort> {
        let all = self.measured.iter().map(|measured| measured.id.clone()).collect();
        self.until(self.rule.policy.ab.screening, &all);
        if self.ended.is_empty() { Ok(()) } else { Err(TooShort) }
    }

    fn suspects(&mut self) -> Option<BTreeSet<BenchId>> {
        let [base, head] = self.snapshots();
        let open = to_confirm(&self.rule.case(&base, &head));
        let open: BTreeSet<_> = open.difference(&self.ended).cloned().collect();
        (!open.is_empty()).then_some(open)
    }

    fn looks(&mut self, suspects: &BTreeSet<BenchId>) -> Vec<u32> {
        let policy = &self.rule.policy;
        let alpha = policy.verdict.alpha;
        self.looks = stats::hopeful_looks(&policy.ab.looks, alpha, suspects.len());
        self.looks.clone()
    }

    fn confirm(&mut self, look: u32, suspects: BTreeSet<BenchId>) -> Result<bool, TooShort> {
        self.until(self.rule.policy.ab.screening + look, &suspects);
        Ok(true)
    }
}

impl Replay<'_, '_, '_, '_> {
    /// Takes pairs of these benchmarks until each has `pairs` pairs.
    fn until(&mut self, pairs: u32, of: &BTreeSet<BenchId>) {
        for run in self.runs..pairs {
            for (measured, draw) in self.measured.iter_mut().zip(self.draws.iter_mut()) {
                if !of.contains(&measured.id) || self.ended.contains(&measured.id) {
                    continue;
                }
                let Some(pair) = draw.draw() else {
                    self.ended.insert(measured.id.clone());
                    continue;
                };
                for (side, process) in
                    [(&mut measured.base, pair.base), (&mut measured.head, pair.head)]
                {
                    let value = self.rule.estimator.of(&process.times[measured.subject]);
                    side.push(RunReading { run, reading: Reading::Value(value) });
                }
            }
        }
        self.runs = pairs;
    }

    fn snapshots(&self) -> [Snapshot; 2] {
        let counted = self.known == Known::SameInstructions;
        let mut layouts = Vec::new();
        if counted {
            layouts.push(Layout { target: target(), functions: 1, same: 1, reason: None });
        }
        let pairing = Pairing {
            trial: "replay".to_owned(),
            seed: 0,
            screening: self.rule.policy.ab.screening,
            looks: self.looks.clone(),
            out_of_time: false,
            identical: Vec::new(),
            same_code: Vec::new(),
            not_reached: Vec::new(),
            control: false,
            set_up: Vec::new(),
            layouts,
            sources: Sources::default(),
            extent: Extent::Whole,
        };
        [("base", 0), ("head", 1)].map(|(name, side)| {
            let measurement = |measured: &Measured| Measurement {
                id: measured.id.clone(),
                metric: Metric::time(),
                runs: [&measured.base, &measured.head][side].clone(),
                criterion: None,
                throughput: None,
                costs: None,
            };
            let mut measurements: Vec<_> = self.measured.iter().map(measurement).collect();
            if counted {
                measurements.extend(self.measured.iter().map(|measured| same(&measured.id)));
            }
            let mut snapshot = Snapshot {
                name: name.to_owned(),
                created: Timestamp::UNIX_EPOCH,
                revision: None,
                selection: None,
                pairing: Some(pairing.clone()),
                runs: Vec::new(),
                measurements,
                not_run: Vec::new(),
                problems: Vec::new(),
            };
            snapshot.sort();
            snapshot
        })
    }
}

/// The bench target of all benchmarks.
fn target() -> TargetId {
    TargetId::named("subjects")
}

/// Counts that are the same on both sides.
fn same(id: &BenchId) -> Measurement {
    const COUNT: u32 = 1_000_000;
    let reading = |run| RunReading { run, reading: Reading::Value(f64::from(COUNT)) };
    Measurement {
        id: id.clone(),
        metric: Metric::counted(Metric::INSTRUCTIONS, Unit::Count),
        runs: [0, 1].map(reading).into(),
        criterion: None,
        throughput: None,
        costs: Some(heap::exact(u64::from(COUNT), false)),
    }
}
