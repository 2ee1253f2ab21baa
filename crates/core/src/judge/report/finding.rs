//! Findings: everything that is reported besides the outcomes of rows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::code::Code;
use super::outcome::Severity;
use super::row::Row;

/// Something that was found besides the rows' outcomes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// Which kind: `gate explain CODE` tells more.
    pub code: Code,
    /// What it does.
    pub severity: Severity,
    /// The benchmark, where it is about one.
    pub id: Option<String>,
    /// The metric, where it is about one.
    pub metric: Option<String>,
    /// What was found, in a sentence or two.
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
