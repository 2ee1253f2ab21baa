//! Tables that fit their width: only the names in the first column are ever broken.

use comfy_table::{
    Attribute, Cell, CellAlignment, ColumnConstraint, ContentArrangement, Table, Width, presets,
};

/// A longer name is always broken, so that a hostile name cannot push the numbers of all
/// rows out of sight.
const LONGEST_NAME: u16 = 100;

/// Names are not broken into shorter pieces; the table may then be wider than the terminal.
const SHORTEST_NAME: u16 = 12;

/// Spaces between columns.
const GAP: u16 = 2;

/// The first character of a colour change; names cannot hold it.
const ESCAPE: char = '\u{1b}';

/// The width of the table in columns if only overlong names are broken.
pub(super) fn natural(table: &Table) -> u16 {
    let widths = table.column_max_content_widths();
    let name = widths.first().copied().unwrap_or(0).min(LONGEST_NAME);
    let others = widths
        .iter()
        .skip(1)
        .fold(0u16, |sum, width| sum.saturating_add(*width).saturating_add(GAP));
    name.saturating_add(others)
}

/// The widths of a table's columns, without the gaps between them.
pub(super) struct Widths(Vec<u16>);

impl Widths {
    /// The widths of the contents. The names get what the other columns leave of
    /// `width`, within bounds.
    pub(super) fn of(table: &Table, width: Option<u16>) -> Self {
        let mut widths = table.column_max_content_widths();
        if let Some(name) = widths.first_mut() {
            let others = natural(table) - (*name).min(LONGEST_NAME);
            let room = width.map_or(LONGEST_NAME, |width| width.saturating_sub(others));
            *name = (*name).min(room.clamp(SHORTEST_NAME, LONGEST_NAME));
        }
        Self(widths)
    }

    pub(super) fn fitted(&self, mut table: Table) -> Table {
        table
            .load_style(presets::NOTHING)
            // Colours are always written: the stream strips them.
            .enforce_styling()
            .set_content_arrangement(ContentArrangement::Disabled);
        for (column, width) in table.column_iter_mut().zip(&self.0) {
            column.set_padding((0, GAP));
            let width = Width::Fixed(width.saturating_add(GAP));
            column.set_constraint(ColumnConstraint::Absolute(width));
        }
        table
    }
}

/// The table's text, without spaces at the ends of lines.
pub(super) fn text(table: &Table) -> String {
    let lines: Vec<String> = table.lines().map(|line| trimmed(line.trim_end())).collect();
    lines.join("\n")
}

/// Without the spaces before the escape that ends the last cell's colour.
fn trimmed(line: &str) -> String {
    match line.rfind(ESCAPE) {
        Some(at) if line.ends_with('m') && line[at..].matches('m').count() == 1 => {
            let (text, end) = line.split_at(at);
            format!("{}{end}", text.trim_end())
        }
        _ => line.to_owned(),
    }
}

pub(super) fn head(name: &str) -> Cell {
    dim(Cell::new(name))
}

pub(super) fn number(text: &str) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

/// An empty cell gets no style, so that no line ends in one.
pub(super) fn dim(cell: Cell) -> Cell {
    if cell.content().is_empty() { cell } else { cell.add_attribute(Attribute::Dim) }
}
