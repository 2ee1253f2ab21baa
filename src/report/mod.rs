//! Renderers of a [`Report`]. They do not decide anything.
//!
//! Benchmark names and texts from files are hostile: each renderer escapes them
//! for its own format.

mod bencher;
mod calibration;
mod csv;
mod diagnosis;
mod findings;
mod fold;
mod github;
mod github_benchmark;
mod html;
mod json;
mod junit;
mod markdown;
mod read;
mod targets;
mod terminal;
mod text;
mod vocabulary;

pub use bencher::Bencher;
pub use calibration::calibration;
pub use csv::{Csv, TargetCsv};
pub use diagnosis::diagnosis;
pub use github::Annotations;
pub use github_benchmark::GithubBenchmark;
pub use html::Html;
pub use json::Json;
pub use junit::Junit;
pub use markdown::Markdown;
pub use read::{ReadError, read};
pub use terminal::{Bars, Terminal};
pub use text::plain;

use crate::judge::Report;

/// Turns a report into text.
pub trait Render {
    /// The whole text, ending in a newline.
    fn render(&self, report: &Report) -> String;
}
