//! Decides a count that is zero on one side.

use crate::judge::decide::decision::Decision;
use crate::judge::decide::scale::toward_worse;
use crate::judge::report::Outcome;
use crate::model::Direction;

/// A zero has no percentage, so the floor alone decides a value that every run repeated;
/// here the difference is beyond the floor.
pub(super) fn decide(difference: f64, better: Direction) -> Decision {
    let what = if difference > 0.0 { "up from zero" } else { "down to zero" };
    let outcome = if toward_worse(difference, better) > 0.0 {
        Outcome::Regression
    } else {
        Outcome::Improvement
    };
    let reason = format!("{what}, in every run");
    Decision { proven: f64::INFINITY, ..Decision::new(outcome, reason) }
}
