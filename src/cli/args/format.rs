//! The format of a calibration or a diagnosis.

use clap::ValueEnum;
use serde::Serialize;

/// The format of what a command writes to stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Format {
    /// A text to read
    Terminal,
    /// JSON; its schema is in docs/schema
    Json,
}

impl Format {
    /// `value` as JSON, or as the text that `text` makes.
    pub(in crate::cli) fn render(
        self,
        value: &impl Serialize,
        text: impl FnOnce() -> String,
    ) -> serde_json::Result<String> {
        match self {
            Self::Terminal => Ok(text()),
            Self::Json => Ok(serde_json::to_string_pretty(value)? + "\n"),
        }
    }
}
