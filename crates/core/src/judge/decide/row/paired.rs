//! Decides a sampled metric by pairs of processes: see
//! [`Differences`](crate::judge::compare::Differences).

use crate::judge::compare::{Chances, Differences};
use crate::judge::decide::contest::Contest;
use crate::judge::decide::decision::{Decision, UNSEEN, chance};
use crate::judge::decide::levels::Level;
use crate::judge::decide::scale::{bound, share, toward_worse};
use crate::judge::report::Outcome;
use crate::text::percent;

/// Only confirming pairs prove a change. All pairs can show that there is none.
pub(super) fn decide(
    contest: &Contest<'_>,
    differences: &Differences,
    level: Option<Level>,
    alpha: f64,
) -> Decision {
    let (limits, better) = (&contest.limits, contest.pair.metric.better);
    let (tolerance, target) = (bound(limits.tolerance, better), bound(limits.target, better));
    let pairs = differences.pairs();
    // The interval of the row by itself, at the level that the family leaves it.
    let family = level.map_or(1, |level| level.family);
    let half_width = differences.half_width(alpha / family as f64);
    let detectable = half_width.map(|half_width| share(tolerance + half_width, better));
    let chances = match level {
        Some(level) => level.chances,
        // A row that is only shown is not in the family, nor is one that was not confirmed.
        None if differences.confirmed() => differences.chances(tolerance, better),
        None => Chances { worse: 1.0, better: 1.0 },
    };
    let tolerated = percent(limits.tolerance);
    let (outcome, reason) = if chances.worse <= alpha {
        let chance = chance(chances.worse);
        let reason = format!("beyond the tolerance of {tolerated}, {chance}, {pairs} pairs");
        (Outcome::Regression, reason)
    } else if chances.better <= alpha {
        let chance = chance(chances.better);
        let reason =
            format!("better by more than the tolerance of {tolerated}, {chance}, {pairs} pairs");
        (Outcome::Improvement, reason)
    } else if differences.clears(target, better) {
        let (target, pairs) = (percent(limits.target), differences.all().len());
        let reason = format!(
            "no change for the worse of {target} or more in the typical process, {pairs} pairs"
        );
        (Outcome::Unchanged, reason)
    } else if !differences.confirmed() {
        let reason = if differences.out_of_time() {
            "looks changed, but the time budget ended before it was measured again"
        } else {
            "looks changed, but was not measured again"
        };
        (Outcome::Undecided, reason.to_owned())
    } else {
        let reason = match detectable {
            Some(detectable) if detectable < UNSEEN => {
                format!("{pairs} pairs can only show changes above {}", percent(detectable))
            }
            _ => format!("{pairs} pairs are too few to show any change"),
        };
        let end = if differences.out_of_time() { "; the time budget ended" } else { "" };
        let reason = format!("{reason}{end}");
        (Outcome::Undecided, reason)
    };
    let worse = toward_worse(differences.centre(), better);
    let shown = half_width.map_or(f64::NEG_INFINITY, |half_width| worse - half_width);
    Decision { proven: shown.max(tolerance), detectable, ..Decision::new(outcome, reason) }
}
