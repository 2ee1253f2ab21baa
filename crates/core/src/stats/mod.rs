//! Statistics: pure functions over slices, each citing its source.
//!
//! Nothing here knows a benchmark, a file or a policy. Each function states what it
//! requires of its input; given that, it does not panic or return NaN.
//!
//! | question | answer |
//! |---|---|
//! | does the centre of paired differences exceed a bound? | [`signed_rank`] |
//! | where is that centre? | [`hodges_lehmann`], [`hodges_lehmann_interval`] |
//! | where do values lie, how far do they spread? | [`median`], [`mean`], [`mean_half_width`], [`robust_deviation`], [`variance`], [`robust_variance`] |
//! | where is a quantile? | [`quantile`], [`quantile_bounds`] |
//! | do values fall into two heaps? | [`two_modes`] |
//! | which of many tests hold together? | [`holm`] |
//! | how large is the true rate of some event? | [`binomial_interval`] |
//! | are successes more frequent than failures? | [`sign_test`] |
//! | how do two independent groups differ? | [`hodges_lehmann_shift`], [`SampleVariance`], [`VariancePrior`], [`Difference`] |
//! | how many pairs does it take? | [`smallest_n`], [`hopeful_looks`], [`pairs_needed`], [`detectable_gap`] |
//!
//! `alpha` is always the chance of error on one side: of a one-sided test, or at
//! each end of an interval, whose confidence is then 1 − 2·alpha. So the end of
//! an interval is the one-sided bound of that `alpha`.
//!
//! What is random takes a seed and draws from [`SplitMix64`]. Tests, their
//! bounds and binomial intervals use only what IEEE 754 rounds
//! in one way (sums, products, quotients): the same input gives the same bits
//! on every platform. Logarithms, and with them normal and Student quantiles
//! (in planning, and for ranks of more than 300 differences) and
//! [`VariancePrior`], may differ between platforms in the last digits.

mod binomial;
mod difference;
mod location;
mod moderated;
mod modes;
mod multiple;
mod order;
mod pairwise;
mod planning;
mod random;
mod signed_rank;
mod walsh;

pub use binomial::{binomial_interval, sign_test};
pub use difference::Difference;
pub use location::{mean, mean_half_width, median, quantile, robust_deviation, variance};
pub use moderated::{SampleVariance, VariancePrior};
pub use modes::{Modes, two_modes};
pub use multiple::holm;
pub use order::{Bounds, quantile_bounds};
pub use pairwise::{hodges_lehmann_shift, robust_degrees, robust_variance};
pub use planning::{detectable_gap, hopeful_looks, pairs_needed, smallest_n};
pub use random::SplitMix64;
pub use signed_rank::signed_rank;
pub use walsh::{hodges_lehmann, hodges_lehmann_interval};

/// The alternative of a one-sided test, which a small p-value supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Alternative {
    /// The centre is above the bound.
    Above,
    /// The centre is below the bound.
    Below,
}

/// An interval, both ends belonging to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub lower: f64,
    /// The upper end, at least as large.
    pub upper: f64,
}

impl Interval {
    /// Whether a value lies within.
    pub fn contains(&self, value: f64) -> bool {
        self.lower <= value && value <= self.upper
    }
}

/// How far each difference lies beyond a bound, on the side of the alternative.
/// `None` of nothing, and where a number is not finite.
fn excesses(differences: &[f64], bound: f64, alternative: Alternative) -> Option<Vec<f64>> {
    let excesses: Vec<f64> = differences
        .iter()
        .map(|difference| match alternative {
            Alternative::Above => difference - bound,
            Alternative::Below => bound - difference,
        })
        .collect();
    (!excesses.is_empty() && excesses.iter().all(|excess| excess.is_finite())).then_some(excesses)
}

/// Whether a chance of error at one end makes sense.
fn is_one_sided(alpha: f64) -> bool {
    alpha > 0.0 && alpha < 0.5
}
