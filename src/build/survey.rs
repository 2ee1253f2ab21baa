//! Facts about a repository that decide how the two sides of a trial are built. Nothing
//! is built, fetched or changed.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::checkout::submodule_paths;
use super::config::Config;
use super::extra::Untracked;
use super::git::{Git, GitError};
use super::outside::Outside;
use super::repository::{Repository, RepositoryError};

/// Facts about a repository and the project in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    /// The repository's topmost directory, without links.
    pub root: PathBuf,
    /// The workspace, if it is not in the repository.
    pub workspace_above: Option<PathBuf>,
    /// The revision with which `gate ab` compares, or why there is none.
    pub base: Result<String, String>,
    /// The workspace's Cargo.lock.
    pub lock: LockFile,
    /// Path dependencies outside the repository; whether each exists.
    pub outside: Vec<(PathBuf, bool)>,
    /// Submodules; whether each is checked out.
    pub submodules: Vec<(String, bool)>,
    /// Whether some files are stored by git LFS, and whether `git lfs` is installed.
    pub lfs: Option<bool>,
    /// Files that git does not track and that sources of benchmarks name.
    pub untracked: Vec<PathBuf>,
    /// Parts that were left out when the repository was cloned or checked out.
    pub left_out: BTreeSet<LeftOut>,
    /// Toolchain files that apply, in the repository or above it.
    pub toolchains: Vec<PathBuf>,
    /// Tables of cargo's configuration that change how benchmarks are built or started,
    /// as `build.rustflags`, and the files that hold them.
    pub settings: Vec<(String, PathBuf)>,
    /// Variables of this process that change how benchmarks are built.
    pub variables: BTreeSet<String>,
}

/// The state of a Cargo.lock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LockFile {
    /// It is committed as it is.
    #[default]
    Committed,
    /// It differs from the commit.
    Changed,
    /// It exists, but git ignores it or does not track it.
    Untracked,
    /// There is none.
    Missing,
}

/// A part that a clone or checkout leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftOut {
    /// Old commits: `git clone --depth`.
    Commits,
    /// Objects: `git clone --filter`.
    Objects,
    /// Files: `git sparse-checkout`.
    Files,
}

/// Variables that change builds, for any directory.
const VARIABLES: [&str; 8] = [
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_ENCODED_RUSTFLAGS",
    "RUSTC",
    "RUSTC_WRAPPER",
    "RUSTFLAGS",
    "RUSTUP_TOOLCHAIN",
    "CARGO_TARGET_DIR",
];
/// How such variables of a profile begin.
const PROFILE: &str = "CARGO_PROFILE_";

impl Survey {
    /// Those of the repository around `directory`, whose project belongs to `workspace`.
    /// `sources` are the files of its benchmarks, and `target` is where cargo builds.
    ///
    /// # Errors
    /// git is not installed, or this is not a repository.
    pub fn of(
        directory: &Path,
        workspace: &Path,
        sources: &[PathBuf],
        target: &Path,
    ) -> Result<Self, GitError> {
        let repository = Repository::of(directory)?;
        let root = repository.root();
        let texts: Vec<String> =
            sources.iter().filter_map(|path| std::fs::read_to_string(path).ok()).collect();
        let untracked = Untracked::of(root, Some(target))?;
        let has_commit = repository.commit("HEAD").is_ok();
        let outside = if has_commit { Outside::of(root, "HEAD")?.places(root) } else { Vec::new() };
        let settled = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let (real_root, real_workspace) = (settled(root), settled(workspace));
        let is_above = !real_workspace.starts_with(&real_root);
        Ok(Self {
            root: real_root,
            workspace_above: is_above.then_some(real_workspace),
            base: repository.merge_base().map_err(|error: RepositoryError| error.to_string()),
            lock: lock(root, workspace),
            outside,
            submodules: submodule_paths(root)
                .into_iter()
                .map(|path| {
                    let exists = root.join(&path).join(".git").exists();
                    (path, exists)
                })
                .collect(),
            lfs: lfs(root),
            untracked: untracked.named_in(&texts).into_iter().cloned().collect(),
            left_out: left_out(root),
            toolchains: toolchains(directory),
            settings: Config::load(directory).notable(),
            variables: variables(std::env::vars_os().filter_map(|(key, _)| key.into_string().ok())),
        })
    }
}

fn succeeds(root: &Path, arguments: &[&OsStr]) -> bool {
    Git::in_repository(root).args(arguments).bytes().is_ok()
}

fn lock(root: &Path, workspace: &Path) -> LockFile {
    let path = workspace.join("Cargo.lock");
    let asked = |words: [&str; 3]| {
        let words = words.iter().map(OsStr::new);
        succeeds(root, &words.chain([path.as_os_str()]).collect::<Vec<_>>())
    };
    if !path.exists() {
        LockFile::Missing
    } else if !asked(["ls-files", "--error-unmatch", "--"]) {
        LockFile::Untracked
    } else if !asked(["diff", "--quiet", "HEAD"]) {
        LockFile::Changed
    } else {
        LockFile::Committed
    }
}

/// Whether `git lfs` is installed, if a file has the attribute `filter=lfs`.
fn lfs(root: &Path) -> Option<bool> {
    let grep = ["grep", "--quiet", "--untracked", "-e", "filter=lfs", "--"].map(OsStr::new);
    let files = [OsStr::new(":(glob)**/.gitattributes")];
    if !succeeds(root, &[&grep[..], &files[..]].concat()) {
        return None;
    }
    Some(succeeds(root, &["lfs", "version"].map(OsStr::new)))
}

fn left_out(root: &Path) -> BTreeSet<LeftOut> {
    let ask = |arguments: &[&str]| Git::in_repository(root).args(arguments).text();
    let is = |arguments: &[&str]| ask(arguments).is_ok_and(|text| text == "true");
    let mut found = BTreeSet::new();
    if is(&["rev-parse", "--is-shallow-repository"]) {
        found.insert(LeftOut::Commits);
    }
    if ask(&["config", "--get-regexp", r"^remote\..*\.promisor$"]).is_ok() {
        found.insert(LeftOut::Objects);
    }
    if is(&["config", "--bool", "core.sparseCheckout"]) {
        found.insert(LeftOut::Files);
    }
    found
}

fn toolchains(workspace: &Path) -> Vec<PathBuf> {
    let names = ["rust-toolchain", "rust-toolchain.toml"];
    // The nearest one counts.
    let found = workspace.ancestors().find_map(|directory| {
        let files = names.map(|name| directory.join(name));
        files.into_iter().find(|file| file.is_file())
    });
    found.into_iter().collect()
}

fn variables(set: impl Iterator<Item = String>) -> BTreeSet<String> {
    let is_meant = |name: &String| {
        let of_target = name.starts_with("CARGO_TARGET_")
            && ["_RUNNER", "_RUSTFLAGS", "_LINKER"].iter().any(|end| name.ends_with(end));
        VARIABLES.contains(&name.as_str()) || name.starts_with(PROFILE) || of_target
    };
    set.filter(is_meant).collect()
}
