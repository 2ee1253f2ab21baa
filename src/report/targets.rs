//! Targets in the words that all renderers for human readers share.

use super::plain;
use super::vocabulary::{Names, count};
use crate::judge::{BoundKind, Grade, Report, Severity, TargetRow, TargetStatus, Targets};
use crate::model::Unit;
use crate::policy::{TargetKind, TargetSeverity};

/// A target whose benchmarks are all met is shown by its least headroom if it has more of
/// them than these.
const WHOLE: usize = 3;

/// A line of the table of targets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    pub(super) row: &'a TargetRow,
    /// Further benchmarks that meet the same target, with more headroom.
    pub(super) more: usize,
}

/// The lines of the table: all rows, or without those of which a tighter row of the same
/// target says enough.
pub(super) fn lines(targets: &Targets, all: bool) -> Vec<Line<'_>> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    // Rows of one target follow each other, in the order of their benchmarks.
    for rows in targets.rows.chunk_by(|a, b| is_calm(a) && is_calm(b) && same_target(a, b)) {
        if all || rows.len() <= WHOLE {
            lines.extend(rows.iter().map(|row| Line { row, more: 0 }));
            continue;
        }
        let tightest = rows.iter().min_by(|a, b| {
            let headroom = |row: &TargetRow| row.headroom.unwrap_or(f64::INFINITY);
            headroom(a).total_cmp(&headroom(b))
        });
        lines.extend(tightest.map(|row| Line { row, more: rows.len() - 1 }));
    }
    lines
}

/// Whether a target is met and nothing is to be said about it.
fn is_calm(row: &TargetRow) -> bool {
    row.status == TargetStatus::Met && row.effect == Severity::Note
}

fn same_target(a: &TargetRow, b: &TargetRow) -> bool {
    let key = |row: &TargetRow| (row.kind, row.bound, row.severity);
    key(a) == key(b)
        && (&a.bench, &a.metric, &a.limit, &a.group) == (&b.bench, &b.metric, &b.limit, &b.group)
}

impl Line<'_> {
    /// The benchmark, or the policy's glob if nothing was measured, as text from a file:
    /// escape it.
    pub(super) fn name(&self, names: &Names<'_>) -> String {
        match self.row.bench_id() {
            Some(id) => names.of_id(id),
            None => self.row.bench.clone(),
        }
    }

    /// ` and 12 more`; empty if the line is for one benchmark.
    pub(super) fn more(&self) -> String {
        if self.more == 0 { String::new() } else { format!(" and {} more", count(self.more)) }
    }

    /// The limit with its sign: `≤ 200 ms`.
    pub(super) fn limit(&self) -> String {
        let sign = match self.row.bound {
            BoundKind::AtMost => '≤',
            BoundKind::AtLeast => '≥',
        };
        plain(&format!("{sign} {}", self.row.limit))
    }

    /// The values before and after, with their unit; a dash where there is none.
    pub(super) fn values(&self) -> [String; 2] {
        let unit = self.row.unit.as_deref().map(Unit::from);
        [self.row.before, self.row.after].map(|value| match (&unit, value) {
            (Some(unit), Some(value)) => plain(&unit.show(value)),
            _ => "–".to_owned(),
        })
    }

    /// The share of the limit that is left: `25%`; empty if it is not known.
    pub(super) fn headroom(&self) -> String {
        match self.row.headroom {
            None => String::new(),
            // The limit is out of sight.
            Some(share) if share >= 10.0 => ">999%".to_owned(),
            Some(share) if share.abs() >= 0.1 => format!("{:.0}%", share * 100.0),
            Some(share) => format!("{:.1}%", share * 100.0).replace("-0.0%", "0.0%"),
        }
    }

    /// The status; in capitals if it fails the gate, with the severity if it is not met.
    pub(super) fn status(&self) -> String {
        let TargetRow { status, effect, kind, severity, .. } = self.row;
        let word = status.as_str();
        let word = if *effect == Severity::Fail { word.to_uppercase() } else { word.to_owned() };
        let ordinary = *kind == TargetKind::Budget || *severity == TargetSeverity::High;
        if ordinary || *status == TargetStatus::Met {
            word
        } else {
            format!("{word} ({})", severity.as_str())
        }
    }

    /// What is to be known about the status, and the policy's reason if it is not met.
    pub(super) fn why(&self) -> String {
        let TargetRow { why, reason, .. } = self.row;
        let reason = reason.as_deref().filter(|_| !is_calm(self.row));
        let parts: Vec<&str> = why.as_deref().into_iter().chain(reason).collect();
        plain(&parts.join("; "))
    }
}

/// A grade in a sentence: `3 of 5 targets met; 1 missed, 1 not measured`.
pub(super) fn grade(grade: &Grade) -> String {
    let Grade { targets, met, missed, unsupported, undecided, not_measured, letter: _ } = *grade;
    let others: Vec<String> = [
        (missed, TargetStatus::Missed),
        (unsupported, TargetStatus::Unsupported),
        (undecided, TargetStatus::Undecided),
        (not_measured, TargetStatus::NotMeasured),
    ]
    .into_iter()
    .filter(|(number, _)| *number > 0)
    .map(|(number, status)| format!("{} {}", count(number), status.as_str()))
    .collect();
    let noun = if targets == 1 { "target" } else { "targets" };
    let met = format!("{} of {} {noun} met", count(met), count(targets));
    if others.is_empty() { met } else { format!("{met}; {}", others.join(", ")) }
}

/// The whole grade in a line, for a format without a table; `None` without targets.
pub(super) fn sentence(report: &Report) -> Option<String> {
    let Targets { grade, .. } = report.targets.as_ref()?;
    Some(format!("targets: grade {}, {}", grade.letter, self::grade(grade)))
}
