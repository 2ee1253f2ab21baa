//! A table. In a window that is too narrow for its columns, the style sheet turns each line
//! into a block, and each cell shows its column's heading.

use maud::{Markup, html};

use super::{Breakable, breakable};

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Column {
    pub(in super::super) heading: &'static str,
    /// The sort order of a click on the heading; `None` in a table that does not sort.
    pub(in super::super) sort: Option<Sort>,
}

impl Column {
    pub(in super::super) const fn fixed(heading: &'static str) -> Self {
        Self { heading, sort: None }
    }
}

/// The sort order of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Sort {
    /// The text of its cells.
    Text,
    /// The values of its cells. Cells without a value come last.
    Value,
}

impl Sort {
    fn attribute(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Value => "number",
        }
    }
}

/// The bytes of a number or a word that always fit their column.
const FITTING: usize = 14;

/// One cell.
#[derive(Debug)]
pub(in super::super) struct Cell {
    content: Markup,
    /// The text for screen readers, instead of the content.
    label: Option<String>,
    class: Option<&'static str>,
    value: Option<f64>,
}

impl Cell {
    /// Running text, which may wrap anywhere.
    pub(in super::super) fn text(content: Markup) -> Self {
        Self { content, label: None, class: None, value: None }
    }

    /// A name without spaces, which may wrap after separators.
    pub(in super::super) fn name(text: &str) -> Self {
        let Breakable { markup, label } = breakable(text, FITTING);
        Self { label: label.map(ToOwned::to_owned), ..Self::text(markup) }
    }

    /// A number with its unit, aligned at the right.
    pub(in super::super) fn number(text: &str) -> Self {
        Self::name(text).with_class("number")
    }

    /// The same cell with a class of the style sheet.
    pub(in super::super) fn with_class(self, class: &'static str) -> Self {
        Self { class: Some(class), ..self }
    }

    /// The same cell with its sort value.
    pub(in super::super) fn with_value(self, value: Option<f64>) -> Self {
        Self { value, ..self }
    }
}

/// One line of a table. Its first cell is its heading.
#[derive(Debug)]
pub(in super::super) struct Line {
    pub(in super::super) cells: Vec<Cell>,
    /// Whether the line is shown as a failure.
    pub(in super::super) failing: bool,
    /// The outcome for the page's filter.
    pub(in super::super) outcome: Option<&'static str>,
    /// Whether the page's filter hides the line at first.
    pub(in super::super) folded: bool,
}

impl Line {
    /// A line that filters do not hide.
    pub(in super::super) fn plain(cells: Vec<Cell>) -> Self {
        Self { cells, failing: false, outcome: None, folded: false }
    }
}

/// A table named by the element `label`, under the element id `id`, which also
/// chooses the widths of its columns in the style sheet.
pub(in super::super) fn table(
    id: &str,
    label: &str,
    columns: &[Column],
    lines: impl IntoIterator<Item = Line>,
) -> Markup {
    html! {
        table id=(id) aria-labelledby=(label) {
            thead {
                tr {
                    @for Column { heading, sort } in columns {
                        th scope="col" data-sort=[sort.map(Sort::attribute)] { (heading) }
                    }
                }
            }
            tbody {
                @for line in lines { (self::line(columns, &line)) }
            }
        }
    }
}

fn line(columns: &[Column], line: &Line) -> Markup {
    let Line { cells, failing, outcome, folded } = line;
    html! {
        tr .failing[*failing] data-outcome=[outcome] data-folded[*folded] {
            @for (index, (cell, column)) in cells.iter().zip(columns).enumerate() {
                @let Cell { content, label, class, value } = cell;
                @if index == 0 {
                    th scope="row" class=[class] aria-label=[label] { (content) }
                } @else if content.0.is_empty() {
                    td class=[class] data-value=[value] {}
                } @else {
                    td class=[class] data-value=[value] data-label=(column.heading) aria-label=[label] {
                        (content)
                    }
                }
            }
        }
    }
}
