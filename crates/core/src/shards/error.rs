//! Why shards cannot be judged together.

use crate::text::listed;

/// How many missing shards an error names.
const LISTED: usize = 10;

/// Why shards cannot be judged together. Shards are named by where they were read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShardError {
    /// There is not a single shard.
    #[error("name at least one shard")]
    Nothing,
    /// It is not a shard.
    #[error("{name} is not a shard of a suite: `gate ab --shard K/N` measures one")]
    NotAShard {
        /// The trial.
        name: String,
    },
    /// Its snapshots do not belong together.
    #[error("{name}: {reason}")]
    Torn {
        /// The shard.
        name: String,
        /// How they contradict each other.
        reason: String,
    },
    /// A shard is given twice.
    #[error("shard {number} is given twice: {first} and {second}")]
    Duplicate {
        /// `2/4`.
        number: String,
        /// The one.
        first: String,
        /// The other.
        second: String,
    },
    /// Some shards are missing.
    #[error(
        "{} missing, of {of}: {given} given; a shard that could not be measured has no result to \
         merge",
        named(missing),
        given = if *given == 1 { "1 is".to_owned() } else { format!("{given} are") }
    )]
    Missing {
        /// Their numbers.
        missing: Vec<u32>,
        /// How many there should be.
        of: u32,
        /// How many there are.
        given: usize,
    },
    /// Shards do not agree on what was measured, or how.
    #[error("the shards differ in {what}: {first} has {here}, but {second} has {there}")]
    Differs {
        /// In what.
        what: String,
        /// One shard.
        first: String,
        /// Its value.
        here: String,
        /// Another shard.
        second: String,
        /// Its value.
        there: String,
    },
    /// Shards do not agree on which benchmarks there are.
    #[error(
        "the shards list different benchmarks: {with} has `{benchmark}`, but {without} does not, so \
         a benchmark may have been measured by no shard; give every shard the same services, tools \
         and features"
    )]
    Listing {
        /// The benchmark.
        benchmark: String,
        /// A shard that lists it.
        with: String,
        /// A shard that does not.
        without: String,
    },
    /// Two shards measured the same benchmark.
    #[error("`{benchmark}` was measured by two shards: {first} and {second}")]
    MeasuredTwice {
        /// The benchmark.
        benchmark: String,
        /// One shard.
        first: String,
        /// The other.
        second: String,
    },
}

/// A value of a file as errors show it: on one line, and not at length.
pub(super) fn shown(value: &str) -> String {
    const MOST: usize = 200;
    let mut shown = String::new();
    for (at, c) in value.chars().enumerate() {
        if at == MOST {
            shown.push('…');
            break;
        }
        if c.is_control() { shown.extend(c.escape_unicode()) } else { shown.push(c) }
    }
    shown
}

fn named(numbers: &[u32]) -> String {
    let names: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    match names.as_slice() {
        [name] => format!("shard {name} is"),
        names => format!("shards {} are", listed(names, LISTED)),
    }
}
