//! A repository's working tree, compared with a commit.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{POLICY, gate, project};
use crate::files::copy;

pub(crate) fn git(directory: &Path, arguments: &[&str]) {
    let identity = ["-c", "user.name=t", "-c", "user.email=t@example.invalid"];
    let status = Command::new("git").args(identity).args(arguments).current_dir(directory).status();
    assert!(status.expect("git starts").success(), "{arguments:?}");
}

/// A repository with one commit on `main`: the project `mimic`, and a policy.
pub(crate) fn repository(home: &Path) -> PathBuf {
    of("mimic", home)
}

/// A repository with one commit on `main`: the named project, and a policy.
pub(crate) fn of(name: &str, home: &Path) -> PathBuf {
    let root = home.join("project");
    copy(&project(name), &root);
    std::fs::write(root.join(".gitignore"), "/target\n").unwrap();
    std::fs::write(root.join("gate.toml"), POLICY).unwrap();
    git(&root, &["init", "-q", "-b", "main"]);
    git(&root, &["add", "-A"]);
    git(&root, &["commit", "-q", "-m", "base"]);
    root
}

/// Replaces a part of a file.
pub(crate) fn edit(file: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{}", file.display());
    std::fs::write(file, text.replace(from, to)).unwrap();
}

#[test]
fn a_working_tree_is_compared_with_its_merge_base() {
    let home = tempfile::tempdir().unwrap();
    let root = repository(home.path());
    let library = root.join("src/lib.rs");

    // The branch is one commit ahead and has an uncommitted change, and the default branch
    // has a new commit. The merge base is the same.
    git(&root, &["checkout", "-q", "-b", "topic"]);
    edit(&library, "100, 200", "100, 201");
    git(&root, &["commit", "-q", "-a", "-m", "ahead"]);
    git(&root, &["checkout", "-q", "main"]);
    edit(&library, "100, 200", "100, 9000");
    git(&root, &["commit", "-q", "-a", "-m", "moved on"]);
    git(&root, &["checkout", "-q", "topic"]);
    edit(&library, "100, 201", "100, 9000");
    let before = std::fs::read_to_string(&library).unwrap();

    let (exit, out, err) = gate(&root, &["ab"]);
    assert_eq!(exit, 3, "{out}{err}");
    let second = out.lines().find(|line| line.starts_with("second")).expect("the row");
    assert!(second.contains("REGRESSION"), "{out}");
    assert_eq!(std::fs::read_to_string(&library).unwrap(), before, "the working tree was changed");

    // The second time nothing is built, because both sides find their earlier builds.
    let (exit, out, err) = gate(&root, &["ab"]);
    assert_eq!(exit, 3, "{out}{err}");
    assert!(!err.contains("Compiling"), "{err}");
    assert_eq!(err.matches("Finished").count(), 2, "{err}");

    // The same with a detached HEAD at that commit.
    git(&root, &["checkout", "-q", "--detach"]);
    let (exit, out, err) = gate(&root, &["ab"]);
    assert_eq!(exit, 3, "{out}{err}");
}

#[test]
fn a_comment_passes_as_identical_code_although_a_build_script_writes_code() {
    let home = tempfile::tempdir().unwrap();
    let root = repository(home.path());
    let library = root.join("src/lib.rs");
    let text = std::fs::read_to_string(&library).unwrap();
    std::fs::write(&library, format!("{text}\n// A remark.\n")).unwrap();
    let (exit, out, err) = gate(&root, &["ab", "--control"]);
    assert_eq!(exit, 0, "{out}{err}");
    assert!(out.contains("2 unmeasured rows of identical code"), "{out}");
    assert!(!err.contains("pair 1"), "{err}");
}

/// A push to the default branch, or a change that was reverted: other commits, the same
/// files.
#[test]
fn a_head_that_is_its_own_base_passes_only_if_the_policy_says_so() {
    let home = tempfile::tempdir().unwrap();
    let root = repository(home.path());
    let judged = |exit: i32, line: &str| {
        let (found, out, err) = gate(&root, &["ab"]);
        assert_eq!(found, exit, "{out}{err}");
        assert!(out.lines().any(|shown| shown.starts_with(line)), "{out}");
        assert!(out.contains("--base"), "{out}");
    };
    judged(5, "fail  head-is-base: both sides have the same files");
    git(&root, &["checkout", "-q", "-b", "topic"]);
    git(&root, &["commit", "-q", "--allow-empty", "-m", "nothing"]);
    judged(5, "fail  head-is-base");

    edit(&root.join("gate.toml"), "[ab]", "[ab]\nhead_is_base = \"warn\"");
    git(&root, &["commit", "-q", "-a", "-m", "policy"]);
    // The policy's own file differs now, and counts: it is a file of the repository.
    let (exit, out, err) = gate(&root, &["ab"]);
    assert_eq!((exit, out.contains("head-is-base")), (0, false), "{out}{err}");
    git(&root, &["branch", "-f", "main"]);
    judged(0, "warn  head-is-base");
}

#[test]
fn a_base_that_does_not_build_is_undecided_and_a_head_is_an_error() {
    let home = tempfile::tempdir().unwrap();
    let root = repository(home.path());
    let library = root.join("src/lib.rs");
    let good = std::fs::read_to_string(&library).unwrap();
    std::fs::write(&library, "pub fn time(").unwrap();
    git(&root, &["commit", "-q", "-a", "-m", "broken"]);
    std::fs::write(&library, &good).unwrap();
    let report = home.path().join("report.json");
    let arguments = ["ab", "--base", "HEAD", "--output", report.to_str().unwrap()];
    let (exit, out, err) = gate(&root, &arguments);
    assert_eq!(exit, 4, "{out}{err}");
    assert!(out.contains("base-broken"), "{out}");
    assert!(
        err.contains("this file contains an unclosed delimiter"),
        "cargo's error is missing: {err}"
    );
    let written = std::fs::read_to_string(&report).expect("the report is written");
    assert!(written.contains("\"base-broken\""), "{written}");

    edit(&root.join("gate.toml"), "[verdict]", "base_broken = \"fail\"\n[verdict]");
    let (exit, out, err) = gate(&root, &["ab", "--base", "HEAD"]);
    assert_eq!(exit, 1, "{out}{err}");

    git(&root, &["checkout", "-q", "--", "src"]);
    let (exit, out, err) = gate(&root, &["ab", "--base", "HEAD~1"]);
    assert_eq!((exit, out.as_str()), (1, ""), "{err}");
    assert!(err.contains("the head cannot be measured"), "{err}");
    assert!(err.contains("this file contains an unclosed delimiter"), "{err}");
}

#[test]
fn benches_that_the_base_lacks_are_new() {
    let home = tempfile::tempdir().unwrap();
    let root = repository(home.path());
    let manifest = root.join("Cargo.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, text.replace("[[bench]]\nname = \"mimic\"\nharness = false\n", ""))
        .unwrap();
    git(&root, &["commit", "-q", "-a", "-m", "without benches"]);
    std::fs::write(&manifest, text).unwrap();
    let (exit, out, err) = gate(&root, &["ab", "--base", "HEAD"]);
    assert_eq!(exit, 5, "{out}{err}");
    assert!(out.contains("\n2 new rows: show them with --all\n"), "{out}");
}

#[test]
fn a_missing_base_is_an_error_with_a_remedy() {
    let home = tempfile::tempdir().unwrap();
    let root = repository(home.path());
    let refused = |directory: &Path, arguments: &[&str], parts: &[&str]| {
        let (exit, out, err) = gate(directory, arguments);
        assert_eq!((exit, out.as_str()), (2, ""), "{err}");
        for part in parts {
            assert!(err.contains(part), "{part}: {err}");
        }
    };
    refused(&root, &["ab", "--base", "nosuch"], &["there is no revision `nosuch`"]);

    // An unrelated history.
    git(&root, &["checkout", "-q", "--orphan", "other"]);
    git(&root, &["commit", "-q", "-m", "from scratch"]);
    refused(&root, &["ab"], &["HEAD has no commit in common with `main`", "--base REV"]);

    // Two branches, cloned without the history before their last commits.
    git(&root, &["checkout", "-q", "main"]);
    git(&root, &["checkout", "-q", "-b", "topic"]);
    git(&root, &["commit", "-q", "--allow-empty", "-m", "topic"]);
    git(&root, &["checkout", "-q", "main"]);
    git(&root, &["commit", "-q", "--allow-empty", "-m", "on"]);
    let url = format!("file://{}", root.display());
    let clone = |name: &str, more: &[&str]| {
        let arguments = [&["clone", "-q", "--depth", "1"], more, &[url.as_str(), name]].concat();
        git(home.path(), &arguments);
        home.path().join(name)
    };
    let both = clone("both", &["--no-single-branch", "--branch", "topic"]);
    refused(&both, &["ab"], &["no commit in common with `origin/main`", "git fetch --unshallow"]);
    let shallow = clone("one", &["--branch", "topic"]);
    git(&shallow, &["checkout", "-q", "--detach"]);
    refused(&shallow, &["ab"], &["no default branch", "git fetch --unshallow", "--base REV"]);

    // No repository, or a repository without a project.
    let outside = home.path().join("outside");
    copy(&project("mimic"), &outside);
    refused(&outside, &["ab"], &["needs a git repository", "--base-exe"]);
}
