//! The JSON that github-action-benchmark reads as `customSmallerIsBetter` or
//! `customBiggerIsBetter`: <https://github.com/benchmark-action/github-action-benchmark>.

use serde::Serialize;

use super::vocabulary::{self, Names};
use super::{Render, plain};
use crate::judge::{Report, Row};
use crate::model::Unit;

/// Writes the candidate's values of one direction, because a file has one direction for all
/// its values.
#[derive(Clone, Copy, Debug, Default)]
pub struct GithubBenchmark {
    /// Whether larger values are better in these rows.
    pub bigger_is_better: bool,
}

#[derive(Serialize)]
struct Entry {
    name: String,
    unit: String,
    value: f64,
    range: String,
    extra: String,
}

impl GithubBenchmark {
    /// Whether the report has any row of this direction.
    pub fn applies(self, report: &Report) -> bool {
        report.rows.iter().any(|row| self.takes(row))
    }

    fn takes(self, row: &Row) -> bool {
        row.candidate.is_some() && row.higher_is_better == self.bigger_is_better
    }
}

impl Render for GithubBenchmark {
    fn render(&self, report: &Report) -> String {
        let names = Names::of(&report.rows);
        let rows = report.rows.iter().filter(|row| self.takes(row));
        let entries: Vec<Entry> = rows.filter_map(|row| entry(row, &names)).collect();
        let mut text = serde_json::to_string_pretty(&entries).expect("text and finite numbers");
        text.push('\n');
        text
    }
}

fn entry(row: &Row, names: &Names) -> Option<Entry> {
    let side = row.candidate.as_ref()?;
    let unit = Unit::from(row.unit.as_str());
    let change =
        [vocabulary::estimate(row.change.as_ref()), vocabulary::interval(row.change.as_ref())];
    let extra = [change.join(" "), [vocabulary::outcome(row), vocabulary::why(row)].join(" ")];
    let extra: Vec<&str> = extra.iter().map(|line| line.trim()).filter(|l| !l.is_empty()).collect();
    Some(Entry {
        name: format!("{} ({})", names.shown(row), plain(&row.metric)),
        unit: plain(&row.unit),
        value: side.value,
        range: vocabulary::spread(side, &unit),
        extra: extra.join("\n"),
    })
}
