//! A change and its interval as a bar of a few characters: where it lies beside
//! zero, and how sure it is.

use super::Bars;
use crate::judge::{Change, Row};

/// Characters of a bar; odd, so that zero is in the middle.
const CELLS: usize = 15;

/// Half the bar's scale in targets of the row: a change of the target's size is
/// a third of the way out, well clear of zero.
const TARGETS: f64 = 3.0;

/// Half the scale of a row without limits.
const UNJUDGED: f64 = 0.1;

/// The bar; empty where there is no change to show.
pub(super) fn of(row: &Row, bars: Bars) -> String {
    let [zero, line, dot, less, more] = match bars {
        Bars::Off => return String::new(),
        Bars::Unicode => ['│', '━', '●', '◀', '▶'],
        Bars::Ascii => ['|', '-', 'o', '<', '>'],
    };
    let Some(Change { estimate, lower, upper }) = row.change else { return String::new() };
    let target = row.judgement.as_ref().map(|judgement| judgement.limits.target);
    let scale = target.filter(|target| *target > 0.0).map_or(UNJUDGED, |target| target * TARGETS);
    let (lower, upper) = (lower.unwrap_or(estimate), upper.unwrap_or(estimate));
    let (from, to) = (cell(lower, scale), cell(upper, scale));
    let mut cells = [' '; CELLS];
    cells[CELLS / 2] = zero;
    if lower < upper {
        cells[from..=to].fill(line);
    }
    cells[cell(estimate, scale)] = dot;
    // What lies beyond the scale points out of it.
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
    reason = "clamped to the bar before"
)]
fn cell(change: f64, scale: f64) -> usize {
    let half = (CELLS / 2) as f64;
    ((change / scale).clamp(-1.0, 1.0) * half + half).round() as usize
}
