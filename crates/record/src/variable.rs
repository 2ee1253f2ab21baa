//! The name by which the gate and a bench program find the same file.

/// The environment variable that names the file; the gate sets it.
pub const VARIABLE: &str = "BENCHGATE_RECORD";
