//! The table of targets, and the grades.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use comfy_table::{Attribute, Cell, Color, Table};

use super::super::plain;
use super::super::targets::{self, Line};
use super::super::vocabulary::Names;
use super::fit::{Widths, dim, head, natural, number, text};
use crate::judge::{Grade, Letter, Report, Severity, TargetStatus, Targets};
use crate::text::listed;

/// The most names in a line of reasons.
const LISTED: usize = 5;

/// Writes the table of targets and the grades; nothing if the policy has no targets.
pub(super) fn write(out: &mut String, report: &Report, width: Option<u16>, all: bool) {
    let Some(targets) = &report.targets else { return };
    let names = Names::with_targets(report);
    let lines = targets::lines(targets, all);
    let both = report.baseline.is_some();
    let fits = |table: &Table| width.is_none_or(|width| natural(table) <= width);
    let whole = table(&lines, &names, both, true);
    let below = !fits(&whole);
    let fitted = if below { table(&lines, &names, both, false) } else { whole };
    // In a narrow terminal the value after counts.
    let fitted = if both && !fits(&fitted) { table(&lines, &names, false, false) } else { fitted };
    let widths = Widths::of(&fitted, width);
    let _ = writeln!(out, "{}\n", text(&widths.fitted(fitted)));
    if below {
        reasons(out, &lines, &names);
    }
    grades(out, targets);
}

fn table(lines: &[Line<'_>], names: &Names<'_>, both: bool, with_why: bool) -> Table {
    let mut table = Table::new();
    let mut heads = vec![head("target"), head("metric"), dim(number("limit"))];
    if both {
        heads.extend([dim(number("baseline")), dim(number("candidate"))]);
    } else {
        heads.push(dim(number("value")));
    }
    heads.extend([dim(number("headroom")), head("status")]);
    table.set_header(heads);
    for line in lines {
        let [before, after] = line.values();
        let mut cells = vec![
            Cell::new(subject(line, names)),
            Cell::new(plain(&line.row.metric)),
            number(&line.limit()),
        ];
        if both {
            cells.push(number(&before));
        }
        cells.extend([number(&after), paint(number(&line.headroom()), line)]);
        let why = if with_why { line.why() } else { String::new() };
        let colon = if why.is_empty() { "" } else { ": " };
        cells.push(paint(Cell::new(format!("{}{colon}{why}", line.status())), line));
        table.add_row(cells);
    }
    table
}

fn subject(line: &Line<'_>, names: &Names<'_>) -> String {
    format!("{}{}", plain(&line.name(names)), line.more())
}

/// Writes the reasons that do not fit in the table, equal reasons in one line.
fn reasons(out: &mut String, lines: &[Line<'_>], names: &Names<'_>) {
    let mut known: Vec<(&Line<'_>, String, Vec<String>)> = Vec::new();
    for line in lines {
        let why = line.why();
        if why.is_empty() {
            continue;
        }
        let subject = format!("{} ({})", subject(line, names), plain(&line.row.metric));
        let status = line.status();
        match known.iter_mut().find(|(first, reason, _)| *reason == why && first.status() == status)
        {
            Some((_, _, subjects)) => subjects.push(subject),
            None => known.push((line, why, vec![subject])),
        }
    }
    for (line, why, subjects) in &known {
        let style = style(line);
        let _ =
            writeln!(out, "{style}{}{style:#}  {}: {why}", line.status(), listed(subjects, LISTED));
    }
    if !known.is_empty() {
        out.push('\n');
    }
}

fn grades(out: &mut String, targets: &Targets) {
    let line = |out: &mut String, name: &str, grade: &Grade| {
        let style = grade_style(grade.letter);
        let dim = Style::new().dimmed();
        let _ = writeln!(
            out,
            "{style}grade {}{style:#}  {name}{dim}{}{dim:#}",
            grade.letter,
            targets::grade(grade)
        );
    };
    line(out, "", &targets.grade);
    for (group, grade) in &targets.groups {
        line(out, &format!("{}: ", plain(group)), grade);
    }
    out.push('\n');
}

fn grade_style(letter: Letter) -> Style {
    match letter {
        Letter::APlus | Letter::A => AnsiColor::Green.on_default().bold(),
        Letter::BPlus | Letter::B => AnsiColor::Yellow.on_default().bold(),
        Letter::C | Letter::D => AnsiColor::Red.on_default().bold(),
    }
}

fn style(line: &Line<'_>) -> Style {
    match (line.row.effect, line.row.status) {
        (Severity::Fail, _) => AnsiColor::BrightRed.on_default().bold(),
        (Severity::Warn, _) => AnsiColor::BrightYellow.on_default(),
        (Severity::Note, TargetStatus::Met) => Style::new(),
        (Severity::Note, _) => Style::new().dimmed(),
    }
}

/// The same for a cell. An empty cell gets no style, so that no line ends in one.
fn paint(cell: Cell, line: &Line<'_>) -> Cell {
    if cell.content().is_empty() {
        return cell;
    }
    match (line.row.effect, line.row.status) {
        (Severity::Fail, _) => cell.fg(Color::Red).add_attribute(Attribute::Bold),
        (Severity::Warn, _) => cell.fg(Color::Yellow),
        (Severity::Note, TargetStatus::Met) => cell,
        (Severity::Note, _) => cell.add_attribute(Attribute::Dim),
    }
}
