//! The baseline that main measures, how it is promoted, and the nightly jobs.

use std::fs;

use serde_json::{Value, json};

use super::{COMMIT, Runner, reports};

/// A fake gate: `run` writes a baseline, the newest snapshot and a report, and ends with a
/// given exit code.
const GATE: &str = r#"#!/usr/bin/env bash
set -euo pipefail
line=$(printf '%s | ' "$@")
printf '%s\n' "${line% | }" >>"$FAKE/calls"
code=$(cat "$FAKE/code")
case $1 in
report) exec "$REAL_GATE" "$@" ;;
calibrate) printf 'noise floor\n<b>0.5%%</b>\n' ;;
run)
    mkdir -p target/gate
    echo newest >target/gate/newest.json
    if [ "$code" -eq 0 ] && [[ $* == *--save* ]]; then
        mkdir -p baselines/ci-box
        echo moved >baselines/ci-box/main.json
    fi
    while [ "$1" != --report ]; do shift; done
    [ ! -d "$FAKE/report" ] || { mkdir -p "$2" && cp "$FAKE"/report/* "$2"; }
    exit "$code"
    ;;
esac
"#;

/// A clone of main, with a committed baseline.
fn runner(code: u8, snapshots: Option<(&str, &str)>) -> Runner {
    let mut runner = Runner::new("workflow_dispatch", &json!({}));
    let gate = runner.program("gate", GATE);
    runner.set("GATE_EXE", &gate).set("REAL_GATE", crate::GATE);
    runner.set("GIT_CONFIG_NOSYSTEM", "1");
    runner.answer("code", code.to_string());
    if let Some((baseline, candidate)) = snapshots {
        reports(baseline, candidate, &runner.path("fake/report"));
    }
    runner.git(&["init", "--quiet"]);
    let class = runner.workspace().join("baselines/ci-box");
    fs::create_dir_all(&class).unwrap();
    fs::write(class.join("main.json"), "committed\n").unwrap();
    fs::write(runner.workspace().join(".gitignore"), "/target\n").unwrap();
    runner.git(&["add", "--all"]);
    runner.commit("a baseline");
    runner
}

fn kept(runner: &Runner, name: &str) -> Option<String> {
    fs::read_to_string(runner.workspace().join("target/gate/baseline").join(name)).ok()
}

#[test]
fn a_changed_baseline_is_kept_with_its_report() {
    let runner = runner(0, Some(("main.json", "same.json")));
    let ran = runner.step("github/baseline", &[]).ok();
    assert_eq!(
        ran.calls,
        [
            "run | --save | main | --report | target/gate/baseline/report",
            "report | target/gate/baseline/report/report.json | --format | github",
        ]
    );
    assert_eq!(kept(&runner, "baselines/ci-box/main.json").as_deref(), Some("moved\n"));
    assert_eq!(kept(&runner, "newest.json").as_deref(), Some("newest\n"));
    assert!(ran.summary.contains("(exit 0)"), "{}", ran.summary);
}

#[test]
fn a_regression_never_becomes_the_baseline_by_itself() {
    for (code, candidate) in [(3, "slower.json"), (4, "noisy.json"), (5, "elsewhere.json")] {
        let runner = runner(code, Some(("main.json", candidate)));
        // Files of an earlier run are not used.
        let left = runner.workspace().join("target/gate/baseline/baselines/ci-box");
        fs::create_dir_all(&left).unwrap();
        fs::write(left.join("main.json"), "left over\n").unwrap();
        let ran = runner.step("github/baseline", &[]);
        assert_eq!(ran.code, i32::from(code));
        assert!(ran.stderr.contains("the baseline is not changed"), "{}", ran.stderr);
        assert!(!ran.calls[0].contains("--force"), "{}", ran.calls[0]);
        assert_eq!(kept(&runner, "baselines/ci-box/main.json"), None);
        assert_eq!(
            kept(&runner, "newest.json").as_deref(),
            Some("newest\n"),
            "the newest snapshot is kept"
        );
    }
}

#[test]
fn force_is_passed_on_only_with_a_reason() {
    let mut runner = runner(0, None);
    for (reason, forced) in [("", false), ("checksums are worth it", true)] {
        runner.set("GATE_FORCE", reason);
        runner.git(&["checkout", "--quiet", "--", "baselines"]);
        let ran = runner.step("github/baseline", &[]).ok();
        assert_eq!(ran.calls[0].ends_with(" | --force"), forced, "{}", ran.calls[0]);
    }
    // It saved, but nothing differs: there is no baseline to propose.
    runner.git(&["add", "--all"]);
    runner.commit("the baseline is that already");
    assert_eq!(runner.step("github/baseline", &[]).code, 1);
}

/// A repository that the workspace pushes to.
fn origin(runner: &Runner) {
    let origin = runner.path("origin.git").display().to_string();
    runner.git(&["init", "--quiet", "--bare", &origin]);
    runner.git(&["remote", "add", "origin", &origin]);
}

#[test]
fn a_promotion_is_a_pull_request() {
    let mut runner = runner(0, Some(("main.json", "same.json")));
    origin(&runner);
    runner.step("github/baseline", &[]).ok();
    // The second job has its own checkout.
    runner.git(&["checkout", "--quiet", "--", "baselines"]);
    runner.set("GATE_FORCE", "worth it\n# <b>@all</b>");
    // The step removes the body at its end.
    let keep = super::GH
        .replace("case", "[[ $* != *--body-file* ]] || cp \"${@: -1}\" \"$FAKE/body\"\ncase");
    runner.program("gh", &keep);
    let ran = runner.step("github/promote", &[]).ok();
    let branch = "baseline/77-1";
    assert_eq!(ran.calls[0], "auth | setup-git", "the token is in a file or an argument");
    let call = format!(
        "pr | create | --base | main | --head | {branch} | --title | Baseline of main at {} | \
         --body-file | ",
        &COMMIT[..10]
    );
    assert!(ran.calls[1].starts_with(&call), "{}", ran.calls[1]);
    let show = format!("origin/{branch}:baselines/ci-box/main.json");
    runner.git(&["fetch", "--quiet", "origin"]);
    assert_eq!(runner.git(&["show", &show]), "moved");
    let files = runner.git(&["diff", "--name-only", "HEAD~1", &format!("origin/{branch}")]);
    assert_eq!(files, "baselines/ci-box/main.json", "other files were committed");

    let body = fs::read_to_string(runner.path("fake/body")).unwrap();
    assert!(body.starts_with("Measured on `1f0c9a2b3d` by [run 77](https://github.example/"));
    assert!(
        body.contains("\n    worth it # <b>@all</b>"),
        "text, on its own indented line: {body}"
    );
    assert!(body.contains("✅ **PASS**"), "the report is missing: {body}");
}

#[test]
fn a_missing_or_unexpected_baseline_is_not_promoted() {
    let runner = runner(0, None);
    origin(&runner);
    assert_eq!(runner.step("github/promote", &[]).code, 5, "there is no baseline");
    let keep = |file: &str| {
        let path = runner.workspace().join("target/gate/baseline").join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "committed\n").unwrap();
        path
    };
    keep("baselines/ci-box/main.json");
    let ran = runner.step("github/promote", &[]).ok();
    assert!(ran.stderr.contains("nothing to promote"), "{}", ran.stderr);
    for strange in ["baselines/ci-box/main.sh", "baselines/main.json", "baselines/.git/main.json"] {
        let path = keep(strange);
        let ran = runner.step("github/promote", &[]);
        assert_eq!((ran.code, ran.calls.len()), (1, 0), "{strange}");
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn a_night_adds_to_the_known_noise() {
    let runner = runner(0, None);
    fs::create_dir(runner.workspace().join("target")).unwrap();
    let ran = runner.step("github/nightly", &["calibrate"]).ok();
    assert_eq!(ran.calls, ["calibrate | --store | target/nightly/noise"]);
    assert_eq!(ran.summary, "    noise floor\n    <b>0.5%</b>\n\n");
}

#[test]
fn a_nights_snapshot_is_kept_whatever_the_comparison() {
    for (code, ends) in [(0, 0), (1, 1), (3, 3), (4, 0), (5, 0)] {
        let snapshots = Some(("main.json", "same.json")).filter(|_| code != 1);
        let runner = runner(code, snapshots);
        let ran = runner.step("github/nightly", &["snapshot"]);
        assert_eq!(ran.code, ends, "{code}: {}", ran.stderr);
        assert_eq!(ran.calls[0], "run | --repeat | 10 | --report | target/nightly/snapshot");
        let snapshot = runner.workspace().join("target/nightly/snapshot/snapshot.json");
        assert_eq!(fs::read_to_string(snapshot).unwrap(), "newest\n");
    }
    assert_eq!(runner(0, None).step("github/nightly", &["else"]).code, 2);
}

#[test]
fn drift_is_measured_over_a_week() {
    let runner = runner(0, None);
    let at = |days: i64| {
        let when = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * days);
        let when = when.to_string();
        let status = std::process::Command::new("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "--quiet"])
            .args(["--allow-empty", "--message", "then"])
            .current_dir(runner.workspace())
            .env("GIT_COMMITTER_DATE", &when)
            .env("GIT_AUTHOR_DATE", &when)
            .status();
        assert!(status.unwrap().success());
        runner.git(&["rev-parse", "HEAD"])
    };
    let base = || runner.step("github/nightly", &["week"]).ok().output("base").to_owned();
    let beginning = runner.git(&["rev-parse", "HEAD"]);
    assert_eq!(base(), beginning, "in a history of less than a week, the first commit");
    runner.git(&["switch", "--quiet", "--orphan", "older"]);
    at(20);
    let week = at(8);
    at(6);
    at(0);
    assert_eq!(base(), week);
}

#[test]
#[ignore = "needs jq: scripts/test installs it"]
fn one_check_summarises_all_jobs() {
    let mut runner = Runner::new("pull_request", &json!({}));
    let result = |result: &str| json!({ "result": result, "outputs": {} });
    let all = |last: &str| json!({ "lint": result("success"), "test": result(last) }).to_string();
    for (needs, code) in [
        (all("success"), 0),
        (all("failure"), 1),
        (all("cancelled"), 1),
        (all("skipped"), 1),
        (Value::Null.to_string(), 1),
        ("{}".to_owned(), 1),
        (String::new(), 1),
    ] {
        runner.set("NEEDS", &needs);
        let ran = runner.step("required", &[]);
        assert_eq!(ran.code, code, "{needs}: {}", ran.stderr);
        assert_eq!(ran.stderr.contains("::error "), code != 0, "{needs}: {}", ran.stderr);
    }
}
