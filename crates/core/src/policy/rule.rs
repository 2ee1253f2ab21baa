//! A rule of the policy: limits for the rows that two patterns match.

use super::layer::LimitsLayer;
use crate::model::Pattern;

/// One rule of the file. Earlier rules apply to the keys that it lacks.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) bench: Pattern,
    pub(super) metric: Pattern,
    pub(super) limits: LimitsLayer,
}

impl Rule {
    /// A rule for all rows.
    pub(super) fn general(limits: LimitsLayer) -> Self {
        Self { bench: Pattern::any(), metric: Pattern::any(), limits }
    }

    /// Whether the rule is for all rows.
    pub(super) fn is_general(&self) -> bool {
        [&self.bench, &self.metric].into_iter().all(Pattern::is_any)
    }
}
