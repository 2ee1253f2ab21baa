//! Combines the processes of a pool into pairs.

use std::collections::BTreeMap;

use crate::processes::{Pool, Process};

/// A process of the base and one of the head.
#[derive(Clone, Copy, Debug)]
pub struct Pair<'a> {
    /// The process that counts as the base.
    pub base: &'a Process,
    /// The process that counts as the head.
    pub head: &'a Process,
}

/// All pairs by purpose, in the order of time.
///
/// Within each of the three, no process is in two pairs, except that the slowed-down variants
/// of a round share its base.
#[derive(Debug)]
pub struct Streams<'a> {
    /// The same program, slowed down by the same amount or not at all: A/A.
    pub same: Vec<Pair<'a>>,
    /// The base and a neutral rebuild of it, by rebuild: A/A′. A trial compares two builds, so
    /// it never mixes rebuilds.
    pub rebuilt: BTreeMap<&'a str, Vec<Pair<'a>>>,
    /// The base and a slowed-down variant, by slowdown.
    pub slowed: BTreeMap<&'a str, Vec<Pair<'a>>>,
}

/// The prefix of neutral rebuilds, and the suffix of a rebuild's second process.
const NEUTRAL: &str = "neutral";
const AGAIN: &str = "-again";

/// Processes that began further apart, in seconds, do not form a pair, as there was a pause
/// between them.
const APART: u64 = 90;

/// The variants of a round.
type Round<'a> = BTreeMap<&'a str, &'a Process>;

/// A process of a variant that has no partner yet, with the rebuilds of its round; and the
/// number of pairs of the variant.
#[derive(Default)]
struct Waiting<'a> {
    process: Option<(&'a Process, Vec<&'a str>)>,
    pairs: usize,
}

impl<'a> Streams<'a> {
    /// Combines the processes of a pool.
    pub fn of(pool: &'a Pool) -> Self {
        let mut rounds: BTreeMap<u32, Round<'a>> = BTreeMap::new();
        for process in &pool.processes {
            rounds.entry(process.round).or_default().insert(&process.variant, process);
        }
        let mut streams =
            Self { same: Vec::new(), rebuilt: BTreeMap::new(), slowed: BTreeMap::new() };
        let mut waiting = BTreeMap::new();
        for variants in rounds.values() {
            streams.within(variants);
            streams.between(variants, &mut waiting);
        }
        streams
    }

    /// Adds pairs within one round.
    fn within(&mut self, variants: &Round<'a>) {
        let base = variants.get("base").copied();
        let bases = [base, variants.get("again").copied()];
        if let [Some(base), Some(head)] = bases {
            self.same.push(Pair { base, head });
        }
        let neutral = variants.iter().filter(|(name, _)| name.starts_with(NEUTRAL));
        for ((name, head), base) in neutral.zip(bases) {
            let build = name.strip_suffix(AGAIN).unwrap_or(name);
            if let Some(base) = base {
                self.rebuilt.entry(build).or_default().push(Pair { base, head });
            }
            if let Some(head) = variants.get(format!("{name}{AGAIN}").as_str()) {
                self.same.push(Pair { base: variants.get(name).expect("this one"), head });
            }
        }
        let slowed = variants
            .iter()
            .filter(|(name, _)| !name.starts_with(NEUTRAL) && !["base", "again"].contains(name));
        for (name, head) in slowed {
            if let Some(base) = base {
                self.slowed.entry(name).or_default().push(Pair { base, head });
            }
        }
    }

    /// Adds pairs of the same program in two rounds, for programs without a partner in their
    /// own round.
    fn between(&mut self, variants: &Round<'a>, waiting: &mut BTreeMap<&'a str, Waiting<'a>>) {
        // In rounds with another rebuild, the base may be another build too.
        let builds: Vec<&str> =
            variants.keys().copied().filter(|name| name.starts_with(NEUTRAL)).collect();
        let paired = |name: &str| {
            let build = name.strip_suffix(AGAIN).unwrap_or(name);
            build == "base"
                || build == "again"
                || variants.contains_key(format!("{build}{AGAIN}").as_str())
        };
        for (name, process) in variants.iter().filter(|(name, _)| !paired(name)) {
            let waiting = waiting.entry(name).or_default();
            let partner = waiting.process.take().filter(|(other, with)| {
                process.began.abs_diff(other.began) <= APART && *with == builds
            });
            let Some((earlier, _)) = partner else {
                waiting.process = Some((process, builds.clone()));
                continue;
            };
            // Alternates the sides, so that drift favours neither.
            let turned = waiting.pairs % 2 == 1;
            let (base, head) = if turned { (*process, earlier) } else { (earlier, *process) };
            self.same.push(Pair { base, head });
            waiting.pairs += 1;
        }
    }

    /// How much the pairs of a benchmark differ although the program is the same: 1.4826 times
    /// the median absolute deviation of ln(head / base).
    pub fn deviation(&self, subject: usize) -> f64 {
        let differences: Vec<f64> =
            self.same.iter().map(|pair| difference(*pair, subject)).collect();
        benchgate::stats::robust_deviation(&differences).unwrap_or(f64::NAN)
    }
}

/// ln(head / base) of a benchmark, from the medians of its samples.
pub fn difference(pair: Pair<'_>, subject: usize) -> f64 {
    let level = |process: &Process| {
        benchgate::stats::median(&process.times[subject]).expect("there are samples").ln()
    };
    level(pair.head) - level(pair.base)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(round: u32, variant: &str, began: u64) -> Process {
        Process { round, place: 0, variant: variant.to_owned(), began, times: vec![vec![1.0]] }
    }

    fn pool(variants: [&str; 5]) -> Pool {
        let mut processes = Vec::new();
        for round in 0..5 {
            for (place, variant) in variants.into_iter().enumerate() {
                // A pause before the last round.
                let pause = if round == 4 { 1000 } else { 0 };
                let began = u64::from(round) * 10 + place as u64 + pause;
                processes.push(process(round, variant, began));
            }
        }
        Pool { subjects: vec!["a".to_owned()], processes, seconds: 1.0 }
    }

    fn assert_once(pairs: &[Pair<'_>]) {
        let mut both: Vec<*const Process> = pairs
            .iter()
            .flat_map(|pair| [std::ptr::from_ref(pair.base), std::ptr::from_ref(pair.head)])
            .collect();
        both.sort();
        both.dedup();
        assert_eq!(both.len(), 2 * pairs.len());
        assert!(pairs.iter().all(|pair| pair.base.began.abs_diff(pair.head.began) <= APART));
    }

    #[test]
    fn no_process_is_in_two_pairs_of_a_kind() {
        for (variants, same, builds) in [
            // Base and again each round; two of each other variant in four rounds.
            (["base", "again", "neutral-1", "neutral-2", "spin-3"], 5 + 3 * 2, 2),
            // The rebuild has a second process in the same round.
            (["base", "again", "neutral-7", "neutral-7-again", "spin-3"], 5 + 5 + 2, 1),
        ] {
            let pool = pool(variants);
            let streams = Streams::of(&pool);
            assert_eq!(streams.same.len(), same);
            assert_once(&streams.same);
            assert_eq!(streams.rebuilt.len(), builds);
            let rebuilt: Vec<_> = streams.rebuilt.values().flatten().copied().collect();
            assert_eq!(rebuilt.len(), 10);
            assert_once(&rebuilt);
            assert!(streams.slowed.keys().eq(["spin-3"].iter()));
            assert_eq!(streams.slowed["spin-3"].len(), 5);
        }
    }

    #[test]
    fn pairs_are_of_one_program() {
        let mut pool = pool(["base", "again", "neutral-1", "neutral-1-again", "spin-3"]);
        for process in pool.processes.iter_mut().filter(|process| process.round == 1) {
            process.variant = process.variant.replace("neutral-1", "neutral-2");
        }
        let streams = Streams::of(&pool);
        // The slowed process of round 0 has no partner in round 1, that of round 1
        // none in round 2: those of 2 and 3 remain.
        let spins = streams.same.iter().filter(|pair| pair.base.variant == "spin-3").count();
        assert_eq!((spins, streams.same.len()), (1, 11));
    }
}
