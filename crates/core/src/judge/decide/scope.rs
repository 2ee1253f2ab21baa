//! Whether instruction counts cover what criterion times and nothing else, on both
//! sides.

use crate::judge::compare::Pair;
use crate::model::{Costs, CountScope};

/// Why the counts of a pair may differ although what criterion times does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Excess {
    /// Both counts include the set-up and the drops.
    BothSides,
    /// One count may include them, the other does not.
    OneSide,
}

impl Excess {
    /// `None` where the counts cover the same and no more than criterion times, or where
    /// their harness counts by itself.
    pub(super) fn of(pair: &Pair<'_>) -> Option<Self> {
        let scope = |costs: Option<&Costs>| costs.and_then(|costs| costs.scope);
        let [baseline, candidate] = pair.costs.map(scope);
        match (baseline, candidate) {
            _ if pair.effect.is_none() => None,
            (Some(CountScope::Whole), Some(CountScope::Whole)) => Some(Self::BothSides),
            _ if baseline == candidate => None,
            _ => Some(Self::OneSide),
        }
    }

    /// For the reason of a row.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::BothSides => "the count includes the set-up and the drops, so the clock decides",
            Self::OneSide => {
                "not comparable: only one side's count is known to leave out the set-up; save a \
                 new baseline"
            }
        }
    }
}
