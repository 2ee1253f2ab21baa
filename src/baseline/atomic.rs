//! A file replaced whole: readers and later writers see the previous or the
//! next content, never half of one, whenever the writer dies.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// What a temporary's name starts and ends with.
const PREFIX: &str = ".benchgate-";
const SUFFIX: &str = ".tmp";

/// A temporary older than this belongs to a writer that died.
const ABANDONED_AFTER: Duration = Duration::from_hours(1);

/// Whether a file that is there may be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and the save fails.
    Refuse,
    /// It is replaced.
    Replace,
}

/// Puts `bytes` at `path` in one step. The content reaches the disk before the
/// name does, and the name before this returns.
///
/// With [`Existing::Refuse`] a file that is there gives
/// [`io::ErrorKind::AlreadyExists`], also where two writers race.
pub(super) fn write(path: &Path, bytes: &[u8], existing: Existing) -> io::Result<()> {
    let directory = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    // A bare file name lies in the working directory, which cannot be opened as "".
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    std::fs::create_dir_all(directory)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).suffix(SUFFIX);
    // A temporary is private by default; a baseline is as readable as any
    // other file of a repository (the umask still applies).
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut temporary = builder.tempfile_in(directory)?;
    temporary.write_all(bytes)?;
    temporary.as_file().sync_all()?;
    let persisted = match existing {
        Existing::Refuse => temporary.persist_noclobber(path),
        Existing::Replace => temporary.persist(path),
    };
    persisted.map_err(|refused| refused.error)?;
    // The rename itself lives in the directory. Elsewhere directories cannot
    // be opened, and the system keeps their order itself.
    if cfg!(unix) {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}

/// Whether the file is a temporary that a dead writer left behind.
pub(super) fn is_abandoned(path: &Path, now: SystemTime) -> bool {
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
