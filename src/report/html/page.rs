//! The page around the rows: verdict, findings, environment, limits.

use std::collections::BTreeMap;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::super::plain;
use super::super::words::{self, Names};
use super::{SCRIPT, SCRIPT_HASH, STYLE, STYLE_HASH, row};
use crate::judge::{Finding, Outcome, Report, Verdict, VerdictOutcome};
use crate::policy::Gate;

/// Subjects that one finding names before the rest is folded.
const LISTED: usize = 5;

pub(super) fn page(report: &Report) -> Markup {
    let names = Names::of(&report.rows);
    let policy = format!(
        "default-src 'none'; style-src '{STYLE_HASH}'; script-src '{SCRIPT_HASH}'; \
         base-uri 'none'; form-action 'none'"
    );
    let title = match &report.verdict {
        Some(verdict) => format!("{} – benchmarks", words::verdict(verdict.outcome)),
        None => "Benchmarks compared".to_owned(),
    };
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a .skip href="#rows" { "Skip to the benchmarks" }
                header {
                    p .tool { (plain(&report.tool)) }
                    button #theme type="button" hidden { "Dark" }
                }
                main {
                    (verdict(report))
                    (findings(&report.findings))
                    (row::table(report, &names))
                    (row::cards(report, &names))
                    (environment(report))
                    (limits(report))
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
}

fn verdict(report: &Report) -> Markup {
    html! {
        section aria-labelledby="verdict" {
            @match &report.verdict {
                Some(verdict) => {
                    h1 #verdict class=(class(verdict)) { (words::verdict(verdict.outcome)) }
                    p .reason { (plain(&verdict.reason)) " (exit " (verdict.exit_code) ")" }
                }
                None => h1 #verdict { "Compared, not judged" },
            }
            dl .sides {
                @if let Some(baseline) = &report.baseline {
                    dt { "baseline" }
                    dd { (words::summary(baseline)) ", " time { (baseline.created.strftime("%F %R UTC")) } }
                }
                dt { "candidate" }
                dd {
                    (words::summary(&report.candidate)) ", "
                    time { (report.candidate.created.strftime("%F %R UTC")) }
                }
            }
            @if let Some(control) = &report.control {
                @let (rows, alarms) = words::control(control);
                p {
                    "Control, the base against itself: " (rows) "; "
                    @match alarms {
                        Some(alarms) => strong .bad { "false changes: " (alarms) },
                        None => "no false change",
                    }
                    "."
                }
            }
            @let counts = words::counts(report);
            @if !counts.is_empty() {
                ul .counts aria-label="Rows that may gate, by outcome" {
                    @for (outcome, count) in counts {
                        li class=(outcome_class(outcome)) { (words::counted(outcome, count)) }
                    }
                }
            }
        }
    }
}

fn class(verdict: &Verdict) -> &'static str {
    match verdict.outcome {
        VerdictOutcome::Pass => "good",
        VerdictOutcome::Undecided | VerdictOutcome::NothingCompared => "unsure",
        VerdictOutcome::Fail | VerdictOutcome::Incomplete => "bad",
    }
}

pub(super) fn outcome_class(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Regression => "bad",
        Outcome::Improvement => "good",
        Outcome::Undecided | Outcome::Missing => "unsure",
        Outcome::New | Outcome::Unchanged => "calm",
    }
}

fn findings(findings: &[Finding]) -> Markup {
    html! {
        @if !findings.is_empty() {
            section aria-labelledby="findings" {
                h2 #findings { "Findings" }
                ul .findings {
                    @for (finding, subjects) in words::grouped(findings) {
                        @let word = words::severity(finding.severity);
                        li {
                            span class={ "severity " (word) } { (word) } " "
                            code { (finding.code) }
                            @if !subjects.is_empty() { " " }
                            @for (index, subject) in subjects.iter().take(LISTED).enumerate() {
                                @if index > 0 { ", " }
                                span .name { (subject) }
                            }
                            @if subjects.len() > LISTED {
                                details {
                                    summary { (subjects.len() - LISTED) " more" }
                                    (words::listed(&subjects[LISTED..], usize::MAX))
                                }
                            }
                            ": "
                            (plain(&finding.message))
                        }
                    }
                }
            }
        }
    }
}

fn environment(report: &Report) -> Markup {
    let ours = &report.candidate.environment;
    let theirs = report.baseline.as_ref().map(|baseline| &baseline.environment);
    let mut fields: Vec<&String> =
        ours.keys().chain(theirs.iter().flat_map(|environment| environment.keys())).collect();
    fields.sort_unstable();
    fields.dedup();
    let differs = |field: &str| report.environment_differences.iter().find(|d| d.field == field);
    html! {
        section aria-labelledby="environment" {
            h2 #environment { "Environment" }
            @if fields.is_empty() {
                p { "Nothing is known of where this was measured." }
            } @else {
                div .wide tabindex="0" role="region" aria-labelledby="environment" {
                    table {
                        thead {
                            tr {
                                th scope="col" { "field" }
                                @if theirs.is_some() { th scope="col" { "baseline" } }
                                th scope="col" { "candidate" }
                                @if theirs.is_some() { th scope="col" { "consequence" } }
                            }
                        }
                        tbody {
                            @for field in fields {
                                tr {
                                    th scope="row" { (plain(field)) }
                                    @if let Some(theirs) = theirs {
                                        td .text { (theirs.get(field).map_or("–".to_owned(), |v| plain(v))) }
                                    }
                                    td .text { (ours.get(field).map_or("–".to_owned(), |v| plain(v))) }
                                    @if theirs.is_some() {
                                        td {
                                            @if let Some(difference) = differs(field) {
                                                (consequence(difference.blocks_time, difference.blocks_counts))
                                            }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn consequence(time: bool, counts: bool) -> &'static str {
    match (time, counts) {
        (true, true) => "differs: neither times nor counts compare",
        (true, false) => "differs: times do not compare",
        (false, true) => "differs: counts do not compare",
        (false, false) => "differs",
    }
}

/// The limits that were in force, and on how many rows.
fn limits(report: &Report) -> Markup {
    let mut sets: BTreeMap<(String, [String; 5], &str), usize> = BTreeMap::new();
    for row in &report.rows {
        let Some(judgement) = &row.judgement else { continue };
        let limits = &judgement.limits;
        let percents =
            [limits.tolerance, limits.target, limits.warn, limits.fail].map(words::percent);
        let [tolerance, target, warn, fail] = percents;
        let gate = match row.gate {
            Gate::Show => "shows",
            Gate::Warn => "warns",
            Gate::Fail => "fails",
        };
        let key = (plain(&row.metric), [tolerance, target, warn, fail, plain(&limits.floor)], gate);
        *sets.entry(key).or_insert(0) += 1;
    }
    html! {
        section aria-labelledby="policy" {
            h2 #policy { "Policy in force" }
            p {
                @match &report.policy {
                    Some(path) => { code { (plain(&path.display().to_string())) } },
                    None => "The defaults",
                }
                "; alpha " (words::percent(report.alpha))
                ": the chance of any false regression among all sampled rows, were noise between \
                 runs all there is."
            }
            @if !sets.is_empty() {
                div .wide tabindex="0" role="region" aria-labelledby="policy" {
                    table {
                        thead {
                            tr {
                                @for head in
                                    ["metric", "the gate", "tolerance", "target", "warns beyond", "fails beyond", "floor", "rows"]
                                {
                                    th scope="col" { (head) }
                                }
                            }
                        }
                        tbody {
                            @for ((metric, limits, gate), rows) in &sets {
                                tr {
                                    th scope="row" { (metric) }
                                    td { (gate) }
                                    @for limit in limits { td { (limit) } }
                                    td { (rows) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
