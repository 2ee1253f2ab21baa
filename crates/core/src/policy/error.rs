//! What is wrong with a policy, and where.

use std::fmt::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A policy that cannot be used. Each message names the file; a message about the
/// content shows the line and points at the place.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The file could not be read; the path is in the message.
    #[error("the policy cannot be read: {0}")]
    Read(#[source] std::io::Error),
    /// The file's content is wrong.
    #[error("{}:{line}:{column}: {message}\n{excerpt}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What is wrong, and how to fix it.
        message: String,
        /// The line, with marks below the place.
        excerpt: String,
    },
}

impl PolicyError {
    /// An error at a span of bytes of `text`.
    pub(super) fn at(path: &Path, text: &str, span: Range<usize>, message: String) -> Self {
        let start = floor_boundary(text, span.start);
        let before = &text[..start];
        let line = before.matches('\n').count() + 1;
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = text[line_start..start].chars().count() + 1;
        let content = text[line_start..].lines().next().unwrap_or_default();
        let end = floor_boundary(text, span.end.max(start)).min(line_start + content.len());
        let marks = text[start..end.max(start)].chars().count().max(1);
        let mut excerpt = String::new();
        let width = line.to_string().len();
        let pad = " ".repeat(column - 1);
        let _ = write!(
            excerpt,
            "{:width$} |\n{line} | {content}\n{:width$} | {pad}{}",
            "",
            "",
            "^".repeat(marks)
        );
        Self::Content { path: path.to_owned(), line, column, message, excerpt }
    }
}

fn floor_boundary(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
