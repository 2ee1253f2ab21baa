//! Files that are read up to a limit, and files that are replaced as a whole.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Every temporary file's name starts and ends with these.
const PREFIX: &str = ".benchgate-";
const SUFFIX: &str = ".tmp";

/// The writer of an older temporary file was killed.
const ABANDONED_AFTER: Duration = Duration::from_hours(1);

/// Why a file was not read. It does not name the file: callers report that in their
/// own errors.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system's error.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A directory, a pipe or a device.
    #[error("is not a regular file")]
    NotAFile,
    /// Larger than the limit.
    #[error("is larger than the limit")]
    TooLarge {
        /// The file's size, or the part of it that was read, if it has grown since.
        bytes: u64,
    },
}

/// Reads a regular file of at most `limit` bytes.
///
/// # Errors
///
/// The file cannot be read, is not a regular file or has more bytes; see [`ReadError`].
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
    // Checked before opening: opening a pipe would wait for its writer.
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(ReadError::NotAFile);
    }
    if metadata.len() > limit {
        return Err(ReadError::TooLarge { bytes: metadata.len() });
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    // The file may have grown since.
    match bytes.len() as u64 {
        read if read > limit => Err(ReadError::TooLarge { bytes: read }),
        _ => Ok(bytes),
    }
}

/// Whether an existing file may be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Keep the existing file and fail.
    Refuse,
    /// Replace the existing file.
    Replace,
}

/// A file that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {source}", path.display())]
pub struct WriteError {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// Writes a file in one step, and creates its directory if it is missing. Readers and later
/// writers see either the old or the new content, never a part, even if this process is
/// killed.
///
/// # Errors
///
/// The system refused, or the file exists and [`Existing::Refuse`] was given: then the
/// kind is [`io::ErrorKind::AlreadyExists`], also if two writers race.
pub fn write(path: &Path, bytes: &[u8], existing: Existing) -> Result<(), WriteError> {
    put(path, bytes, existing).map_err(|source| WriteError { path: path.to_owned(), source })
}

fn put(path: &Path, bytes: &[u8], existing: Existing) -> io::Result<()> {
    let directory = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    // The parent of a bare file name is "", which cannot be opened.
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    std::fs::create_dir_all(directory)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).suffix(SUFFIX);
    // Temporary files are private by default. These become files of a repository, so
    // others may read them as far as the umask allows.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut temporary = builder.tempfile_in(directory)?;
    temporary.write_all(bytes)?;
    // The content has to reach the disk before the name does.
    temporary.as_file().sync_all()?;
    let persisted = match existing {
        Existing::Refuse => temporary.persist_noclobber(path),
        Existing::Replace => temporary.persist(path),
    };
    persisted.map_err(|refused| refused.error)?;
    // The new name is part of the directory. Other systems cannot open a directory, and
    // keep the order themselves.
    if cfg!(unix) {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}

/// Copies a file with the time when it was last modified.
///
/// # Errors
///
/// One of the files cannot be read or written.
pub fn copy_with_time(from: &Path, to: &Path) -> io::Result<()> {
    fs_err::copy(from, to)?;
    // Opened for reading: its owner may change the time of a file that nobody may write.
    let modified = fs_err::metadata(from)?.modified()?;
    fs_err::File::open(to)?.file().set_modified(modified)
}

/// Whether the file is a temporary file that a killed writer left behind.
pub fn is_abandoned(path: &Path, now: SystemTime) -> bool {
    let named = path
        .file_name()
        .and_then(|name| name.to_str())
        .is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX));
    named
        && std::fs::symlink_metadata(path)
            .and_then(|metadata| metadata.modified())
            .ok()
            .and_then(|written| now.duration_since(written).ok())
            .is_some_and(|age| age > ABANDONED_AFTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_limit() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("file");
        std::fs::write(&path, "1234").expect("written");
        assert_eq!(read(&path, 4).expect("read"), b"1234");
        assert!(matches!(read(&path, 3), Err(ReadError::TooLarge { bytes: 4 })));
        assert!(matches!(read(directory.path(), 4), Err(ReadError::NotAFile)));
        let missing = read(&directory.path().join("none"), 4);
        assert!(
            matches!(missing, Err(ReadError::Io(error)) if error.kind() == io::ErrorKind::NotFound)
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_without_a_known_size_is_read_up_to_the_limit() {
        // The size of a file in /proc is 0, whatever it holds.
        assert!(matches!(
            read(Path::new("/proc/self/status"), 10),
            Err(ReadError::TooLarge { bytes: 11 })
        ));
    }

    #[test]
    fn an_existing_file_is_replaced_only_if_allowed() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("new/file");
        write(&path, b"first", Existing::Refuse).expect("written");
        let error = write(&path, b"second", Existing::Refuse).expect_err("exists");
        assert_eq!(error.source.kind(), io::ErrorKind::AlreadyExists);
        assert!(error.to_string().starts_with(&format!("cannot write {}: ", path.display())));
        assert_eq!(std::fs::read(&path).expect("read"), b"first");
        write(&path, b"second", Existing::Replace).expect("replaced");
        assert_eq!(std::fs::read(&path).expect("read"), b"second");
        let names = std::fs::read_dir(directory.path().join("new")).expect("listed");
        assert_eq!(names.count(), 1, "a temporary file was left");
    }
}
