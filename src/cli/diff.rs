//! Differences between files, line by line.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use diffy::DiffOptions;

use crate::report::plain;

/// Unchanged lines that are shown around a change.
const CONTEXT: usize = 3;

/// A unified diff of a file; `before` is empty if there is no file yet.
pub(super) fn unified(name: &str, before: &str, after: &str) -> String {
    let from = if before.is_empty() { "/dev/null" } else { name };
    let diff = DiffOptions::new()
        .set_context_len(CONTEXT)
        .set_original_filename(from.to_owned())
        .set_modified_filename(name.to_owned())
        .create_patch(before, after)
        .to_string();
    let mut out = String::new();
    for line in diff.lines() {
        let style = match line.as_bytes().first() {
            _ if line.starts_with("+++") || line.starts_with("---") => Style::new().bold(),
            Some(b'+') => AnsiColor::Green.on_default(),
            Some(b'-') => AnsiColor::Red.on_default(),
            Some(b'@') => AnsiColor::Cyan.on_default(),
            _ => Style::new(),
        };
        let _ = writeln!(out, "{style}{}{style:#}", plain(line));
    }
    out
}
