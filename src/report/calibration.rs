//! A calibration as text for people.

use std::fmt::Write as _;

use anstyle::Style;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};

use super::plain;
use crate::calibrate::{CalibratedRow, Calibration, Instructions};
use crate::model::Unit;
use crate::text::aligned_percent;

/// A calibration as a table, with a policy that fits it.
pub fn calibration(calibration: &Calibration, width: Option<u16>) -> String {
    let dim = Style::new().dimmed();
    let mut out = String::new();
    let last = calibration.looks.last().copied().unwrap_or_default();
    let _ = writeln!(out, "{dim}machine class  {}{dim:#}\n", plain(&calibration.class));
    let _ = writeln!(out, "{}\n", table(&calibration.rows, width));
    let _ = writeln!(
        out,
        "{dim}run, pair, session: standard deviations (for pairs, estimated from the median). \
         floor: half the width of these pairs' interval. finds: the smallest change that `gate ab` \
         detects by its last look, at {last} pairs, with a chance of {:.0}%. needs: the pairs \
         needed to detect the target.{dim:#}\n",
        calibration.power * 100.0
    );
    let short: Vec<String> = calibration
        .rows
        .iter()
        .filter(|row| !row.reached || row.modes.is_some())
        .map(|row| plain(&row.id))
        .collect();
    let _ = match short.len() {
        0 => writeln!(out, "Every benchmark can be gated at its target on this machine."),
        count => writeln!(
            out,
            "{count} of {} cannot be gated by wall time at the target on this machine: {}",
            calibration.rows.len(),
            short.join(", ")
        ),
    };
    if calibration.rows.iter().any(|row| row.session_deviation.is_none()) {
        let _ = writeln!(
            out,
            "The noise between sessions is not known yet: calibrate the same code again at other \
             times, at least three times; `gate check` then takes it into account."
        );
    }
    for not_run in &calibration.not_run {
        let _ = writeln!(out, "{dim}not run{dim:#}  {}", plain(not_run));
    }
    if !calibration.suggestions.is_empty() {
        let _ = writeln!(out, "\nFor gate.toml:\n");
        for suggestion in &calibration.suggestions {
            let names: Vec<String> = suggestion.benchmarks.iter().map(|name| plain(name)).collect();
            if !suggestion.toml.starts_with('#') {
                let _ = writeln!(out, "# {}: {}", names.join(", "), plain(&suggestion.reason));
            }
            for line in suggestion.toml.lines() {
                let _ = writeln!(out, "{}", plain(line));
            }
            out.push('\n');
        }
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn table(rows: &[CalibratedRow], width: Option<u16>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    match width {
        Some(width) => table.set_width(width),
        None => table.set_content_arrangement(ContentArrangement::Disabled),
    };
    let number = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
    table.set_header(
        [
            "benchmark",
            "value",
            "runs",
            "run",
            "pair",
            "session",
            "floor",
            "finds",
            "needs",
            "counts",
        ]
        .map(|head| {
            let cell = Cell::new(head);
            if head == "benchmark" || head == "counts" {
                cell
            } else {
                cell.set_alignment(CellAlignment::Right)
            }
        }),
    );
    let share = |share: Option<f64>| share.map_or_else(|| "–".to_owned(), aligned_percent);
    for row in rows {
        let metric = if row.metric == "time" { String::new() } else { format!(" {}", row.metric) };
        let pairs = row.pairs_needed.map_or_else(|| "–".to_owned(), |pairs| pairs.to_string());
        table.add_row([
            Cell::new(plain(&format!("{}{metric}", row.id))),
            number(plain(&Unit::from(row.unit.as_str()).show(row.value))),
            number(row.runs.to_string()),
            number(aligned_percent(row.run_deviation)),
            number(aligned_percent(row.paired_deviation)),
            number(share(row.session_deviation)),
            number(share(row.floor)),
            number(share(row.detectable)),
            number(pairs),
            Cell::new(match &row.instructions {
                Instructions::Steady => "exact".to_owned(),
                Instructions::Vary(range) => format!("± {}", aligned_percent(*range)),
                Instructions::Unavailable(_) => "–".to_owned(),
            }),
        ]);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}
