//! The decision on a row, before its severity.

use crate::judge::report::Outcome;
use crate::model::Unmeasured;

/// No one could act on a change this large: 1000-fold.
pub(super) const UNSEEN: f64 = 1000.0;

/// The decision on a row, before its severity.
#[derive(Clone, Debug)]
pub(crate) struct Decision {
    pub(crate) outcome: Outcome,
    pub(super) reason: String,
    /// How much worse a regression is proven to be: a logarithm, turned so that larger is
    /// worse.
    pub(super) proven: f64,
    /// The smallest change that would have been called a regression.
    pub(super) detectable: Option<f64>,
    /// The clock alone would have left it undecided.
    pub(super) by_instructions: bool,
    /// Why nothing was measured, if nothing was.
    pub(super) unmeasured: Option<Unmeasured>,
}

impl Decision {
    /// A decision that rests on no measured change.
    pub(super) fn new(outcome: Outcome, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self {
            outcome,
            reason,
            proven: 0.0,
            detectable: None,
            by_instructions: false,
            unmeasured: None,
        }
    }
}

/// A chance as a reason states it.
pub(super) fn chance(p: f64) -> String {
    if p < 1e-4 { "p < 0.0001".to_owned() } else { format!("p = {p:.4}") }
}
