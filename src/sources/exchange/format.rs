//! The formats of files of runs.

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Lines that a program records: see [`record`](super::super::record).
    Record,
    /// Bencher Metric Format.
    Bencher,
    /// The export of `hyperfine --export-json`.
    Hyperfine,
}
