//! Rows that are shown only on request: each renderer counts them in one line and shows
//! the others.

use std::collections::BTreeMap;

use super::vocabulary;
use crate::judge::{Outcome, Report, Row, Severity, Unmeasured};
use crate::policy::Gate;

/// Why a row is folded, in the order in which folded rows are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fold {
    /// Only the baseline has it.
    Missing,
    /// Only the candidate has it.
    New,
    /// Neither side was measured: the code is identical.
    Unmeasured,
    /// No clock was measured: the same code was executed.
    SameCode,
    /// Its metric cannot gate.
    ShownOnly,
    /// The candidate measured a selection without it.
    Unselected,
}

impl Fold {
    /// `1 missing row`, `2 rows of a metric that cannot gate`.
    fn counted(self, count: usize) -> String {
        let rows = if count == 1 { "row" } else { "rows" };
        let count = vocabulary::count(count);
        match self {
            Self::Missing => format!("{count} missing {rows}"),
            Self::New => format!("{count} new {rows}"),
            Self::Unmeasured => format!("{count} unmeasured {rows} of identical code"),
            Self::SameCode => {
                format!("{count} unmeasured {rows} of which the same code was executed")
            }
            Self::ShownOnly => format!("{count} {rows} of a metric that cannot gate"),
            Self::Unselected => format!("{count} unselected {rows}"),
        }
    }
}

/// The numbers of folded rows, by reason.
#[derive(Debug, Default)]
pub(super) struct Folded(BTreeMap<Fold, usize>);

impl Folded {
    pub(super) fn add(&mut self, fold: Fold) {
        *self.0.entry(fold).or_insert(0) += 1;
    }

    /// The number of folded rows.
    pub(super) fn rows(&self) -> usize {
        self.0.values().sum()
    }

    /// `5 missing rows, 1 new row`; empty if no row is folded.
    pub(super) fn counted(&self) -> String {
        let counts = self.0.iter().map(|(fold, count)| fold.counted(*count));
        counts.collect::<Vec<_>>().join(", ")
    }
}

impl FromIterator<Fold> for Folded {
    fn from_iter<T: IntoIterator<Item = Fold>>(folds: T) -> Self {
        let mut folded = Self::default();
        folds.into_iter().for_each(|fold| folded.add(fold));
        folded
    }
}

/// The folds of a report.
#[derive(Debug)]
pub(super) struct Folds<'a> {
    report: &'a Report,
}

impl<'a> Folds<'a> {
    pub(super) fn of(report: &'a Report) -> Self {
        Self { report }
    }

    /// Why the row is folded. `None` if it is shown, as is every row that fails the gate.
    pub(super) fn fold(&self, row: &Row) -> Option<Fold> {
        if row.judgement.as_ref().is_some_and(|judgement| judgement.severity == Severity::Fail) {
            return None;
        }
        if unselected(self.report, row) {
            return Some(Fold::Unselected);
        }
        if row.gate == Gate::Show {
            return Some(Fold::ShownOnly);
        }
        // Without a baseline all rows are shown, and no row is new.
        self.report.baseline.as_ref()?;
        match (&row.baseline, &row.candidate) {
            (Some(_), Some(_)) => None,
            (Some(_), None) => Some(Fold::Missing),
            (None, Some(_)) => Some(Fold::New),
            (None, None) => match row.judgement.as_ref().and_then(|it| it.unmeasured) {
                // Earlier reports do not say why.
                None | Some(Unmeasured::IdenticalCode) => Some(Fold::Unmeasured),
                Some(Unmeasured::SameCodeExecuted) => Some(Fold::SameCode),
                Some(Unmeasured::NotReached) => None,
            },
        }
    }

    /// The shown rows, and the numbers of folded rows.
    pub(super) fn split(&self) -> (Vec<&'a Row>, Folded) {
        let mut folded = Folded::default();
        let mut shown = Vec::new();
        for row in &self.report.rows {
            match self.fold(row) {
                Some(fold) => folded.add(fold),
                None => shown.push(row),
            }
        }
        (shown, folded)
    }
}

/// Whether the candidate lacks the row only because it measured a selection.
pub(super) fn unselected(report: &Report, row: &Row) -> bool {
    report.baseline.is_some()
        && report.candidate.selection.is_some()
        && row.baseline.is_some()
        && row.candidate.is_none()
}

/// Whether the row may gate.
pub(super) fn may_gate(report: &Report, row: &Row) -> bool {
    row.gate != Gate::Show && !unselected(report, row)
}

/// The number of rows with each outcome, among the rows that may gate.
pub(super) fn counts(report: &Report) -> BTreeMap<Outcome, usize> {
    let mut counts = BTreeMap::new();
    let shown = report.rows.iter().filter(|row| may_gate(report, row));
    for outcome in shown.filter_map(Row::outcome) {
        *counts.entry(outcome).or_insert(0) += 1;
    }
    counts
}
