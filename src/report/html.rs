//! The report as one HTML file that loads nothing else.
//!
//! The page is complete without its script, which only sorts, filters and switches
//! between light and dark. A browser runs no other script: the page's security
//! policy names the script and the style sheet by their hashes.

mod cards;
mod components;
mod page;
mod rows;

use super::Render;
use crate::judge::Report;

/// The page's style sheet.
const STYLE: &str = include_str!("html/report.css");

/// The page's script.
const SCRIPT: &str = include_str!("html/report.js");

/// Their SHA-256, as a content security policy writes it; a test compares the
/// hashes with the page.
const STYLE_HASH: &str = "sha256-CXNrb5gxmB6/Uvm49/t1fKyDauy/xfhmp/yRo+VZ/e4=";
const SCRIPT_HASH: &str = "sha256-d0Ix/Mx5o3Ho+0AqyeNe0oSpHMrAXfSCiSoFD7ZjY5g=";

/// Rows whose benchmarks get a card with plots: the worst.
const PLOTTED_ROWS: usize = 200;

/// Once the cards have this many bytes, the next ones get no plots: a page of 2,000
/// rows stays below 5 MB.
const PLOTTED_BYTES: usize = 2_500_000;

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
