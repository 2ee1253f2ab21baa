//! Reads one file of JSON without trusting it. Reasons are sentences without
//! the path: the [`Problem`](crate::model::Problem) carries that.

use std::io::ErrorKind;
use std::path::Path;

use serde::de::DeserializeOwned;

use crate::files::{self, ReadError};

/// A thousand times what criterion writes at its largest.
const MAX_BYTES: u64 = 64 << 20;

/// A reason quotes the file, which can be long.
const MAX_REASON: usize = 300;

/// The bytes of a regular file of at most 64 MiB.
pub(super) fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => format!("{name} is missing"),
        _ => format!("cannot be read: {error}"),
    };
    if path.symlink_metadata().map_err(failed)?.is_symlink() {
        return Err("is a symbolic link; links inside the results are not followed".to_owned());
    }
    files::read(path, MAX_BYTES).map_err(|error| match error {
        ReadError::Io(error) => failed(error),
        ReadError::NotAFile => "is not a regular file".to_owned(),
        ReadError::TooLarge { .. } => "is larger than 64 MiB; no result is".to_owned(),
    })
}

/// A file of JSON.
pub(super) fn json<T: DeserializeOwned>(path: &Path) -> Result<T, String> {
    parse(&bytes(path)?)
}

/// Bytes that should be JSON.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    serde_json::from_str(text(bytes)?).map_err(|error| json_reason(&error))
}

/// Bytes that should be UTF-8, and more than white space.
pub(super) fn text(bytes: &[u8]) -> Result<&str, String> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| format!("is not UTF-8 from byte {} on", error.valid_up_to()))?;
    if text.trim().is_empty() {
        return Err("is empty".to_owned());
    }
    Ok(text)
}

/// The reason why JSON could not be read.
pub(super) fn json_reason(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Eof => "is cut off",
        serde_json::error::Category::Data => "does not hold what it should",
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => {
            "is not valid JSON"
        }
    };
    shorten(format!("{what}: {error}"))
}

/// A reason of bearable length: its beginning and its end.
pub(super) fn shorten(mut reason: String) -> String {
    if reason.len() > MAX_REASON {
        // The end says at which line and column.
        let head = reason.floor_char_boundary(MAX_REASON / 2);
        let tail = reason.ceil_char_boundary(reason.len() - MAX_REASON / 2);
        reason.replace_range(head..tail, " … ");
    }
    reason
}
