//! What could be put into the policy, and why.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;

use super::row::{CalibratedRow, Instructions};
use crate::model::Unit;
use crate::policy::Policy;
use crate::text::aligned_percent;

/// More than so many times the last look is asked of nobody.
const MOST_TIMES: u64 = 3;

/// A change that large need not be guarded against by a clock.
const USELESS: f64 = 0.25;

/// Looks are suggested in steps of so many pairs.
const STEP: u64 = 10;

/// Something to put into the policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Suggestion {
    /// The benchmarks that it is for.
    pub benchmarks: Vec<String>,
    /// Why.
    pub reason: String,
    /// TOML, ready to be pasted; empty where no rule would help.
    pub toml: String,
}

pub(super) fn suggestions(rows: &[CalibratedRow], policy: &Policy) -> Vec<Suggestion> {
    let last = policy.ab.looks.last().copied().map_or(1, u64::from);
    let mut more = Vec::new();
    let mut suggestions = Vec::new();
    for row in rows {
        match row.pairs_needed {
            _ if row.modes.is_some() => suggestions.push(by_other_means(row)),
            Some(_) if row.reached => {}
            Some(needed) if needed <= MOST_TIMES * last => more.push((row, needed)),
            _ if row.detectable.is_none_or(|change| change > USELESS) => {
                suggestions.push(by_other_means(row));
            }
            _ => suggestions.push(larger_target(row)),
        }
    }
    suggestions.splice(0..0, more_pairs(&more, &policy.ab.looks));
    suggestions
}

fn more_pairs(rows: &[(&CalibratedRow, u64)], looks: &[u32]) -> Option<Suggestion> {
    let most = rows.iter().map(|(_, needed)| *needed).max()?.div_ceil(STEP) * STEP;
    let each: Vec<String> = looks[..looks.len() - 1]
        .iter()
        .map(ToString::to_string)
        .chain([most.to_string()])
        .collect();
    let benchmarks: Vec<String> = rows.iter().map(|(row, _)| row.id.clone()).collect();
    let wanted: Vec<String> = rows
        .iter()
        .map(|(row, needed)| format!("{needed} for {}", aligned_percent(row.wanted)))
        .collect();
    Some(Suggestion {
        reason: format!(
            "more pairs reach the target ({}); only benchmarks still undecided take them",
            wanted.join(", ")
        ),
        toml: format!("[ab]\nlooks = [{}]\n", each.join(", ")),
        benchmarks,
    })
}

fn larger_target(row: &CalibratedRow) -> Suggestion {
    let shown = row.detectable.unwrap_or_default();
    let target = (shown * 100.0).ceil();
    let mut reason = format!(
        "its pairs differ by {}: {} can be found, {} would take {} pairs",
        aligned_percent(row.paired_deviation),
        aligned_percent(shown),
        aligned_percent(row.wanted),
        row.pairs_needed.map_or_else(|| "too many".to_owned(), |pairs| pairs.to_string()),
    );
    reason += &instead(row);
    Suggestion {
        benchmarks: vec![row.id.clone()],
        toml: rule(row, &reason, &format!("target = \"{target}%\"")),
        reason,
    }
}

fn by_other_means(row: &CalibratedRow) -> Suggestion {
    let unit = Unit::from(row.unit.as_str());
    let mut reason = match (&row.modes, row.detectable) {
        (Some(modes), _) => format!(
            "its runs fall into two heaps, {} and {} ({} of them): which one is chance, and no \
             number of pairs helps; look for threads that meet on one core or two",
            unit.show(modes.lower),
            unit.show(modes.upper),
            aligned_percent(modes.share),
        ),
        (None, Some(change)) => format!(
            "its pairs differ by {}: the clock finds nothing below {}; a benchmark that does more \
             in one iteration may be steadier",
            aligned_percent(row.paired_deviation),
            aligned_percent(change),
        ),
        (None, None) => "its runs differ too much to find any change".to_owned(),
    };
    reason += &instead(row);
    Suggestion {
        benchmarks: vec![row.id.clone()],
        toml: rule(row, &reason, "gate = \"show\""),
        reason,
    }
}

/// What the instructions do for a row that the clock does little for.
fn instead(row: &CalibratedRow) -> String {
    match &row.instructions {
        Instructions::Steady => "; its instructions are exact and gate all the same".to_owned(),
        Instructions::Vary(range) => {
            format!(
                "; its instructions vary by {} and gate beyond three times that",
                aligned_percent(*range)
            )
        }
        Instructions::Unavailable(reason) => format!("; no instructions: {reason}"),
    }
}

/// A rule for this row alone; the reason is a remark above it.
fn rule(row: &CalibratedRow, reason: &str, key: &str) -> String {
    let name = toml::Value::String(globset::escape(&row.id));
    let metric = toml::Value::String(globset::escape(&row.metric));
    let mut text = String::new();
    // A reason may hold what a tool said.
    let remark: String = reason.chars().filter(|c| !c.is_control()).collect();
    let _ = writeln!(text, "# {remark}");
    let _ = writeln!(text, "[[rule]]\nbench = {name}\nmetric = {metric}\n{key}");
    text
}
