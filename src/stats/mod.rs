//! Statistics: pure functions over slices, each citing its source.
//!
//! Nothing here knows a benchmark, a file or a policy. Functions say what they
//! need of their input; given it, they neither panic nor return NaN.

mod location;
mod multiple;
mod two_sample;

pub use location::{mean, median, quantile, variance};
pub use multiple::holm;
pub use two_sample::{TwoSample, mean_half_width, two_sample};
