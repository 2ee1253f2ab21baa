//! Amounts with units: `"200ms"`, `"95%"`, `"64KiB"`, `"5"`.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use crate::model::Unit;
use crate::text::{exact_percent, grouped};

/// An absolute amount, of a kind that must fit the metric's unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Quantity {
    /// Nanoseconds.
    Nanoseconds(f64),
    /// Bytes.
    Bytes(f64),
    /// A share, 1 being 100%.
    Share(f64),
    /// A number in the metric's own unit.
    Number(f64),
}

impl Quantity {
    /// The amount in `unit`, or `None` if it is of another kind.
    pub fn in_unit(self, unit: &Unit) -> Option<f64> {
        match (self, unit) {
            (Self::Nanoseconds(amount), Unit::Nanoseconds)
            | (Self::Bytes(amount), Unit::Bytes)
            | (Self::Share(amount), Unit::Share)
            | (Self::Number(amount), _) => Some(amount),
            _ => None,
        }
    }

    /// How the amount compares with another, or `None` if it is of another kind.
    pub(super) fn compare(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Nanoseconds(a), Self::Nanoseconds(b))
            | (Self::Bytes(a), Self::Bytes(b))
            | (Self::Share(a), Self::Share(b))
            | (Self::Number(a), Self::Number(b)) => a.partial_cmp(&b),
            _ => None,
        }
    }

    /// As a person reads it, rounded like a measured value: `200 ms`, `95%`.
    pub fn show(self) -> String {
        match self {
            Self::Nanoseconds(amount) => Unit::Nanoseconds.show(amount),
            Self::Bytes(amount) => Unit::Bytes.show(amount),
            Self::Share(amount) => Unit::Share.show(amount),
            Self::Number(amount) => grouped(amount),
        }
    }
}

type Suffix = (&'static str, fn(f64) -> Quantity);

const SUFFIXES: [Suffix; 13] = [
    // Longer suffixes first: "ms" ends in "s".
    ("KiB", |n| Quantity::Bytes(n * 1024.0)),
    ("MiB", |n| Quantity::Bytes(n * 1024.0 * 1024.0)),
    ("GiB", |n| Quantity::Bytes(n * 1024.0 * 1024.0 * 1024.0)),
    ("kB", |n| Quantity::Bytes(n * 1e3)),
    ("MB", |n| Quantity::Bytes(n * 1e6)),
    ("GB", |n| Quantity::Bytes(n * 1e9)),
    ("ns", Quantity::Nanoseconds),
    ("us", |n| Quantity::Nanoseconds(n * 1e3)),
    ("µs", |n| Quantity::Nanoseconds(n * 1e3)),
    ("ms", |n| Quantity::Nanoseconds(n * 1e6)),
    ("B", Quantity::Bytes),
    ("s", |n| Quantity::Nanoseconds(n * 1e9)),
    ("%", |n| Quantity::Share(n / 100.0)),
];

impl FromStr for Quantity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (digits, make) = SUFFIXES
            .iter()
            .find_map(|(suffix, make)| Some((text.strip_suffix(suffix)?, *make)))
            .unwrap_or((text, Quantity::Number));
        let number: f64 = digits.trim().parse().map_err(|_| {
            format!("\"{text}\" is not an amount: write \"200ms\", \"64KiB\", \"95%\" or \"5\"")
        })?;
        if !number.is_finite() || number < 0.0 {
            return Err(format!("\"{text}\" must be a number of at least 0"));
        }
        Ok(make(number))
    }
}

/// As reports show it: all digits, with separated thousands.
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nanoseconds(amount) => write!(f, "{}ns", grouped(*amount)),
            Self::Bytes(amount) => write!(f, "{}B", grouped(*amount)),
            Self::Share(amount) => f.write_str(&exact_percent(*amount)),
            Self::Number(amount) => f.write_str(&grouped(*amount)),
        }
    }
}

/// Reads `"1.5%"` as 0.015. The error says what to write.
pub fn percentage(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(Quantity::Share(share)) => Ok(share),
        _ => Err(format!("\"{text}\" is not a percentage: write \"1%\" or \"0.5%\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_units() {
        for (text, want) in [
            ("200ms", Quantity::Nanoseconds(2e8)),
            ("1.5 µs", Quantity::Nanoseconds(1500.0)),
            ("2s", Quantity::Nanoseconds(2e9)),
            ("64KiB", Quantity::Bytes(65536.0)),
            ("95%", Quantity::Share(0.95)),
            ("5", Quantity::Number(5.0)),
        ] {
            assert_eq!(text.parse(), Ok(want), "{text}");
        }
        for text in ["", "ms", "1e400", "-1%", "NaN", "5 apples"] {
            assert!(text.parse::<Quantity>().is_err(), "{text}");
        }
        assert_eq!(percentage("0.5%"), Ok(0.005));
        assert!(percentage("0.5").is_err());
    }

    #[test]
    fn all_digits_are_shown_in_groups() {
        for (text, want) in [
            ("597096", "597,096"),
            ("2.5", "2.5"),
            ("1.5ms", "1,500,000ns"),
            ("64KiB", "65,536B"),
            ("0.29%", "0.29%"),
        ] {
            assert_eq!(
                text.parse::<Quantity>().map(|quantity| quantity.to_string()),
                Ok(want.to_owned())
            );
        }
    }

    #[test]
    fn kinds_must_fit() {
        assert_eq!(Quantity::Share(0.5).in_unit(&Unit::Nanoseconds), None);
        assert_eq!(Quantity::Number(5.0).in_unit(&Unit::Count), Some(5.0));
    }
}
