//! Decides a count.

use crate::judge::compare::Counted;
use crate::judge::decide::decision::Decision;
use crate::judge::decide::scale::{bound, toward_worse};
use crate::judge::report::Outcome;
use crate::model::Direction;
use crate::text::percent;

/// The least tolerance of a count that its own runs do not repeat, and how many times the
/// spread between equal programs it must exceed.
const UNSTEADY_TOLERANCE: f64 = 0.005;
const UNSTEADY_RANGES: f64 = 3.0;

/// The least tolerance of a count that follows more than the code, though its own runs
/// repeat it. The same programs behind another set-up, in another environment or in another
/// build have differed by 7%: see docs/accuracy.md.
pub(super) const INEXACT_TOLERANCE: f64 = 0.1;

/// Whether a count varies by so little that its tolerance need not be raised.
pub(in crate::judge::decide) fn is_steady_enough(counted: &Counted, tolerance: f64) -> bool {
    UNSTEADY_RANGES * counted.range <= tolerance
}

/// By the gap between the ranges of the sides, so that readings that overlap are never a
/// change.
pub(super) fn decide(counted: &Counted, tolerance: f64, better: Direction) -> Decision {
    let Counted { gap, range, .. } = *counted;
    let worse = toward_worse(gap, better);
    let steady = range == 0.0;
    let tolerance = if steady {
        tolerance
    } else {
        tolerance.max(UNSTEADY_TOLERANCE).max(UNSTEADY_RANGES * range)
    };
    let limit = bound(tolerance, better);
    let note = if steady { "" } else { "; the runs do not repeat exactly" };
    let percent = percent(tolerance);
    let (outcome, reason) = if gap == 0.0 && steady {
        (Outcome::Unchanged, "the same count in every run".to_owned())
    } else if worse > limit {
        (Outcome::Regression, format!("beyond the tolerance of {percent}{note}"))
    } else if worse < -limit {
        (Outcome::Improvement, format!("better by more than the tolerance of {percent}{note}"))
    } else {
        (Outcome::Unchanged, format!("within the tolerance of {percent}{note}"))
    };
    Decision { proven: worse, detectable: Some(tolerance), ..Decision::new(outcome, reason) }
}
