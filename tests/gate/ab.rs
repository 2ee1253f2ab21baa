//! `gate ab`: measures two sides in turn, from ready executables and from a repository.

mod bad_input;
mod control;
mod early;
mod environment;
mod interrupt;
mod large;
mod layout;
pub(crate) mod mimic;
mod paths;
mod repository;
mod shards;
mod sides;
mod time;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use benchgate::judge::{Outcome, Report, Row};
use benchgate::measure::{BuildOptions, Interrupt, Silent, build};

/// Quick, and shows only changes that noise cannot cause. Instructions are counted only
/// in tests that turn counting on, so the others do not need valgrind.
const POLICY: &str = "version = 1\n[ab]\nscreening = 6\nlooks = [8]\nwarm_up = \"5ms\"\ntime = \
                      \"10ms\"\nsamples = 10\ncounts = 0\nmachine_busy = \"warn\"\n[verdict]\nundecided = \
                      \"allow\"\n[[rule]]\nbench = \"**\"\nmetric = \"time\"\ntolerance = \
                      \"300%\"\ntarget = \"900%\"\n";

fn project(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/projects").join(name)
}

/// The executable of a project's bench target.
fn built(project: &str, target: &str) -> PathBuf {
    let options = BuildOptions {
        directory: Some(self::project(project)),
        target_dir: Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join(project)),
        locked: true,
        quiet: true,
        ..BuildOptions::default()
    };
    let built = build(&options, &Interrupt::new(), &mut Silent).expect("the project builds");
    let found = built.executables.into_iter().find(|bench| bench.target.name == target);
    found.expect("it has that target").path
}

/// The tiny project's bench target `moody`. The variable `TINY_MOOD` sets what its
/// benchmark `second` does.
static MOODY: LazyLock<PathBuf> = LazyLock::new(|| built("tiny", "moody"));

/// A script that execs it in a mood.
fn moody(home: &Path, mood: &str) -> PathBuf {
    script(home, mood, &format!("TINY_MOOD={mood} exec '{}' \"$@\"", MOODY.display()))
}

fn script(home: &Path, name: &str, text: &str) -> PathBuf {
    let path = home.join(format!("{name}.sh"));
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&path, mode).unwrap();
    path
}

fn gate(directory: &Path, arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = Command::new(crate::GATE)
        .args(arguments)
        .current_dir(directory)
        .env_remove("CARGO_TARGET_DIR")
        .output()
        .expect("the gate starts");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (status.code().expect("an exit code"), text(stdout), text(stderr))
}

/// Runs `gate ab` on two scripts. Returns the exit code, the report and stderr.
fn ab(home: &Path, base: &Path, head: &Path, more: &[&str]) -> (i32, Report, String) {
    if !home.join("gate.toml").exists() {
        std::fs::write(home.join("gate.toml"), POLICY).unwrap();
    }
    let (base, head) = (base.to_str().unwrap(), head.to_str().unwrap());
    let arguments = ["ab", "--base-exe", base, "--head-exe", head, "--format", "json"];
    let (code, out, err) =
        gate(home, &[&arguments[..], &["--keep", "kept", "--seed", "7"], more].concat());
    let report = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"));
    (code, report, err)
}

fn outcomes(report: &Report) -> Vec<(&str, Outcome)> {
    let mut all: Vec<_> =
        report.rows.iter().map(|row| (row.id.as_str(), row.outcome().unwrap())).collect();
    all.sort();
    all
}

#[test]
fn a_slowdown_is_confirmed_by_fresh_pairs_and_the_kept_files_are_judged_alike() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let (good, slow) = (moody(home, "good"), moody(home, "slow"));
    let (code, report, _) = ab(home, &good, &slow, &[]);
    assert_eq!(code, 3);
    let found = outcomes(&report);
    assert_eq!(found, [("first", Outcome::Unchanged), ("second", Outcome::Regression)]);
    let runs = |id: &str| {
        let row = report.rows.iter().find(|row| row.id == id).unwrap();
        (row.baseline.as_ref().unwrap().runs.len(), row.candidate.as_ref().unwrap().runs.len())
    };
    assert_eq!(runs("first"), (6, 6), "cleared by the screening");
    assert_eq!(runs("second"), (14, 14), "measured again");

    // The pairs were kept, so another policy judges them without measuring.
    let check = ["check", "--baseline", "kept/base.json", "kept/head.json"];
    let (code, out, err) = gate(home, &check);
    assert_eq!(code, 3, "{out}{err}");
    assert!(out.contains("8 pairs"), "{out}");
    let lax = "version = 1\n[[rule]]\nbench = \"**\"\ngate = \"warn\"\n";
    std::fs::write(home.join("lax.toml"), lax).unwrap();
    let (code, out, err) = gate(home, &[&check[..], &["--config", "lax.toml"]].concat());
    assert_eq!(code, 0, "{out}{err}");
}

#[test]
fn equal_sides_are_unchanged_and_a_selection_measures_only_a_part() {
    let home = tempfile::tempdir().unwrap();
    let good = moody(home.path(), "good");
    let (code, report, _) = ab(home.path(), &good, &good, &["--filter", "first"]);
    assert_eq!((code, outcomes(&report)), (0, vec![("first", Outcome::Unchanged)]));
    assert_eq!(report.candidate.selection.as_deref(), Some("--filter first"));
    let left: Vec<_> = std::fs::read_dir(home.path().join("kept")).unwrap().collect();
    assert_eq!(left.len(), 2, "a scratch directory was left: {left:?}");
}

#[test]
fn a_failing_side_is_named_and_the_other_benchmarks_are_judged() {
    let home = tempfile::tempdir().unwrap();
    let (good, bad) = (moody(home.path(), "good"), moody(home.path(), "abort"));
    let (code, report, _) = ab(home.path(), &good, &bad, &[]);
    assert_eq!(code, 1);
    let broken = &report.findings[0];
    assert_eq!(broken.code.as_str(), "benchmark-failed");
    assert!(broken.message.contains("SIGABRT"), "{}", broken.message);

    let (code, _, err) =
        gate(home.path(), &["ab", "--base-exe", "nowhere", "--head-exe", "nowhere"]);
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("nowhere"), "{err}");
    let (code, _, err) = gate(home.path(), &["ab"]);
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("--base-exe"), "the remedy is missing: {err}");
}

/// Runs `gate ab` on the project, with instructions counted `counts` times.
fn counted(root: &Path, bench: &str, counts: &str) -> (i32, Report, String) {
    let arguments = ["ab", "--bench", bench, "--counts", counts, "--format", "json", "--seed", "7"];
    let (code, out, err) = gate(root, &arguments);
    let report = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"));
    (code, report, err)
}

#[test]
#[ignore = "needs valgrind: scripts/test installs it"]
fn grown_instructions_name_their_function_and_a_neutral_change_is_unchanged() {
    let home = tempfile::tempdir().unwrap();
    let root = &repository::of("tiny", home.path());
    let library = root.join("src/lib.rs");
    let base = std::fs::read_to_string(&library).unwrap();

    // 20% more, in one function.
    let more = base.replace("(0..n)", "(0..n + n / 5)");
    assert_ne!(more, base);
    std::fs::write(&library, more).unwrap();
    let (code, report, err) = counted(root, "sums", "2");
    assert_eq!(code, 3, "{err}");
    let row = |id: &str, metric: &str| {
        let mut rows = report.rows.iter();
        rows.find(|row| row.id == id && row.metric == metric).expect("the row").clone()
    };
    let hundred = row("sum/a hundred: more", "instructions");
    let judgement = hundred.judgement.as_ref().unwrap();
    assert_eq!(judgement.outcome, Outcome::Regression, "{hundred:?}");
    assert_eq!(judgement.cause[0].function, "tiny::sum");
    // The benchmark looked changed, so it was counted again.
    assert_eq!(hundred.candidate.as_ref().unwrap().runs.len(), 4);
    let clock = row("sum/a hundred: more", "time").judgement.unwrap();
    assert!(clock.reason.ends_with("% instructions"), "{}", clock.reason);

    // The pairs and the costs of functions were kept, so nothing is measured again.
    let check = ["check", "--baseline", "target/gate/ab/base.json", "target/gate/ab/head.json"];
    let (code, out, err) = gate(root, &check);
    assert_eq!(code, 3, "{out}{err}");
    let row = |line: &&str| line.starts_with("sum/a hundred: more  instructions ");
    let below = out.lines().skip_while(|line| !row(line)).nth(1).unwrap_or_default();
    assert!(below.starts_with("    probable cause: tiny::sum  "), "{out}");

    // Another function, placed before the others and not called by any benchmark.
    let other = "#[inline(never)]\npub fn other(x: &mut [u64; 9]) {\n    x.sort_unstable();\n}\n\
                 #[used]\nstatic KEPT: fn(&mut [u64; 9]) = other;\n";
    std::fs::write(&library, format!("{base}\n{other}")).unwrap();
    let (code, report, err) = counted(root, "sums", "2");
    assert_eq!(code, 0, "{err}");
    assert!(!report.rows.iter().any(|row| row.outcome() == Some(Outcome::Regression)));
    let instructions = report.rows.iter().filter(|row| row.metric == "instructions");
    let instructions: Vec<_> = instructions.map(Row::outcome).collect();
    assert_eq!(instructions, [Some(Outcome::Unchanged); 3]);
    assert!(err.contains("counting instructions of both sides' benchmarks: 6\n"), "{err}");

    // More pairs would also prove the clocks slower, but would not change the verdict: they
    // are measured only if the policy names the clock as the witness.
    let sharp = POLICY.replace("300%", "1%").replace("900%", "3%").replace("[8]", "[10]");
    let slower = base.replace("(0..n)", "(0..3 * n)");
    std::fs::write(&library, slower).unwrap();
    for (keys, confirms) in [("", false), ("witness = \"clock\"\n", true)] {
        std::fs::write(root.join("gate.toml"), format!("{sharp}{keys}")).unwrap();
        let (code, report, err) = counted(root, "sums", "2");
        assert_eq!((code, err.contains("confirming: ")), (3, confirms), "{err}");
        let mut rows = report.rows.iter().filter(|row| row.metric == "time");
        assert_eq!(rows.any(|row| row.outcome() == Some(Outcome::Regression)), confirms);
    }
    std::fs::write(root.join("gate.toml"), POLICY).unwrap();
    std::fs::write(&library, &base).unwrap();

    // Counting was turned off, and the head is its own base again.
    let (code, report, err) = counted(root, "sums", "0");
    assert_eq!((code, err.contains("counting")), (5, false));
    assert!(report.rows.iter().all(|row| row.metric != "instructions"));
}

#[test]
#[ignore = "needs valgrind and iai-callgrind-runner: scripts/test installs them"]
fn a_counting_harness_names_the_functions_too() {
    let home = tempfile::tempdir().unwrap();
    let root = &repository::of("counted", home.path());
    let save = ["run", "--repeat", "2", "--store", "kept", "--class", "here"];
    let (code, out, err) = gate(root, &[&save[..], &["--save", "main"]].concat());
    assert_eq!(code, 0, "{out}{err}");

    // 20% more in one function, which also calls a new function.
    let library = root.join("src/lib.rs");
    let base = std::fs::read_to_string(&library).unwrap();
    let more = base.replace("(0..n).map(std::hint::black_box)", "(0..n + n / 5).map(kept)");
    let kept = "#[inline(never)]\nfn kept(n: u64) -> u64 {\n    std::hint::black_box(n)\n}\n";
    std::fs::write(&library, format!("{more}\n{kept}")).unwrap();
    let caused = |report: &Report| {
        let row = report
            .rows
            .iter()
            .find(|row| row.id == "sums::sum hundred" && row.metric == "instructions");
        let judgement = row.expect("the row").judgement.clone().unwrap();
        assert_eq!(judgement.outcome, Outcome::Regression);
        let names =
            judgement.cause.into_iter().map(|part| (part.function, part.baseline.is_some()));
        names.collect::<Vec<_>>()
    };
    let (code, report, err) = counted(root, "counts", "0");
    assert_eq!(code, 3, "{err}");
    let functions = [("counted::sum", true), ("counted::kept", true)];
    let mut functions = functions.map(|(name, known)| (name.to_owned(), known)).to_vec();
    functions.sort();
    let mut found = caused(&report);
    found.sort();
    assert_eq!(found, functions, "functions of the base are missing");

    // A comparison with a saved baseline finds the same.
    let (code, out, err) = gate(root, &[&save[..], &["--format", "json"]].concat());
    assert_eq!(code, 3, "{err}");
    let mut found = caused(&serde_json::from_str(&out).unwrap());
    found.sort();
    assert_eq!(found, functions);
}

/// With only cargo, rustc and git on PATH.
#[test]
fn without_valgrind_the_clock_decides_alone_and_the_report_says_so() {
    let home = tempfile::tempdir().unwrap();
    let good = moody(home.path(), "good");
    let policy = POLICY.replace("counts = 0", "counts = 2");
    std::fs::write(home.path().join("gate.toml"), policy).unwrap();
    let good = good.to_str().unwrap();
    let output = Command::new(crate::GATE)
        .args(["ab", "--base-exe", good, "--head-exe", good, "--format", "json"])
        .current_dir(home.path())
        .env_remove("CARGO_TARGET_DIR")
        .env("PATH", "/nowhere")
        .output()
        .expect("the gate starts");
    let report: Report = serde_json::from_slice(&output.stdout).expect("a report");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(outcomes(&report), [("first", Outcome::Unchanged), ("second", Outcome::Unchanged)]);
    let not_run = report
        .findings
        .iter()
        .find(|finding| finding.code.as_str() == "not-run")
        .expect("a finding");
    assert_eq!(not_run.id.as_deref(), Some("instructions"));
    assert!(not_run.message.contains("valgrind is not installed"), "{}", not_run.message);
}
