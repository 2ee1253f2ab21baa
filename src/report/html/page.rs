//! The parts of the page around the rows: verdict, findings, environment, limits.

use std::collections::{BTreeMap, BTreeSet};

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::anchors::Anchors;
use super::assets::{SCRIPT, SCRIPT_HASH, STYLE, STYLE_HASH};
use super::components::{Cell, Column, Line, Tone, badge, table};
use super::tone::outcome_tone;
use super::{cards, rows, targets};
use crate::judge::{
    Control, EnvironmentDifference, Finding, Report, Severity, SnapshotSummary, Verdict,
    VerdictOutcome,
};
use crate::policy::Gate;
use crate::report::findings::{Group, grouped};
use crate::report::fold::counts;
use crate::report::plain;
use crate::report::vocabulary::{self, Names};
use crate::text::exact_percent;

/// The most subjects that a finding names before the rest is folded.
const LISTED: usize = 5;

pub(super) fn page(report: &Report) -> Markup {
    let names = Names::of(&report.rows);
    let anchors = Anchors::of_report(report);
    let policy = format!(
        "default-src 'none'; style-src '{STYLE_HASH}'; script-src '{SCRIPT_HASH}'; \
         base-uri 'none'; form-action 'none'"
    );
    let title = match &report.verdict {
        Some(verdict) => format!("{} – benchmarks", vocabulary::verdict(verdict.outcome)),
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
                    (targets::section(report))
                    (rows::section(report, &names, &anchors))
                    (cards::section(report, &names, &anchors))
                    (environment(report))
                    (limits(report))
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
}

fn verdict(report: &Report) -> Markup {
    let tone = report.verdict.as_ref().map_or(Tone::Calm, tone);
    html! {
        section class={ "verdict " (tone.class()) } aria-labelledby="verdict" {
            @match &report.verdict {
                Some(verdict) => {
                    h1 #verdict { (vocabulary::verdict(verdict.outcome)) }
                    p .reason {
                        (plain(&verdict.reason)) " "
                        span .exit { "(exit " (verdict.exit.code()) ")" }
                    }
                }
                None => h1 #verdict { "Compared, not judged" },
            }
            @let counts = counts(report);
            @if !counts.is_empty() {
                ul .counts aria-label="Rows that may gate, by outcome" {
                    @for (outcome, count) in counts {
                        li {
                            (badge(&vocabulary::counted(outcome, count), outcome_tone(outcome)))
                        }
                    }
                }
            }
        }
        dl .sides {
            @if let Some(baseline) = &report.baseline { (side("Baseline", baseline)) }
            (side("Candidate", &report.candidate))
            @if let Some(control) = &report.control { (self::control(control)) }
        }
    }
}

fn side(name: &str, summary: &SnapshotSummary) -> Markup {
    html! {
        div {
            dt { (name) }
            dd {
                (vocabulary::summary(summary)) ", "
                time { (summary.created.strftime("%F %R UTC")) }
            }
        }
    }
}

fn control(control: &Control) -> Markup {
    let (rows, alarms) = vocabulary::control(control);
    html! {
        div {
            dt { "Control" }
            dd {
                "The base against itself: " (rows) "; "
                @match alarms {
                    Some(alarms) => strong .bad { "false changes: " (alarms) },
                    None => "no false change",
                }
            }
        }
    }
}

fn tone(verdict: &Verdict) -> Tone {
    match verdict.outcome {
        VerdictOutcome::Pass => Tone::Good,
        VerdictOutcome::Undecided | VerdictOutcome::NothingCompared => Tone::Unsure,
        VerdictOutcome::Fail | VerdictOutcome::Incomplete => Tone::Bad,
    }
}

fn severity_tone(severity: Severity) -> Tone {
    match severity {
        Severity::Fail => Tone::Bad,
        Severity::Warn => Tone::Unsure,
        Severity::Note => Tone::Calm,
    }
}

fn findings(findings: &[Finding]) -> Markup {
    html! {
        @if !findings.is_empty() {
            section aria-labelledby="findings" {
                h2 #findings { "Findings" }
                ul .findings {
                    @for group in grouped(findings) { (finding(&group)) }
                }
            }
        }
    }
}

fn finding(group: &Group) -> Markup {
    let Group { severity, code, subjects, message } = group;
    let (named, more) = subjects.split_at(subjects.len().min(LISTED));
    html! {
        li {
            (badge(vocabulary::severity(*severity), severity_tone(*severity)))
            div {
                p { code { (code) } " " (plain(message)) }
                @if !named.is_empty() {
                    p .subjects { (named.join(", ")) }
                }
                @if !more.is_empty() {
                    details .subjects {
                        summary { (more.len()) " more" }
                        (more.join(", "))
                    }
                }
            }
        }
    }
}

const ENVIRONMENT: [Column; 4] = [
    Column::fixed("Field"),
    Column::fixed("Baseline"),
    Column::fixed("Candidate"),
    Column::fixed("Consequence"),
];

const ENVIRONMENT_ALONE: [Column; 2] = [Column::fixed("Field"), Column::fixed("Candidate")];

fn environment(report: &Report) -> Markup {
    let ours = &report.candidate.environment;
    let theirs = report.baseline.as_ref().map(|baseline| &baseline.environment);
    let fields: BTreeSet<&String> =
        ours.keys().chain(theirs.iter().flat_map(|environment| environment.keys())).collect();
    let value = |environment: &BTreeMap<String, String>, field: &str| {
        let value = environment.get(field).map_or_else(|| "–".to_owned(), |value| plain(value));
        Cell::text(html! { (value) })
    };
    let consequence = |field: &str| {
        let difference = report.environment_differences.iter().find(|d| d.field == field);
        let consequence = difference.map_or("", consequence);
        Cell::text(html! { (consequence) })
    };
    let lines = fields.iter().map(|field| {
        let mut cells = vec![Cell::text(html! { (plain(field)) })];
        cells.extend(theirs.map(|theirs| value(theirs, field)));
        cells.push(value(ours, field));
        cells.extend(theirs.map(|_| consequence(field)));
        Line::plain(cells)
    });
    let columns = if theirs.is_some() { &ENVIRONMENT[..] } else { &ENVIRONMENT_ALONE };
    html! {
        section aria-labelledby="environment" {
            h2 #environment { "Environment" }
            @if fields.is_empty() {
                p { "The environment of these measurements is not known." }
            } @else {
                (table("fields", "environment", columns, lines))
            }
        }
    }
}

fn consequence(difference: &EnvironmentDifference) -> &'static str {
    match (difference.blocks_time, difference.blocks_counts) {
        (true, true) => "differs: neither times nor counts can be compared",
        (true, false) => "differs: times cannot be compared",
        (false, true) => "differs: counts cannot be compared",
        (false, false) => "differs",
    }
}

const LIMITS: [Column; 8] = [
    Column::fixed("Metric"),
    Column::fixed("Gate"),
    Column::fixed("Tolerance"),
    Column::fixed("Target"),
    Column::fixed("Warns beyond"),
    Column::fixed("Fails beyond"),
    Column::fixed("Floor"),
    Column::fixed("Rows"),
];

/// The limits in force, and the number of rows that they apply to.
fn limits(report: &Report) -> Markup {
    let mut sets: BTreeMap<(String, [String; 5], &str), usize> = BTreeMap::new();
    for row in &report.rows {
        let Some(judgement) = &row.judgement else { continue };
        let limits = &judgement.limits;
        let percents =
            [limits.tolerance, limits.target, limits.warn, limits.fail].map(exact_percent);
        let [tolerance, target, warn, fail] = percents;
        let gate = match row.gate {
            Gate::Show => "shows",
            Gate::Warn => "warns",
            Gate::Fail => "fails",
        };
        let key = (plain(&row.metric), [tolerance, target, warn, fail, plain(&limits.floor)], gate);
        *sets.entry(key).or_insert(0) += 1;
    }
    let lines = sets.iter().map(|((metric, limits, gate), rows)| {
        let mut cells = vec![Cell::text(html! { (metric) }), Cell::text(html! { (gate) })];
        cells.extend(limits.iter().map(|limit| Cell::number(limit)));
        cells.push(Cell::number(&vocabulary::count(*rows)));
        Line::plain(cells)
    });
    html! {
        section aria-labelledby="policy" {
            h2 #policy { "Policy in force" }
            p {
                @match &report.policy {
                    Some(path) => code { (plain(&path.display().to_string())) },
                    None => "The defaults",
                }
                ". Alpha is " (exact_percent(report.alpha))
                ": the chance of any false regression among all sampled rows, if runs differ only \
                 by noise."
            }
            @if !sets.is_empty() { (table("limits", "policy", &LIMITS, lines)) }
        }
    }
}
