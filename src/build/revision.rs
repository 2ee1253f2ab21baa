//! Which source is measured, as git tells it.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::model::Revision;

/// The revision checked out around a directory.
///
/// `None` where git is not installed, where there is no repository, no commit
/// yet, or one that git refuses to read (another user's): a measurement is
/// worth having without.
pub fn revision(directory: &Path) -> Option<Revision> {
    let commit = git(directory, &["rev-parse", "--verify", "--quiet", "HEAD"])?;
    let plain = commit.len() >= 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !plain {
        return None;
    }
    // Fails on a detached head: then there is no branch to name.
    let branch = git(directory, &["symbolic-ref", "--quiet", "--short", "HEAD"]);
    let status = git(directory, &["status", "--porcelain", "--untracked-files=no"])?;
    Some(Revision {
        commit,
        branch: branch.filter(|name| !name.is_empty()),
        dirty: !status.is_empty(),
    })
}

/// What git prints, without the final newline; `None` unless it succeeds.
fn git(directory: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(directory)
        .args(arguments)
        // Looking must not write: no index refresh while someone commits.
        .env("GIT_OPTIONAL_LOCKS", "0")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = output.status.success().then(|| String::from_utf8(output.stdout).ok())??;
    Some(text.trim_end_matches('\n').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(directory: &Path, arguments: &[&str]) {
        let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
        let status = Command::new("git")
            .arg("-C")
            .arg(directory)
            .args(identity)
            .args(arguments)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("git is installed");
        assert!(status.success(), "git {arguments:?}");
    }

    #[test]
    fn commit_branch_and_dirtiness_are_read() {
        let directory = tempfile::tempdir().expect("a directory");
        let at = directory.path();
        run(at, &["init", "--quiet", "--initial-branch=trunk"]);
        assert_eq!(revision(at), None, "no commit yet");

        std::fs::write(at.join("file"), "one").expect("written");
        run(at, &["add", "file"]);
        run(at, &["commit", "--quiet", "--message=one"]);
        let clean = revision(at).expect("a revision");
        assert_eq!(clean.commit.len(), 40);
        assert_eq!(clean.branch.as_deref(), Some("trunk"));
        assert!(!clean.dirty);

        std::fs::write(at.join("untracked"), "x").expect("written");
        assert!(!revision(at).expect("a revision").dirty, "untracked files do not count");
        std::fs::write(at.join("file"), "two").expect("written");
        assert!(revision(at).expect("a revision").dirty);

        run(at, &["checkout", "--quiet", "--detach"]);
        assert_eq!(revision(at).expect("a revision").branch, None);
    }

    #[test]
    fn outside_of_a_repository_there_is_none() {
        assert_eq!(revision(Path::new("/nonexistent")), None);
        assert_eq!(revision(Path::new("/proc")), None);
    }
}
