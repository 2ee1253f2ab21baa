//! A checkout of a commit or of the working tree, as a clone would give it.
//!
//! Each checkout is a repository of its own with a working `.git`: build scripts
//! can ask it for its commit, its tags and whether it is dirty. It borrows the
//! objects of the user's repository, so nothing is copied, and git writes the
//! files: attributes, filters and line endings take effect as in any clone. The
//! user's repository is only read.
//!
//! A working tree is first stored as a git tree, in the checkout's own object
//! directory, and then checked out like a commit. Files that did not change keep
//! their times, so cargo does not build them again.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::git::{Git, GitError};
use super::repository::Source;

/// Why a source could not be checked out.
#[derive(Debug, thiserror::Error)]
pub enum CheckoutError {
    /// git could not be run, or refused.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A commit of a submodule is neither here nor where the submodule comes from.
    #[error(
        "the submodule {path} is not available at commit {commit}; get it with \
         `git submodule update --init {path}` at that revision: {source}"
    )]
    Submodule {
        /// Where it is, in the repository.
        path: String,
        /// The commit that is needed.
        commit: String,
        /// What git said when it tried to fetch it.
        source: GitError,
    },
    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Settings of the user's repository that change the contents of files, or where
/// git finds objects.
const SETTINGS: &str = r"^(core\.(autocrlf|eol|symlinks|filemode|ignorecase|longpaths|precomposeunicode)|filter\..*|lfs\..*|remote\..*|extensions\.partialclone)$";

/// A list of refs that the checkout has already.
const REFS: &str = "benchgate-refs";
/// An index of the user's working tree.
const INDEX: &str = "benchgate-index";

/// The repository that a checkout is made from: the user's, or that of a submodule.
struct Origin {
    /// Its working tree, where it has one.
    tree: Option<PathBuf>,
    /// Its git directory: refs, HEAD and index.
    git_dir: PathBuf,
    /// The git directory that all its working trees share: objects and settings.
    common: PathBuf,
}

impl Origin {
    fn of_tree(root: &Path) -> Result<Self, GitError> {
        let ask = |what: &str| {
            Git::in_repository(root).args(["rev-parse", what]).text().map(|path| root.join(path))
        };
        let (git_dir, common) = (ask("--absolute-git-dir")?, ask("--git-common-dir")?);
        Ok(Self { tree: Some(root.to_owned()), git_dir, common })
    }

    fn git(&self) -> Git {
        match &self.tree {
            Some(root) => Git::in_repository(root),
            // Its settings name a working tree that need not exist.
            None => Git::in_checkout(&self.common)
                .env("GIT_DIR", &self.git_dir)
                .env("GIT_WORK_TREE", &self.common),
        }
    }

    fn objects(&self) -> PathBuf {
        self.common.join("objects")
    }
}

/// Checks a source of the repository at `root` out into `directory`, which is made
/// where it is missing. `leave_out` is a directory inside of the repository that is
/// never part of a working tree: where cargo builds.
///
/// Submodules are included where the user has them. Files of an earlier checkout
/// that this one lacks are removed; ignored ones stay.
///
/// Returns the names of the git trees that were checked out, of the repository and then
/// of its submodules: equal trees are equal files.
///
/// # Errors
/// git refuses, a submodule's commit is not available, or a file cannot be written.
pub fn check_out(
    root: &Path,
    source: &Source,
    directory: &Path,
    leave_out: Option<&Path>,
) -> Result<Vec<String>, CheckoutError> {
    update(&Origin::of_tree(root)?, source, directory, leave_out)
}

fn update(
    origin: &Origin,
    source: &Source,
    directory: &Path,
    leave_out: Option<&Path>,
) -> Result<Vec<String>, CheckoutError> {
    open(origin, directory)?;
    let (commit, tree) = match source {
        Source::Commit(commit) => (commit.clone(), format!("{commit}^{{tree}}")),
        Source::WorkingTree => {
            let head = origin.git().args(["rev-parse", "--verify", "HEAD^{commit}"]).text()?;
            (head, snapshot(origin, directory, leave_out)?)
        }
    };
    obtain(origin, directory, &commit)?;
    let git = || Git::in_checkout(directory);
    // Detached, as in a clone that was told to check out a commit.
    git().args(["update-ref", "--no-deref", "HEAD", &commit]).bytes()?;
    git().args(["read-tree", "--reset", "-u", &tree]).bytes()?;
    git().args(["clean", "-ffdq"]).bytes()?;
    let mut trees = vec![git().args(["rev-parse", "--verify", &tree]).text()?];
    trees.extend(submodules(origin, source, directory)?);
    Ok(trees)
}

/// Makes `directory` a repository that finds the objects of `origin`.
fn open(origin: &Origin, directory: &Path) -> Result<(), CheckoutError> {
    let own = directory.join(".git");
    if !own.join("HEAD").exists() {
        fs::create_dir_all(directory)?;
        let format = origin.git().args(["rev-parse", "--show-object-format"]).text()?;
        let format = format!("--object-format={format}");
        Git::in_checkout(directory).args(["init", "--quiet", "--template=", &format]).bytes()?;
    }
    fs::create_dir_all(own.join("info"))?;
    fs::create_dir_all(own.join("objects/info"))?;
    let objects = fs::canonicalize(origin.objects())?;
    fs::write(own.join("objects/info/alternates"), format!("{}\n", objects.display()))?;
    copy_or_remove(&origin.common.join("shallow"), &own.join("shallow"))?;
    copy_or_remove(&origin.common.join("info/attributes"), &own.join("info/attributes"))?;
    settings(origin, directory)?;
    refs(origin, directory)
}

fn copy_or_remove(from: &Path, to: &Path) -> io::Result<()> {
    if from.is_file() {
        fs::copy(from, to).map(drop)
    } else if to.exists() {
        fs::remove_file(to)
    } else {
        Ok(())
    }
}

/// Gives the checkout the settings of the origin that matter.
fn settings(origin: &Origin, directory: &Path) -> Result<(), CheckoutError> {
    // Exits with 1 where there are none.
    let listed = origin.git().args(["config", "--null", "--local", "--get-regexp", SETTINGS]);
    let listed = listed.bytes().unwrap_or_default();
    let mut wanted: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entry in listed.split(|byte| *byte == 0).filter(|entry| !entry.is_empty()) {
        let entry = String::from_utf8_lossy(entry);
        let (key, value) = entry.split_once('\n').unwrap_or((&entry, "true"));
        wanted.entry(key.to_owned()).or_default().push(value.to_owned());
    }
    let lfs = origin.common.join("lfs");
    if lfs.is_dir() && !wanted.contains_key("lfs.storage") {
        wanted.insert("lfs.storage".to_owned(), vec![lfs.display().to_string()]);
    }
    // A remote's relative path is meant from the origin's root.
    if let (Some(root), Some(urls)) = (&origin.tree, wanted.get_mut("remote.origin.url")) {
        for url in urls.iter_mut().filter(|url| url.starts_with('.')) {
            *url = root.join(&url).display().to_string();
        }
    }
    let path = directory.join(".git/benchgate-settings");
    let text: String = wanted
        .iter()
        .flat_map(|(key, values)| values.iter().map(move |value| format!("{key}\n{value}\n")))
        .collect();
    if fs::read_to_string(&path).ok().as_deref() == Some(&text) {
        return Ok(());
    }
    let git = || Git::in_checkout(directory);
    if wanted.contains_key("extensions.partialclone") {
        git().args(["config", "core.repositoryformatversion", "1"]).bytes()?;
    }
    for (key, values) in &wanted {
        // Exits with 5 where it is not set.
        let _ = git().args(["config", "--unset-all", key]).bytes();
        for value in values {
            git().args(["config", "--add", key, value]).bytes()?;
        }
    }
    Ok(fs::write(path, text)?)
}

/// Gives the checkout the origin's branches and tags.
fn refs(origin: &Origin, directory: &Path) -> Result<(), CheckoutError> {
    let list = ["for-each-ref", "--format=%(objectname) %(refname) %(symref)"];
    let kinds = ["refs/heads", "refs/tags", "refs/remotes"];
    let wanted = origin.git().args(list).args(kinds).text()?;
    let path = directory.join(".git").join(REFS);
    let known = fs::read_to_string(&path).unwrap_or_default();
    if known == wanted {
        return Ok(());
    }
    let names = |text: &str| -> BTreeMap<String, String> {
        let plain = text.lines().filter_map(|line| {
            let mut words = line.splitn(3, ' ');
            let (object, name, symbolic) = (words.next()?, words.next()?, words.next()?);
            symbolic.is_empty().then(|| (name.to_owned(), object.to_owned()))
        });
        plain.collect()
    };
    let (old, new) = (names(&known), names(&wanted));
    let gone = old.keys().filter(|name| !new.contains_key(*name));
    let changed = new.iter().filter(|(name, object)| old.get(*name) != Some(object));
    let orders: Vec<String> = gone
        .map(|name| format!("delete {name}"))
        .chain(changed.map(|(name, object)| format!("update {name} {object}")))
        .collect();
    let orders = orders.join("\n") + "\n";
    Git::in_checkout(directory).args(["update-ref", "--stdin"]).feed(orders.as_bytes())?;
    Ok(fs::write(path, wanted)?)
}

/// Stores the working tree of the origin as a git tree; its name.
fn snapshot(
    origin: &Origin,
    directory: &Path,
    leave_out: Option<&Path>,
) -> Result<String, CheckoutError> {
    let index = directory.join(".git").join(INDEX);
    // The user's own index says what is tracked though it is ignored, and which
    // files have not changed since git last read them.
    let own = origin.git_dir.join("index");
    copy_or_remove(&own, &index)?;
    // A file that is as new as the index is read again, so the copy must not be newer.
    if let Ok(time) = own.metadata().and_then(|metadata| metadata.modified()) {
        fs::OpenOptions::new().write(true).open(&index)?.set_modified(time)?;
    }
    if let Ok(tree) = add_all(origin, directory, &index, leave_out) {
        return Ok(tree);
    }
    // An index that is split, or of a newer git, cannot be used from a copy.
    fs::remove_file(&index)?;
    with_own_objects(origin.git(), origin, directory, &index)
        .args(["read-tree", "HEAD"])
        .bytes()?;
    Ok(add_all(origin, directory, &index, leave_out)?)
}

fn with_own_objects(git: Git, origin: &Origin, directory: &Path, index: &Path) -> Git {
    git.env("GIT_INDEX_FILE", index)
        .env("GIT_OBJECT_DIRECTORY", directory.join(".git/objects"))
        .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", origin.objects())
}

fn add_all(
    origin: &Origin,
    directory: &Path,
    index: &Path,
    leave_out: Option<&Path>,
) -> Result<String, GitError> {
    let own = |git: Git| with_own_objects(git, origin, directory, index);
    let mut arguments = [
        "-c",
        "core.fsmonitor=false",
        "-c",
        "core.safecrlf=false",
        "-c",
        "advice.addEmbeddedRepo=false",
        "add",
        "--all",
    ]
    .map(str::to_owned)
    .to_vec();
    // Files outside of a sparse checkout are in the index alone, and stay in it.
    let sparse = origin.git().args(["config", "--bool", "core.sparseCheckout"]).text();
    arguments.extend(sparse.is_ok_and(|sparse| sparse == "true").then(|| "--sparse".to_owned()));
    arguments.extend(["--".to_owned(), ".".to_owned()]);
    let inside = origin.tree.as_ref().and_then(|root| leave_out?.strip_prefix(root).ok());
    // git refuses to leave out what it ignores anyway.
    let is_ignored = |path: &&Path| {
        let path = format!("{}/", path.display());
        origin.git().args(["check-ignore", "--quiet", &path]).bytes().is_ok()
    };
    let left_out = inside.filter(|path| !is_ignored(path));
    arguments.extend(left_out.map(|path| format!(":(exclude,top,literal){}", path.display())));
    own(origin.git()).args(&arguments).bytes()?;
    own(origin.git()).args(["write-tree"]).text()
}

/// Sees to it that the checkout has a commit.
fn obtain(origin: &Origin, directory: &Path, commit: &str) -> Result<(), GitError> {
    let git = || Git::in_checkout(directory);
    let name = format!("{commit}^{{commit}}");
    if git().args(["cat-file", "-e", &name]).bytes().is_ok() {
        return Ok(());
    }
    let url = origin.git().args(["config", "remote.origin.url"]).text()?;
    let url = origin.tree.as_ref().map_or_else(
        || url.clone(),
        |root| {
            if url.starts_with('.') { root.join(&url).display().to_string() } else { url.clone() }
        },
    );
    git().args(["fetch", "--quiet", "--no-write-fetch-head", &url, commit]).bytes().map(drop)
}

/// Checks out the submodules that the user has; their trees.
fn submodules(
    origin: &Origin,
    source: &Source,
    directory: &Path,
) -> Result<Vec<String>, CheckoutError> {
    let listed = Git::in_checkout(directory).args(["ls-files", "--stage", "-z"]).bytes()?;
    let links = listed.split(|byte| *byte == 0).filter_map(|line| {
        // `MODE HASH STAGE<tab>PATH`
        let line = String::from_utf8_lossy(line).into_owned();
        let (entry, path) = line.split_once('\t')?;
        let mut words = entry.split(' ');
        (words.next() == Some("160000"))
            .then(|| (words.next().unwrap_or_default().to_owned(), path.to_owned()))
    });
    let links: Vec<(String, String)> = links.collect();
    if links.is_empty() {
        return Ok(Vec::new());
    }
    let mut trees = Vec::new();
    let names = submodule_names(directory);
    for (commit, path) in links {
        let Some(from) = submodule(origin, &path, names.get(&path))? else { continue };
        let inner = match (source, &from.tree) {
            (Source::WorkingTree, Some(_)) => Source::WorkingTree,
            _ => Source::Commit(commit.clone()),
        };
        let updated = update(&from, &inner, &directory.join(&path), None);
        trees.extend(updated.map_err(|error| match error {
            CheckoutError::Git(source) if inner != Source::WorkingTree => {
                CheckoutError::Submodule { path, commit, source }
            }
            error => error,
        })?);
    }
    Ok(trees)
}

/// The paths of the submodules of a working tree, as `.gitmodules` names them.
pub(super) fn submodule_paths(root: &Path) -> Vec<String> {
    submodule_names(root).into_keys().collect()
}

/// The names of submodules by their paths.
fn submodule_names(directory: &Path) -> BTreeMap<String, String> {
    let listed = Git::in_checkout(directory)
        .args([
            "config",
            "--null",
            "--file",
            ".gitmodules",
            "--get-regexp",
            r"^submodule\..*\.path$",
        ])
        .bytes()
        .unwrap_or_default();
    let entries = listed.split(|byte| *byte == 0).filter_map(|entry| {
        let entry = String::from_utf8_lossy(entry).into_owned();
        let (key, path) = entry.split_once('\n')?;
        let name = key.strip_prefix("submodule.")?.strip_suffix(".path")?;
        Some((path.to_owned(), name.to_owned()))
    });
    entries.collect()
}

/// The repository of a submodule, where the user has it.
fn submodule(
    origin: &Origin,
    path: &str,
    name: Option<&String>,
) -> Result<Option<Origin>, CheckoutError> {
    if let Some(root) = &origin.tree {
        let tree = root.join(path);
        if tree.join(".git").exists() {
            return Ok(Some(Origin::of_tree(&tree)?));
        }
    }
    // Not in this working tree: at another revision of it, say.
    let stored = name.map(|name| origin.common.join("modules").join(name));
    let stored = stored.filter(|stored| stored.join("objects").is_dir());
    Ok(stored.map(|stored| Origin { tree: None, git_dir: stored.clone(), common: stored }))
}

#[cfg(test)]
mod tests;
