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
    /// Whether a file differs that a program may read.
    files: bool,
    /// Whether a library differs, which a program may open under a name that it composes.
    libraries: bool,
    /// The programs and libraries of the base's build, by file name.
    programs: BTreeMap<OsString, PathBuf>,
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

/// What the file names of libraries contain.
const LIBRARIES: [&[u8]; 2] = [b".so", b".dylib"];
/// The names of functions that open libraries, as an executable lists what it imports.
const OPENS: [&[u8]; 2] = [b"\0dlopen\0", b"\0dlmopen\0"];

/// Variables that name directories of libraries.
const LOADERS: [&str; 2] = ["LD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"];

impl Reach {
    /// What differs between the programs of both builds, by file name, and among
    /// files: those that changed, from the repository's root.
    pub fn new(
        base: &BTreeMap<OsString, PathBuf>,
        head: &BTreeMap<OsString, PathBuf>,
        files: &[PathBuf],
    ) -> Self {
        let mut names = BTreeSet::new();
        let mut libraries = false;
        for name in base.keys().chain(head.keys()).collect::<BTreeSet<_>>() {
            let same = match (base.get(name), head.get(name)) {
                (Some(base), Some(head)) => same_code(base, head),
                _ => false,
            };
            if !same {
                libraries |= LIBRARIES.iter().any(|kind| contains(name.as_encoded_bytes(), kind));
                names.insert(name.as_encoded_bytes().to_vec());
                names.insert(stem(name).to_vec());
            }
        }
        let read: Vec<&PathBuf> = files.iter().filter(|file| is_read(file)).collect();
        for file in &read {
            // A directory may be listed, so each name on the way counts.
            names.extend(file.iter().map(|name| name.as_encoded_bytes().to_vec()));
        }
        Self { names, files: !read.is_empty(), libraries, programs: base.clone() }
    }

    /// Whether the executable of the base, whose code is that of the head's, can reach
    /// something that differs: it, or a program of the build that it names, contains the name of
    /// a program, a file or a variable, or its runner differs. One that cannot be read can.
    pub fn is_reached_by(&self, base: &BenchExecutable, head: &BenchExecutable) -> bool {
        // A runner may be a script, which reads whatever it likes.
        if base.runner != head.runner || self.files && !base.runner.is_empty() {
            return true;
        }
        let variables = differing(&base.environment, &head.environment);
        if self.names.is_empty() && variables.is_empty() {
            return false;
        }
        let names: Vec<&[u8]> = self.names.iter().map(Vec::as_slice).chain(variables).collect();
        let mut left: BTreeMap<&OsString, &PathBuf> = self.programs.iter().collect();
        let mut searched = vec![&base.path];
        while let Some(path) = searched.pop() {
            let Ok(bytes) = std::fs::read(path) else { return true };
            let opens = self.libraries && OPENS.iter().any(|function| contains(&bytes, function));
            if opens || names.iter().any(|name| contains(&bytes, name)) {
                return true;
            }
            let found: Vec<_> =
                left.keys().copied().filter(|name| contains(&bytes, stem(name))).collect();
            searched.extend(found.iter().filter_map(|name| left.remove(*name)));
        }
        false
    }
}

/// A program may be looked for by its target's name.
fn stem(name: &OsStr) -> &[u8] {
    Path::new(name).file_stem().unwrap_or(name).as_encoded_bytes()
}

/// The names of variables that differ. Where the loader looks for libraries does, by the
/// side's name: the libraries themselves are compared.
fn differing<'a>(
    base: &'a BTreeMap<OsString, OsString>,
    head: &'a BTreeMap<OsString, OsString>,
) -> BTreeSet<&'a [u8]> {
    let names = base.keys().chain(head.keys());
    let differ = names.filter(|name| base.get(*name) != head.get(*name));
    let others = differ.filter(|name| !LOADERS.iter().any(|loaders| name == loaders));
    others.map(|name| name.as_encoded_bytes()).collect()
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
        let ready = BenchExecutable::ready(&bench);
        let reached = |base: &BTreeMap<_, _>, names: &[&str]| {
            Reach::new(base, &same, &files(names)).is_reached_by(&ready, &ready)
        };
        assert!(!reached(&same, &[]), "nothing differs");
        assert!(reached(&programs(&[]), &[]), "a new program that it names");
        assert!(reached(&programs(&[("my-tool", &bench)]), &[]), "another program");
        // This program, which is searched too, must not hold the name.
        let other: String = "nevagnihton".chars().rev().collect();
        assert!(!reached(&same, &["src/lib.rs", "README.md", "Cargo.toml", &other]));
        assert!(reached(&same, &["benches/data/words.txt"]), "it may list the directory");
    }

    #[test]
    fn an_executable_that_opens_libraries_reaches_all_of_them() {
        let directory = tempfile::tempdir().unwrap();
        let bench = directory.path().join("bench");
        let own = std::env::current_exe().unwrap();
        let library = programs(&[("libplugin_a.so", &own)]);
        let reached = |text: &str| {
            std::fs::write(&bench, text).unwrap();
            let ready = BenchExecutable::ready(&bench);
            Reach::new(&BTreeMap::new(), &library, &[]).is_reached_by(&ready, &ready)
        };
        assert!(!reached("\0dlsym\0plugin_\0"), "it cannot open any");
        assert!(reached("\0dlopen\0plugin_\0"), "it may compose the name");
    }

    #[test]
    fn a_program_reaches_what_a_program_reads_that_it_starts() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let (bench, tool) = (write("bench", "..my-tool.."), write("my-tool", "..helper.."));
        let helper = write("helper", "..rules/default.toml..");
        let ready = BenchExecutable::ready(&bench);
        let mut reach = Reach::new(&BTreeMap::new(), &BTreeMap::new(), &["rules/x".into()]);
        assert!(!reach.is_reached_by(&ready, &ready));
        reach.programs = programs(&[("my-tool", &tool), ("helper", &helper)]);
        assert!(reach.is_reached_by(&ready, &ready));
    }

    #[test]
    fn a_variable_and_a_runner_are_reached() {
        let directory = tempfile::tempdir().unwrap();
        let bench = directory.path().join("bench");
        std::fs::write(&bench, "..MODE..LD_LIBRARY_PATH..").unwrap();
        let ready = BenchExecutable::ready(&bench);
        let with = |variable: &str| BenchExecutable {
            environment: BTreeMap::from([(variable.into(), "x".into())]),
            ..ready.clone()
        };
        let nothing = Reach::default();
        assert!(nothing.is_reached_by(&ready, &with("MODE")));
        assert!(!nothing.is_reached_by(&with("OTHER"), &ready));
        assert!(!nothing.is_reached_by(&with("LD_LIBRARY_PATH"), &ready));
        let started = BenchExecutable { runner: vec!["tools/run".into()], ..ready.clone() };
        assert!(nothing.is_reached_by(&ready, &started));
        assert!(!nothing.is_reached_by(&started, &started));
        let none = BTreeMap::new();
        let script = Reach::new(&none, &none, &[PathBuf::from("tools/settings")]);
        assert!(script.is_reached_by(&started, &started) && !script.is_reached_by(&ready, &ready));
    }
}
