//! Files that tests work on. The goldens include this file, too.

use std::fs;
use std::path::Path;

/// Copies a directory. Every file counts as written now: results that a checkout wrote at
/// different times would look stale.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().unwrap().is_dir() {
            copy(&source, &target);
        } else {
            fs::write(&target, fs::read(&source).unwrap()).unwrap();
            let permissions = fs::metadata(&source).unwrap().permissions();
            fs::set_permissions(&target, permissions).unwrap();
        }
    }
}
