//! The report as one HTML file that asks no host for anything.
//!
//! It is whole without its script, which only sorts, filters and turns the
//! lights. A browser runs no other script than that one: the page's policy names
//! it, and the style sheet, by their hashes.

mod page;
mod plot;
mod row;

use super::Render;
use crate::judge::Report;

/// The page's style sheet.
const STYLE: &str = include_str!("html/report.css");

/// The page's script.
const SCRIPT: &str = include_str!("html/report.js");

/// SHA-256 of each, as a content security policy names it; a test holds them
/// against the files.
const STYLE_HASH: &str = "sha256-grXj1MBJKmiEZ3rmxHDUM10z3uiSGLmB0yRtFwNE424=";
const SCRIPT_HASH: &str = "sha256-mDPe8ptkd0mONkN1J+0ATBVk2tVzq0tl+kPjOm43Wwo=";

/// Rows that get a plot: the worst ones, and what stands beside them.
const PLOTTED: usize = 200;

/// No more plots beyond this many bytes of them.
const PLOTTED_BYTES: usize = 6 << 20;

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

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn the_policy_names_the_page_s_own_style_and_script() {
        for (text, hash) in [(STYLE, STYLE_HASH), (SCRIPT, SCRIPT_HASH)] {
            let expected = format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(text)));
            assert_eq!(hash, expected, "write this hash into src/report/html.rs");
            // It would end the element that holds it.
            assert!(!text.contains("</"), "{text}");
        }
    }
}
