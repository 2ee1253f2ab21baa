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
use super::listed;
use crate::judge::{Change, Outcome, Report, Row, Severity, Side};
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

pub(super) fn write(out: &mut String, report: &Report, rows: &[&Row], width: Option<u16>) {
    if rows.is_empty() {
        return;
    }
    if report.baseline.is_none() {
        let _ = writeln!(out, "{}\n", text(&fitted(measurements(rows), width)));
        return;
    }
    let layouts = [Layout::Whole, Layout::ReasonsBelow, Layout::Narrow];
    let layout = layouts
        .into_iter()
        .find(|layout| width.is_none_or(|width| natural(&comparison(rows, *layout)) <= width))
        .unwrap_or(Layout::Narrow);
    let _ = writeln!(out, "{}\n", text(&fitted(comparison(rows, layout), width)));
    if layout != Layout::Whole {
        reasons(out, rows, layout);
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

fn comparison(rows: &[&Row], layout: Layout) -> Table {
    let judged = rows.iter().any(|row| row.judgement.is_some());
    let mut table = Table::new();
    table.set_header(columns(|heads| {
        heads.extend([head("benchmark"), head("metric")]);
        heads.extend([number("baseline"), number("candidate"), number("change")].map(dim));
        if layout != Layout::Narrow {
            heads.push(head("95% interval"));
        }
        if judged {
            heads.push(head("outcome"));
        }
    }));
    for row in rows {
        let unit = Unit::from(row.unit.as_str());
        table.add_row(columns(|cells| {
            cells.extend([
                Cell::new(name(row, rows)),
                Cell::new(plain(&row.metric)),
                value(row.baseline.as_ref(), &unit),
                value(row.candidate.as_ref(), &unit),
                paint(number(&estimate(row.change.as_ref())), row),
            ]);
            if layout != Layout::Narrow {
                cells.push(dim(Cell::new(interval(row.change.as_ref()))));
            }
            if judged {
                let reason = if layout == Layout::Whole { reason(row) } else { String::new() };
                let colon = if reason.is_empty() { "" } else { ": " };
                cells.push(paint(Cell::new(format!("{}{colon}{reason}", word(row))), row));
            }
        }));
    }
    table
}

fn measurements(rows: &[&Row]) -> Table {
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
            Cell::new(name(row, rows)),
            Cell::new(plain(&row.metric)),
            value(row.candidate.as_ref(), &unit),
            dim(Cell::new(
                row.candidate.as_ref().map_or_else(String::new, |side| spread(side, &unit)),
            )),
        ]);
    }
    table
}

/// The reasons that had no room in the table, said once for equal ones.
fn reasons(out: &mut String, rows: &[&Row], layout: Layout) {
    let mut lines: Vec<(&Row, String, Vec<String>)> = Vec::new();
    for row in rows {
        let reason = reason(row);
        if reason.is_empty() {
            continue;
        }
        let mut subject = format!("{} ({})", name(row, rows), plain(&row.metric));
        let interval = interval(row.change.as_ref());
        if layout == Layout::Narrow && interval.starts_with('[') {
            subject = format!("{subject} {interval}");
        }
        match lines.iter_mut().find(|(first, said, _)| *said == reason && word(first) == word(row))
        {
            Some((_, _, subjects)) => subjects.push(subject),
            None => lines.push((row, reason, vec![subject])),
        }
    }
    for (row, reason, subjects) in &lines {
        let style = style(row);
        let _ = writeln!(out, "{style}{}{style:#}  {}: {reason}", word(row), listed(subjects));
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

/// The benchmark's name, qualified where another row has the same one.
fn name(row: &Row, rows: &[&Row]) -> String {
    let id = row.bench_id();
    let ambiguous = rows.iter().any(|other| {
        other.id == row.id && (&other.target, &other.package) != (&row.target, &row.package)
    });
    plain(&if ambiguous { id.qualified() } else { id.name })
}

fn value(side: Option<&Side>, unit: &Unit) -> Cell {
    number(&side.map_or_else(|| "–".to_owned(), |side| plain(&unit.show(side.value))))
}

fn spread(side: &Side, unit: &Unit) -> String {
    let least = side.runs.iter().copied().fold(f64::INFINITY, f64::min);
    let most = side.runs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    match side.runs.len() {
        1 => "one run".to_owned(),
        count if least == most => format!("the same in {count} runs"),
        count => plain(&format!("{} … {} in {count} runs", unit.show(least), unit.show(most))),
    }
}

fn estimate(change: Option<&Change>) -> String {
    change.map_or_else(String::new, |change| signed(change.estimate))
}

fn interval(change: Option<&Change>) -> String {
    match change.map(|change| (change.lower, change.upper)) {
        Some((Some(lower), Some(upper))) if lower == upper => "exact".to_owned(),
        Some((Some(lower), Some(upper))) => format!("[{}, {}]", signed(lower), signed(upper)),
        _ => String::new(),
    }
}

/// A change as a signed percentage: small ones with two digits, tenfold and
/// larger ones as a factor.
fn signed(change: f64) -> String {
    match change {
        0.0 => "0%".to_owned(),
        c if c >= 9.0 => format!("{:.1}×", c + 1.0),
        c if c.abs() >= 0.1 => format!("{:+.0}%", c * 100.0),
        c if c.abs() >= 0.01 => format!("{:+.1}%", c * 100.0),
        c if c.abs() >= 0.000_05 => format!("{:+.2}%", c * 100.0),
        c => format!("{}0.01%", if c > 0.0 { "<+" } else { ">-" }),
    }
}

fn word(row: &Row) -> String {
    row.judgement.as_ref().map_or_else(String::new, |judgement| {
        let word = judgement.outcome.as_str();
        match (judgement.outcome, judgement.severity) {
            (Outcome::Regression, Severity::Fail) => word.to_uppercase(),
            _ => word.to_owned(),
        }
    })
}

/// Why; nothing for what is unchanged, where the values beside it say why.
/// They do not where something was subtracted.
fn reason(row: &Row) -> String {
    match &row.judgement {
        Some(judgement)
            if judgement.outcome != Outcome::Unchanged
                || row.candidate.is_none()
                || row.adjusted.is_some() =>
        {
            plain(&judgement.reason)
        }
        _ => String::new(),
    }
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
