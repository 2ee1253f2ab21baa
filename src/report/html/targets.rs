//! The table of targets, and the grades.

use maud::{Markup, html};

use super::components::{Cell, Column, Line, Tone, badge, table};
use crate::judge::{Grade, Letter, Report, Severity, TargetStatus};
use crate::report::plain;
use crate::report::targets::{self, Line as TargetLine};
use crate::report::vocabulary::Names;

const COLUMNS: [Column; 7] = [
    Column::fixed("Target"),
    Column::fixed("Metric"),
    Column::fixed("Limit"),
    Column::fixed("Baseline"),
    Column::fixed("Candidate"),
    Column::fixed("Headroom"),
    Column::fixed("Status"),
];

/// The number of lines, the worst first, that the page shows. Each may hold long names, and
/// a page of 2,000 rows stays below 5 MB.
const SHOWN: usize = 100;

/// The targets; empty if the policy has none.
pub(super) fn section(report: &Report) -> Markup {
    let Some(targets) = &report.targets else { return html! {} };
    let names = Names::with_targets(report);
    let lines = targets::lines(targets, false);
    html! {
        section aria-labelledby="absolute" {
            h2 #absolute { "Targets" }
            ul .grades {
                (grade(None, &targets.grade))
                @for (group, group_grade) in &targets.groups {
                    (grade(Some(group), group_grade))
                }
            }
            @let shown = lines.iter().take(SHOWN).map(|it| line(it, &names));
            (table("targets", "absolute", &COLUMNS, shown))
            p .legend {
                @if lines.len() > SHOWN {
                    (lines.len() - SHOWN) " more lines are in the report as JSON. "
                }
                "The headroom is the share of the limit that is left. A target that is undecided, \
                 unsupported or not measured counts as not met. A grade does not change the \
                 verdict."
            }
        }
    }
}

fn grade(group: Option<&str>, grade: &Grade) -> Markup {
    let tone = match grade.letter {
        Letter::APlus | Letter::A => Tone::Good,
        Letter::BPlus | Letter::B => Tone::Unsure,
        Letter::C | Letter::D => Tone::Bad,
    };
    html! {
        li {
            (badge(&format!("grade {}", grade.letter), tone)) " "
            @if let Some(group) = group { strong { (plain(group)) } ": " }
            (targets::grade(grade))
        }
    }
}

fn line(line: &TargetLine<'_>, names: &Names<'_>) -> Line {
    let row = line.row;
    let [before, after] = line.values();
    let tone = match (row.effect, row.status) {
        (Severity::Fail, _) => Tone::Bad,
        (Severity::Warn, _) => Tone::Unsure,
        (Severity::Note, TargetStatus::Met) => Tone::Good,
        (Severity::Note, _) => Tone::Calm,
    };
    let why = line.why();
    let status = html! {
        (badge(&line.status(), tone))
        @if !why.is_empty() { " " span .why { (why) } }
    };
    Line {
        failing: row.effect == Severity::Fail,
        ..Line::plain(vec![
            Cell::name(&format!("{}{}", plain(&line.name(names)), line.more())),
            Cell::name(&plain(&row.metric)),
            Cell::number(&line.limit()),
            Cell::number(&before),
            Cell::number(&after),
            Cell::number(&line.headroom()),
            Cell::text(status),
        ])
    }
}
