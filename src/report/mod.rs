//! Renderers of a [`Report`]: they decide nothing.
//!
//! Names of benchmarks and texts from files are hostile: each renderer escapes
//! them for its own format.

mod calibration;
mod json;
mod terminal;
mod text;

pub use calibration::calibration;
pub use json::Json;
pub use terminal::Terminal;
pub use text::plain;

use crate::judge::Report;

/// Turns a report into text.
pub trait Render {
    /// The whole text, ending in a newline.
    fn render(&self, report: &Report) -> String;
}
