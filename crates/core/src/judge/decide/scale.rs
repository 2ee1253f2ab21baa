//! Limits and changes on one scale: logarithms, turned so that larger is worse.

use crate::model::Direction;

/// A limit as a logarithm: 10% is 110% of a time, and 90% of a rate.
pub(super) fn bound(limit: f64, better: Direction) -> f64 {
    match better {
        Direction::Lower => limit.ln_1p(),
        // Nothing loses more than everything.
        Direction::Higher => -(-limit.min(1.0)).ln_1p(),
    }
}

/// The change that such a logarithm is: the inverse of [`bound`].
pub(super) fn share(bound: f64, better: Direction) -> f64 {
    match better {
        Direction::Lower => bound.exp_m1(),
        Direction::Higher => -(-bound).exp_m1(),
    }
}

/// A change, turned so that larger is worse.
pub(super) fn toward_worse(change: f64, better: Direction) -> f64 {
    match better {
        Direction::Lower => change,
        Direction::Higher => -change,
    }
}
