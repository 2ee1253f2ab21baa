//! Parts of a text of bounded length: lines that do not fit are dropped and counted.

use std::fmt::Write as _;

use crate::text::plural;

/// Bytes that each part keeps free for the line that counts the dropped lines.
const LEFT_OUT: usize = 100;

/// A part of the text whose lines may be dropped from the bottom.
pub(super) struct Part {
    /// The text before the lines, which ends with a line break.
    pub(super) open: String,
    pub(super) lines: Vec<String>,
    pub(super) close: &'static str,
    /// The noun for a line: `row`, `finding`.
    pub(super) noun: &'static str,
    /// Whether the lines are a table's. The count of dropped lines then needs a blank line
    /// before it.
    pub(super) table: bool,
}

/// Adds as much of the part as fits.
pub(super) fn append(out: &mut String, part: &Part, limit: usize) {
    let frame = part.open.len() + part.close.len() + LEFT_OUT;
    let Some(mut room) = limit.checked_sub(out.len() + frame) else {
        // The parts before this part kept this much free.
        if out.len() + LEFT_OUT <= limit {
            let _ = writeln!(out, "{}\n", left_out(part.lines.len(), part.noun));
        }
        return;
    };
    let mut taken = 0;
    while let Some(line) = part.lines.get(taken) {
        // The line, its end, and room to count the parts that follow.
        let Some(left) = room.checked_sub(line.len() + 1).filter(|left| *left > 4 * LEFT_OUT)
        else {
            break;
        };
        room = left;
        taken += 1;
    }
    out.push_str(&part.open);
    for line in &part.lines[..taken] {
        out.push_str(line);
        out.push('\n');
    }
    if taken < part.lines.len() {
        let gap = if part.table { "\n" } else { "" };
        let _ = writeln!(out, "{gap}{}", left_out(part.lines.len() - taken, part.noun));
    }
    out.push_str(part.close);
    out.push('\n');
}

fn left_out(count: usize, noun: &str) -> String {
    let left_out = plural(count, &format!("more {noun}"));
    format!("*{left_out} left out: the text would be too long.*")
}

/// The beginning of a part that can be folded.
pub(super) fn fold(title: &str, open: bool) -> String {
    let open = if open { " open" } else { "" };
    format!("<details{open}><summary>{title}</summary>\n\n")
}
