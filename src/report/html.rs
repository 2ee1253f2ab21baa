//! The report as one HTML file that does not load anything.
//!
//! The page is complete without its script, which only sorts, filters and switches
//! between light and dark. A browser runs no other script: the page's security
//! policy names the script and the style sheet by their hashes.

mod anchors;
mod assets;
mod cards;
mod components;
mod page;
mod rows;
mod targets;
mod tone;

use super::Render;
use crate::judge::Report;

/// Writes one HTML file.
#[derive(Clone, Copy, Debug, Default)]
pub struct Html;

impl Render for Html {
    fn render(&self, report: &Report) -> String {
        let mut text = page::page(report).into_string();
        text.push('\n');
        text
    }
}
