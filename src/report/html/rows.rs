//! The table of all rows.

use maud::{Markup, PreEscaped, html};

use super::anchors::Anchors;
use super::components::{Breakable, Cell, Column, Line, Sort, badge, bar, breakable, table};
use super::tone::tone;
use crate::judge::{Outcome, Report, Row, Severity, Side};
use crate::model::Unit;
use crate::report::fold::{Fold, Folded, Folds};
use crate::report::plain;
use crate::report::vocabulary::{self, Names};

/// The bytes of a name that always fit their column.
const FITTING: usize = 20;

const COLUMNS: [Column; 7] = [
    Column { heading: "Benchmark", sort: Some(Sort::Text) },
    Column { heading: "Metric", sort: Some(Sort::Text) },
    Column { heading: "Baseline", sort: Some(Sort::Value) },
    Column { heading: "Candidate", sort: Some(Sort::Value) },
    Column { heading: "Change", sort: Some(Sort::Value) },
    Column { heading: "95% interval", sort: Some(Sort::Value) },
    Column { heading: "Outcome", sort: Some(Sort::Value) },
];

pub(super) fn section(report: &Report, names: &Names, anchors: &Anchors) -> Markup {
    if report.rows.is_empty() && report.targets.is_some() {
        return html! {};
    }
    let folds = Folds::of(report);
    let folded: Folded = report.rows.iter().filter_map(|row| folds.fold(row)).collect();
    let lines = report.rows.iter().enumerate().map(|(rank, row)| {
        let fold = folds.fold(row);
        line(row, rank, fold, names, anchors)
    });
    html! {
        section aria-labelledby="rows" {
            h2 #rows { "Benchmarks" }
            @if report.rows.is_empty() {
                p { "No benchmarks." }
            } @else {
                (filter(report, &folded))
                (table("table", "rows", &COLUMNS, lines))
                p .legend {
                    "The bar shows the change and its interval. Its middle is a change of zero, and \
                     it extends to three times the row's target on each side."
                }
            }
        }
    }
}

/// The controls of the script's filter, which are hidden without the script.
fn filter(report: &Report, folded: &Folded) -> Markup {
    html! {
        form #filter hidden role="search" aria-label="Filter benchmarks" {
            div .field {
                label for="text" { "Name or metric" }
                input #text type="search" autocomplete="off" spellcheck="false";
            }
            @if !report.counts.is_empty() {
                fieldset {
                    legend { "Outcome" }
                    @for outcome in report.counts.keys() {
                        label {
                            input type="checkbox" name="outcome" value=(outcome.as_str()) checked;
                            " " (outcome.as_str())
                        }
                    }
                }
            }
            @if folded.rows() > 0 {
                label {
                    input #folded type="checkbox";
                    " Also show " (folded.counted())
                }
            }
            p #shown role="status" {}
        }
    }
}

fn line(row: &Row, rank: usize, fold: Option<Fold>, names: &Names, anchors: &Anchors) -> Line {
    let unit = Unit::from(row.unit.as_str());
    let change = row.change.as_ref();
    let name = names.shown(row);
    let name = match anchors.of(row) {
        Some(anchor) => {
            let Breakable { markup, label } = breakable(&name, FITTING);
            Cell::text(html! { a href={ "#" (anchor) } aria-label=[label] { (markup) } })
        }
        None => Cell::name(&name),
    };
    let side = |side: Option<&Side>| {
        Cell::number(&vocabulary::value(side, &unit)).with_value(side.map(|side| side.value))
    };
    let interval = html! {
        @if let Some(drawn) = change.and_then(|change| bar(change, vocabulary::scale(row))) {
            span .bar aria-hidden="true" { (PreEscaped(drawn)) }
        }
        @let interval = vocabulary::interval(change);
        @if !interval.is_empty() { span { (interval) } }
    };
    let outcome = row.outcome();
    let reason = html! {
        @if let Some(outcome) = outcome {
            (badge(&vocabulary::outcome(row), tone(row, outcome)))
            @let why = vocabulary::why(row);
            @if !why.is_empty() { " " span .why { (why) } }
        }
    };
    Line {
        cells: vec![
            name,
            Cell::name(&plain(&row.metric)),
            side(row.baseline.as_ref()),
            side(row.candidate.as_ref()),
            Cell::number(&vocabulary::estimate(change))
                .with_value(change.map(|change| change.estimate)),
            Cell::text(interval)
                .with_class("interval")
                .with_value(change.and_then(|change| change.upper)),
            #[expect(clippy::cast_precision_loss, reason = "far fewer rows than 2^52")]
            Cell::text(reason).with_value(Some(rank as f64)),
        ],
        failing: row.judgement.as_ref().is_some_and(|j| j.severity == Severity::Fail),
        outcome: outcome.map(Outcome::as_str),
        folded: fold.is_some(),
    }
}
