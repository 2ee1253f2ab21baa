//! A card for each of the worst benchmarks, with a plot of each of its metrics.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, PreEscaped, html};

use super::anchors::Anchors;
use super::components::{badge, figure};
use super::tone::tone;
use crate::judge::{Report, Row, Side};
use crate::model::{BenchId, Unit};
use crate::policy::Gate;
use crate::report::plain;
use crate::report::vocabulary::{self, Names};

/// Once the cards have this many bytes, later cards do not get plots, so that a page of
/// 2,000 rows stays below 5 MB.
const PLOTTED_BYTES: usize = 2_500_000;

pub(super) fn section(report: &Report, names: &Names, anchors: &Anchors) -> Markup {
    let mut of_benchmark: BTreeMap<usize, Vec<&Row>> = BTreeMap::new();
    for row in &report.rows {
        if let Some(number) = anchors.number(row) {
            of_benchmark.entry(*number).or_default().push(row);
        }
    }
    let benchmarks: BTreeSet<BenchId> = report.rows.iter().map(Row::bench_id).collect();
    let mut bytes = 0;
    let mut cards = Vec::new();
    for (number, mut rows) in of_benchmark {
        // Times first, then counts, because readers compare them.
        rows.sort_by_key(|row| row.counted);
        let card = card(number, &rows, names, bytes < PLOTTED_BYTES);
        bytes += card.0.len();
        cards.push(card);
    }
    html! {
        @if !cards.is_empty() {
            section aria-labelledby="plots" {
                h2 #plots { "Plots" }
                p .legend {
                    @if cards.len() < benchmarks.len() {
                        "The " (cards.len()) " benchmarks that come first in the report, of "
                        (benchmarks.len()) ". "
                    }
                    "Each dot is one run, and each upright line is the value of its side: hollow \
                     for the baseline, filled for the candidate. Below is the change with its 95% \
                     interval. The shaded area is worse than the tolerance. Small dots are the \
                     changes of single pairs, where both sides were measured in turn."
                }
                div #cards {
                    @for card in cards { (card) }
                }
            }
        }
    }
}

fn card(number: usize, rows: &[&Row], names: &Names, plotted: bool) -> Markup {
    let name = rows.first().map(|row| names.shown(row)).unwrap_or_default();
    let (shown_only, gated): (Vec<&Row>, Vec<&Row>) =
        rows.iter().partition(|row| row.gate == Gate::Show);
    html! {
        article id={ "b" (number) } aria-labelledby={ "n" (number) } {
            h3 id={ "n" (number) } { (name) }
            div .figures {
                @for row in gated { (metric(row, plotted)) }
            }
            @if !shown_only.is_empty() {
                details {
                    summary {
                        (shown_only.len())
                        @if shown_only.len() == 1 { " metric" } @else { " metrics" }
                        " that cannot gate"
                    }
                    div .figures {
                        @for row in shown_only { (metric(row, plotted)) }
                    }
                }
            }
        }
    }
}

fn metric(row: &Row, plotted: bool) -> Markup {
    let metric = plain(&row.metric);
    let numbers = numbers(row);
    html! {
        figure {
            figcaption {
                strong { (metric) } " " (numbers)
                @if let (Some(outcome), Some(judgement)) = (row.outcome(), &row.judgement) {
                    p {
                        (badge(&vocabulary::outcome(row), tone(row, outcome)))
                        " " span .why { (plain(&judgement.reason)) }
                    }
                }
            }
            @let cause = vocabulary::cause(row);
            @if !cause.is_empty() {
                div .cause {
                    p { "Probable cause" }
                    ul {
                        @for (function, change) in cause {
                            li { code { (function) } " " (change) }
                        }
                    }
                }
            }
            @if let Some(drawn) = figure(row).filter(|_| plotted) {
                div .plot role="img" aria-label={ "Plot of " (metric) ": " (numbers) } {
                    (PreEscaped(drawn))
                }
            }
        }
    }
}

/// The numbers of a row in one line.
fn numbers(row: &Row) -> String {
    let unit = Unit::from(row.unit.as_str());
    let value = |side: Option<&Side>| vocabulary::value(side, &unit);
    let change = row.change.as_ref();
    let values = format!("{} → {}", value(row.baseline.as_ref()), value(row.candidate.as_ref()));
    match vocabulary::estimate(change) {
        estimate if estimate.is_empty() => values,
        estimate => {
            format!("{values}, {estimate} {}", vocabulary::interval(change)).trim_end().to_owned()
        }
    }
}
