//! What a number means: its name, its unit, which way is better.

use std::fmt;

/// Which way a metric improves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// Smaller is better: times, counts, bytes, cost.
    Lower,
    /// Larger is better: hit rates, throughput.
    Higher,
}

/// How a metric's readings come about, which decides how they are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Nature {
    /// Varies from run to run (a clock, a rate under load): compared by statistics.
    Sampled,
    /// The same on every run of one program unless something makes it differ
    /// (instructions, queries, allocated bytes): compared exactly.
    Counted,
}

/// The unit of a metric's readings.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// Nanoseconds per iteration, or of latency.
    Nanoseconds,
    /// A plain number of things: instructions, queries, evictions.
    Count,
    /// Bytes.
    Bytes,
    /// A share between 0 and 1, shown as a percentage.
    Share,
    /// Things per second.
    PerSecond,
    /// Any other unit, by its own name.
    Other(String),
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nanoseconds => "ns",
            Self::Count => "count",
            Self::Bytes => "bytes",
            Self::Share => "share",
            Self::PerSecond => "per_second",
            Self::Other(name) => name,
        })
    }
}

impl From<&str> for Unit {
    /// Reads what [`Display`](fmt::Display) writes; an unknown name is a unit of its own.
    fn from(name: &str) -> Self {
        match name {
            "ns" => Self::Nanoseconds,
            "count" => Self::Count,
            "bytes" => Self::Bytes,
            "share" => Self::Share,
            "per_second" => Self::PerSecond,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// One thing that is measured about a benchmark.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Metric {
    /// Short and stable, lower case with dots or underscores: `time`,
    /// `instructions`, `latency.p95`, `hit_rate`. Policies name it.
    pub name: String,
    /// The unit of every reading.
    pub unit: Unit,
    /// Which way is better.
    pub better: Direction,
    /// Whether equal programs give equal readings.
    pub nature: Nature,
}

impl Metric {
    /// Wall time per iteration, criterion's measure.
    pub const TIME: &'static str = "time";
    /// Instructions executed, callgrind's `Ir`.
    pub const INSTRUCTIONS: &'static str = "instructions";

    /// Wall time per iteration in nanoseconds.
    pub fn time() -> Self {
        Self {
            name: Self::TIME.to_owned(),
            unit: Unit::Nanoseconds,
            better: Direction::Lower,
            nature: Nature::Sampled,
        }
    }

    /// A count that equal programs repeat exactly, smaller being better.
    pub fn counted(name: impl Into<String>, unit: Unit) -> Self {
        Self { name: name.into(), unit, better: Direction::Lower, nature: Nature::Counted }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
