//! Bencher Metric Format: the measured values for <https://bencher.dev>'s `json` adapter.
//! Its reference: <https://bencher.dev/docs/reference/bencher-metric-format>.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Render;
use super::vocabulary::{self, Names};
use crate::judge::Report;

/// Writes the candidate's values in Bencher Metric Format. The lower and upper values are
/// the least and the greatest value of its runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bencher;

#[derive(Serialize)]
struct Metric {
    value: f64,
    lower_value: f64,
    upper_value: f64,
}

impl Render for Bencher {
    fn render(&self, report: &Report) -> String {
        let names = Names::of(&report.rows);
        let mut benchmarks: BTreeMap<String, BTreeMap<String, Metric>> = BTreeMap::new();
        for row in &report.rows {
            let Some(side) = &row.candidate else { continue };
            let [least, most] = vocabulary::range(&side.runs);
            let metric = Metric {
                value: side.value,
                // A side without runs has no range.
                lower_value: least.min(side.value),
                upper_value: most.max(side.value),
            };
            let measures = benchmarks.entry(names.raw(row)).or_default();
            let mut measure = measure(&row.metric, &row.unit);
            if measures.contains_key(&measure) {
                // The same metric in another unit is another measure.
                measure = format!("{measure}-{}", slug(&row.unit));
            }
            measures.insert(measure, metric);
        }
        let mut text =
            serde_json::to_string_pretty(&benchmarks).expect("text keys and finite numbers");
        text.push('\n');
        text
    }
}

/// Bencher's own name for a measure, if it has one: its latency is in nanoseconds.
fn measure(metric: &str, unit: &str) -> String {
    match (metric, unit) {
        ("time", "ns") => "latency".to_owned(),
        _ => slug(metric),
    }
}

/// As Bencher writes slugs: lower case, words joined by hyphens.
fn slug(name: &str) -> String {
    let hyphened =
        |c: char| if matches!(c, '_' | '.' | ' ') { '-' } else { c.to_ascii_lowercase() };
    name.chars().map(hyphened).collect()
}
