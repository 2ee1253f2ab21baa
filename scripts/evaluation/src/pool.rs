//! The recorded format: one line per process.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One fresh process that ran every subject.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Line {
    /// The round it belongs to: all variants of a round were run one after another.
    pub round: u32,
    /// Its position in the round.
    pub place: u32,
    /// The program and its slowdown: `base`, `again` (the same program),
    /// `neutral-3` (a neutral rebuild), `neutral-3-again`, `spin-5`, `cause`.
    pub variant: String,
    /// When it began, in seconds since 1970.
    pub began: u64,
    /// The share of the machine that other programs used in the meantime.
    pub others: f64,
    /// Nanoseconds per iteration of each sample, by subject.
    pub times: BTreeMap<String, Vec<f64>>,
}
