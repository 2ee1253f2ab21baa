//! The sources of base and head, laid in turn into one directory.
//!
//! Equal source gives equal code only at an equal path: symbol hashes, the paths
//! of panics and what a build script writes below `OUT_DIR` depend on it. So both
//! sides are built in one directory, and their target directories are reached by
//! one name: a link that leads to one, then to the other. The user's own tree is
//! never touched.
//!
//! cargo rebuilds what is newer than its last build. Laying the other side over
//! a file makes it newer, so each side remembers the times that its files had
//! when they were last laid with that content.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::hash::Hasher as _;
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fs_err as fs;
use serde::{Deserialize, Serialize};

use crate::model::Revision;

/// Why sources could not be laid.
#[derive(Debug, thiserror::Error)]
pub enum CheckoutError {
    /// git could not be run, or refused.
    #[error("`git {command}` failed: {said}")]
    Git {
        /// Its arguments.
        command: String,
        /// What it said.
        said: String,
    },
    /// No commit to compare with was found.
    #[error(
        "no default branch to compare with was found (looked for {looked_for}){}",
        way_out(*.shallow)
    )]
    NoBase {
        /// The names that were tried.
        looked_for: String,
        /// Whether commits were left out when the repository was cloned.
        shallow: bool,
    },
    /// HEAD and the branch have no commit in common, as far as can be seen here.
    #[error("HEAD has no commit in common with `{branch}`{}", way_out(*.shallow))]
    Unrelated {
        /// The branch.
        branch: String,
        /// Whether older commits were left out when the repository was cloned.
        shallow: bool,
    },
    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

fn way_out(shallow: bool) -> &'static str {
    if shallow {
        ": this clone is shallow, so get the rest with `git fetch --unshallow` (and the default \
         branch with `git fetch origin main:refs/remotes/origin/main`), or name the base with \
         --base REV"
    } else {
        ": name the base with --base REV"
    }
}

/// Has `link` lead to its neighbour `side` (a file name), which is made where it
/// is missing. The link is replaced at once: there is no moment without one.
pub fn point(link: &Path, side: &str) -> Result<(), CheckoutError> {
    fs::create_dir_all(link.with_file_name(side))?;
    let next = link.with_extension(format!("{}", std::process::id()));
    // Left by a process of that number that was killed here.
    let _ = std::fs::remove_file(&next);
    fs_err::os::unix::fs::symlink(side, &next)?;
    Ok(fs::rename(&next, link)?)
}

/// A git repository whose revisions are laid out for building.
#[derive(Clone, Debug)]
pub struct Repository {
    root: PathBuf,
}

/// What is laid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A commit, by its full hash.
    Commit(String),
    /// The working tree: tracked files as they are, and untracked ones that are
    /// not ignored.
    WorkingTree,
}

impl Repository {
    /// The repository that holds `directory`.
    pub fn of(directory: &Path) -> Result<Self, CheckoutError> {
        let said = git(directory, &["rev-parse", "--show-toplevel"])?;
        Ok(Self { root: PathBuf::from(said.trim_end()) })
    }

    /// Its topmost directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The commit that `revision` names.
    pub fn commit(&self, revision: &str) -> Result<String, CheckoutError> {
        // `--end-of-options`: a revision that begins with a dash stays one.
        let name = format!("{revision}^{{commit}}");
        let said =
            git(&self.root, &["rev-parse", "--verify", "--quiet", "--end-of-options", &name])?;
        Ok(said.trim().to_owned())
    }

    /// The last commit that HEAD has in common with the default branch: what a
    /// change is to be held against, whatever has happened on that branch since.
    pub fn merge_base(&self) -> Result<String, CheckoutError> {
        let mut candidates = Vec::new();
        if let Ok(head) = git(&self.root, &["symbolic-ref", "--short", "refs/remotes/origin/HEAD"])
        {
            candidates.push(head.trim().to_owned());
        }
        candidates.extend(["origin/main", "origin/master", "main", "master"].map(str::to_owned));
        for branch in &candidates {
            if self.commit(branch).is_ok() {
                // It ends with 1, and says nothing, where there is none.
                return match git(&self.root, &["merge-base", branch, "HEAD"]) {
                    Ok(commit) => Ok(commit.trim().to_owned()),
                    Err(_) => Err(CheckoutError::Unrelated {
                        branch: branch.clone(),
                        shallow: self.is_shallow(),
                    }),
                };
            }
        }
        let (looked_for, shallow) = (candidates.join(", "), self.is_shallow());
        Err(CheckoutError::NoBase { looked_for, shallow })
    }

    fn is_shallow(&self) -> bool {
        git(&self.root, &["rev-parse", "--is-shallow-repository"])
            .is_ok_and(|said| said.trim() == "true")
    }

    /// Whether the working tree holds just that commit: nothing changed, nothing new.
    pub fn is_at(&self, commit: &str) -> bool {
        self.commit("HEAD").is_ok_and(|head| head == commit)
            && git(&self.root, &["status", "--porcelain"]).is_ok_and(|said| said.is_empty())
    }

    /// Lays a source into `directory`, and remembers in `memory` (a file beside
    /// the side's target directory) which times its files got.
    ///
    /// Files of the other side that this one lacks are removed; a directory that
    /// cargo made (`target`) stays.
    pub fn lay(
        &self,
        source: &Source,
        directory: &Path,
        memory: &Path,
    ) -> Result<(), CheckoutError> {
        let files = match source {
            Source::Commit(commit) => self.of_commit(commit)?,
            Source::WorkingTree => self.of_working_tree(directory)?,
        };
        fs::create_dir_all(directory)?;
        let known = Memory::read(memory);
        let mut next = Memory::default();
        for (path, file) in &files {
            let target = directory.join(path);
            write(&target, file)?;
            let name = path.to_string_lossy().into_owned();
            let print = file.fingerprint();
            let time = match known.files.get(&name) {
                Some(entry) if entry.fingerprint == print => entry.modified,
                _ => now(),
            };
            if let Content::Bytes { .. } = file {
                let handle = fs::OpenOptions::new().write(true).open(&target)?;
                handle.set_modified(UNIX_EPOCH + Duration::from_nanos(time))?;
            }
            next.files.insert(name, Entry { fingerprint: print, modified: time });
        }
        remove_others(directory, directory, &files.keys().cloned().collect())?;
        next.write(memory)
    }

    fn of_commit(&self, commit: &str) -> Result<BTreeMap<PathBuf, Content>, CheckoutError> {
        let listed = git_bytes(&self.root, &["ls-tree", "-r", "-z", "--full-tree", commit])?;
        let mut wanted = Vec::new();
        for line in listed.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
            // `MODE TYPE HASH<tab>PATH`
            let line = String::from_utf8_lossy(line).into_owned();
            let Some((what, path)) = line.split_once('\t') else { continue };
            let mut words = what.split(' ');
            let (mode, kind, hash) = (words.next(), words.next(), words.next());
            if let (Some(mode), Some("blob"), Some(hash)) = (mode, kind, hash)
                && is_inside(Path::new(path))
            {
                wanted.push((mode.to_owned(), hash.to_owned(), PathBuf::from(path)));
            }
        }
        let contents = self.blobs(wanted.iter().map(|(_, hash, _)| hash.as_str()))?;
        let files = wanted.into_iter().zip(contents).map(|((mode, _, path), bytes)| {
            let content = match mode.as_str() {
                "120000" => Content::Link(PathBuf::from(String::from_utf8_lossy(&bytes).as_ref())),
                mode => Content::Bytes { bytes, executable: mode == "100755" },
            };
            (path, content)
        });
        Ok(files.collect())
    }

    /// The contents of blobs, through one `git cat-file`.
    fn blobs<'a>(
        &self,
        hashes: impl Iterator<Item = &'a str>,
    ) -> Result<Vec<Vec<u8>>, CheckoutError> {
        let hashes: Vec<&str> = hashes.collect();
        let refused =
            |said: String| CheckoutError::Git { command: "cat-file --batch".to_owned(), said };
        let mut list = tempfile::tempfile()?;
        io::Write::write_all(&mut list, (hashes.join("\n") + "\n").as_bytes())?;
        io::Seek::rewind(&mut list)?;
        let mut child = Command::new("git")
            .args(["cat-file", "--batch"])
            .current_dir(&self.root)
            .stdin(list)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut out = io::BufReader::new(child.stdout.take().expect("it is piped"));
        let mut contents = Vec::with_capacity(hashes.len());
        for hash in &hashes {
            // `HASH blob SIZE<newline>CONTENT<newline>`
            let mut header = String::new();
            io::BufRead::read_line(&mut out, &mut header)?;
            let size = header.trim_end().rsplit(' ').next().and_then(|size| size.parse().ok());
            let Some(size) = size else {
                let _ = child.kill();
                let _ = child.wait();
                return Err(refused(format!("it answered {header:?} for {hash}")));
            };
            let mut bytes = vec![0; size];
            out.read_exact(&mut bytes)?;
            out.read_exact(&mut [0])?;
            contents.push(bytes);
        }
        child.wait()?;
        Ok(contents)
    }

    fn of_working_tree(&self, except: &Path) -> Result<BTreeMap<PathBuf, Content>, CheckoutError> {
        // The checkout and what is built beside it may lie in the tree, and git
        // need not have been told to ignore them.
        let inside = |path: &&Path| path.starts_with(&self.root) && *path != self.root;
        let except = except.parent().filter(inside).unwrap_or(except);
        let listed = git_bytes(
            &self.root,
            &["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--full-name"],
        )?;
        let mut files = BTreeMap::new();
        for name in listed.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
            let path = PathBuf::from(String::from_utf8_lossy(name).into_owned());
            let from = self.root.join(&path);
            if from.starts_with(except) {
                continue;
            }
            // Deleted in the working tree, or a submodule's directory.
            let Ok(metadata) = from.symlink_metadata() else { continue };
            if metadata.is_symlink() {
                files.insert(path, Content::Link(fs::read_link(&from)?));
            } else if metadata.is_file() {
                use std::os::unix::fs::PermissionsExt as _;
                let executable = metadata.permissions().mode() & 0o111 != 0;
                files.insert(path, Content::Bytes { bytes: fs::read(&from)?, executable });
            }
        }
        Ok(files)
    }

    /// What a source is, for a snapshot.
    pub fn revision(&self, source: &Source) -> Option<Revision> {
        match source {
            Source::Commit(commit) => {
                Some(Revision { commit: commit.clone(), branch: None, dirty: false })
            }
            Source::WorkingTree => super::revision(&self.root),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Content {
    Bytes { bytes: Vec<u8>, executable: bool },
    Link(PathBuf),
}

impl Content {
    /// Tells contents apart, over the life of one checkout.
    fn fingerprint(&self) -> u64 {
        // The same in every process, unlike a map's hasher.
        let mut hasher = std::hash::DefaultHasher::new();
        match self {
            Self::Bytes { bytes, executable } => {
                hasher.write(bytes);
                hasher.write_u8(u8::from(*executable));
            }
            Self::Link(target) => hasher.write(target.as_os_str().as_encoded_bytes()),
        }
        hasher.finish()
    }
}

/// The times of a side's files, as they were last laid.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Memory {
    files: BTreeMap<String, Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    fingerprint: u64,
    /// Nanoseconds since 1970.
    modified: u64,
}

impl Memory {
    /// What is remembered; nothing where it cannot be read, which only costs a build.
    fn read(path: &Path) -> Self {
        fs::read(path).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
    }

    fn write(&self, path: &Path) -> Result<(), CheckoutError> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let text = serde_json::to_vec(self).map_err(io::Error::other)?;
        Ok(fs::write(path, text)?)
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// Whether a path from a commit stays below the directory it is laid into.
fn is_inside(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_)))
}

fn write(path: &Path, content: &Content) -> Result<(), CheckoutError> {
    let there = path.symlink_metadata().ok();
    if let Some(parent) = path.parent() {
        // A file or link of the other side where this one has a directory.
        if parent.symlink_metadata().is_ok_and(|found| !found.is_dir()) {
            fs::remove_file(parent)?;
        }
        fs::create_dir_all(parent)?;
    }
    match content {
        Content::Bytes { bytes, executable } => {
            use std::os::unix::fs::PermissionsExt as _;
            if there.as_ref().is_some_and(std::fs::Metadata::is_symlink) {
                fs::remove_file(path)?;
            } else if there.as_ref().is_some_and(std::fs::Metadata::is_dir) {
                fs::remove_dir_all(path)?;
            }
            if fs::read(path).ok().as_deref() != Some(bytes) {
                fs::write(path, bytes)?;
            }
            let mode = if *executable { 0o755 } else { 0o644 };
            fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
        }
        Content::Link(target) => {
            if there.as_ref().is_some_and(std::fs::Metadata::is_dir) {
                fs::remove_dir_all(path)?;
            } else if there.is_some() {
                fs::remove_file(path)?;
            }
            fs_err::os::unix::fs::symlink(target, path)?;
        }
    }
    Ok(())
}

/// Removes files that are not among `wanted`, and directories left empty.
fn remove_others(
    root: &Path,
    directory: &Path,
    wanted: &BTreeSet<PathBuf>,
) -> Result<(), CheckoutError> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let relative = path.strip_prefix(root).unwrap_or(&path).to_owned();
        let is_directory = path.symlink_metadata()?.is_dir();
        if is_directory && path.file_name() != Some(OsStr::new("target")) {
            remove_others(root, &path, wanted)?;
            // Only an empty one goes.
            let _ = std::fs::remove_dir(&path);
        } else if !is_directory && !wanted.contains(&relative) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

fn git(directory: &Path, arguments: &[&str]) -> Result<String, CheckoutError> {
    Ok(String::from_utf8_lossy(&git_bytes(directory, arguments)?).into_owned())
}

fn git_bytes(directory: &Path, arguments: &[&str]) -> Result<Vec<u8>, CheckoutError> {
    let refused = |said: String| CheckoutError::Git { command: arguments.join(" "), said };
    let output = Command::new("git")
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| refused(error.to_string()))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(refused(if said.trim().is_empty() {
        output.status.to_string()
    } else {
        said.trim().to_owned()
    }))
}

#[cfg(test)]
mod tests;
