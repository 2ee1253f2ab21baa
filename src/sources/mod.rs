//! Readers: files that other tools wrote, turned into the model.
//!
//! Wire types stay in here. A file that cannot be used becomes a
//! [`Problem`](crate::model::Problem) with its path and the reason, and never
//! hides the others.

use crate::model::{Measurement, NotRun, Problem};

/// What a reader found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Harvest {
    /// What could be read; each holds one run, index 0.
    pub measurements: Vec<Measurement>,
    /// What the measured program itself said it could not run.
    pub not_run: Vec<NotRun>,
    /// What was found and could not be used.
    pub problems: Vec<Problem>,
}

/// Where results were made, as far as the caller knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The bench target.
    pub target: Option<String>,
    /// The cargo package.
    pub package: Option<String>,
}

/// How to tell a result that an earlier run left behind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stale {
    /// Whatever was written before that moment.
    Before(jiff::Timestamp),
    /// Whatever was written before a pause of more than that length: one
    /// invocation writes its results close together.
    Gap(std::time::Duration),
    /// Nothing: the directory was made for one run.
    Never,
}
