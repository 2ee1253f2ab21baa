//! Decides whether slow processes have become more frequent: see
//! [`SlowProcesses`].

use crate::judge::compare::SlowProcesses;
use crate::judge::decide::contest::Contest;
use crate::judge::decide::decision::{Decision, chance};
use crate::judge::decide::levels::Level;
use crate::judge::report::{Outcome, Side};
use crate::text::percent;

/// A row exists only where there is a hint, so it is a regression or undecided.
pub(super) fn decide(
    contest: &Contest<'_>,
    slow: &SlowProcesses,
    level: Option<Level>,
    alpha: f64,
) -> Decision {
    let share = |side: &Option<Side>| percent(side.as_ref().map_or(0.0, |side| side.value));
    let (base, head) = (share(&contest.pair.baseline), share(&contest.pair.candidate));
    let pairs = slow.pairs();
    let slow_ones = format!("{head} of the processes are slow ({base} of the base's)");
    let p = level.map_or_else(|| slow.chances(), |level| Some(level.chances)).map(|c| c.worse);
    match p {
        Some(p) if p <= alpha => {
            let reason = format!("{slow_ones}, {}, {pairs} pairs", chance(p));
            // It has no size beyond a limit: any share that has grown is one too many.
            Decision { proven: f64::INFINITY, ..Decision::new(Outcome::Regression, reason) }
        }
        Some(_) => {
            let reason = format!("{slow_ones}; {pairs} pairs cannot show that this is not chance");
            Decision::new(Outcome::Undecided, reason)
        }
        None => {
            let reason = format!("{slow_ones} in the screening, and it was not measured again");
            Decision::new(Outcome::Undecided, reason)
        }
    }
}
