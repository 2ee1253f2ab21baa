//! Suites of trials from a pool: how often the gate and other rules are wrong.

use std::collections::BTreeMap;

use benchgate::judge::Outcome;
use benchgate::stats;

use crate::ours::{Decided, Draw, Rule};
use crate::pairs::{Pair, Streams};
use crate::peers::{Peer, Scores};
use crate::processes::Pool;

/// A number of hits out of a number of trials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub hits: u64,
    pub of: u64,
}

impl Count {
    pub fn add(&mut self, hit: bool) {
        self.hits += u64::from(hit);
        self.of += 1;
    }

    pub fn share(self) -> f64 {
        self.hits as f64 / self.of as f64
    }

    /// The exact 95% interval (Clopper–Pearson).
    pub fn interval(self) -> Option<stats::Interval> {
        stats::binomial_interval(self.hits, self.of, 0.025)
    }
}

impl std::ops::AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.hits += other.hits;
        self.of += other.of;
    }
}

/// The outcomes of one benchmark's trials.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Trials that call it slower.
    pub regressions: u64,
    /// Trials that call it faster.
    pub improvements: u64,
    /// Undecided trials.
    pub undecided: u64,
    /// All trials.
    pub trials: u64,
    /// The pairs of all trials.
    pub pairs: u64,
}

impl Tally {
    fn add(&mut self, decided: Decided) {
        self.trials += 1;
        self.pairs += u64::from(decided.pairs);
        match decided.outcome {
            Outcome::Regression => self.regressions += 1,
            Outcome::Improvement => self.improvements += 1,
            Outcome::Undecided => self.undecided += 1,
            _ => {}
        }
    }

    pub fn found(self) -> Count {
        Count { hits: self.regressions, of: self.trials }
    }

    pub fn open(self) -> Count {
        Count { hits: self.undecided, of: self.trials }
    }

    pub fn pairs_each(self) -> f64 {
        self.pairs as f64 / self.trials as f64
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.regressions += other.regressions;
        self.improvements += other.improvements;
        self.undecided += other.undecided;
        self.trials += other.trials;
        self.pairs += other.pairs;
    }
}

/// Suites in which nothing was slower.
#[derive(Clone, Debug, Default)]
pub struct Null {
    /// Suites with a benchmark called slower.
    pub alarms: Count,
    /// Suites with a benchmark called faster.
    pub praises: Count,
    /// By benchmark.
    pub subjects: BTreeMap<usize, Tally>,
}

impl Null {
    fn add(&mut self, subjects: &[usize], decided: &[Decided]) {
        let any = |outcome| decided.iter().any(|decision| decision.outcome == outcome);
        self.alarms.add(any(Outcome::Regression));
        self.praises.add(any(Outcome::Improvement));
        for (subject, decision) in subjects.iter().zip(decided) {
            self.subjects.entry(*subject).or_default().add(*decision);
        }
    }

    /// All benchmarks together.
    pub fn all(&self) -> Tally {
        self.subjects.values().fold(Tally::default(), |mut all, tally| {
            all += *tally;
            all
        })
    }
}

impl std::ops::AddAssign for Null {
    fn add_assign(&mut self, other: Self) {
        self.alarms += other.alarms;
        self.praises += other.praises;
        for (subject, tally) in other.subjects {
            *self.subjects.entry(subject).or_default() += tally;
        }
    }
}

/// A pool with its pairs, judged by one rule.
pub struct Bench<'p> {
    pub pool: &'p Pool,
    pub streams: &'p Streams<'p>,
    pub rule: &'p Rule,
    pub seed: u64,
}

/// The kind of the pairs of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Both sides are the same program.
    Same,
    /// Two different builds, or a build and a slowed-down one.
    Different,
}

impl<'p> Bench<'p> {
    /// Runs suites that share no pairs: the trial of a benchmark continues where its last one
    /// ended. A suite starts only if every benchmark has at least `least` pairs left. If that
    /// is the length of the longest trial, no trial runs out of pairs.
    pub fn disjoint(&self, subjects: &[usize], pairs: &[Pair<'p>], least: usize) -> Null {
        let mut null = Null::default();
        let mut used = vec![0; subjects.len()];
        while used.iter().all(|used| used + least <= pairs.len()) {
            let mut draws: Vec<_> = used
                .iter()
                .map(|at| Draw::Next { pairs, at: *at, left: pairs.len() - at })
                .collect();
            let trial = self.rule.trial(&self.pool.subjects, subjects, &mut draws);
            let Some(decided) = trial else { break };
            null.add(subjects, &decided);
            for (used, decision) in used.iter_mut().zip(&decided) {
                *used += decision.pairs as usize;
            }
        }
        null
    }

    /// Runs suites from random positions: there can be more of them, but they share pairs.
    pub fn resampled(
        &self,
        subjects: &[usize],
        pairs: &[Pair<'p>],
        kind: Kind,
        suites: u64,
    ) -> Null {
        let mut null = Null::default();
        for suite in 0..suites {
            let mut random = fastrand::Rng::with_seed(self.seed + suite);
            let mut draws = self.again(subjects.len(), pairs, kind, &mut random);
            let trial = self.rule.trial(&self.pool.subjects, subjects, &mut draws);
            let Some(decided) = trial else { break };
            null.add(subjects, &decided);
        }
        null
    }

    /// Draws pairs for several benchmarks. A long stream is used from a random position, which
    /// keeps pairs that were close in time together. From a short stream of two builds, each
    /// pair is taken once, in another order. From a short stream of the same program, pairs are
    /// drawn at random, with random roles, so that they have no offset.
    fn again<'s>(
        &self,
        benchmarks: usize,
        pairs: &'s [Pair<'p>],
        kind: Kind,
        random: &mut fastrand::Rng,
    ) -> Vec<Draw<'s, 'p>> {
        let at = random.usize(0..pairs.len().max(1));
        let mut order: Vec<usize> = (0..pairs.len()).collect();
        random.shuffle(&mut order);
        (0..benchmarks)
            .map(|_| match kind {
                _ if pairs.len() >= self.rule.most_pairs() => {
                    Draw::Next { pairs, at, left: pairs.len() }
                }
                Kind::Same => Draw::Any { pairs, turned: true, random: random.fork() },
                Kind::Different => Draw::Shuffled { pairs, order: order.clone() },
            })
            .collect()
    }

    /// Runs suites in which one benchmark is slower, by benchmark. Without `again`, the pairs of
    /// the slower benchmark are taken once each while whole trials are possible; if there are
    /// fewer pairs than a whole trial needs, while there are enough for a first look, and the
    /// trial is judged by the pairs that it had. With `again`, that many suites take its pairs
    /// from random positions, or at random if there are too few for a trial. The pairs of the
    /// other benchmarks, which are not slower, always come from random positions.
    pub fn slowed(
        &self,
        subjects: &[usize],
        slowed: &[Pair<'p>],
        again: Option<u64>,
    ) -> BTreeMap<usize, Tally> {
        let most = self.rule.most_pairs();
        let least = if slowed.len() < most { self.rule.least_pairs() } else { most };
        let mut random = fastrand::Rng::with_seed(self.seed);
        let mut tallies: BTreeMap<usize, Tally> = BTreeMap::new();
        for (slot, subject) in subjects.iter().enumerate() {
            let tally = tallies.entry(*subject).or_default();
            let mut used = 0;
            while match again {
                None => used + least <= slowed.len(),
                Some(suites) => tally.trials < suites,
            } {
                let same = &self.streams.same;
                let mut draws = self.again(subjects.len(), same, Kind::Same, &mut random);
                draws[slot] = match again {
                    None => Draw::Next { pairs: slowed, at: used, left: slowed.len() - used },
                    Some(_) if slowed.len() < most => {
                        Draw::Any { pairs: slowed, turned: false, random: random.fork() }
                    }
                    Some(_) => self.again(1, slowed, Kind::Different, &mut random).remove(0),
                };
                let trial = self.rule.trial(&self.pool.subjects, subjects, &mut draws);
                let Some(decided) = trial else { break };
                tally.add(decided[slot]);
                used += decided[slot].pairs as usize;
            }
        }
        tallies
    }
}

/// The scores of the other rules, for comparisons of a number of pairs.
pub struct Peers {
    /// The largest score of each suite in which nothing is slower.
    pub same: BTreeMap<Peer, Vec<f64>>,
    /// The same, only for calm benchmarks.
    pub same_slow: BTreeMap<Peer, Vec<f64>>,
    /// The same for comparisons of the base with rebuilds.
    pub rebuilt: BTreeMap<Peer, Vec<f64>>,
    /// The scores of slower benchmarks, by slowdown and benchmark.
    pub slowed: BTreeMap<String, BTreeMap<Peer, BTreeMap<usize, Vec<f64>>>>,
}

/// The maximum number of suites that other rules judge.
const MOST_SUITES: usize = 600;

impl Peers {
    /// Applies each rule to the benchmarks `subjects`, one of which at a time is slowed down.
    /// Suites share no pairs. `calm` are those of `same_slow`.
    pub fn of(streams: &Streams<'_>, pairs: usize, subjects: &[usize], calm: &[usize]) -> Self {
        let mut random = fastrand::Rng::with_seed(pairs as u64);
        let (mut same, mut same_slow) = (BTreeMap::new(), BTreeMap::new());
        for scores in suites(&streams.same, pairs, subjects, &mut random) {
            largest(scores.values(), &mut same);
            largest(calm.iter().filter_map(|subject| scores.get(subject)), &mut same_slow);
        }
        let mut rebuilt = BTreeMap::new();
        for stream in streams.rebuilt.values() {
            for scores in suites(stream, pairs, subjects, &mut random) {
                largest(scores.values(), &mut rebuilt);
            }
        }
        let mut slowed = BTreeMap::new();
        for (variant, stream) in &streams.slowed {
            let scores: &mut BTreeMap<Peer, BTreeMap<usize, Vec<f64>>> =
                slowed.entry((*variant).to_owned()).or_default();
            // Variants that are recorded only in every third round have fewer pairs.
            let window = pairs.min(stream.len()).max(1);
            for window in stream.chunks_exact(window).take(MOST_SUITES) {
                for subject in subjects {
                    let score = Scores::of(window, *subject, &mut random);
                    for peer in Peer::ALL {
                        let scores = scores.entry(peer).or_default();
                        scores.entry(*subject).or_default().push(score.get(peer));
                    }
                }
            }
        }
        Self { same, same_slow, rebuilt, slowed }
    }

    /// The scores of these benchmarks where they are slower.
    pub fn slower(&self, variant: &str, peer: Peer, subjects: &[usize]) -> Vec<f64> {
        let scores = self.slowed.get(variant).and_then(|by| by.get(&peer));
        let of_subject = |subject| scores.and_then(|scores| scores.get(subject));
        subjects.iter().filter_map(of_subject).flatten().copied().collect()
    }
}

/// The scores of each suite, by benchmark.
fn suites(
    stream: &[Pair<'_>],
    pairs: usize,
    subjects: &[usize],
    random: &mut fastrand::Rng,
) -> Vec<BTreeMap<usize, Scores>> {
    // Rebuilds have few pairs each.
    let windows = stream.chunks_exact(pairs.min(stream.len()).max(1)).take(MOST_SUITES);
    windows
        .map(|window| {
            let scored = |subject: &usize| (*subject, Scores::of(window, *subject, random));
            subjects.iter().map(scored).collect()
        })
        .collect()
}

/// Adds the largest score of several benchmarks, for each rule.
fn largest<'s>(
    scores: impl Iterator<Item = &'s Scores> + Clone,
    into: &mut BTreeMap<Peer, Vec<f64>>,
) {
    for peer in Peer::ALL {
        let most = scores.clone().map(|score| score.get(peer)).fold(f64::NEG_INFINITY, f64::max);
        into.entry(peer).or_default().push(most);
    }
}

/// Counts the scores above a threshold.
pub fn above<'s>(scores: impl IntoIterator<Item = &'s f64>, threshold: f64) -> Count {
    let mut count = Count::default();
    for score in scores {
        count.add(*score > threshold);
    }
    count
}
