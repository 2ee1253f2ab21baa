//! The table of targets, and the grades.

use std::fmt::Write as _;

use super::super::targets::{self, Line};
use super::super::vocabulary::Names;
use super::escape::{cell, code, prose};
use super::part::{Part, fold};
use crate::judge::{Report, Severity};

/// The table of targets: folded if all of them are met; `None` without targets.
pub(super) fn part(report: &Report) -> Option<Part> {
    let targets = report.targets.as_ref()?;
    let names = Names::with_targets(report);
    let lines = targets::lines(targets, false);
    let grade = &targets.grade;
    let sentence = targets::grade(grade);
    let all_met = grade.met == grade.targets;
    let mut open = if all_met {
        fold(&format!("targets: grade {}, {sentence}", grade.letter), false)
    } else {
        format!("targets: grade **{}**, {sentence}\n\n", grade.letter)
    };
    for (group, grade) in &targets.groups {
        let sentence = targets::grade(grade);
        let _ = writeln!(open, "- {} grade **{}**, {sentence}", code(group), grade.letter);
    }
    if !targets.groups.is_empty() {
        open.push('\n');
    }
    open.push_str(
        "| target | metric | limit | baseline | candidate | headroom | status |\n\
         | --- | --- | ---: | ---: | ---: | ---: | --- |\n",
    );
    let lines = lines.iter().map(|line| self::line(line, &names)).collect();
    let close = if all_met { "\n</details>\n" } else { "" };
    Some(Part { open, lines, close, noun: "target", table: true })
}

fn line(line: &Line<'_>, names: &Names<'_>) -> String {
    let strong = if line.row.effect == Severity::Fail { "**" } else { "" };
    let [before, after] = line.values();
    let why = match line.why() {
        why if why.is_empty() => why,
        why => format!(": {}", cell(&prose(&why))),
    };
    let columns = [
        format!("{}{}", cell(&code(&line.name(names))), line.more()),
        cell(&code(&line.row.metric)),
        cell(&prose(&line.limit())),
        cell(&prose(&before)),
        cell(&prose(&after)),
        line.headroom(),
        format!("{strong}{}{strong}{why}", line.status()),
    ];
    format!("| {} |", columns.join(" | "))
}
