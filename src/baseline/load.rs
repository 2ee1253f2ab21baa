//! Stored files as bytes and as JSON, before anything in them is checked.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use jiff::Timestamp;
use serde::de::DeserializeOwned;

use super::error::BaselineError;

/// The largest file that is read: 256 MiB.
pub const MAX_FILE_BYTES: u64 = 256 << 20;

/// A file's bytes, and when they were written.
pub(super) struct Content {
    pub(super) bytes: Vec<u8>,
    pub(super) written: Timestamp,
}

/// Reads a regular file of bounded size.
pub(super) fn file(path: &Path) -> Result<Content, BaselineError> {
    let refused = |source| BaselineError::Io { action: "read", path: path.to_owned(), source };
    // Before it is opened: opening a pipe would wait for its writer.
    let metadata = std::fs::metadata(path).map_err(refused)?;
    if !metadata.is_file() {
        return Err(BaselineError::NotAFile { path: path.to_owned() });
    }
    let too_large =
        |bytes| BaselineError::TooLarge { path: path.to_owned(), bytes, limit: MAX_FILE_BYTES };
    if metadata.len() > MAX_FILE_BYTES {
        return Err(too_large(metadata.len()));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(refused)?;
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(refused)?;
    // It may have grown since.
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(too_large(bytes.len() as u64));
    }
    let written = metadata
        .modified()
        .and_then(|time| Timestamp::try_from(time).map_err(io::Error::other))
        .unwrap_or(Timestamp::UNIX_EPOCH);
    Ok(Content { bytes, written })
}

/// JSON of a snapshot or an export.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8], path: &Path) -> Result<T, BaselineError> {
    serde_json::from_slice(bytes)
        .map_err(|source| BaselineError::Syntax { path: path.to_owned(), source })
}
