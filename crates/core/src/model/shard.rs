//! Trials of a part of a suite: each shard on a machine of its own.

use std::fmt;
use std::str::FromStr;

/// Which part of a suite a trial measured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Extent {
    /// Every benchmark that was selected.
    #[default]
    Whole,
    /// One shard.
    Shard(Shard),
    /// Every shard, each measured by a trial of its own: at least one.
    Merged(Vec<Part>),
}

/// What all shards of a suite have to agree on, and which of them this is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which of how many.
    pub number: ShardNumber,
    /// The digest of the policy by which it was measured.
    pub policy: String,
    /// The version of the gate that measured it.
    pub tool: String,
    /// The benchmarks of all shards, sorted: `package/target::name`, or `package/target` of
    /// a target that one shard measures as a whole.
    pub listing: Vec<String>,
}

/// One trial among those that were merged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The index of its first run; its last run is before the next part's first.
    pub first_run: u32,
    /// Pairs for screening: its runs below `first_run` plus this number.
    pub screening: u32,
    /// The numbers of confirming pairs at which a decision is made, rising.
    pub looks: Vec<u32>,
    /// Whether its budget ended before everything was decided.
    pub out_of_time: bool,
}

/// Which shard, of how many: `2/4`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardNumber {
    of: u32,
    number: u32,
}

impl ShardNumber {
    /// The most shards of a suite.
    pub const MOST: u32 = 256;

    /// Counted from 1. `None` if there is no such shard.
    pub fn new(number: u32, of: u32) -> Option<Self> {
        let exists = (1..=of).contains(&number) && of <= Self::MOST;
        exists.then_some(Self { of, number })
    }

    /// Which one, from 1.
    pub fn number(self) -> u32 {
        self.number
    }

    /// The number of shards.
    pub fn of(self) -> u32 {
        self.of
    }

    /// Whether it measures what is at this position of the sorted listing. The shards take
    /// turns, so their loads differ by one benchmark at most, also within a bench target.
    pub fn takes(self, position: usize) -> bool {
        position % self.of as usize == self.number as usize - 1
    }
}

impl fmt::Display for ShardNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

impl FromStr for ShardNumber {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(number, of)| {
            let number = number.trim().parse().ok()?;
            Self::new(number, of.trim().parse().ok()?)
        });
        numbers.ok_or_else(|| {
            format!("write the shard's number and how many there are, at most {}: 2/4", Self::MOST)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_counted_from_one() {
        let shard: ShardNumber = "2/4".parse().expect("a shard");
        assert_eq!((shard.number(), shard.of(), shard.to_string()), (2, 4, "2/4".to_owned()));
        for text in ["", "2", "0/4", "5/4", "1/0", "-1/4", "1/257", "1/4/4", "a/b"] {
            assert!(text.parse::<ShardNumber>().is_err(), "{text}");
        }
    }

    #[test]
    fn each_position_has_one_shard_and_loads_differ_by_one() {
        for of in [1, 3, 4, 7] {
            let shards = || (1..=of).map(|number| ShardNumber::new(number, of).expect("exists"));
            for position in 0..30 {
                assert_eq!(shards().filter(|shard| shard.takes(position)).count(), 1);
            }
            let loads = shards().map(|shard| (0..30).filter(|at| shard.takes(*at)).count());
            let loads: Vec<usize> = loads.collect();
            assert!(loads.iter().max() <= loads.iter().min().map(|least| least + 1).as_ref());
        }
    }
}
