use super::*;
use crate::build::{Repository, RepositoryError};

/// Runs git with an identity and without the machine's settings.
fn git(directory: &Path, arguments: &[&str]) {
    let settings = ["user.name=t", "user.email=t@example.invalid", "protocol.file.allow=always"];
    let output = std::process::Command::new("git")
        .args(settings.iter().flat_map(|setting| ["-c", setting]))
        .args(arguments)
        .current_dir(directory)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .output()
        .expect("git is installed");
    assert!(output.status.success(), "git {arguments:?}: {output:?}");
}

fn commit_all(root: &Path, message: &str) {
    git(root, &["add", "-A"]);
    git(root, &["commit", "-q", "-m", message]);
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// All files but those of git, with their contents.
fn tree(directory: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().unwrap() == ".git" {
                continue;
            }
            if path.symlink_metadata().unwrap().is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(directory).unwrap().display().to_string();
                found.push((name, std::fs::read_to_string(&path).unwrap_or_default()));
            }
        }
    }
    found.sort();
    found
}

fn pairs(files: &[(&str, &str)]) -> Vec<(String, String)> {
    files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

/// A repository with a commit, and a directory to check it out into.
fn project(files: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf, PathBuf) {
    let place = tempfile::tempdir().unwrap();
    let root = place.path().join("project");
    std::fs::create_dir(&root).unwrap();
    git(&root, &["init", "-q", "-b", "main"]);
    for (name, text) in files {
        write(&root.join(name), text);
    }
    commit_all(&root, "base");
    let checkout = place.path().join("checkout");
    (place, root, checkout)
}

fn head(root: &Path) -> Source {
    Source::Commit(Repository::of(root).unwrap().commit("HEAD").unwrap())
}

#[test]
fn a_commit_and_the_working_tree_are_checked_out_as_they_are() {
    let ignore = (".gitignore", "ignored\n");
    let (_place, root, checkout) =
        project(&[ignore, ("gone", "gone"), ("same", "same"), ("src/lib.rs", "one")]);
    let base = head(&root);
    // Uncommitted: a changed file, a new one, a deleted one, an ignored one; and
    // what cargo has built, which nobody told git to ignore.
    write(&root.join("src/lib.rs"), "two");
    write(&root.join("new file"), "new");
    std::fs::remove_file(root.join("gone")).unwrap();
    write(&root.join("ignored/x"), "x");
    let target = root.join("target");
    write(&target.join("built"), "x");

    check_out(&root, &base, &checkout, Some(&target)).unwrap();
    let same = ("same", "same");
    assert_eq!(tree(&checkout), pairs(&[ignore, ("gone", "gone"), same, ("src/lib.rs", "one")]));

    let status = |directory: &Path| {
        Git::in_checkout(directory).args(["status", "--porcelain"]).text().unwrap()
    };
    assert_eq!(status(&checkout), "", "it is a clean clone");

    check_out(&root, &Source::WorkingTree, &checkout, Some(&target)).unwrap();
    let files = [ignore, ("new file", "new"), same, ("src/lib.rs", "two")];
    assert_eq!(tree(&checkout), pairs(&files));
    assert_ne!(status(&checkout), "", "as dirty as the working tree");
    // It may as well be ignored.
    check_out(&root, &Source::WorkingTree, &checkout, Some(&root.join("ignored"))).unwrap();
    check_out(&root, &Source::WorkingTree, &checkout, Some(&target)).unwrap();
    assert_eq!(tree(&checkout), pairs(&files));
    let commit = |directory: &Path| Repository::of(directory).unwrap().commit("HEAD").unwrap();
    assert_eq!(commit(&checkout), commit(&root));
}

#[test]
fn files_that_did_not_change_keep_their_times() {
    let (_place, root, checkout) = project(&[("same", "same"), ("changes", "one")]);
    let modified = |name: &str| checkout.join(name).metadata().unwrap().modified().unwrap();
    write(&root.join("uncommitted"), "new");
    let again = || check_out(&root, &Source::WorkingTree, &checkout, None).unwrap();
    again();
    let times = ["same", "changes", "uncommitted"].map(modified);
    again();
    assert_eq!(["same", "changes", "uncommitted"].map(modified), times);
    write(&root.join("changes"), "two, and longer");
    again();
    assert_eq!(["same", "uncommitted"].map(modified), [times[0], times[2]]);
    assert!(modified("changes") > times[1]);
    // Something has changed a tracked file since.
    write(&checkout.join("same"), "not the same");
    again();
    assert_eq!(std::fs::read_to_string(checkout.join("same")).unwrap(), "same");
}

#[test]
fn git_writes_the_files() {
    let attributes = (".gitattributes", "*.crlf eol=crlf\n*.up filter=up\n");
    let (_place, root, checkout) = project(&[attributes, ("a.crlf", "one\n"), ("b.up", "text")]);
    git(&root, &["config", "filter.up.clean", "tr A-Z a-z"]);
    git(&root, &["config", "filter.up.smudge", "tr a-z A-Z"]);
    check_out(&root, &head(&root), &checkout, None).unwrap();
    let read = |name: &str| std::fs::read_to_string(checkout.join(name)).unwrap();
    assert_eq!((read("a.crlf").as_str(), read("b.up").as_str()), ("one\r\n", "TEXT"));
}

/// A filter that keeps contents elsewhere, as git LFS does: below the repository's
/// `.git/lfs`, or where `lfs.storage` says.
#[test]
fn a_filter_that_keeps_contents_elsewhere_finds_them() {
    let (_place, root, checkout) = project(&[(".gitattributes", "*.bin filter=lfs -text\n")]);
    let store = "d=$(git config lfs.storage || echo \"$(git rev-parse --git-common-dir)/lfs\")";
    let clean = format!(
        "{store}; mkdir -p $d; t=$(mktemp $d/x.XXXXXX); cat > $t; h=$(git hash-object $t); mv $t \
         $d/$h; echo pointer $h"
    );
    let smudge = format!("{store}; read word h; cat $d/$h");
    for (key, command) in [("clean", clean), ("smudge", smudge)] {
        git(&root, &["config", &format!("filter.lfs.{key}"), &command]);
    }
    git(&root, &["config", "filter.lfs.required", "true"]);
    write(&root.join("data.bin"), "one");
    commit_all(&root, "with large files");
    let stored = Git::in_repository(&root).args(["cat-file", "blob", "HEAD:data.bin"]).text();
    assert!(stored.unwrap().starts_with("pointer "), "the commit holds a pointer");
    let base = head(&root);
    write(&root.join("data.bin"), "two, and longer");
    for (source, text) in [(base, "one"), (Source::WorkingTree, "two, and longer")] {
        check_out(&root, &source, &checkout, None).unwrap();
        assert_eq!(std::fs::read_to_string(checkout.join("data.bin")).unwrap(), text);
    }
}

/// The objects of older commits are fetched when they are needed.
#[test]
fn a_partial_clone_can_be_checked_out() {
    let (place, root, checkout) = project(&[("a", "one"), ("same", "same")]);
    write(&root.join("a"), "two");
    commit_all(&root, "second");
    git(&root, &["config", "uploadpack.allowFilter", "true"]);
    git(&root, &["config", "uploadpack.allowAnySHA1InWant", "true"]);
    let url = format!("file://{}", root.display());
    git(place.path(), &["clone", "-q", "--filter=blob:none", &url, "partial"]);
    let partial = place.path().join("partial");
    let missing = ["rev-list", "--objects", "--missing=print", "HEAD"];
    let missing = Git::in_repository(&partial).args(missing).text().unwrap();
    assert!(missing.lines().any(|line| line.starts_with('?')), "it lacks objects: {missing}");
    let base = Source::Commit(Repository::of(&partial).unwrap().commit("HEAD~1").unwrap());
    write(&partial.join("new"), "new");
    check_out(&partial, &base, &checkout, None).unwrap();
    assert_eq!(tree(&checkout), pairs(&[("a", "one"), ("same", "same")]));
    check_out(&partial, &Source::WorkingTree, &checkout, None).unwrap();
    assert_eq!(tree(&checkout), pairs(&[("a", "two"), ("new", "new"), ("same", "same")]));
}

/// Names that are not UTF-8 or hold odd characters, links, and the right to execute.
#[cfg(target_os = "linux")]
#[test]
fn odd_files_are_checked_out_as_they_are() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    let (_place, root, checkout) = project(&[("a \"quoted\" name\twith a tab", "odd")]);
    let latin = OsStr::from_bytes(b"caf\xe9.txt");
    std::fs::write(root.join(latin), "coffee").unwrap();
    write(&root.join("tool"), "#!/bin/sh\n");
    std::fs::set_permissions(root.join("tool"), std::fs::Permissions::from_mode(0o755)).unwrap();
    symlink("tool", root.join("link")).unwrap();
    symlink("nowhere", root.join("broken")).unwrap();
    for commit in [false, true] {
        if commit {
            commit_all(&root, "odd files");
        }
        let source = if commit { head(&root) } else { Source::WorkingTree };
        check_out(&root, &source, &checkout, None).unwrap();
        assert_eq!(std::fs::read_to_string(checkout.join(latin)).unwrap(), "coffee");
        assert!(checkout.join("a \"quoted\" name\twith a tab").is_file());
        let mode = checkout.join("tool").metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o111, 0o111);
        assert_eq!(std::fs::read_link(checkout.join("link")).unwrap(), Path::new("tool"));
        assert_eq!(std::fs::read_link(checkout.join("broken")).unwrap(), Path::new("nowhere"));
    }
}

/// A repository in a directory of another repository, which ignores it.
#[test]
fn a_repository_inside_of_another_is_its_own() {
    let (_place, outer, checkout) = project(&[("outer", "x"), (".gitignore", "inner\n")]);
    let inner = outer.join("inner");
    std::fs::create_dir(&inner).unwrap();
    git(&inner, &["init", "-q", "-b", "main"]);
    write(&inner.join("file"), "inner");
    commit_all(&inner, "inner");
    for source in [head(&inner), Source::WorkingTree] {
        check_out(&inner, &source, &checkout, None).unwrap();
        assert_eq!(tree(&checkout), pairs(&[("file", "inner")]));
    }
    // And the outer one does not take the inner one's files.
    check_out(&outer, &Source::WorkingTree, &checkout, None).unwrap();
    assert_eq!(tree(&checkout), pairs(&[(".gitignore", "inner\n"), ("outer", "x")]));
}

#[test]
fn equal_files_are_equal_trees_also_in_submodules() {
    let (_place, root, checkout) = project(&[("file", "text")]);
    let library = root.with_file_name("library");
    std::fs::create_dir(&library).unwrap();
    git(&library, &["init", "-q", "-b", "main"]);
    write(&library.join("lib.rs"), "one");
    commit_all(&library, "one");
    git(&root, &["submodule", "--quiet", "add", "../library", "library"]);
    commit_all(&root, "with a submodule");
    let base = check_out(&root, &head(&root), &checkout, None).unwrap();
    let tree = || check_out(&root, &Source::WorkingTree, &checkout, None).unwrap();
    assert_eq!(tree(), base);
    git(&root, &["commit", "-q", "--allow-empty", "-m", "nothing"]);
    assert_eq!(tree(), base, "another commit of the same files");
    write(&root.join("library/lib.rs"), "two");
    assert_ne!(tree(), base, "the submodule differs");
    write(&root.join("library/lib.rs"), "one");
    write(&root.join("new"), "new");
    assert_ne!(tree(), base);
}

#[test]
fn submodules_are_checked_out_at_each_sides_commit() {
    let (_place, root, checkout) = project(&[("file", "text")]);
    let library = root.with_file_name("library");
    std::fs::create_dir(&library).unwrap();
    git(&library, &["init", "-q", "-b", "main"]);
    write(&library.join("lib.rs"), "one");
    commit_all(&library, "one");
    git(&root, &["submodule", "--quiet", "add", "../library", "vendor/library"]);
    commit_all(&root, "with a submodule");
    let base = head(&root);
    let inside = root.join("vendor/library");
    write(&inside.join("lib.rs"), "two");
    commit_all(&inside, "two");
    write(&inside.join("lib.rs"), "three");

    let found = || std::fs::read_to_string(checkout.join("vendor/library/lib.rs")).unwrap();
    check_out(&root, &base, &checkout, None).unwrap();
    assert_eq!(found(), "one");
    check_out(&root, &Source::WorkingTree, &checkout, None).unwrap();
    assert_eq!(found(), "three");
    // A revision that has the submodule, while the working tree does not.
    git(&root, &["submodule", "--quiet", "deinit", "--force", "vendor/library"]);
    check_out(&root, &base, &checkout, None).unwrap();
    assert_eq!(found(), "one");
}

#[test]
fn a_shallow_a_sparse_and_a_linked_repository_can_be_checked_out() {
    let (place, root, _) = project(&[("a/file", "a"), ("b/file", "b")]);
    write(&root.join("a/file"), "second");
    commit_all(&root, "second");
    let url = format!("file://{}", root.display());
    let shallow = place.path().join("shallow");
    git(place.path(), &["clone", "-q", "--depth", "1", &url, "shallow"]);
    let sparse = place.path().join("sparse");
    git(place.path(), &["clone", "-q", "--sparse", &url, "sparse"]);
    let linked = place.path().join("linked");
    git(&root, &["worktree", "add", "-q", "--detach", "../linked"]);
    assert!(!sparse.join("a/file").exists(), "it is sparse");
    for (at, repository) in [shallow, sparse, linked].iter().enumerate() {
        write(&repository.join("new"), "new");
        for source in [head(repository), Source::WorkingTree] {
            let checkout = place.path().join(format!("checkout{at}"));
            check_out(repository, &source, &checkout, None).unwrap();
            let mut files = vec![("a/file", "second"), ("b/file", "b")];
            files.extend((source == Source::WorkingTree).then_some(("new", "new")));
            assert_eq!(tree(&checkout), pairs(&files), "{}", repository.display());
        }
    }
}

#[test]
fn a_wrong_revision_and_a_missing_repository_are_named() {
    let place = tempfile::tempdir().unwrap();
    assert!(Repository::of(place.path()).is_err());
    git(place.path(), &["init", "-q", "-b", "main"]);
    let repository = Repository::of(place.path()).unwrap();
    assert!(repository.commit("--output=x").is_err());
    let error = repository.merge_base().unwrap_err();
    assert!(matches!(error, RepositoryError::NoBase { .. }));
    assert!(error.to_string().contains("--base REV"), "{error}");
}
