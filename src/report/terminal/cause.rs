//! The functions that account for instructions that grew.

use std::fmt::Write as _;

use anstyle::Style;

use super::super::plain;
use super::super::words::{self, Names};
use crate::judge::Row;

/// Below the table: for each row whose instructions grew, its probable cause.
pub(super) fn write(out: &mut String, rows: &[&Row], names: &Names) {
    let dim = Style::new().dimmed();
    for row in rows {
        let cause = words::cause(row);
        if cause.is_empty() {
            continue;
        }
        let _ = writeln!(out, "probable cause  {} ({}):", names.shown(row), plain(&row.metric));
        for (function, change) in cause {
            let _ = writeln!(out, "    {function}  {dim}{change}{dim:#}");
        }
        out.push('\n');
    }
}
