//! The tone of an outcome, which sets its colour.

use super::components::Tone;
use crate::judge::{Outcome, Row, Severity};

/// The tone of a row's outcome. Only a regression that fails the gate has the colour of a
/// failure.
pub(super) fn tone(row: &Row, outcome: Outcome) -> Tone {
    match &row.judgement {
        Some(judgement) if outcome == Outcome::Regression => match judgement.severity {
            Severity::Fail => Tone::Bad,
            Severity::Warn => Tone::Unsure,
            Severity::Note => Tone::Calm,
        },
        Some(judgement) if judgement.severity == Severity::Fail => Tone::Bad,
        _ => outcome_tone(outcome),
    }
}

/// The tone of an outcome.
pub(super) fn outcome_tone(outcome: Outcome) -> Tone {
    match outcome {
        Outcome::Regression => Tone::Bad,
        Outcome::Improvement => Tone::Good,
        Outcome::Undecided | Outcome::Missing => Tone::Unsure,
        Outcome::New | Outcome::Unchanged => Tone::Calm,
    }
}
