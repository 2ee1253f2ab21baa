//! The functions whose instructions grew.

use std::fmt::Write as _;

use anstyle::Style;

use super::super::vocabulary;
use crate::judge::Row;

/// The text before the first function.
const LABEL: &str = "    probable cause: ";

/// Whether there is a probable cause to show.
pub(super) fn is_known(row: &Row) -> bool {
    row.judgement.as_ref().is_some_and(|judgement| !judgement.cause.is_empty())
}

/// The lines below a row: its probable cause, a function in each line.
pub(super) fn write(out: &mut String, row: &Row) {
    let dim = Style::new().dimmed();
    let mut label = LABEL;
    for (function, change) in vocabulary::cause(row) {
        let _ = writeln!(
            out,
            "{dim}{label:width$}{dim:#}{function}  {dim}{change}{dim:#}",
            width = LABEL.len()
        );
        label = "";
    }
}
