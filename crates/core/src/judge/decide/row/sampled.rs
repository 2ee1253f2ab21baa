//! Decides a sampled metric by the runs of two sessions.

use std::fmt::Write as _;

use crate::judge::compare::{Sessions, Uncertainty};
use crate::judge::decide::contest::Contest;
use crate::judge::decide::decision::{Decision, UNSEEN, chance};
use crate::judge::decide::levels::Level;
use crate::judge::decide::scale::{bound, share};
use crate::judge::decide::weigh::ENOUGH_SESSIONS;
use crate::judge::report::Outcome;
use crate::text::percent;

/// A row that only shows larger changes is of no use.
const USELESS: f64 = 0.25;

/// More sessions are asked of nobody.
const MOST_SESSIONS: u32 = 30;

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
    let sessions = contest.sampled().map(|(sampled, _)| sampled.sessions);
    let (outcome, mut reason) = if let Some(reason) = sessions.and_then(two_speeds) {
        (Outcome::Undecided, reason)
    } else if chances.worse <= alpha {
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
    } else if let Some((known, more)) = sessions.and_then(|known| {
        let detectable = |more| {
            let half_width =
                uncertainty.variance.after(more).half_width(1.0 - 2.0 * alpha / family as f64);
            half_width.map(|half_width| share(tolerance + half_width, better))
        };
        Some((known.count, more_sessions(known, detectable)?))
    }) {
        let detectable =
            if detectable < UNSEEN { percent(detectable) } else { "1,000 times".to_owned() };
        let reason = format!(
            "not usable yet: {known} known sessions can only show changes above {detectable}; \
             {more} more sessions needed"
        );
        (Outcome::Undecided, reason)
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

/// Why a benchmark with two speeds is undecided, until enough sessions are known.
fn two_speeds(sessions: Sessions) -> Option<String> {
    let gap = sessions.two_speeds?.gap;
    let more = ENOUGH_SESSIONS.checked_sub(sessions.count).filter(|more| *more > 0)?;
    let gap = percent(gap.exp_m1());
    Some(format!(
        "not usable yet: each known session has one of two speeds, {gap} apart; {more} more \
         sessions needed"
    ))
}

/// The number of further sessions after which a row is of use, where its sessions are known
/// and too few for that. `detectable` is the change that so many more would show.
fn more_sessions(sessions: Sessions, detectable: impl Fn(u32) -> Option<f64>) -> Option<u32> {
    let is_useful = |more: u32| detectable(more).is_some_and(|change| change <= USELESS);
    let possible = sessions.known && sessions.count > 0 && !is_useful(0);
    possible.then(|| (1..=MOST_SESSIONS).find(|more| is_useful(*more)))?
}
