//! The report as JSON, for machines; its schema is committed.

use super::Render;
use crate::judge::Report;

/// Writes the report as indented JSON.
#[derive(Clone, Copy, Debug, Default)]
pub struct Json;

impl Render for Json {
    fn render(&self, report: &Report) -> String {
        let mut text = serde_json::to_string_pretty(report)
            .expect("a report has text keys and finite numbers");
        text.push('\n');
        text
    }
}
