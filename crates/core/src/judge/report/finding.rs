//! Findings: everything that is reported besides the outcomes of rows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::code::Code;
use super::outcome::Severity;
use super::row::Row;

/// Something that is reported besides the outcomes of rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// The kind of finding; `gate explain CODE` explains it.
    pub code: Code,
    /// What it does to the gate.
    pub severity: Severity,
    /// The benchmark, if it is about a single one.
    pub id: Option<String>,
    /// The metric, if it is about a single one.
    pub metric: Option<String>,
    /// The message, in a sentence or two.
    pub message: String,
}

impl Finding {
    /// A finding that is not about a single benchmark.
    pub(crate) fn new(
        code: Code,
        severity: impl Into<Severity>,
        message: impl Into<String>,
    ) -> Self {
        Self { code, severity: severity.into(), id: None, metric: None, message: message.into() }
    }

    /// Names the benchmark, or the bench target, that it is about.
    #[must_use]
    pub(crate) fn about(self, id: impl Into<String>) -> Self {
        Self { id: Some(id.into()), ..self }
    }

    /// Names the metric that it is about.
    #[must_use]
    pub(crate) fn metric(self, metric: impl Into<String>) -> Self {
        Self { metric: Some(metric.into()), ..self }
    }

    /// Names the row that it is about.
    #[must_use]
    pub(crate) fn row(self, row: &Row) -> Self {
        self.about(&row.id).metric(&row.metric)
    }
}
