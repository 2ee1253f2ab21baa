//! Which measurements of two snapshots belong together, and how far apart they are.
//!
//! Nothing here knows the policy's limits: the next step, `decide`, applies them.

mod chances;
mod comparability;
mod effect;
mod history;
mod pair;
mod paired;
mod runs;
mod sessions;
mod shift;
mod slow;
mod snapshots;
mod speeds;
mod variance;

use std::collections::BTreeSet;

pub(crate) use chances::Chances;
pub(crate) use comparability::Comparability;
pub(crate) use effect::{
    Counted, Effect, SHOWN_LEVEL, Sampled, Sessions, Uncertainty, Unsupported,
};
pub(crate) use history::Assumed;
use history::History;
pub(crate) use pair::Pair;
pub(crate) use paired::Differences;
pub use runs::run_value;
pub(crate) use sessions::Coverage;
pub(crate) use shift::{Shift, ShiftCounts};
pub(crate) use slow::SlowProcesses;
pub use snapshots::BUSY;
pub(crate) use snapshots::Snapshots;

use crate::model::{Field, Noise};

/// What the comparison of two snapshots showed.
#[derive(Debug)]
pub(crate) struct Comparison<'a> {
    /// How the environments differ.
    pub(crate) comparability: Comparability,
    /// Every metric of every benchmark, in the order of ids and metrics.
    pub(crate) pairs: Vec<Pair<'a>>,
    /// The change that the times have in common, where there are enough of them.
    pub(crate) shift: Option<Shift>,
    /// For how many rows it is known how much sessions differ.
    pub(crate) coverage: Coverage,
}

impl<'a> Comparison<'a> {
    /// Compares two snapshots. Differences in `ignored` fields of the environment do not
    /// prevent a comparison; a shift of the whole suite is one at the level `alpha`.
    pub(crate) fn of(
        snapshots: Snapshots<'a>,
        ignored: &BTreeSet<Field>,
        noise: Option<&Noise>,
        assumed: Assumed,
        alpha: f64,
    ) -> Self {
        let history = History::of(noise, assumed);
        let comparability = Comparability::of(snapshots, ignored);
        let pairs = pair::pairs(snapshots);
        let shift = if snapshots.pairing().is_some() {
            // Sides that were measured in turn share the machine.
            None
        } else {
            Shift::find(&pairs, &comparability, &history, alpha)
        };
        let (pairs, coverage) = sessions::apply(pairs, &history, shift.as_ref(), &comparability);
        Self { comparability, pairs, shift, coverage }
    }
}
