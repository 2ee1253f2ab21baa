//! The rows: one table of all of them, and plots of the worst.

use std::collections::BTreeMap;

use maud::{Markup, PreEscaped, html};

use super::super::plain;
use super::super::words::{self, Names};
use super::page::outcome_class;
use super::{PLOTTED, PLOTTED_BYTES, plot};
use crate::judge::{Outcome, Report, Row, Severity, Side};
use crate::model::{BenchId, Unit};
use crate::policy::Gate;

/// The table's columns: heading, and what its cells sort by.
const COLUMNS: [(&str, &str); 7] = [
    ("Benchmark", "text"),
    ("Metric", "text"),
    ("Baseline", "number"),
    ("Candidate", "number"),
    ("Change", "number"),
    ("95% interval", "number"),
    ("Outcome", "number"),
];

/// Where a benchmark's plots stand in the page.
fn anchors(report: &Report) -> BTreeMap<BenchId, usize> {
    let mut anchors = BTreeMap::new();
    let shown = report.rows.iter().filter(|row| !words::unselected(report, row));
    for row in shown.take(PLOTTED) {
        let next = anchors.len();
        anchors.entry(row.bench_id()).or_insert(next);
    }
    anchors
}

pub(super) fn table(report: &Report, names: &Names) -> Markup {
    let anchors = anchors(report);
    let outcomes: Vec<Outcome> = report.counts.keys().copied().collect();
    let aside = report.rows.iter().filter(|row| words::aside(report, row)).count();
    let part = report.candidate.selection.is_some();
    html! {
        section aria-labelledby="rows" {
            h2 #rows { "Benchmarks" }
            @if report.rows.is_empty() {
                p { "No benchmarks." }
            } @else {
                form #filter hidden role="search" aria-label="Filter benchmarks" {
                    label for="text" { "Name or metric" }
                    input #text type="search" autocomplete="off" spellcheck="false";
                    @if !outcomes.is_empty() {
                        fieldset {
                            legend { "Outcome" }
                            @for outcome in outcomes {
                                label {
                                    input type="checkbox" name="outcome" value=(outcome.as_str()) checked;
                                    " " (outcome.as_str())
                                }
                            }
                        }
                    }
                    @if aside > 0 {
                        label {
                            input #aside type="checkbox";
                            " also " (aside) " of metrics that cannot gate"
                            @if part { " or not among what was selected" }
                        }
                    }
                    p #shown role="status" {}
                }
                div .wide tabindex="0" role="region" aria-labelledby="rows" {
                    table #table {
                        thead {
                            tr {
                                @for (head, sort) in COLUMNS {
                                    th scope="col" data-sort=(sort) { (head) }
                                }
                            }
                        }
                        tbody {
                            @for (rank, row) in report.rows.iter().enumerate() {
                                (line(report, row, rank, names, anchors.get(&row.bench_id())))
                            }
                        }
                    }
                }
                p .legend {
                    "The bar shows the change and its interval beside zero; it spans three times the \
                     row's target to either side."
                }
            }
        }
    }
}

/// What does nothing is not in the colour of what fails.
fn class(row: &Row, outcome: Outcome) -> &'static str {
    match &row.judgement {
        Some(judgement) if outcome == Outcome::Regression => match judgement.severity {
            Severity::Fail => "bad",
            Severity::Warn => "unsure",
            Severity::Note => "calm",
        },
        _ => outcome_class(outcome),
    }
}

fn line(report: &Report, row: &Row, rank: usize, names: &Names, anchor: Option<&usize>) -> Markup {
    let unit = Unit::from(row.unit.as_str());
    let change = row.change.as_ref();
    let outcome = row.outcome();
    let failing = row.judgement.as_ref().is_some_and(|j| j.severity == Severity::Fail);
    let name = names.shown(row);
    let number = |value: Option<f64>| value.map(|value| value.to_string());
    let side = |side: Option<&Side>| {
        html! {
            td .number data-value=[number(side.map(|side| side.value))] { (words::value(side, &unit)) }
        }
    };
    let upper = change.and_then(|change| change.upper);
    html! {
        tr .failing[failing] data-outcome=[outcome.map(Outcome::as_str)] data-aside[words::aside(report, row)] {
            th scope="row" {
                @match anchor {
                    Some(anchor) => a href={ "#b" (anchor) } { (name) },
                    None => (name),
                }
            }
            td .text { (plain(&row.metric)) }
            (side(row.baseline.as_ref()))
            (side(row.candidate.as_ref()))
            td .number .strong[failing] data-value=[number(change.map(|change| change.estimate))] {
                (words::estimate(change))
            }
            td .interval data-value=[number(upper)] {
                @if let Some(bar) = plot::bar(row) {
                    span .bar aria-hidden="true" { (PreEscaped(bar)) }
                }
                (words::interval(change))
            }
            td .text data-value=(rank) {
                @if let Some(outcome) = outcome {
                    span class={ "outcome " (class(row, outcome)) } { (words::outcome(row)) }
                    @let why = words::why(row);
                    @if !why.is_empty() { " " span .why { (why) } }
                }
            }
        }
    }
}

/// A card for each benchmark among the worst rows, with a plot of each of its
/// metrics side by side.
pub(super) fn cards(report: &Report, names: &Names) -> Markup {
    let anchors = anchors(report);
    let mut of_benchmark: BTreeMap<usize, Vec<&Row>> = BTreeMap::new();
    for row in &report.rows {
        if let Some(anchor) = anchors.get(&row.bench_id()) {
            of_benchmark.entry(*anchor).or_default().push(row);
        }
    }
    let benchmarks: std::collections::BTreeSet<BenchId> =
        report.rows.iter().map(Row::bench_id).collect();
    let mut bytes = 0;
    let mut cards = Vec::new();
    for (anchor, mut rows) in of_benchmark {
        // The clock first, then what is counted: they are read beside each other.
        rows.sort_by_key(|row| row.counted);
        let card = card(anchor, &rows, names, bytes < PLOTTED_BYTES);
        bytes += card.0.len();
        cards.push(card);
    }
    html! {
        @if !cards.is_empty() {
            section aria-labelledby="plots" {
                h2 #plots { "Plots" }
                p .legend {
                    @if cards.len() < benchmarks.len() {
                        "Of the " (cards.len()) " benchmarks that come first in the report, out of "
                        (benchmarks.len()) ". "
                    }
                    "Each dot is a run (one process), each upright line the value of its side; \
                     baseline hollow, candidate filled. Below, the change with its 95% interval; what \
                     is shaded is worse than the tolerance. Small dots are the changes of single \
                     pairs, where the sides were measured in turn."
                }
                div #cards {
                    @for card in cards { (card) }
                }
            }
        }
    }
}

fn card(anchor: usize, rows: &[&Row], names: &Names, plotted: bool) -> Markup {
    let name = rows.first().map(|row| names.shown(row)).unwrap_or_default();
    let (ungated, gated): (Vec<&Row>, Vec<&Row>) =
        rows.iter().partition(|row| row.gate == Gate::Show);
    html! {
        article id={ "b" (anchor) } aria-labelledby={ "n" (anchor) } {
            h3 id={ "n" (anchor) } { (name) }
            div .figures {
                @for row in gated { (figure(row, plotted)) }
            }
            @if !ungated.is_empty() {
                details {
                    summary { (ungated.len()) " of metrics that cannot gate" }
                    div .figures {
                        @for row in ungated { (figure(row, plotted)) }
                    }
                }
            }
        }
    }
}

fn figure(row: &Row, plotted: bool) -> Markup {
    let metric = plain(&row.metric);
    let numbers = numbers(row);
    html! {
        figure {
            figcaption {
                strong { (metric) } " " (numbers)
                @if let Some(outcome) = row.outcome() {
                    br;
                    span class={ "outcome " (class(row, outcome)) } { (words::outcome(row)) }
                    @if let Some(judgement) = &row.judgement { " " (plain(&judgement.reason)) }
                }
            }
            @let cause = words::cause(row);
            @if !cause.is_empty() {
                p .cause { "Probable cause:" }
                ul .cause {
                    @for (function, change) in cause {
                        li { code { (function) } " " (change) }
                    }
                }
            }
            @if let Some(drawn) = plot::figure(row).filter(|_| plotted) {
                div .plot role="img" aria-label={ "Plot of " (metric) ": " (numbers) } {
                    (PreEscaped(drawn))
                }
            }
        }
    }
}

/// A row's numbers in a line.
fn numbers(row: &Row) -> String {
    let unit = Unit::from(row.unit.as_str());
    let value = |side: Option<&Side>| words::value(side, &unit);
    let change = row.change.as_ref();
    let values = format!("{} → {}", value(row.baseline.as_ref()), value(row.candidate.as_ref()));
    match words::estimate(change) {
        estimate if estimate.is_empty() => values,
        estimate => {
            format!("{values}, {estimate} {}", words::interval(change)).trim_end().to_owned()
        }
    }
}
