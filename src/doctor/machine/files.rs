//! The kernel's files.

use std::path::Path;

/// Texts below a root.
pub(super) struct Files<'a>(pub(super) &'a Path);

impl Files<'_> {
    /// The file's text, trimmed; `None` if it cannot be read.
    pub(super) fn text(&self, path: &str) -> Option<String> {
        let text = std::fs::read_to_string(self.0.join(path)).ok()?;
        Some(text.trim().to_owned())
    }

    /// The number behind `key` in a file of lines such as `SwapTotal: 12 kB`.
    pub(super) fn number(&self, path: &str, key: &str) -> Option<f64> {
        let text = self.text(path)?;
        let line = text.lines().find(|line| line.split([':', ' ']).next() == Some(key))?;
        line[key.len()..].trim_start_matches(':').split_whitespace().next()?.parse().ok()
    }
}

/// The number of processors in a list such as `0-3,6`.
pub(super) fn listed(text: &str) -> Option<f64> {
    let mut count = 0.0;
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u32, u32) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        count += f64::from(last.checked_sub(first)?) + 1.0;
    }
    Some(count)
}
