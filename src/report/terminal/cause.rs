//! The functions that account for instructions that grew.

use std::fmt::Write as _;

use anstyle::Style;

use super::super::plain;
use super::rows::name;
use crate::judge::{FunctionChange, Row};
use crate::model::Unit;

/// Characters of a function's name that are shown: the report as JSON has the
/// whole of it.
const NAME_CHARS: usize = 80;

/// Below the table: for each row whose instructions grew, its probable cause.
pub(super) fn write(out: &mut String, rows: &[&Row]) {
    let dim = Style::new().dimmed();
    let explained = rows.iter().filter_map(|row| {
        let cause = &row.judgement.as_ref()?.cause;
        (!cause.is_empty()).then_some((row, cause))
    });
    for (row, cause) in explained {
        let (name, metric) = (name(row, rows), plain(&row.metric));
        let _ = writeln!(out, "probable cause  {name} ({metric}):");
        for FunctionChange { function, baseline, candidate } in cause {
            let show = |count: u64| Unit::Count.show(count as f64);
            let change = match baseline {
                Some(baseline) => format!(
                    "{} → {}, +{}",
                    show(*baseline),
                    show(*candidate),
                    show(candidate.saturating_sub(*baseline))
                ),
                None => format!("little → {}", show(*candidate)),
            };
            let _ = writeln!(out, "    {}  {dim}{change}{dim:#}", shortened(&plain(function)));
        }
        out.push('\n');
    }
}

/// The end of a long name says more than its beginning: it is the function's own.
fn shortened(name: &str) -> String {
    let length = name.chars().count();
    if length <= NAME_CHARS {
        return name.to_owned();
    }
    let end: String = name.chars().skip(length - NAME_CHARS + 1).collect();
    format!("…{end}")
}
