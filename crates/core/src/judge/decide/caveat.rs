//! Why an instruction count is not an exact witness of what the code does.

use crate::judge::compare::Pair;
use crate::model::{AllocatorCount, Costs, CountScope};

/// Why the counts of a pair may differ although the code that criterion times does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caveat {
    /// One count may include the set-up and the drops, the other does not.
    OtherScope,
    /// One count charges the allocator by the call, the other may not.
    OtherAllocatorCount,
    /// Both counts include the set-up and the drops.
    Whole,
    /// Both counts include what the allocator executed.
    Heap,
    /// A process had several threads.
    Threads,
    /// The kernel was asked for something.
    Kernel,
}

impl Caveat {
    /// The weightiest. `None` where the counts depend on the code alone, as far as is
    /// known.
    pub(crate) fn of(pair: &Pair<'_>) -> Option<Self> {
        pair.effect.as_ref()?;
        let any = |what: fn(&Costs) -> bool| pair.costs.iter().flatten().any(|costs| what(costs));
        let scopes = pair.costs.map(|costs| costs?.scope);
        let allocators = pair.costs.map(|costs| costs.map(|costs| costs.allocator));
        if scopes[0] != scopes[1] {
            return Some(Self::OtherScope);
        }
        if allocators.contains(&Some(AllocatorCount::Charged)) && allocators[0] != allocators[1] {
            return Some(Self::OtherAllocatorCount);
        }
        if scopes[0] == Some(CountScope::Whole) {
            return Some(Self::Whole);
        }
        if any(|costs| costs.allocator == AllocatorCount::Executed) {
            Some(Self::Heap)
        } else if any(|costs| costs.threads > 1) {
            Some(Self::Threads)
        } else if any(|costs| costs.system_calls) {
            Some(Self::Kernel)
        } else {
            None
        }
    }

    /// Whether the sides were counted in two ways, so that nothing can be decided.
    pub(super) fn is_two_ways(self) -> bool {
        matches!(self, Self::OtherScope | Self::OtherAllocatorCount)
    }

    /// Whether the count follows more than the code of both sides.
    pub(super) fn varies(self) -> bool {
        matches!(self, Self::Heap | Self::Threads | Self::Kernel)
    }

    /// For the reason of a row.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::OtherScope => {
                "not comparable: only one side's count is known to leave out the set-up; save a \
                 new baseline"
            }
            Self::OtherAllocatorCount => {
                "not comparable: only one side's count charges the allocator by the call; save a \
                 new baseline"
            }
            Self::Whole => "the count includes the set-up and the drops, so the clock decides",
            Self::Heap => "not exact: the count includes what the allocator executed",
            Self::Threads => "not exact: the process has several threads",
            Self::Kernel => "not exact: the body makes system calls",
        }
    }
}
