//! The benchmarks with plots, to which rows link.

use std::collections::BTreeMap;

use crate::judge::{Report, Row};
use crate::model::BenchId;
use crate::report::fold::Folds;

/// The number of rows, the worst first, whose benchmarks get a card with plots.
const PLOTTED_ROWS: usize = 200;

/// The benchmarks that have a card, each with its number.
pub(super) struct Anchors(BTreeMap<BenchId, usize>);

impl Anchors {
    /// The benchmarks of the first rows that are not folded: the worst come first.
    pub(super) fn of_report(report: &Report) -> Self {
        let mut anchors = BTreeMap::new();
        let (shown, _) = Folds::of(report).split();
        for row in shown.into_iter().take(PLOTTED_ROWS) {
            let next = anchors.len();
            anchors.entry(row.bench_id()).or_insert(next);
        }
        Self(anchors)
    }

    /// The number of the card of the row's benchmark.
    pub(super) fn number(&self, row: &Row) -> Option<&usize> {
        self.0.get(&row.bench_id())
    }

    /// The element id of the card of the row's benchmark.
    pub(super) fn of(&self, row: &Row) -> Option<String> {
        self.number(row).map(|number| format!("b{number}"))
    }
}
