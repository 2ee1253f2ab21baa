//! The two sides of a comparison: where each was measured, and how that differs.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Field, Snapshot};

/// The origin of one side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SnapshotSummary {
    /// Its name.
    pub name: String,
    /// When it was taken.
    pub created: Timestamp,
    /// The commit, with `+` where tracked files differed from it.
    pub revision: Option<String>,
    /// The number of its runs.
    pub runs: usize,
    /// The selection, if not everything was measured.
    pub selection: Option<String>,
    /// The environment in which it was measured; `a | b` if runs differ.
    pub environment: BTreeMap<String, String>,
}

impl SnapshotSummary {
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        Self {
            name: snapshot.name.clone(),
            created: snapshot.created,
            revision: snapshot.revision.as_ref().map(|revision| {
                format!("{}{}", revision.commit, if revision.dirty { "+" } else { "" })
            }),
            runs: snapshot.runs.len(),
            selection: snapshot.selection.clone(),
            environment: snapshot
                .environment()
                .iter()
                .map(|(field, value)| (field.key().to_owned(), value.to_owned()))
                .collect(),
        }
    }
}

/// One fact in which the two environments differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentDifference {
    /// The field's name.
    pub field: String,
    /// The baseline's value.
    pub baseline: String,
    /// The candidate's value.
    pub candidate: String,
    /// Whether wall times cannot be compared because of it.
    pub blocks_time: bool,
    /// Whether instruction counts cannot be compared because of it.
    pub blocks_counts: bool,
}

impl EnvironmentDifference {
    pub(crate) fn new(field: Field, baseline: &str, candidate: &str) -> Self {
        Self {
            field: field.key().to_owned(),
            baseline: baseline.to_owned(),
            candidate: candidate.to_owned(),
            blocks_time: false,
            blocks_counts: false,
        }
    }
}
