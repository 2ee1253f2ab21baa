//! `gate init`, `gate waive`, `gate doctor`, completions and manual pages: the parts that
//! depend on the day, the machine or a repository.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use benchgate::policy::Policy;
use jiff::{ToSpan, Zoned};
use tempfile::TempDir;

use super::{command, project, stderr, stdout};

fn gate(directory: &Path, args: &[&str]) -> Output {
    command(crate::GATE, directory, args).output().expect("gate starts")
}

/// A repository with a criterion project in it, below `app`.
fn repository() -> TempDir {
    let place = tempfile::tempdir().unwrap();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/projects/tiny");
    for file in ["Cargo.toml", "Cargo.lock", "src/lib.rs", "benches/sums.rs", "benches/plain.rs"] {
        let to = place.path().join("app").join(file);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(fixture.join(file), to).unwrap();
    }
    for name in ["kinds", "moody", "empty", "optional"] {
        let to = place.path().join("app/benches").join(name).with_extension("rs");
        fs::copy(fixture.join("benches").join(name).with_extension("rs"), to).unwrap();
    }
    let git = Command::new("git").args(["init", "--quiet"]).current_dir(place.path()).status();
    assert!(git.expect("git starts").success());
    place
}

const WRITTEN: [&str; 3] =
    ["app/gate.toml", ".github/workflows/bench.yml", ".github/workflows/comment.yml"];

#[test]
fn init_writes_new_files_and_never_replaces_a_file() {
    let place = repository();
    let app = place.path().join("app");
    let text = |name: &str| fs::read_to_string(place.path().join(name));

    let asked = gate(&app, &["init"]);
    assert_eq!(asked.status.code(), Some(2), "{}", stderr(&asked));
    assert!(
        stderr(&asked).contains("use --yes to write without asking, or --dry-run"),
        "{}",
        stderr(&asked)
    );
    assert!(WRITTEN.iter().all(|name| text(name).is_err()), "a file was written");
    assert!(stdout(&asked).contains("+++ gate.toml\n"), "the plan is not shown");

    fs::create_dir_all(place.path().join(".github/workflows")).unwrap();
    fs::write(place.path().join(WRITTEN[2]), "mine\n").unwrap();
    let done = gate(&app, &["init", "--yes", "--actions", "someone/benchgate@v1"]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    assert_eq!(text(WRITTEN[2]).unwrap(), "mine\n");
    assert!(stderr(&done).contains("comment.yml exists and is not changed"));
    let workflow = text(WRITTEN[1]).unwrap();
    let end = "      - uses: someone/benchgate/.github/actions/gate@v1\n        with:\n          \
               working-directory: \"app\"\n";
    assert!(workflow.ends_with(end), "{workflow}");
    Policy::read(&app.join("gate.toml")).expect("a policy");

    // Each line of the diff is in the file.
    let shown: Vec<_> = stdout(&done).lines().filter_map(|line| line.strip_prefix('+')).collect();
    let policy = text(WRITTEN[0]).unwrap();
    let wanted: Vec<_> = policy.lines().chain(workflow.lines()).collect();
    let shown: Vec<_> = shown.into_iter().filter(|line| !line.starts_with("++ ")).collect();
    assert_eq!(shown, wanted);

    let again = gate(&app, &["init", "--actions", "someone/benchgate@v1"]);
    assert_eq!(again.status.code(), Some(0), "nothing is left to ask: {}", stderr(&again));
    assert_eq!(stdout(&again), "");
    assert_eq!(stderr(&again).matches("up to date").count(), 2);
    let difference = gate(&app, &["init", "--dry-run"]);
    assert!(stdout(&difference).contains("\n-mine\n"), "{}", stdout(&difference));
}

/// Workflows of every kind: with and without a directory of their own, and with and
/// without a runner to install.
#[test]
#[ignore = "needs check-jsonschema and zizmor: scripts/test installs them"]
fn the_workflows_that_init_writes_are_valid() {
    let counted = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/projects/counted");
    let below = repository();
    let counts = tempfile::tempdir().unwrap();
    for file in ["Cargo.toml", "Cargo.lock", "src/lib.rs", "benches/counts.rs"] {
        let to = counts.path().join(file);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(counted.join(file), to).unwrap();
    }
    let git = Command::new("git").args(["init", "--quiet"]).current_dir(counts.path()).status();
    assert!(git.expect("git starts").success());
    let commit = "0".repeat(40);
    for (root, project) in
        [(below.path(), below.path().join("app")), (counts.path(), counts.path().into())]
    {
        let from = format!("someone/benchgate@{commit}");
        let done = gate(&project, &["init", "--yes", "--actions", &from]);
        assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
        let script = crate::root().join("ci/workflows");
        let checked = Command::new(script).arg(root).output().expect("it starts");
        assert!(checked.status.success(), "{}{}", stdout(&checked), stderr(&checked));
    }
}

#[test]
fn init_does_not_hide_a_policy_in_another_place() {
    let place = repository();
    let app = place.path().join("app");
    fs::create_dir(app.join("ci")).unwrap();
    fs::write(app.join("ci/gate.toml"), "version = 1\n").unwrap();
    let done = gate(&app, &["init", "--yes", "--no-workflows"]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    assert!(!app.join("gate.toml").exists(), "it would hide the one in ci");
    assert!(!place.path().join(".github").exists());
}

const REASON: [&str; 6] = ["--metric", "time", "--up-to", "7%", "--reason", "it is worth it"];

#[test]
fn waivers_end_today_at_the_earliest() {
    let place = tempfile::tempdir().unwrap();
    let today = Zoned::now().date();
    let until = |days: i64| today.checked_add(days.days()).unwrap().to_string();
    let waive = |days: i64| {
        let until = until(days);
        gate(place.path(), &[&["waive", "a", "--until", &until], &REASON[..]].concat())
    };
    let past = waive(-2);
    assert_eq!(past.status.code(), Some(2));
    assert!(stderr(&past).contains("is in the past (today is"), "{}", stderr(&past));
    assert!(!place.path().join("gate.toml").exists());
    // Midnight may pass during the test.
    assert_eq!(waive(1).status.code(), Some(0));
    let policy = Policy::read(&place.path().join("gate.toml")).expect("a policy");
    let days: Vec<_> = policy.waivers.iter().map(|waiver| waiver.until.to_string()).collect();
    assert_eq!(days, [until(1)]);
}

#[test]
fn waivers_are_checked_against_the_newest_results() {
    let place = tempfile::tempdir().unwrap();
    let results = place.path().join("target/gate");
    fs::create_dir_all(&results).unwrap();
    fs::copy(project().join("main.json"), results.join("newest.json")).unwrap();
    let note = |id: &str, metric: &str| {
        let mut args = vec!["waive", id, "--until", "2999-12-31", "--dry-run"];
        args.extend(REASON);
        args[6] = metric;
        let output = gate(place.path(), &args);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        stderr(&output).to_owned()
    };
    assert_eq!(note("cache/hit", "time"), "");
    assert_eq!(
        note("cache/hits", "time"),
        "note: the newest `gate run` does not contain a benchmark `cache/hits`; did you mean `cache/hit`?\n"
    );
    assert_eq!(
        note("sql/select", "instructions"),
        "note: the newest `gate run` does not contain instructions of `sql/select`, only time\n"
    );
    fs::write(results.join("newest.json"), "{").unwrap();
    assert!(note("cache/hit", "time").starts_with("note: the name is not checked: "));
}

#[test]
fn a_linked_policy_stays_a_link() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("real.toml"), "version = 1 # ours\n").unwrap();
    std::os::unix::fs::symlink("real.toml", place.path().join("gate.toml")).unwrap();
    let args = [&["waive", "a", "--until", "2999-12-31"], &REASON[..]].concat();
    let output = gate(place.path(), &args);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(place.path().join("gate.toml").is_symlink());
    let text = fs::read_to_string(place.path().join("real.toml")).unwrap();
    assert!(text.starts_with("version = 1 # ours\n\n[[waiver]]\nbench = \"a\"\n"), "{text}");
}

/// A project with a bench target of iai-callgrind.
const COUNTED: &str = "tests/fixtures/projects/counted/Cargo.toml";

#[test]
fn doctor_runs_every_check_and_sets_its_exit_code() {
    let root = crate::root();
    let output = gate(root, &["doctor", "--format", "json", "--suite", "--manifest-path", COUNTED]);
    let diagnosis: serde_json::Value = serde_json::from_str(stdout(&output)).expect("JSON");
    let schema = fs::read_to_string(root.join("docs/schema/diagnosis.schema.json")).unwrap();
    let schema = serde_json::from_str(&schema).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    assert!(validator.is_valid(&diagnosis), "{diagnosis:#}");
    let checks = diagnosis["checks"].as_array().expect("checks");
    let names: Vec<_> = checks.iter().filter_map(|check| check["name"].as_str()).collect();
    for name in [
        "governor",
        "turbo",
        "smt",
        "clock-source",
        "cpu-limit",
        "load",
        "swap",
        "valgrind",
        "iai-callgrind-runner",
        "perf",
        "bench-targets",
        "target-directory",
        "criterion-results",
        "left-behind",
        "lock-file",
        "path-dependencies",
        "submodules",
        "git-lfs",
        "untracked-data",
        "clone",
        "toolchain",
        "cargo-config",
        "build-variables",
        "redis",
        "postgresql",
        "onnxruntime",
    ] {
        assert!(names.contains(&name), "{name} is not among {names:?}");
    }
    let is = |check: &serde_json::Value, status: &str| check["status"] == status;
    let problem = checks.iter().any(|check| is(check, "problem"));
    assert_eq!(output.status.code(), Some(i32::from(problem)), "{diagnosis:#}");
    for check in checks {
        assert_eq!(is(check, "ok"), check["remedy"].is_null(), "{check}");
        assert!(check["remedy"].as_str().is_none_or(|remedy| !remedy.contains('\n')), "{check}");
    }
}

/// The status of each check of the repository that is not fine, and what was found.
fn attention(root: &Path) -> Vec<(String, String)> {
    let output = gate(root, &["doctor", "--format", "json"]);
    let diagnosis: serde_json::Value = serde_json::from_str(stdout(&output)).expect("JSON");
    let checks = diagnosis["checks"].as_array().expect("checks").iter();
    let text = |check: &serde_json::Value, key: &str| check[key].as_str().unwrap().to_owned();
    checks
        // The machine's are before it.
        .skip_while(|check| check["name"] != "base")
        .filter(|check| check["status"] != "ok")
        .map(|check| (text(check, "name"), text(check, "found")))
        .collect()
}

#[test]
fn doctor_lists_what_a_clone_of_the_repository_would_not_have() {
    let place = repository();
    let root = place.path();
    let git = |words: &[&str]| {
        let identity = ["-c", "user.name=t", "-c", "user.email=t@example.invalid"];
        let status = Command::new("git").args(identity).args(words).current_dir(root).status();
        assert!(status.expect("git starts").success(), "{words:?}");
    };
    git(&["checkout", "-q", "-B", "main"]);
    git(&["add", "-A"]);
    git(&["commit", "-q", "-m", "base"]);
    let app = root.join("app");
    assert_eq!(attention(&app), []);

    let outside = tempfile::tempdir_in(root.parent().unwrap()).unwrap();
    fs::create_dir(outside.path().join("src")).unwrap();
    fs::write(outside.path().join("src/lib.rs"), "").unwrap();
    let manifest = "[package]\nname = \"outside\"\nversion = \"0.1.0\"\n[workspace]\n";
    fs::write(outside.path().join("Cargo.toml"), manifest).unwrap();
    let append = |file: &str, text: &str| {
        let path = root.join(file);
        let before = fs::read_to_string(&path).unwrap_or_default();
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, before + text).unwrap();
    };
    let name = outside.path().file_name().unwrap().to_str().unwrap();
    append("app/Cargo.toml", &format!("\n[dependencies.outside]\npath = \"../../{name}\"\n"));
    append(".gitignore", "data\n");
    append("app/benches/data/corpus.txt", "100");
    append("app/benches/sums.rs", "\nconst CORPUS: &str = \"benches/data/corpus.txt\";\n");
    append(".gitattributes", "*.bin filter=lfs\n");
    append(
        ".gitmodules",
        "[submodule \"x\"]\n\tpath = vendor/x\n\turl = https://example.invalid/x\n",
    );
    git(&["rm", "-q", "--cached", "app/Cargo.lock"]);
    git(&["add", "app/Cargo.toml", "app/benches", ".gitignore", ".gitattributes", ".gitmodules"]);
    git(&["commit", "-q", "-m", "more"]);
    git(&["branch", "-q", "-m", "other"]);
    let found = attention(&app);
    let of = |name: &str| found.iter().find(|(of, _)| of == name).map(|(_, found)| found.as_str());
    let contains = |name: &str, part: &str| {
        let found = of(name).unwrap_or_else(|| panic!("{name} is not among {found:?}"));
        assert!(found.contains(part), "{found}");
    };
    contains("base", "no default branch");
    contains("lock-file", "not committed");
    contains("path-dependencies", name);
    contains("submodules", "vendor/x");
    contains("untracked-data", "app/benches/data/corpus.txt");
    let lfs = Command::new("git").args(["lfs", "version"]).output().expect("git starts");
    assert_eq!(of("git-lfs").is_none(), lfs.status.success(), "{found:?}");
}

#[test]
fn doctor_works_outside_of_a_project() {
    let place = tempfile::tempdir().unwrap();
    let output = gate(place.path(), &["doctor"]);
    let text = stdout(&output);
    assert!(text.contains("  governor ") && !text.contains("bench-targets"), "{text}");
    assert!(text.lines().last().is_some_and(|line| line.ends_with(" ok")), "{text}");
    assert!(stderr(&output).contains("not in a cargo project"), "{}", stderr(&output));
}

#[test]
fn completions_and_manual_pages_know_every_command() {
    let place = tempfile::tempdir().unwrap();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = gate(place.path(), &["completions", shell]);
        assert_eq!(output.status.code(), Some(0), "{shell}");
        assert!(stdout(&output).contains("calibrate"), "{shell}");
    }
    let output = gate(place.path(), &["man", "deep/man1"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    for name in ["gate", "gate-ab", "gate-run", "gate-check", "gate-waive", "gate-baseline-save"] {
        let page = place.path().join("deep/man1").join(name).with_extension("1");
        let page = fs::read_to_string(&page).expect(name);
        assert!(page.contains(".SH SYNOPSIS"), "{name}");
    }
}
