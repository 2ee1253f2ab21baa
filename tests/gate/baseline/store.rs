//! The store: names, lists, promotion, pruning, and killed writers.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use benchgate::baseline::{BaselineError, Existing, Promoted, Prune, Store};
use benchgate::model::Snapshot;
use jiff::{SignedDuration, Timestamp};

use super::{CLASS, fixture, snapshot};

fn store() -> (tempfile::TempDir, Store) {
    let root = tempfile::tempdir().expect("a directory");
    let store = Store::new(root.path().join("baselines"));
    (root, store)
}

fn taken(name: &str, created: &str) -> Snapshot {
    Snapshot { created: created.parse().expect("a time"), ..snapshot(name) }
}

fn file_names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_saved_snapshot_is_loaded_and_replaced_only_on_request() {
    let (_root, store) = store();
    let path = store.save(CLASS, &snapshot("main"), Existing::Refuse).expect("saved");
    assert_eq!(path, store.root().join("some-machine").join("main.json"));
    assert_eq!(store.load(CLASS, "main").expect("loaded"), snapshot("main"));

    let later = taken("main", "2026-08-01T00:00:00Z");
    let error = store.save(CLASS, &later, Existing::Refuse).expect_err("exists");
    assert!(matches!(&error, BaselineError::Exists { path: at } if *at == path), "{error}");
    assert_eq!(store.load(CLASS, "main").expect("loaded"), snapshot("main"));
    store.save(CLASS, &later, Existing::Replace).expect("replaced");
    assert_eq!(store.load(CLASS, "main").expect("loaded"), later);
    assert_eq!(file_names(path.parent().expect("the class")), ["main.json"]);
}

#[test]
fn a_missing_baseline_is_an_error_that_lists_the_others() {
    let (_root, store) = store();
    let error = store.load(CLASS, "main").expect_err("nothing").to_string();
    assert!(error.starts_with("no baseline `main` for machine class `some-machine`: "), "{error}");
    assert!(error.ends_with("; nothing is saved for this class yet"), "{error}");
    for name in ["main-2", "main"] {
        store.save(CLASS, &snapshot(name), Existing::Refuse).expect("saved");
    }
    let error = store.load(CLASS, "mian").expect_err("nothing").to_string();
    assert!(error.ends_with("mian.json does not exist; there are: main, main-2"), "{error}");
}

#[test]
fn names_that_leave_the_directory_are_refused_everywhere() {
    let (root, store) = store();
    for name in ["..", "../main", "a/b", "", ".hidden", "con", "a\0b"] {
        let refused = |error: BaselineError| assert!(matches!(error, BaselineError::Name { .. }));
        refused(store.save(CLASS, &snapshot(name), Existing::Replace).expect_err("a bad name"));
        refused(store.save(name, &snapshot("main"), Existing::Replace).expect_err("a bad class"));
        refused(store.load(name, "main").expect_err("a bad class"));
        refused(store.load(CLASS, name).expect_err("a bad name"));
        refused(store.promote(CLASS, name, "main").expect_err("a bad name"));
        refused(store.promote(CLASS, "main", name).expect_err("a bad name"));
    }
    assert_eq!(file_names(root.path()), Vec::<String>::new(), "a file was created");
}

#[test]
fn a_copied_file_has_its_own_name() {
    let (_root, store) = store();
    let path = store.save(CLASS, &snapshot("main"), Existing::Refuse).expect("saved");
    fs::copy(&path, path.with_file_name("release.json")).expect("copied");
    assert_eq!(store.load(CLASS, "release").expect("loaded"), snapshot("release"));
}

#[test]
fn a_snapshot_that_could_not_be_read_back_is_not_written() {
    let (root, store) = store();
    let mut broken = snapshot("main");
    broken.measurements[0].runs[0].reading = benchgate::model::Reading::Value(f64::NAN);
    let error = store.save(CLASS, &broken, Existing::Replace).expect_err("NaN").to_string();
    assert_eq!(
        error,
        "snapshot `main` cannot be stored: NaN is not a finite number \
         (at /benchgate/measurements/0/runs/0/value)"
    );
    assert_eq!(file_names(root.path()), Vec::<String>::new());
}

#[test]
fn a_list_shows_broken_files_and_all_others() {
    let (_root, store) = store();
    assert!(store.list().expect("an empty list").is_empty());
    store.save("b", &snapshot("main-2"), Existing::Refuse).expect("saved");
    store.save("b", &snapshot("main"), Existing::Refuse).expect("saved");
    let class = store.root().join("a");
    fs::create_dir(&class).expect("a class");
    fs::copy(fixture("main.json"), class.join("export.json")).expect("copied");
    fs::write(class.join("broken.json"), "{").expect("written");
    fs::create_dir(class.join("directory.json")).expect("made");
    for passed_over in ["README.md", ".hidden.json", ".benchgate-x1.tmp"] {
        fs::write(class.join(passed_over), "{").expect("written");
    }
    fs::write(store.root().join("README.md"), "text").expect("written");

    let list = store.list().expect("a list");
    let shown: Vec<_> = list
        .iter()
        .map(|entry| {
            let counts =
                entry.summary.as_ref().ok().map(|s| (s.runs, s.benchmarks, s.measurements));
            (entry.class.as_str(), entry.name.as_str(), counts)
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("a", "broken", None),
            ("a", "directory", None),
            ("a", "export", Some((1, 12, 12))),
            ("b", "main", Some((2, 2, 3))),
            ("b", "main-2", Some((2, 2, 3))),
        ]
    );
    let main = list[3].summary.as_ref().expect("a summary");
    assert_eq!((main.created, &main.revision), (snapshot("x").created, &snapshot("x").revision));
    let error = list[0].summary.as_ref().expect_err("broken").to_string();
    assert!(error.contains("broken.json is neither a snapshot nor a critcmp export"), "{error}");
}

#[test]
fn a_promotion_loses_nothing() {
    let (_root, store) = store();
    let class = store.root().join(CLASS);
    let promote = || store.promote(CLASS, "next", "main").expect("promoted");
    let save = |snapshot| store.save(CLASS, &snapshot, Existing::Replace).expect("saved");
    let path = class.join("main.json");

    save(taken("next", "2026-07-01T00:00:00Z"));
    assert_eq!(promote(), Promoted { path: path.clone(), replaced: None });
    let first = taken("main", "2026-07-01T00:00:00Z");
    assert_eq!(store.load(CLASS, "main").expect("loaded"), first);
    assert!(fs::read_to_string(&path).expect("text").contains("\"fullname\": \"main/scan\""));
    assert_eq!(
        promote(),
        Promoted { path: path.clone(), replaced: None },
        "the baseline is the same"
    );

    save(taken("next", "2026-07-02T00:00:00Z"));
    let kept = class.join("main.2026-07-01T00-00-00Z.json");
    assert_eq!(promote(), Promoted { path: path.clone(), replaced: Some(kept) });
    let name = "main.2026-07-01T00-00-00Z";
    assert_eq!(store.load(CLASS, name).expect("kept"), Snapshot { name: name.into(), ..first });

    // Another baseline of the same time, and a baseline that was kept before.
    let mut twin = taken("main", "2026-07-01T00:00:00Z");
    twin.measurements.pop();
    save(twin);
    let kept = class.join("main.2026-07-01T00-00-00Z-2.json");
    assert_eq!(promote().replaced, Some(kept));
    save(taken("main", "2026-07-01T00:00:00Z"));
    assert_eq!(promote().replaced, Some(class.join("main.2026-07-01T00-00-00Z.json")));
    assert_eq!(
        file_names(&class),
        [
            "main.2026-07-01T00-00-00Z-2.json",
            "main.2026-07-01T00-00-00Z.json",
            "main.json",
            "next.json"
        ]
    );
}

#[test]
fn a_promotion_that_cannot_keep_what_it_replaces_changes_nothing() {
    let (_root, store) = store();
    store.save(CLASS, &snapshot("next"), Existing::Refuse).expect("saved");
    let broken = store.root().join(CLASS).join("main.json");
    fs::write(&broken, "{").expect("written");
    let error = store.promote(CLASS, "next", "main").expect_err("broken");
    assert!(matches!(error, BaselineError::Syntax { .. }), "{error}");
    assert_eq!(fs::read_to_string(&broken).expect("text"), "{");
    let error = store.promote(CLASS, "next", "next").expect_err("the same name");
    assert!(matches!(error, BaselineError::SameName { .. }), "{error}");
    let error = store.promote(CLASS, "none", "main").expect_err("no such baseline");
    assert!(matches!(error, BaselineError::NotFound { .. }), "{error}");
}

#[test]
fn pruning_removes_old_baselines_that_are_not_kept() {
    let (_root, store) = store();
    let class = store.root().join(CLASS);
    for (name, created) in [
        ("main", "2026-01-01T00:00:00Z"),
        ("old", "2026-05-31T23:59:59Z"),
        ("young", "2026-06-01T00:00:00Z"),
    ] {
        store.save(CLASS, &taken(name, created), Existing::Refuse).expect("saved");
    }
    fs::write(class.join("broken.json"), "{").expect("written");
    let now: Timestamp = "2026-07-01T00:00:00Z".parse().expect("a time");
    for (temporary, minutes) in [(".benchgate-a.tmp", 61), (".benchgate-b.tmp", 59)] {
        let file = fs::File::create(class.join(temporary)).expect("created");
        let written = SystemTime::from(now) - Duration::from_mins(minutes);
        file.set_modified(written).expect("set");
    }
    let mut prune = Prune {
        keep: BTreeSet::from(["main".to_owned()]),
        older_than: SignedDuration::from_hours(30 * 24),
        now,
        dry_run: true,
    };
    let all = file_names(&class);
    let would = store.prune(&prune).expect("a dry run");
    assert_eq!(file_names(&class), all);
    prune.dry_run = false;
    assert_eq!(store.prune(&prune).expect("pruned"), would);
    let removed: Vec<_> = would.iter().map(|it| (it.path.clone(), it.created)).collect();
    assert_eq!(
        removed,
        [
            (class.join(".benchgate-a.tmp"), None),
            (class.join("old.json"), Some("2026-05-31T23:59:59Z".parse().expect("a time"))),
        ]
    );
    assert_eq!(file_names(&class), [".benchgate-b.tmp", "broken.json", "main.json", "young.json"]);
}

#[cfg(unix)]
mod killed {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::process::{Child, Command, Stdio};
    use std::time::Instant;

    use benchgate::model::{BenchId, NotRun, NotRunKind};

    use super::super::time;
    use super::*;

    /// Names the directory that the child process writes into.
    const WRITER: &str = "BENCHGATE_TEST_WRITER";
    const KILLS: u32 = 40;
    /// The longest time for a write on the slowest machine.
    const LONGEST: Duration = Duration::from_mins(1);

    /// Two versions of a baseline, large enough that a write takes a while.
    fn versions() -> [Snapshot; 2] {
        ["A", "B"].map(|version| {
            let reason = version.repeat(1 << 20);
            let kind = NotRunKind::Skipped;
            let not_run = vec![NotRun { subject: version.to_owned(), kind, reason }];
            let measurements = vec![time(BenchId::named(version), &[10.0])];
            Snapshot { measurements, not_run, ..snapshot("main") }
        })
    }

    fn write_forever(root: &Path) -> ! {
        let versions = versions();
        let store = Store::new(root);
        loop {
            for version in &versions {
                store.save(CLASS, version, Existing::Replace).expect("saved");
            }
        }
    }

    fn inode(path: &Path) -> Option<u64> {
        fs::metadata(path).ok().map(|metadata| metadata.ino())
    }

    fn writer(root: &Path) -> Child {
        Command::new(std::env::current_exe().expect("this executable"))
            .args([
                "--exact",
                "baseline::store::killed::a_kill_at_any_moment_leaves_one_of_the_two",
            ])
            .env(WRITER, root)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("started")
    }

    /// Starts this test again as the writer, and kills it (SIGKILL).
    #[test]
    fn a_kill_at_any_moment_leaves_one_of_the_two() {
        if let Some(root) = std::env::var_os(WRITER) {
            write_forever(Path::new(&root));
        }
        let (_root, store) = store();
        let path = store.path(CLASS, "main").expect("a path");
        let [a, b] = versions();
        let first = Instant::now();
        for version in [&a, &b] {
            store.save(CLASS, version, Existing::Replace).expect("saved");
        }
        let cycle = first.elapsed();
        let class = path.parent().expect("the class");
        let mut seen = BTreeSet::new();
        // Knuth's 64-bit generator; the times only have to vary.
        let mut random = 0x5DEE_CE66_D1CE_4E5B_u64;
        for kill in 0..KILLS {
            let before = inode(&path);
            let mut child = writer(store.root());
            let started = Instant::now();
            while inode(&path) == before {
                assert!(child.try_wait().expect("a state").is_none(), "the writer ended by itself");
                assert!(started.elapsed() < LONGEST, "the writer wrote nothing");
                std::thread::sleep(Duration::from_millis(1));
            }
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let share = f64::from((random >> 33) as u32) / f64::from(1_u32 << 31);
            std::thread::sleep(cycle.mul_f64(share * 1.5));
            // Most of the time is spent making the text, so every other kill
            // waits until the next file has been started.
            let named = file_names(class).len();
            while kill % 2 == 1 && file_names(class).len() == named {
                assert!(started.elapsed() < LONGEST, "no file was started");
            }
            child.kill().expect("killed");
            child.wait().expect("ended");

            let left = store.load(CLASS, "main").expect("a whole file");
            assert!(left == a || left == b, "after kill {kill} the file is neither version");
            seen.insert(left.not_run[0].subject.clone());
        }
        assert_eq!(seen.len(), 2, "the kills met both versions");

        let temporaries = file_names(class).len() - 1;
        assert!(temporaries > 0, "no kill interrupted a write");
        let list = store.list().expect("a list");
        assert!(matches!(list.as_slice(), [only] if only.summary.is_ok()), "{list:?}");
        let prune = Prune {
            keep: BTreeSet::from(["main".to_owned()]),
            older_than: SignedDuration::ZERO,
            now: Timestamp::now() + SignedDuration::from_hours(2),
            dry_run: false,
        };
        assert_eq!(store.prune(&prune).expect("pruned").len(), temporaries);
        assert_eq!(file_names(class), ["main.json"]);
    }

    #[test]
    fn a_baseline_has_the_permissions_of_an_ordinary_file() {
        let (root, store) = store();
        let path = store.save(CLASS, &snapshot("main"), Existing::Refuse).expect("saved");
        let other = root.path().join("other");
        fs::write(&other, "").expect("written");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode();
        assert_eq!(mode(&path), mode(&other));
    }
}
