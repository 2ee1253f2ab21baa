//! The style sheet and the script of the page.

/// The page's style sheet.
pub(super) const STYLE: &str = include_str!("report.css");

/// The page's script.
pub(super) const SCRIPT: &str = include_str!("report.js");

/// SHA-256 hashes in the form of a content security policy. A test compares them with the
/// page.
pub(super) const STYLE_HASH: &str = "sha256-QEPIkVGpQddy6Lvhj3fa+cigge/8Qnp4nPS07ynVo9Y=";
pub(super) const SCRIPT_HASH: &str = "sha256-d0Ix/Mx5o3Ho+0AqyeNe0oSpHMrAXfSCiSoFD7ZjY5g=";
