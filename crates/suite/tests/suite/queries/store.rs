//! The store of seeded databases: an entry is complete or absent.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;

use benchgate_suite::queries::Database;
use benchgate_suite::services::{SetUpError, Store};

fn names(store: &Store) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(store.directory())
        .unwrap()
        .map(|found| found.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_database_is_seeded_once_and_copied() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::at(directory.path().join("cache"));
    let first = Database::sqlite_in(&store, 1).await.unwrap();
    let [copy, lock, seeded] = <[String; 3]>::try_from(names(&store)).unwrap();
    assert!(copy.starts_with("copy-") && seeded.starts_with("sqlite-"), "{copy}, {seeded}");
    assert_eq!(lock, "lock");
    let file = store.directory().join(&seeded).join("queries.db");
    let made = file.metadata().unwrap().modified().unwrap();
    let second = Database::sqlite_in(&store, 1).await.unwrap();
    assert_eq!(file.metadata().unwrap().modified().unwrap(), made);
    assert_eq!(names(&store).len(), 4);
    for database in [first, second] {
        database.close().await;
    }
    assert_eq!(names(&store), ["lock".to_owned(), seeded]);
}

#[tokio::test]
async fn a_truncated_file_is_created_again() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::at(directory.path().to_owned());
    drop(Database::sqlite_in(&store, 1).await.unwrap());
    let seeded = names(&store).into_iter().find(|name| name.starts_with("sqlite-")).unwrap();
    let file = store.directory().join(seeded).join("queries.db");
    let whole = file.metadata().unwrap().len();
    for left in [whole / 2, 100, 0] {
        std::fs::File::options().write(true).open(&file).unwrap().set_len(left).unwrap();
        let database = Database::sqlite_in(&store, 1).await.unwrap();
        assert_eq!(database.lead(50_000).await.unwrap().unwrap().name, "Lead 49999");
        assert_eq!(file.metadata().unwrap().len(), whole);
    }
}

/// A process is killed while it makes an entry: a partial entry must never be used.
#[test]
fn an_entry_of_a_killed_process_is_created_again() {
    const PLACE: &str = "BENCHGATE_TEST_PLACE";
    const BEGUN: &str = "begun";
    let half = |directory: &Path| std::fs::write(directory.join("data"), "ha");
    if super::inside() {
        let store = Store::at(std::env::var_os(PLACE).unwrap().into());
        let copy = store.own_copy().unwrap();
        std::fs::write(copy.path().join("mine"), "").unwrap();
        store
            .with(
                "entry",
                |directory| {
                    half(directory).unwrap();
                    super::tell(BEGUN);
                    loop {
                        std::thread::park();
                    }
                },
                |_| Ok::<_, SetUpError>(()),
            )
            .unwrap();
        unreachable!("it is killed before");
    }
    let directory = tempfile::tempdir().unwrap();
    let mut child = super::again("store::an_entry_of_a_killed_process_is_created_again")
        .env(PLACE, directory.path())
        .arg("--nocapture")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == BEGUN));
    let store = Store::at(directory.path().to_owned());
    let left = names(&store);
    assert!(left[0].starts_with("building-") && left[1].starts_with("copy-"), "{left:?}");
    child.kill().unwrap();
    child.wait().unwrap();

    let make = |directory: &Path| {
        std::fs::write(directory.join("data"), "whole").unwrap();
        Ok::<_, SetUpError>(())
    };
    let read = |directory: &Path| Ok(std::fs::read_to_string(directory.join("data")).unwrap());
    assert_eq!(store.with("entry", make, read).unwrap(), "whole");
    assert_eq!(names(&store), ["entry", "lock"]);
    // The entry is not created again.
    assert_eq!(store.with("entry", |_| panic!("again"), read).unwrap(), "whole");
}

#[test]
fn a_store_that_cannot_be_written_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = Store::at(file.join("cache")).own_copy().unwrap_err();
    assert!(error.to_string().starts_with("cannot open the cache of databases: "), "{error}");
}

#[test]
fn an_entry_that_cannot_be_created_is_not_kept() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::at(directory.path().to_owned());
    let failing = |_: &Path| {
        let source = std::io::Error::other("no room");
        Err(SetUpError { action: "make it", source })
    };
    let error: SetUpError = store.with("entry", failing, |_| Ok(())).unwrap_err();
    assert_eq!(error.to_string(), "cannot make it: no room");
    assert_eq!(names(&store), ["lock"]);
}
