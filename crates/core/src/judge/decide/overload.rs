//! Decisions on a machine that was busy.

use super::contest::{Contest, Data, Question};
use super::decision::Decision;
use super::witness::{Counterpart, Instructions};
use crate::judge::report::Outcome;
use crate::policy::MachineBusy;
use crate::text::percent;

/// Makes a decision of the clock alone undecided where other programs took too large a
/// share of the machine (`overloads`, for each part of the trial), as far as the policy says so.
///
/// The exact test of a change holds under any load that hits the sides of a pair alike,
/// whichever runs first. A bound on a change does not: delays on either side make both
/// look more alike than the code is.
pub(super) fn doubt(
    contest: &Contest<'_>,
    counterpart: Option<Counterpart>,
    overloads: &[Option<f64>],
    policy: MachineBusy,
    decision: Decision,
) -> Decision {
    let Question::Open { data: Data::Paired(differences), .. } = &contest.question else {
        return decision;
    };
    let Some(share) = overloads.get(differences.part()).copied().flatten() else {
        return decision;
    };
    let instructions = counterpart.map(|counterpart| counterpart.instructions);
    let supported = matches!(
        (decision.outcome, instructions),
        (Outcome::Unchanged, Some(Instructions::Same | Instructions::Fewer))
            | (Outcome::Regression, Some(Instructions::More(_)))
            | (Outcome::Improvement, Some(Instructions::Fewer))
    );
    let in_doubt = match (policy, decision.outcome) {
        (MachineBusy::ClearNothing | MachineBusy::DecideNothing, Outcome::Unchanged)
        | (MachineBusy::DecideNothing, Outcome::Regression | Outcome::Improvement) => !supported,
        _ => false,
    };
    if !in_doubt {
        return decision;
    }
    let reason = format!(
        "machine busy ({} used by other programs); would otherwise be {}: {}",
        percent(share),
        decision.outcome.as_str(),
        decision.reason
    );
    Decision { outcome: Outcome::Undecided, reason, ..decision }
}
