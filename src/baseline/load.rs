//! Stored files as bytes and as JSON, before anything in them is checked.

use std::io;
use std::path::Path;

use jiff::Timestamp;
use serde::de::DeserializeOwned;

use super::error::BaselineError;
use crate::files::{self, ReadError};

/// The largest file that is read: 256 MiB.
pub const MAX_FILE_BYTES: u64 = 256 << 20;

/// A file's bytes, and when they were written.
pub(super) struct Content {
    pub(super) bytes: Vec<u8>,
    pub(super) written: Timestamp,
}

/// Reads a regular file of at most [`MAX_FILE_BYTES`].
pub(super) fn file(path: &Path) -> Result<Content, BaselineError> {
    let written = std::fs::metadata(path)
        .and_then(|metadata| metadata.modified())
        .and_then(|time| Timestamp::try_from(time).map_err(io::Error::other))
        .unwrap_or(Timestamp::UNIX_EPOCH);
    let bytes = files::read(path, MAX_FILE_BYTES).map_err(|error| match error {
        ReadError::Io(source) => {
            BaselineError::Io { action: "read", path: path.to_owned(), source }
        }
        ReadError::NotAFile => BaselineError::NotAFile { path: path.to_owned() },
        ReadError::TooLarge { bytes } => {
            BaselineError::TooLarge { path: path.to_owned(), bytes, limit: MAX_FILE_BYTES }
        }
    })?;
    Ok(Content { bytes, written })
}

/// JSON of a snapshot or an export.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8], path: &Path) -> Result<T, BaselineError> {
    serde_json::from_slice(bytes)
        .map_err(|source| BaselineError::Syntax { path: path.to_owned(), source })
}
