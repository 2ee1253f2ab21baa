use super::*;

fn commit_all(root: &Path, message: &str) {
    git(root, &["add", "-A"]).unwrap();
    let author = ["-c", "user.name=t", "-c", "user.email=t@example.invalid"];
    git(root, &[&author[..], &["commit", "-q", "-m", message]].concat()).unwrap();
}

fn tree(directory: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
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

/// Base and head by turns: contents are right, a side's times are kept where
/// its content is, and move where it changed.
#[test]
fn each_side_finds_its_files_as_it_left_them() {
    let place = tempfile::tempdir().unwrap();
    let root = place.path().join("project");
    let laid = place.path().join("laid");
    let memory = |side: &str| place.path().join(side);
    std::fs::create_dir_all(root.join("src")).unwrap();
    git(&root, &["init", "-q", "-b", "main"]).unwrap();
    std::fs::write(root.join("same"), "same").unwrap();
    std::fs::write(root.join("src/lib.rs"), "one").unwrap();
    std::fs::write(root.join("gone"), "gone").unwrap();
    std::fs::write(root.join(".gitignore"), "target\n").unwrap();
    commit_all(&root, "base");
    let repository = Repository::of(&root.join("src")).unwrap();
    let base = Source::Commit(repository.merge_base().unwrap());

    // Uncommitted: a changed file, a new one, a deleted one, an ignored one.
    std::fs::write(root.join("src/lib.rs"), "two").unwrap();
    std::fs::write(root.join("new file"), "new").unwrap();
    std::fs::remove_file(root.join("gone")).unwrap();
    std::fs::create_dir(root.join("target")).unwrap();
    std::fs::write(root.join("target/built"), "x").unwrap();

    let modified = |name: &str| laid.join(name).metadata().unwrap().modified().unwrap();
    repository.lay(&base, &laid, &memory("base")).unwrap();
    let ignore = (".gitignore", "target\n");
    let same = ("same", "same");
    assert_eq!(tree(&laid), pairs(&[ignore, ("gone", "gone"), same, ("src/lib.rs", "one")]));
    let times = ["same", "src/lib.rs"].map(modified);

    repository.lay(&Source::WorkingTree, &laid, &memory("head")).unwrap();
    assert_eq!(tree(&laid), pairs(&[ignore, ("new file", "new"), same, ("src/lib.rs", "two")]));
    let head_times = ["same", "src/lib.rs"].map(modified);

    repository.lay(&base, &laid, &memory("base")).unwrap();
    assert_eq!(tree(&laid), pairs(&[ignore, ("gone", "gone"), same, ("src/lib.rs", "one")]));
    assert_eq!(["same", "src/lib.rs"].map(modified), times, "nothing to build again");

    std::fs::write(root.join("src/lib.rs"), "three").unwrap();
    repository.lay(&Source::WorkingTree, &laid, &memory("head")).unwrap();
    assert_eq!(modified("same"), head_times[0]);
    assert!(modified("src/lib.rs") > head_times[1], "a changed file is built again");
    assert_eq!(std::fs::read_to_string(root.join("src/lib.rs")).unwrap(), "three");
}

#[test]
fn a_wrong_revision_and_a_missing_repository_are_said() {
    let place = tempfile::tempdir().unwrap();
    assert!(matches!(Repository::of(place.path()), Err(CheckoutError::Git { .. })));
    git(place.path(), &["init", "-q", "-b", "main"]).unwrap();
    let repository = Repository::of(place.path()).unwrap();
    assert!(repository.commit("--output=x").is_err());
    let error = repository.merge_base().unwrap_err().to_string();
    assert!(error.contains("--base REV"), "{error}");
}
