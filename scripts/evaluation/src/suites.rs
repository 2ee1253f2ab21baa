//! Suites of trials from a pool: how often the gate is wrong, and other rules.

use std::collections::BTreeMap;

use benchgate::judge::Outcome;
use benchgate::stats;

use crate::ours::{Decided, Draw, Rule};
use crate::pairs::{Pair, Streams};
use crate::peers::{Peer, Scores};
use crate::processes::Pool;

/// How many of how many.
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

/// What became of the trials of one kind for one benchmark.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Called slower.
    pub regressions: u64,
    /// Called faster.
    pub improvements: u64,
    /// Left open.
    pub undecided: u64,
    /// All trials.
    pub trials: u64,
    /// Pairs that they took.
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
        let any = |outcome| decided.iter().any(|one| one.outcome == outcome);
        self.alarms.add(any(Outcome::Regression));
        self.praises.add(any(Outcome::Improvement));
        for (subject, one) in subjects.iter().zip(decided) {
            self.subjects.entry(*subject).or_default().add(*one);
        }
    }

    /// All benchmarks together.
    pub fn all(&self) -> Tally {
        self.subjects.values().fold(Tally::default(), |mut all, one| {
            all += *one;
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

/// What the pairs of a stream have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Both sides are the same program.
    Same,
    /// One build against another, or against what was slowed down.
    Different,
}

impl<'p> Bench<'p> {
    /// Suites that share no pair: each benchmark's trial goes on where its last one
    /// ended. A suite is begun while each benchmark has `least` pairs left: with as
    /// many as the longest trial takes, none is cut off.
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
            for (used, one) in used.iter_mut().zip(&decided) {
                *used += one.pairs as usize;
            }
        }
        null
    }

    /// Suites from random places: more of them, and they share pairs.
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

    /// Pairs of so many benchmarks, drawn again. A stream that is long enough is
    /// taken from a random place on, so that what was close in time stays so. Of a
    /// shorter one of two builds each pair is taken once, in another order; of a
    /// shorter one of the same program any pair at any time in either role, which
    /// has no offset of its own.
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

    /// Suites in which one benchmark is slower, by benchmark. Its pairs are taken
    /// once each, as far as whole trials go (of fewer than one takes, while there are
    /// enough for a first look: a trial whose pairs end is judged by those it had), or,
    /// for so many suites, from random places (any pair at any time where there are too few for a trial); those of
    /// the others, in which nothing is slower, from random places always.
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

/// What the other rules say: their scores, for comparisons of so many pairs.
pub struct Peers {
    /// Of suites in which nothing is slower: the largest score of each.
    pub same: BTreeMap<Peer, Vec<f64>>,
    /// The same of the benchmarks that are slower elsewhere alone.
    pub same_slow: BTreeMap<Peer, Vec<f64>>,
    /// The same with the base against rebuilds.
    pub rebuilt: BTreeMap<Peer, Vec<f64>>,
    /// Of benchmarks that are slower, by how.
    pub slowed: BTreeMap<String, BTreeMap<Peer, Vec<f64>>>,
}

/// No more suites than these are judged by other rules.
const MOST_SUITES: usize = 600;

impl Peers {
    /// Each rule on the benchmarks `subjects`; the slower ones among `slow` only.
    /// Suites share no pairs.
    pub fn of(streams: &Streams<'_>, pairs: usize, subjects: &[usize], slow: &[usize]) -> Self {
        let mut random = fastrand::Rng::with_seed(pairs as u64);
        let (mut same, mut same_slow) = (BTreeMap::new(), BTreeMap::new());
        for scores in suites(&streams.same, pairs, subjects, &mut random) {
            largest(scores.values(), &mut same);
            largest(slow.iter().filter_map(|subject| scores.get(subject)), &mut same_slow);
        }
        let mut rebuilt = BTreeMap::new();
        for stream in streams.rebuilt.values() {
            for scores in suites(stream, pairs, subjects, &mut random) {
                largest(scores.values(), &mut rebuilt);
            }
        }
        let mut slowed = BTreeMap::new();
        for (variant, stream) in &streams.slowed {
            let scores: &mut BTreeMap<Peer, Vec<f64>> =
                slowed.entry((*variant).to_owned()).or_default();
            // What is recorded in every third round only has fewer.
            let window = pairs.min(stream.len()).max(1);
            for window in stream.chunks_exact(window).take(MOST_SUITES) {
                for subject in slow {
                    let one = Scores::of(window, *subject, &mut random);
                    for peer in Peer::ALL {
                        scores.entry(peer).or_default().push(one.get(peer));
                    }
                }
            }
        }
        Self { same, same_slow, rebuilt, slowed }
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
            let one = |subject: &usize| (*subject, Scores::of(window, *subject, random));
            subjects.iter().map(one).collect()
        })
        .collect()
}

/// Adds the largest of some benchmarks' scores, for each rule.
fn largest<'s>(
    scores: impl Iterator<Item = &'s Scores> + Clone,
    into: &mut BTreeMap<Peer, Vec<f64>>,
) {
    for peer in Peer::ALL {
        let most = scores.clone().map(|one| one.get(peer)).fold(f64::NEG_INFINITY, f64::max);
        into.entry(peer).or_default().push(most);
    }
}

/// How many scores are above a threshold.
pub fn above(scores: Option<&Vec<f64>>, threshold: f64) -> Count {
    let mut count = Count::default();
    for score in scores.into_iter().flatten() {
        count.add(*score > threshold);
    }
    count
}
