//! How likely a change is if there is none.

/// One-sided chances of a change at least this large if the true one were at the bound:
/// for the worse, and for the better.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Chances {
    pub(crate) worse: f64,
    pub(crate) better: f64,
}
