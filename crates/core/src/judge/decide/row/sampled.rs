//! Decides a sampled metric by the runs of two sessions.

use std::fmt::Write as _;

use crate::judge::compare::Uncertainty;
use crate::judge::decide::contest::Contest;
use crate::judge::decide::decision::{Decision, UNSEEN, chance};
use crate::judge::decide::levels::Level;
use crate::judge::decide::scale::{bound, share};
use crate::judge::report::Outcome;
use crate::text::percent;

/// A change must be beyond the tolerance both as it was measured and without the suite's
/// shift. The interval that is shown must exclude the target for a row to be unchanged.
pub(super) fn decide(
    contest: &Contest<'_>,
    uncertainty: &Uncertainty,
    level: Option<Level>,
    alpha: f64,
) -> Decision {
    let (limits, better) = (&contest.limits, contest.pair.metric.better);
    let (tolerance, target) = (bound(limits.tolerance, better), bound(limits.target, better));
    // The part that the suite has in common is not a change of this row.
    let own = uncertainty.own(better);
    // A row that is only shown has a family of its own.
    let family = level.map_or(1, |level| level.family);
    let half_width = own.half_width(1.0 - 2.0 * alpha / family as f64);
    let chances = level
        .map_or_else(|| uncertainty.combined_chances(tolerance, better), |level| level.chances);
    let detectable = share(tolerance + half_width, better);
    let (outcome, mut reason) = if chances.worse <= alpha {
        let tolerance = percent(limits.tolerance);
        let reason = format!("beyond the tolerance of {tolerance}, {}", chance(chances.worse));
        (Outcome::Regression, reason)
    } else if chances.better <= alpha {
        let (tolerance, chance) = (percent(limits.tolerance), chance(chances.better));
        let reason = format!("better by more than the tolerance of {tolerance}, {chance}");
        (Outcome::Improvement, reason)
    } else if own.difference + uncertainty.shown < target {
        let reason = format!("no change for the worse of {} or more", percent(limits.target));
        (Outcome::Unchanged, reason)
    } else if detectable < UNSEEN {
        let detectable = percent(detectable);
        let reason = format!("too noisy: these runs can only show changes above {detectable}");
        (Outcome::Undecided, reason)
    } else {
        (Outcome::Undecided, "too noisy to show any change".to_owned())
    };
    if let Some(rest) = &uncertainty.without_shift {
        // Rounded first, so that a zero has no sign.
        let rest = (rest.difference.exp_m1() * 1000.0).round() / 10.0 + 0.0;
        let _ = write!(reason, "; {rest:+}% without the suite's shift");
    }
    let smallest = uncertainty
        .with_and_without_shift(better)
        .map(|change| change.difference)
        .fold(f64::INFINITY, f64::min);
    Decision {
        // Holm's method may reject where the row's own interval only just reaches the
        // tolerance. The tolerance is what is proven then.
        proven: (smallest - half_width).max(tolerance),
        detectable: Some(detectable),
        ..Decision::new(outcome, reason)
    }
}
