//! The rows of a report as a table that fits its width.
//!
//! Numbers are never broken over lines. If the table does not fit, first the reasons and then
//! the intervals are moved to lines below it, and then benchmark names are broken.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use comfy_table::{Attribute, Cell, CellAlignment, Color, Table};

use super::super::plain;
use super::super::vocabulary::{self, Names};
use super::bar::{self, Bars};
use super::cause;
use super::fit::{Widths, dim, head, natural, number, text};
use crate::judge::{Outcome, Report, Row, Severity, Side};
use crate::model::Unit;
use crate::text::listed;

/// The most names in a line.
pub(super) const LISTED: usize = 5;

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
    let names = Names::of(&report.rows);
    if report.baseline.is_none() {
        let table = measurements(rows, &names);
        let widths = Widths::of(&table, width);
        let _ = writeln!(out, "{}\n", text(&widths.fitted(table)));
        return;
    }
    let layouts = match bars {
        Bars::Off => &[(Layout::Whole, bars), (Layout::ReasonsBelow, bars)][..],
        _ => &[
            (Layout::Whole, bars),
            (Layout::ReasonsBelow, bars),
            (Layout::ReasonsBelow, Bars::Off),
        ],
    };
    let judged = rows.iter().any(|row| row.judgement.is_some());
    let comparison = |layout, bars| Comparison { names: &names, layout, bars, judged };
    let comparison = layouts
        .iter()
        .map(|&(layout, bars)| comparison(layout, bars))
        .find(|comparison| {
            width.is_none_or(|width| natural(&comparison.table(rows, true)) <= width)
        })
        .unwrap_or_else(|| comparison(Layout::Narrow, Bars::Off));
    let widths = Widths::of(&comparison.table(rows, true), width);
    // A cause follows its row, so the table is written in pieces of equal widths.
    for (index, piece) in rows.split_inclusive(|row| cause::is_known(row)).enumerate() {
        let table = widths.fitted(comparison.table(piece, index == 0));
        let _ = writeln!(out, "{}", text(&table));
        if let Some(row) = piece.last() {
            cause::write(out, row);
        }
    }
    out.push('\n');
    if comparison.layout != Layout::Whole {
        reasons(out, rows, &names, comparison.layout);
    }
}

/// The columns of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    /// All columns.
    Whole,
    /// All columns without the reasons.
    ReasonsBelow,
    /// All columns without the reasons and the intervals.
    Narrow,
}

/// How rows with a baseline are written.
#[derive(Clone, Copy)]
struct Comparison<'a> {
    names: &'a Names<'a>,
    layout: Layout,
    bars: Bars,
    /// Whether there is a column for the outcome.
    judged: bool,
}

impl Comparison<'_> {
    fn table(&self, rows: &[&Row], with_header: bool) -> Table {
        let mut table = Table::new();
        if with_header {
            table.set_header(self.header());
        }
        for row in rows {
            table.add_row(self.cells(row));
        }
        table
    }

    fn header(&self) -> Vec<Cell> {
        let mut heads = vec![head("benchmark"), head("metric")];
        heads.extend([number("baseline"), number("candidate"), number("change")].map(dim));
        if self.layout != Layout::Narrow {
            heads.push(head("95% interval"));
        }
        if self.bars != Bars::Off {
            heads.push(dim(Cell::new("0").set_alignment(CellAlignment::Center)));
        }
        if self.judged {
            heads.push(head("outcome"));
        }
        heads
    }

    fn cells(&self, row: &Row) -> Vec<Cell> {
        let unit = Unit::from(row.unit.as_str());
        let change = row.change.as_ref();
        let mut cells = vec![
            Cell::new(self.names.shown(row)),
            Cell::new(plain(&row.metric)),
            value(row.baseline.as_ref(), &unit),
            value(row.candidate.as_ref(), &unit),
            paint(number(&vocabulary::estimate(change)), row),
        ];
        if self.layout != Layout::Narrow {
            cells.push(dim(Cell::new(vocabulary::interval(change))));
        }
        if self.bars != Bars::Off {
            cells.push(paint(Cell::new(bar::of(row, self.bars)), row));
        }
        if self.judged {
            let whole = self.layout == Layout::Whole;
            let reason = if whole { vocabulary::why(row) } else { String::new() };
            let colon = if reason.is_empty() { "" } else { ": " };
            let outcome = format!("{}{colon}{reason}", vocabulary::outcome(row));
            cells.push(paint(Cell::new(outcome), row));
        }
        cells
    }
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
            dim(Cell::new(row.candidate.as_ref().map_or_else(
                || vocabulary::unsupported(row),
                |side| vocabulary::spread(side, &unit),
            ))),
        ]);
    }
    table
}

/// Writes the reasons that do not fit in the table, equal reasons in one line.
fn reasons(out: &mut String, rows: &[&Row], names: &Names, layout: Layout) {
    let mut lines: Vec<(&Row, String, Vec<String>)> = Vec::new();
    for row in rows {
        let reason = vocabulary::why(row);
        if reason.is_empty() {
            continue;
        }
        let mut subject = format!("{} ({})", names.shown(row), plain(&row.metric));
        let interval = vocabulary::interval(row.change.as_ref());
        if layout == Layout::Narrow && interval.starts_with('[') {
            subject = format!("{subject} {interval}");
        }
        match lines.iter_mut().find(|(first, known, _)| {
            *known == reason && vocabulary::outcome(first) == vocabulary::outcome(row)
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
            vocabulary::outcome(row),
            listed(subjects, LISTED)
        );
    }
    if !lines.is_empty() {
        out.push('\n');
    }
}

fn value(side: Option<&Side>, unit: &Unit) -> Cell {
    number(&vocabulary::value(side, unit))
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
