//! Whether a benchmark can reach something that differs between the sides, though
//! its own executable is the same: a program that it starts, a library that it
//! loads, a file that it reads.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::identity::{Identity, compare};
use crate::drive::{BenchExecutable, contains};

/// Names of what differs. An executable that holds none of them cannot name what it
/// would have to open.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    names: BTreeSet<Vec<u8>>,
}

/// Extensions of files that no benchmark reads: sources are in the executable, and
/// the others are for people.
const UNREAD_KINDS: [&str; 4] = ["rs", "md", "adoc", "lock"];
/// Files for cargo, git and this gate, which no benchmark reads.
const UNREAD: [&str; 6] = [
    ".gitattributes",
    ".gitignore",
    ".gitmodules",
    "Cargo.toml",
    "gate.toml",
    "rust-toolchain.toml",
];

impl Reach {
    /// What differs between the programs of both builds, by file name, and among
    /// files: those that changed, from the repository's root.
    pub fn new(
        base: &BTreeMap<OsString, PathBuf>,
        head: &BTreeMap<OsString, PathBuf>,
        files: &[PathBuf],
    ) -> Self {
        let mut names = BTreeSet::new();
        for name in base.keys().chain(head.keys()).collect::<BTreeSet<_>>() {
            let same = match (base.get(name), head.get(name)) {
                (Some(base), Some(head)) => same_code(base, head),
                _ => false,
            };
            if !same {
                names.insert(name.as_encoded_bytes().to_vec());
                // A program may be looked for by its target's name.
                let stem = Path::new(name).file_stem().unwrap_or(name);
                names.insert(stem.as_encoded_bytes().to_vec());
            }
        }
        for file in files.iter().filter(|file| is_read(file)) {
            // A directory may be listed, so each name on the way counts.
            names.extend(file.iter().map(|name| name.as_encoded_bytes().to_vec()));
        }
        Self { names }
    }

    /// Whether the executable holds one of the names; one that cannot be read does.
    pub fn is_reached_by(&self, executable: &Path) -> bool {
        if self.names.is_empty() {
            return false;
        }
        let Ok(bytes) = std::fs::read(executable) else { return true };
        self.names.iter().any(|name| contains(&bytes, name))
    }
}

fn is_read(file: &Path) -> bool {
    let kind = file.extension().and_then(OsStr::to_str).unwrap_or_default();
    let name = file.file_name().and_then(OsStr::to_str).unwrap_or_default();
    !UNREAD_KINDS.contains(&kind) && !UNREAD.contains(&name)
}

fn same_code(base: &Path, head: &Path) -> bool {
    let (base, head) = (BenchExecutable::ready(base), BenchExecutable::ready(head));
    matches!(compare(&base, &head), Identity::Identical { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn programs(files: &[(&str, &Path)]) -> BTreeMap<OsString, PathBuf> {
        files.iter().map(|(name, path)| (OsString::from(*name), (*path).to_owned())).collect()
    }

    #[test]
    fn an_executable_reaches_what_it_names() {
        let directory = tempfile::tempdir().unwrap();
        let bench = directory.path().join("bench");
        std::fs::write(&bench, "..release/my-tool..benches/data..").unwrap();
        let own = std::env::current_exe().unwrap();
        let same = programs(&[("my-tool", &own)]);
        let files = |names: &[&str]| names.iter().map(PathBuf::from).collect::<Vec<_>>();
        let reached = |base: &BTreeMap<_, _>, names: &[&str]| {
            Reach::new(base, &same, &files(names)).is_reached_by(&bench)
        };
        assert!(!reached(&same, &[]), "nothing differs");
        assert!(reached(&programs(&[]), &[]), "a new program that it names");
        assert!(reached(&programs(&[("my-tool", &bench)]), &[]), "another program");
        assert!(!reached(&same, &["src/lib.rs", "README.md", "Cargo.toml", "other/words.txt"]));
        assert!(reached(&same, &["benches/data/words.txt"]), "it may list the directory");
    }
}
