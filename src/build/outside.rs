//! Path dependencies that are outside of the repository.
//!
//! A checkout is elsewhere, so their relative paths would lead nowhere. They are
//! used from where they are, by links at the places that the paths lead to. Both
//! sides use the same files.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Component, Path, PathBuf};

use fs_err as fs;
use toml::Table;

use super::git::{Git, GitError};

/// The directories that manifests of a repository name and that are outside of it:
/// paths from the repository's root, all of which begin with `..`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outside {
    directories: BTreeSet<PathBuf>,
    /// Those that are named by a whole path: both sides find them without help.
    absolute: BTreeSet<PathBuf>,
}

impl Outside {
    /// Those of the working tree at `root` and of a commit.
    ///
    /// # Errors
    /// git cannot read the manifests.
    pub fn of(root: &Path, commit: &str) -> Result<Self, GitError> {
        let mut found = Self::default();
        for (manifest, path) in paths(root, Some(commit))?.into_iter().chain(paths(root, None)?) {
            found.add(manifest.parent().unwrap_or(Path::new("")), &path);
        }
        // They may have path dependencies of their own.
        let mut open: Vec<PathBuf> = found.directories.iter().cloned().collect();
        let mut seen = BTreeSet::new();
        while let Some(directory) = open.pop() {
            if !seen.insert(directory.clone()) {
                continue;
            }
            if let Some(workspace) = workspace_above(root, &directory) {
                found.directories.insert(workspace);
            }
            let manifest = root.join(&directory).join("Cargo.toml");
            let text = std::fs::read_to_string(manifest).unwrap_or_default();
            for path in text.lines().flat_map(named_paths) {
                open.extend(found.add(&directory, &path));
            }
        }
        Ok(found)
    }

    /// Takes a path that a manifest in `directory` names, if it leads outside.
    fn add(&mut self, directory: &Path, path: &str) -> Option<PathBuf> {
        let path = normalised(&directory.join(path));
        if path.is_absolute() {
            self.absolute.insert(path);
            return None;
        }
        let outside = path.starts_with("..");
        outside.then(|| self.directories.insert(path.clone()));
        outside.then_some(path)
    }

    /// Where they are, and whether they exist.
    pub(super) fn places(&self, root: &Path) -> Vec<(PathBuf, bool)> {
        let place = |directory: &PathBuf| {
            let path = normalised(&root.join(directory));
            let exists = path.exists();
            (path, exists)
        };
        self.directories.iter().map(place).collect()
    }

    /// How many directories above the repository they reach.
    pub fn up(&self) -> usize {
        let up = |path: &PathBuf| {
            path.components().take_while(|part| *part == Component::ParentDir).count()
        };
        self.directories.iter().map(up).max().unwrap_or(0)
    }

    /// Makes them reachable from `checkout` as they are from `root`; returns where
    /// they really are, and those that need no link because their path is absolute.
    ///
    /// # Errors
    /// A link cannot be made.
    pub fn link(&self, root: &Path, checkout: &Path) -> io::Result<Vec<PathBuf>> {
        let mut linked: BTreeMap<PathBuf, PathBuf> = BTreeMap::new();
        for directory in &self.directories {
            let Ok(real) = fs::canonicalize(root.join(directory)) else { continue };
            let link = normalised(&checkout.join(directory));
            // Sorted: a directory comes before what is inside of it.
            if linked.keys().any(|above| link.starts_with(above)) || checkout.starts_with(&link) {
                continue;
            }
            make_link(&real, &link)?;
            linked.insert(link, real);
        }
        let absolute = self.absolute.iter().filter(|path| path.exists()).cloned();
        Ok(linked.into_values().chain(absolute).collect())
    }
}

fn make_link(real: &Path, link: &Path) -> io::Result<()> {
    if std::fs::read_link(link).is_ok_and(|to| to == real) {
        return Ok(());
    }
    if let Some(parent) = link.parent() {
        fs::create_dir_all(parent)?;
    }
    match link.symlink_metadata() {
        Ok(found) if found.is_dir() => fs::remove_dir_all(link)?,
        Ok(_) => fs::remove_file(link)?,
        Err(_) => {}
    }
    fs_err::os::unix::fs::symlink(real, link)
}

/// The manifests of a commit, or of the working tree, and the paths they name.
fn paths(root: &Path, commit: Option<&str>) -> Result<Vec<(PathBuf, String)>, GitError> {
    let mut arguments = vec!["grep", "--null", "-I", "-e", "path *= *[\"']"];
    arguments.extend(if commit.is_some() { None } else { Some("--untracked") });
    arguments.extend(commit);
    arguments.extend(["--", ":(glob)**/Cargo.toml"]);
    // It exits with 1 where nothing was found.
    let found = Git::in_repository(root).args(&arguments).text();
    let text = match found {
        Ok(text) => text,
        Err(error) if error.message.starts_with("exit status: 1") => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let lines = text.lines().filter_map(|line| line.split_once('\0'));
    let named = lines.flat_map(|(name, line)| {
        // A commit's files are shown as `COMMIT:PATH`.
        let prefix = commit.map(|commit| format!("{commit}:")).unwrap_or_default();
        let manifest = PathBuf::from(name.strip_prefix(&prefix).unwrap_or(name));
        named_paths(line).into_iter().map(move |path| (manifest.clone(), path))
    });
    Ok(named.collect())
}

/// The values of the `path` keys in a line of a manifest. What is not a path
/// dependency (`[lib] path`) rarely leads outside, and is needed if it does.
fn named_paths(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = line.split('#').next().unwrap_or_default();
    while let Some(at) = rest.find("path") {
        let key = rest[..at].ends_with(|c: char| c.is_alphanumeric() || c == '-' || c == '_');
        rest = &rest[at + "path".len()..];
        let Some(value) = rest.trim_start().strip_prefix('=').map(str::trim_start) else {
            continue;
        };
        let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
            continue;
        };
        if let (false, Some((path, _))) = (key, value[1..].split_once(quote)) {
            found.push(path.to_owned());
        }
    }
    found
}

/// The workspace that a package outside belongs to, unless the repository is inside
/// of it, too.
fn workspace_above(root: &Path, directory: &Path) -> Option<PathBuf> {
    let real = fs::canonicalize(root).ok()?;
    let mut above = directory.to_owned();
    loop {
        let place = fs::canonicalize(root.join(&above)).ok()?;
        if real.starts_with(&place) {
            return None;
        }
        let text = std::fs::read_to_string(place.join("Cargo.toml")).unwrap_or_default();
        if text.parse::<Table>().is_ok_and(|manifest| manifest.contains_key("workspace")) {
            return (above != directory).then_some(above);
        }
        above = normalised(&above.join(".."));
    }
}

/// A path without `.` and, as far as possible, without `..`, as cargo understands
/// it: links are not followed.
fn normalised(path: &Path) -> PathBuf {
    let mut parts = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(parts.components().next_back(), Some(Component::Normal(_))) =>
            {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_dependencies_are_found_in_each_way_of_writing() {
        let of = |line: &str| named_paths(line);
        assert_eq!(of(r#"a = { path = "../a" }"#), ["../a"]);
        assert_eq!(of("path='../b'"), ["../b"]);
        assert_eq!(of(r#"x = { version = "1", path = "x/y", default-path = "no" }"#), ["x/y"]);
        assert_eq!(of(r#"# path = "../c""#), [""; 0]);
        assert_eq!(of("path = true"), [""; 0]);
    }

    #[test]
    fn only_what_leads_outside_is_kept() {
        let mut outside = Outside::default();
        for (directory, path) in
            [("", "../a"), ("crates/x", "../y"), ("crates/x", "../../../b/c"), ("", "/abs")]
        {
            outside.add(Path::new(directory), path);
        }
        let found: Vec<_> = outside.directories.iter().map(|path| path.to_str().unwrap()).collect();
        assert_eq!(found, ["../a", "../b/c"]);
        assert_eq!(outside.up(), 1);
        outside.add(Path::new(""), "../../z");
        assert_eq!(outside.up(), 2);
    }

    #[test]
    fn a_workspace_is_found_in_each_way_of_writing() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("main");
        let shared = directory.path().join("shared");
        std::fs::create_dir_all(shared.join("inner")).unwrap();
        std::fs::create_dir_all(&root).unwrap();
        let found = |manifest: &str| {
            std::fs::write(shared.join("Cargo.toml"), manifest).unwrap();
            workspace_above(&root, Path::new("../shared/inner"))
        };
        for manifest in
            ["[workspace]\n", "workspace.members = ['inner']\n", "[ workspace . package ]\n"]
        {
            assert_eq!(found(manifest).as_deref(), Some(Path::new("../shared")), "{manifest}");
        }
        assert_eq!(found("[package]\nname = 'shared'\n"), None);
    }

    #[test]
    fn a_link_leads_to_where_it_is_and_only_the_outermost_is_made() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("w/main");
        std::fs::create_dir_all(&root).unwrap();
        std::fs::create_dir_all(directory.path().join("w/shared/inner")).unwrap();
        let checkout = directory.path().join("place/src/main");
        std::fs::create_dir_all(&checkout).unwrap();
        let mut outside = Outside::default();
        for path in ["../shared", "../shared/inner", "../missing"] {
            outside.add(Path::new(""), path);
        }
        for _ in 0..2 {
            let linked = outside.link(&root, &checkout).unwrap();
            assert_eq!(linked, [fs::canonicalize(directory.path().join("w/shared")).unwrap()]);
            assert!(checkout.join("../shared/inner").is_dir());
        }
    }
}
