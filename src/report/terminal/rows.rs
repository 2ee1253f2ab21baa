//! The rows of a report as a table that fits its width.
//!
//! Numbers are never broken over lines. Where the whole does not fit, reasons
//! leave their rows for lines below the table, then intervals follow them; what
//! is left is the benchmark's name, which may be broken.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, Table, Width,
    presets,
};

use super::super::plain;
use super::super::words::{self, Names};
use super::{Bars, LISTED, bar};
use crate::judge::{Outcome, Report, Row, Severity, Side};
use crate::model::Unit;

/// A longer name is broken even where there is room for it, so that one hostile
/// name does not push the numbers of all rows out of sight.
const LONGEST_NAME: u16 = 100;

/// Narrower than this a name is not broken; the table sticks out instead.
const SHORTEST_NAME: u16 = 12;

/// Spaces between columns.
const GAP: u16 = 2;

/// What a change of colour begins with; names cannot hold it.
const ESCAPE: char = '\u{1b}';

pub(super) fn write(
    out: &mut String,
    report: &Report,
    rows: &[&Row],
    width: Option<u16>,
    bars: Bars,
) {
    if rows.is_empty() {
        return;
    }
    if report.baseline.is_none() {
        let _ = writeln!(
            out,
            "{}\n",
            text(&fitted(measurements(rows, &Names::of(&report.rows)), width))
        );
        return;
    }
    let names = Names::of(&report.rows);
    let layouts = match bars {
        Bars::Off => &[(Layout::Whole, bars), (Layout::ReasonsBelow, bars)][..],
        _ => &[
            (Layout::Whole, bars),
            (Layout::ReasonsBelow, bars),
            (Layout::ReasonsBelow, Bars::Off),
        ],
    };
    let fits = |table: &Table| width.is_none_or(|width| natural(table) <= width);
    let (table, layout) = layouts
        .iter()
        .map(|&(layout, bars)| (comparison(rows, &names, layout, bars), layout))
        .find(|(table, _)| fits(table))
        .unwrap_or_else(|| (comparison(rows, &names, Layout::Narrow, Bars::Off), Layout::Narrow));
    let _ = writeln!(out, "{}\n", text(&fitted(table, width)));
    if layout != Layout::Whole {
        reasons(out, rows, &names, layout);
    }
}

/// What stands in the table's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    /// Everything.
    Whole,
    /// All but the reasons.
    ReasonsBelow,
    /// All but the reasons and the intervals.
    Narrow,
}

fn comparison(rows: &[&Row], names: &Names, layout: Layout, bars: Bars) -> Table {
    let judged = rows.iter().any(|row| row.judgement.is_some());
    let mut table = Table::new();
    table.set_header(columns(|heads| {
        heads.extend([head("benchmark"), head("metric")]);
        heads.extend([number("baseline"), number("candidate"), number("change")].map(dim));
        if layout != Layout::Narrow {
            heads.push(head("95% interval"));
        }
        if bars != Bars::Off {
            heads.push(dim(Cell::new("0").set_alignment(CellAlignment::Center)));
        }
        if judged {
            heads.push(head("outcome"));
        }
    }));
    for row in rows {
        let unit = Unit::from(row.unit.as_str());
        table.add_row(columns(|cells| {
            cells.extend([
                Cell::new(names.shown(row)),
                Cell::new(plain(&row.metric)),
                value(row.baseline.as_ref(), &unit),
                value(row.candidate.as_ref(), &unit),
                paint(number(&words::estimate(row.change.as_ref())), row),
            ]);
            if layout != Layout::Narrow {
                cells.push(dim(Cell::new(words::interval(row.change.as_ref()))));
            }
            if bars != Bars::Off {
                cells.push(paint(Cell::new(bar::of(row, bars)), row));
            }
            if judged {
                let reason = if layout == Layout::Whole { words::why(row) } else { String::new() };
                let colon = if reason.is_empty() { "" } else { ": " };
                cells
                    .push(paint(Cell::new(format!("{}{colon}{reason}", words::outcome(row))), row));
            }
        }));
    }
    table
}

fn measurements(rows: &[&Row], names: &Names) -> Table {
    let mut table = Table::new();
    table.set_header([
        head("benchmark"),
        head("metric"),
        dim(number("value")),
        head("over the runs"),
    ]);
    for row in rows {
        let unit = Unit::from(row.unit.as_str());
        table.add_row([
            Cell::new(names.shown(row)),
            Cell::new(plain(&row.metric)),
            value(row.candidate.as_ref(), &unit),
            dim(Cell::new(
                row.candidate.as_ref().map_or_else(String::new, |side| words::spread(side, &unit)),
            )),
        ]);
    }
    table
}

/// The reasons that had no room in the table, said once for equal ones.
fn reasons(out: &mut String, rows: &[&Row], names: &Names, layout: Layout) {
    let mut lines: Vec<(&Row, String, Vec<String>)> = Vec::new();
    for row in rows {
        let reason = words::why(row);
        if reason.is_empty() {
            continue;
        }
        let mut subject = format!("{} ({})", names.shown(row), plain(&row.metric));
        let interval = words::interval(row.change.as_ref());
        if layout == Layout::Narrow && interval.starts_with('[') {
            subject = format!("{subject} {interval}");
        }
        match lines.iter_mut().find(|(first, said, _)| {
            *said == reason && words::outcome(first) == words::outcome(row)
        }) {
            Some((_, _, subjects)) => subjects.push(subject),
            None => lines.push((row, reason, vec![subject])),
        }
    }
    for (row, reason, subjects) in &lines {
        let style = style(row);
        let _ = writeln!(
            out,
            "{style}{}{style:#}  {}: {reason}",
            words::outcome(row),
            words::listed(subjects, LISTED)
        );
    }
    if !lines.is_empty() {
        out.push('\n');
    }
}

fn columns(fill: impl FnOnce(&mut Vec<Cell>)) -> Vec<Cell> {
    let mut cells = Vec::new();
    fill(&mut cells);
    cells
}

/// Columns that the table takes where nothing is broken, except overlong names.
fn natural(table: &Table) -> u16 {
    let widths = table.column_max_content_widths();
    let name = widths.first().copied().unwrap_or(0).min(LONGEST_NAME);
    let others = widths
        .iter()
        .skip(1)
        .fold(0u16, |sum, width| sum.saturating_add(*width).saturating_add(GAP));
    name.saturating_add(others)
}

/// The table with its name column set so that the rest fits beside it.
fn fitted(mut table: Table, width: Option<u16>) -> Table {
    let widths = table.column_max_content_widths();
    let name = widths.first().copied().unwrap_or(0);
    let others = natural(&table) - name.min(LONGEST_NAME);
    let room = width.map_or(LONGEST_NAME, |width| width.saturating_sub(others));
    let room = room.clamp(SHORTEST_NAME, LONGEST_NAME);
    table
        .load_style(presets::NOTHING)
        // Colours are always written: the stream strips them.
        .enforce_styling()
        .set_content_arrangement(ContentArrangement::Disabled);
    for column in table.column_iter_mut() {
        column.set_padding((0, GAP));
    }
    if let Some(column) = table.column_mut(0)
        && name > room
    {
        column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(room + GAP)));
    }
    table
}

/// The table's text, no line ending in spaces.
fn text(table: &Table) -> String {
    let lines: Vec<String> = table.lines().map(|line| trimmed(line.trim_end())).collect();
    lines.join("\n")
}

/// Without the spaces before what ends the last cell's colour.
fn trimmed(line: &str) -> String {
    match line.rfind(ESCAPE) {
        Some(at) if line.ends_with('m') && line[at..].matches('m').count() == 1 => {
            let (text, end) = line.split_at(at);
            format!("{}{end}", text.trim_end())
        }
        _ => line.to_owned(),
    }
}

fn head(name: &str) -> Cell {
    dim(Cell::new(name))
}

fn number(text: &str) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

/// Without a style where there is no text, so that no line ends in one.
fn dim(cell: Cell) -> Cell {
    if cell.content().is_empty() { cell } else { cell.add_attribute(Attribute::Dim) }
}

fn value(side: Option<&Side>, unit: &Unit) -> Cell {
    number(&words::value(side, unit))
}

fn style(row: &Row) -> Style {
    let Some(judgement) = &row.judgement else { return Style::new() };
    match (judgement.outcome, judgement.severity) {
        (_, Severity::Fail) => AnsiColor::BrightRed.on_default().bold(),
        (_, Severity::Warn) => AnsiColor::BrightYellow.on_default(),
        (Outcome::Improvement, _) => AnsiColor::BrightGreen.on_default(),
        (Outcome::Unchanged | Outcome::New, _) => Style::new(),
        _ => Style::new().dimmed(),
    }
}

/// The same for a cell.
fn paint(cell: Cell, row: &Row) -> Cell {
    let Some(judgement) = &row.judgement else { return cell };
    if cell.content().is_empty() {
        return cell;
    }
    match (judgement.outcome, judgement.severity) {
        (_, Severity::Fail) => cell.fg(Color::Red).add_attribute(Attribute::Bold),
        (_, Severity::Warn) => cell.fg(Color::Yellow),
        (Outcome::Improvement, _) => cell.fg(Color::Green),
        (Outcome::Unchanged | Outcome::New, _) => cell,
        _ => cell.add_attribute(Attribute::Dim),
    }
}
