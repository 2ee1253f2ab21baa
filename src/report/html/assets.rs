//! What the page holds besides the report: its style sheet and its script.

/// The page's style sheet.
pub(super) const STYLE: &str = include_str!("report.css");

/// The page's script.
pub(super) const SCRIPT: &str = include_str!("report.js");

/// Their SHA-256, as a content security policy writes it; a test compares the
/// hashes with the page.
pub(super) const STYLE_HASH: &str = "sha256-CXNrb5gxmB6/Uvm49/t1fKyDauy/xfhmp/yRo+VZ/e4=";
pub(super) const SCRIPT_HASH: &str = "sha256-d0Ix/Mx5o3Ho+0AqyeNe0oSpHMrAXfSCiSoFD7ZjY5g=";
