//! The names that `gate explain` knows.

use super::code::Code;
use super::outcome::Outcome;

/// Every outcome and every code, by its name.
fn texts() -> impl Iterator<Item = (&'static str, &'static str)> {
    let outcomes = Outcome::ALL.into_iter().map(|outcome| (outcome.as_str(), outcome.text()));
    outcomes.chain(Code::ALL.iter().map(|code| (code.as_str(), code.text())))
}

/// The explanation of a finding's code or a row's outcome, by its name.
pub fn explanation(name: &str) -> Option<&'static str> {
    texts().find(|(known, _)| *known == name).map(|(_, text)| text)
}

/// All names that [`explanation`] knows: outcomes, then findings.
pub fn explained() -> impl Iterator<Item = &'static str> {
    texts().map(|(name, _)| name)
}
