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

impl Unit {
    /// The least and the largest value that a measurement in this unit can have.
    pub fn range(&self) -> (f64, f64) {
        match self {
            Self::Share => (0.0, 1.0),
            Self::Nanoseconds | Self::Count | Self::Bytes | Self::PerSecond => (0.0, f64::MAX),
            Self::Other(_) => (f64::MIN, f64::MAX),
        }
    }

    /// A value in this unit as a person reads it: `1.23 µs`, `95.2%`, `12,345`.
    pub fn show(&self, value: f64) -> String {
        match self {
            Self::Nanoseconds => scaled(value, 1000.0, &["ns", "µs", "ms", "s"]),
            Self::Bytes => scaled(value, 1024.0, &["B", "KiB", "MiB", "GiB", "TiB"]),
            Self::Share => format!("{}%", significant(value * 100.0)),
            Self::Count => significant(value),
            Self::PerSecond => format!("{}/s", scaled(value, 1000.0, &["", "k", "M", "G"]).trim()),
            Self::Other(name) => format!("{} {name}", significant(value)),
        }
    }
}

/// The value in the largest of `units`, each `step` times the one before, in
/// which it is at least 1.
fn scaled(value: f64, step: f64, units: &[&str]) -> String {
    let mut value = value;
    let mut at = 0;
    // Rounding to four digits must not give 1000 of a smaller unit.
    while value.abs() >= step * 0.999_95 && at + 1 < units.len() {
        value /= step;
        at += 1;
    }
    format!("{} {}", significant(value), units[at])
}

/// From here on numbers are written with an exponent.
const LARGE: f64 = 1e15;

/// Four significant digits, at most three decimals, and separated thousands.
fn significant(value: f64) -> String {
    if value.abs() >= LARGE {
        return format!("{value:.3e}");
    }
    // By the value as it is shown: 99.996 is 100.0.
    let shown = (value.abs() * 1000.0).round() / 1000.0;
    let digits = match shown {
        v if v >= 999.95 || value.fract() == 0.0 => 0,
        v if v >= 99.995 => 1,
        v if v >= 9.9995 => 2,
        _ => 3,
    };
    grouped(&format!("{value:.digits$}"))
}

/// The digits of a decimal number with separated thousands.
fn grouped(number: &str) -> String {
    let (sign, number) = number.split_at(usize::from(number.starts_with('-')));
    let (whole, decimals) = number.split_at(number.find('.').unwrap_or(number.len()));
    let mut text = sign.to_owned();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + decimals
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
    /// Instructions executed, callgrind's `Ir`, with a constant for each call of the memory
    /// allocator in place of the allocator's own.
    pub const INSTRUCTIONS: &'static str = "instructions";
    /// All instructions executed, the allocator's own among them.
    pub const TOTAL_INSTRUCTIONS: &'static str = "instructions.total";
    /// How often the memory allocator was asked for a block, or for another size of one.
    pub const ALLOCATIONS: &'static str = "allocations";

    /// How long operations take from the caller's view, as a distribution.
    pub const LATENCY: &'static str = "latency";

    /// Wall time per iteration in nanoseconds.
    pub fn time() -> Self {
        Self::sampled(Self::TIME, Unit::Nanoseconds)
    }

    /// A metric that varies from run to run; smaller is better.
    pub fn sampled(name: impl Into<String>, unit: Unit) -> Self {
        Self { name: name.into(), unit, better: Direction::Lower, nature: Nature::Sampled }
    }

    /// The same metric, if larger is better.
    #[must_use]
    pub fn higher(self) -> Self {
        Self { better: Direction::Higher, ..self }
    }

    /// A count that equal programs repeat exactly; smaller is better.
    pub fn counted(name: impl Into<String>, unit: Unit) -> Self {
        Self { name: name.into(), unit, better: Direction::Lower, nature: Nature::Counted }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_in_a_readable_unit() {
        for (unit, value, want) in [
            (Unit::Nanoseconds, 12.3456, "12.35 ns"),
            (Unit::Nanoseconds, 999.99, "1.000 µs"),
            (Unit::Nanoseconds, 1_234_567.0, "1.235 ms"),
            (Unit::Bytes, 65536.0, "64 KiB"),
            (Unit::Share, 0.9512, "95.12%"),
            (Unit::Count, 1_234_567.0, "1,234,567"),
            (Unit::Count, 1_629_241.5, "1,629,242"),
            (Unit::Count, 0.0, "0"),
            (Unit::Nanoseconds, 1e15 - 1.0, "1,000,000 s"),
            (Unit::Other("requests".into()), -12_345.6, "-12,346 requests"),
            (Unit::Nanoseconds, 99.996, "100.0 ns"),
            (Unit::Nanoseconds, 9.9999, "10.00 ns"),
            (Unit::Count, 1e300, "1.000e300"),
            (Unit::PerSecond, 25_300.0, "25.30 k/s"),
            (Unit::Other("furlongs".into()), 2.5, "2.500 furlongs"),
        ] {
            assert_eq!(unit.show(value), want);
        }
    }
}
