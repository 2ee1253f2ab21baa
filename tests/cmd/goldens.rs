//! The goldens themselves: `tests/cmd/*.md`.

use std::fs::{self, FileTimes};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Copies a directory, every file being written now: results that a checkout
/// wrote at different times would look stale.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::write(&target, fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}

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
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let place = tempfile::tempdir().unwrap();
    copy(&super::project(), place.path());
    let fixtures = place.path().join("fixtures");
    copy(&root.join("tests/fixtures"), &fixtures);
    copy(&fixtures.join("broken/stale"), &place.path().join("good"));
    age(&fixtures.join("broken/stale/sorting"));
    // Cases without a directory of their own run where the test runs. Nothing
    // else in this test program depends on that.
    std::env::set_current_dir(place.path()).unwrap();
    trycmd::TestCases::new()
        .case(root.join("tests/cmd/*.md"))
        // Wins over what a case sets itself.
        .env("BENCHGATE_CLASS", super::CLASS)
        .env("GITHUB_STEP_SUMMARY", "")
        .env("NO_COLOR", "1")
        .env("COLUMNS", "100")
        .run();
}
