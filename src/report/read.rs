//! Reads a saved report, so that it can be rendered again.

use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::text::cut;
use crate::files;
use crate::judge::Report;

/// The version of the format that this gate reads.
const KNOWN: u64 = 1;

/// The largest file that is read: 256 MiB.
const MAX_FILE_BYTES: u64 = 256 << 20;

/// The most characters of an error that quotes the file.
const LONGEST_COMPLAINT: usize = 300;

/// Why a saved report could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Not a regular file.
    #[error("{} is not a regular file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// The file is larger than any report.
    #[error(
        "{} has more than {MAX_FILE_BYTES} bytes: this is not a report of `gate`",
        path.display()
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// Not JSON, or cut off.
    #[error(
        "{}:{line}:{column}: this is not a complete report: it {complaint}; \
         write it again with `gate check --format json` or --report",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What is wrong there.
        complaint: String,
    },
    /// JSON, but not a report.
    #[error("{}:{line}:{column}: {key}: {complaint}", path.display())]
    Field {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// The path to the field: `rows[3].change.lower`.
        key: String,
        /// What is wrong with it.
        complaint: String,
    },
    /// Another version of the format.
    #[error(
        "{}: schema_version is {version}, but benchgate {} reads version {KNOWN}: render it with \
         the version that wrote it{}",
        path.display(),
        env!("CARGO_PKG_VERSION"),
        tool.as_ref().map_or_else(String::new, |tool| format!(", {tool}"))
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// The file's version.
        version: u64,
        /// The program that wrote it, according to the file.
        tool: Option<String>,
    },
}

/// The fields that show whether a report can be read here.
#[derive(Deserialize)]
#[serde(expecting = "a report")]
struct Peek {
    schema_version: u64,
    tool: Option<String>,
}

/// Reads a report that `--format json` or `--report` wrote.
///
/// Every field is checked against the format. An unknown field is an error, since
/// it may change the meaning of the others.
///
/// # Errors
///
/// The file cannot be read, or it is not a report of this version; see [`ReadError`].
pub fn read(path: &Path) -> Result<Report, ReadError> {
    let bytes = load(path)?;
    let Peek { schema_version, tool } = parse(&bytes, path)?;
    if schema_version != KNOWN {
        let tool = tool.map(|tool| cut(&tool, LONGEST_COMPLAINT));
        return Err(ReadError::Version { path: path.to_owned(), version: schema_version, tool });
    }
    parse(&bytes, path)
}

fn load(path: &Path) -> Result<Vec<u8>, ReadError> {
    files::read(path, MAX_FILE_BYTES).map_err(|error| match error {
        files::ReadError::Io(source) => ReadError::Io { path: path.to_owned(), source },
        files::ReadError::NotAFile => ReadError::NotAFile { path: path.to_owned() },
        files::ReadError::TooLarge { .. } => ReadError::TooLarge { path: path.to_owned() },
    })
}

fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8], path: &Path) -> Result<T, ReadError> {
    use serde_json::error::Category;

    let mut json = serde_json::Deserializer::from_slice(bytes);
    let read = serde_path_to_error::deserialize(&mut json);
    let (key, error) = match read {
        Ok(value) => match json.end() {
            Ok(()) => return Ok(value),
            Err(error) => (String::new(), error),
        },
        Err(error) => (error.path().to_string(), error.into_inner()),
    };
    let (path, line, column) = (path.to_owned(), error.line(), error.column());
    // The error already names the place.
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or(&text);
    let complaint = cut(text, LONGEST_COMPLAINT);
    Err(match error.classify() {
        Category::Data if key != "." => ReadError::Field { path, line, column, key, complaint },
        Category::Eof => {
            let complaint = "is cut off".to_owned();
            ReadError::Damaged { path, line, column, complaint }
        }
        Category::Data => ReadError::Damaged {
            path,
            line,
            column,
            complaint: format!("does not have the expected content ({complaint})"),
        },
        Category::Syntax | Category::Io => {
            let complaint = format!("is not valid JSON ({complaint})");
            ReadError::Damaged { path, line, column, complaint }
        }
    })
}
