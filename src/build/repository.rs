//! The user's git repository: what it holds, and what a change starts from.

use std::path::{Path, PathBuf};

use super::git::{GitError, git};
use crate::model::Revision;

/// Why the base was not found.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// git could not be run, or refused.
    #[error(transparent)]
    Git(#[from] GitError),
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

/// A git repository with a working tree.
#[derive(Clone, Debug)]
pub struct Repository {
    root: PathBuf,
}

/// What is checked out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A commit, by its full hash.
    Commit(String),
    /// The working tree: tracked files as they are now, and untracked ones that are
    /// not ignored.
    WorkingTree,
}

impl Repository {
    /// The repository that holds `directory`.
    pub fn of(directory: &Path) -> Result<Self, GitError> {
        Ok(Self { root: git(directory, &["rev-parse", "--show-toplevel"])?.into() })
    }

    /// Its topmost directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The commit that `revision` names.
    pub fn commit(&self, revision: &str) -> Result<String, GitError> {
        // `--end-of-options`: a revision that begins with a dash stays a revision.
        let name = format!("{revision}^{{commit}}");
        git(&self.root, &["rev-parse", "--verify", "--quiet", "--end-of-options", &name])
    }

    /// The last commit that HEAD has in common with the default branch: what a
    /// change is compared with, whatever has happened on that branch since.
    pub fn merge_base(&self) -> Result<String, RepositoryError> {
        let mut candidates = Vec::new();
        candidates
            .extend(git(&self.root, &["symbolic-ref", "--short", "refs/remotes/origin/HEAD"]));
        candidates.extend(["origin/main", "origin/master", "main", "master"].map(str::to_owned));
        for branch in &candidates {
            if self.commit(branch).is_ok() {
                // Without a common commit it exits with 1 and prints nothing.
                return git(&self.root, &["merge-base", branch, "HEAD"]).map_err(|_| {
                    let (branch, shallow) = (branch.clone(), self.is_shallow());
                    RepositoryError::Unrelated { branch, shallow }
                });
            }
        }
        let (looked_for, shallow) = (candidates.join(", "), self.is_shallow());
        Err(RepositoryError::NoBase { looked_for, shallow })
    }

    fn is_shallow(&self) -> bool {
        git(&self.root, &["rev-parse", "--is-shallow-repository"]).is_ok_and(|text| text == "true")
    }

    /// The revision of a source, for a snapshot.
    pub fn revision(&self, source: &Source) -> Option<Revision> {
        match source {
            Source::Commit(commit) => {
                Some(Revision { commit: commit.clone(), branch: None, dirty: false })
            }
            Source::WorkingTree => super::revision(&self.root),
        }
    }
}
