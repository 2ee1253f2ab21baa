//! Goldens of the command line: `tests/cmd/*.md`, with a case for each exit code and each
//! finding, and the commands of `docs`.
//!
//! `TRYCMD=overwrite cargo test --package benchgate-tests --test goldens` regenerates them;
//! read the difference before you commit it.
//!
//! They are a test program of their own, because cases change the directory of this
//! process.

#[path = "gate/files.rs"]
mod files;

use std::fs::{self, FileTimes};
use std::path::Path;
use std::time::{Duration, SystemTime};

use files::copy;

/// Makes every file below `directory` three hours older.
fn age(directory: &Path) {
    let then = SystemTime::now() - Duration::from_hours(3);
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            age(&path);
        } else {
            let file = fs::File::options().append(true).open(&path).unwrap();
            file.set_times(FileTimes::new().set_modified(then)).unwrap();
        }
    }
}

#[test]
fn goldens() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.parent().expect("tests/ is below the root");
    let place = tempfile::tempdir().unwrap();
    copy(&here.join("cmd/project"), place.path());
    // Not a cargo project, so that nothing depends on where cargo builds.
    fs::remove_file(place.path().join("Cargo.toml")).unwrap();
    let fixtures = place.path().join("fixtures");
    copy(&here.join("fixtures"), &fixtures);
    copy(&fixtures.join("broken/stale"), &place.path().join("good"));
    age(&fixtures.join("broken/stale/sorting"));
    // Cases without a directory of their own run where the test runs.
    std::env::set_current_dir(place.path()).unwrap();
    trycmd::TestCases::new()
        .case(here.join("cmd/*.md"))
        .case(root.join("docs/method.md"))
        .case(root.join("docs/migrating.md"))
        .register_bin("gate", Path::new(env!("CARGO_BIN_EXE_gate-under-test")))
        // Overrides the variables of a case: the machine class of all tests.
        .env("BENCHGATE_CLASS", "ci-box")
        .env("GITHUB_STEP_SUMMARY", "")
        .env("NO_COLOR", "1")
        .env("COLUMNS", "100")
        .run();
}
