//! What is recorded: one line a process.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One fresh process that ran every subject.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Line {
    /// The round it belongs to: all variants of a round were run one after another.
    pub round: u32,
    /// Its place in the round.
    pub place: u32,
    /// Which program, and what slowed it down: `base`, `again` (the same program),
    /// `neutral-3` (a neutral rebuild), `neutral-3-again`, `spin-5`, `cause`.
    pub variant: String,
    /// When it began, in seconds since 1970.
    pub began: u64,
    /// Share of the machine that other programs took meanwhile.
    pub others: f64,
    /// Nanoseconds per iteration of each sample, by subject.
    pub times: BTreeMap<String, Vec<f64>>,
}
