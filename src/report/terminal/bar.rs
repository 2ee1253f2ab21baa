//! A change and its interval as a bar of a few characters.

use super::super::vocabulary;
use crate::judge::{Change, Row};

/// How the intervals of changes are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bars {
    /// Not at all.
    #[default]
    Off,
    /// With box-drawing characters.
    Unicode,
    /// With ASCII characters.
    Ascii,
}

/// Characters of a bar; odd, so that zero is in the middle.
const CELLS: usize = 15;

/// The bar; empty if there is no change to show.
pub(super) fn of(row: &Row, bars: Bars) -> String {
    let [zero, line, dot, less, more] = match bars {
        Bars::Off => return String::new(),
        Bars::Unicode => ['│', '━', '●', '◀', '▶'],
        Bars::Ascii => ['|', '-', 'o', '<', '>'],
    };
    let Some(Change { estimate, lower, upper }) = row.change else { return String::new() };
    let scale = vocabulary::scale(row);
    let (lower, upper) = (lower.unwrap_or(estimate), upper.unwrap_or(estimate));
    let (from, to) = (cell(lower, scale), cell(upper, scale));
    let mut cells = [' '; CELLS];
    cells[CELLS / 2] = zero;
    if lower < upper {
        cells[from..=to].fill(line);
    }
    cells[cell(estimate, scale)] = dot;
    // An interval that leaves the scale ends in an arrow.
    if lower < -scale {
        cells[0] = less;
    }
    if upper > scale {
        cells[CELLS - 1] = more;
    }
    cells.iter().collect()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the change is clamped to the bar first"
)]
fn cell(change: f64, scale: f64) -> usize {
    let half = (CELLS / 2) as f64;
    ((change / scale).clamp(-1.0, 1.0) * half + half).round() as usize
}
