//! The action that judges: the arguments that it passes on, its base, and its use of the
//! gate's exit codes.

use std::fs;

use serde_json::json;

use super::{Ran, Runner, reports};

/// A fake gate that records its arguments. Files set the report and the exit code of `ab`.
const GATE: &str = r#"#!/usr/bin/env bash
set -euo pipefail
line=$(printf '%s | ' "$@")
printf '%s\n' "${line% | }" >>"$FAKE/calls"
[ "$1" = ab ] || exec "$REAL_GATE" "$@"
echo '::error::printed by a benchmark'
echo '::error::printed by another' >&2
while [ "$1" != --report ]; do shift; done
if [ -d "$FAKE/report" ]; then
    mkdir -p "$2"
    cp "$FAKE"/report/* "$2"
fi
exit "$(cat "$FAKE/code")"
"#;

fn runner(event: &str, code: i32) -> Runner {
    let mut runner = Runner::new(event, &json!({}));
    let gate = runner.program("gate", GATE);
    runner.set("GATE_EXE", &gate).set("REAL_GATE", crate::GATE);
    runner.answer("code", code.to_string());
    runner
}

/// The history of a pull request's checkout: the base branch has a commit after the head's
/// branch point. Returns the branch point and the tip of the base branch.
fn pull_request(runner: &mut Runner) -> (String, String) {
    runner.set("GITHUB_BASE_REF", "main");
    runner.git(&["init", "--quiet"]);
    let fork = runner.commit("both sides have this");
    runner.git(&["switch", "--quiet", "--create", "faster"]);
    runner.commit("the change");
    runner.git(&["switch", "--quiet", "main"]);
    let tip = runner.commit("work of others");
    runner.git(&["update-ref", "refs/remotes/origin/main", &tip]);
    runner.git(&["switch", "--quiet", "--detach", "faster"]);
    runner.git(&["branch", "--quiet", "--delete", "--force", "main", "faster"]);
    (fork, tip)
}

fn base_of(ran: &Ran) -> Option<&str> {
    let call = ran.calls.iter().find(|call| call.starts_with("ab"))?;
    call.split(" | ").skip_while(|word| *word != "--base").nth(1)
}

#[test]
fn each_input_becomes_an_unchanged_argument() {
    let mut runner = runner("workflow_dispatch", 0);
    reports("main.json", "same.json", &runner.path("fake/report"));
    for (name, value) in [
        ("GATE_BASE", "v1.2"),
        ("GATE_BENCH", "cache\n\n  two words  \n"),
        ("GATE_PACKAGE", "core"),
        ("GATE_FEATURES", "fast\nslow"),
        ("GATE_FILTER", "^a b|$(touch here)"),
        ("GATE_SHARD", "2/4"),
        ("GATE_BUDGET", "10m"),
        ("GATE_CONFIG", "ci/gate.toml"),
        ("GATE_CONTROL", "true"),
        ("GATE_ARGS", "--all-features\n--counts=3"),
        ("GATE_REPORT", "out/here"),
    ] {
        runner.set(name, value);
    }
    let ran = runner.step("github/ab", &[]).ok();
    assert_eq!(
        ran.calls,
        [
            "ab | --base | v1.2 | --bench | cache | --bench | two words | --package | core | \
             --features | fast | --features | slow | --filter | ^a b|$(touch here) | --shard | \
             2/4 | --budget | 10m | --config | ci/gate.toml | --control | --all-features | --counts=3 | --report | \
             out/here",
            "report | out/here/report.json | --format | github",
        ]
    );
    assert!(!runner.workspace().join("here").exists());
    assert_eq!(ran.output("report"), runner.workspace().join("out/here").display().to_string());
}

#[test]
fn only_given_inputs_are_passed() {
    let mut runner = runner("workflow_dispatch", 0);
    for name in ["GATE_BASE", "GATE_BENCH", "GATE_FILTER", "GATE_BUDGET", "GATE_ARGS"] {
        runner.set(name, "");
    }
    runner.set("GATE_CONTROL", "false");
    assert_eq!(runner.step("github/ab", &[]).ok().calls, ["ab | --report | target/gate/report"]);
}

#[test]
fn a_pull_request_is_compared_with_its_merge_base() {
    let mut runner = runner("pull_request", 0);
    let (fork, tip) = pull_request(&mut runner);
    runner.set("GATE_EVENT_BASE", &tip);
    assert_eq!(base_of(&runner.step("github/ab", &[]).ok()), Some(fork.as_str()));
    // If the branch was not fetched by its name, the event's commit is used.
    runner.git(&["update-ref", "-d", "refs/remotes/origin/main"]);
    assert_eq!(base_of(&runner.step("github/ab", &[]).ok()), Some(fork.as_str()));
    runner.set("GATE_BASE", "HEAD~0");
    assert_eq!(
        base_of(&runner.step("github/ab", &[]).ok()),
        Some("HEAD~0"),
        "an explicit base is used"
    );
}

#[test]
fn a_merge_commit_as_head_is_compared_with_the_base_branch() {
    let mut runner = runner("pull_request", 0);
    let (_, tip) = pull_request(&mut runner);
    let head = runner.git(&["rev-parse", "HEAD"]);
    runner.git(&["switch", "--quiet", "--detach", &tip]);
    runner.git(&["merge", "--quiet", "--no-ff", "--message", "merge", &head]);
    assert_eq!(base_of(&runner.step("github/ab", &[]).ok()), Some(tip.as_str()));
}

#[test]
fn a_checkout_without_history_is_an_error_with_a_remedy() {
    let mut runner = runner("pull_request", 0);
    runner.set("GITHUB_BASE_REF", "main").set("GATE_EVENT_BASE", super::COMMIT);
    runner.git(&["init", "--quiet"]);
    runner.commit("all that was fetched");
    let ran = runner.step("github/ab", &[]);
    assert_eq!((ran.code, ran.calls.len()), (2, 0));
    assert!(ran.stderr.contains("give actions/checkout `fetch-depth: 0`"), "{}", ran.stderr);
}

#[test]
fn a_push_is_compared_with_the_branch_before_it() {
    let mut runner = runner("push", 0);
    runner.git(&["init", "--quiet"]);
    let first = runner.commit("first");
    let second = runner.commit("second");
    runner.commit("third");
    runner.set("GATE_EVENT_BASE", &first);
    assert_eq!(base_of(&runner.step("github/ab", &[]).ok()), Some(first.as_str()));
    // A new branch has no earlier commit, and a forced push may have removed it.
    for lost in ["0000000000000000000000000000000000000000", super::COMMIT] {
        runner.set("GATE_EVENT_BASE", lost);
        assert_eq!(base_of(&runner.step("github/ab", &[]).ok()), Some(second.as_str()));
    }
    // In the merge queue, the base is the commit that the change is queued on.
    runner.set("GITHUB_EVENT_NAME", "merge_group").set("GATE_EVENT_BASE", &first);
    assert_eq!(base_of(&runner.step("github/ab", &[]).ok()), Some(first.as_str()));
}

#[test]
fn events_that_give_secrets_to_the_code_are_refused() {
    for event in ["pull_request_target", "workflow_run", "issue_comment"] {
        let ran = runner(event, 0).step("github/ab", &[]);
        assert_eq!((ran.code, ran.calls.len()), (2, 0), "{event}");
        assert!(ran.stderr.contains("measure on pull_request"), "{}", ran.stderr);
    }
}

#[test]
fn each_exit_code_has_its_verdict_and_fails_only_at_the_end() {
    for (snapshots, code, verdict, passes_as_advice) in [
        (Some(("main.json", "same.json")), 0, "pass", true),
        (None, 1, "incomplete", false),
        (None, 2, "usage", false),
        (Some(("main.json", "slower.json")), 3, "regression", true),
        (Some(("main.json", "noisy.json")), 4, "undecided", true),
        (Some(("main.json", "elsewhere.json")), 5, "nothing-compared", true),
        (None, 137, "incomplete", false),
    ] {
        let mut runner = runner("workflow_dispatch", code);
        if let Some((baseline, candidate)) = snapshots {
            let judged = reports(baseline, candidate, &runner.path("fake/report"));
            assert_eq!(judged, code, "the report has another verdict: {candidate}");
        }
        let ran = runner.step("github/ab", &[]).ok();
        assert_eq!(ran.output("verdict"), verdict);
        assert_eq!(ran.output("exit-code"), code.to_string());
        if snapshots.is_some() {
            assert!(ran.summary.contains(&format!("(exit {code})")), "{}", ran.summary);
        } else {
            assert!(ran.summary.contains("**No report**"), "{}", ran.summary);
        }
        runner.set("GATE_CODE", ran.output("exit-code"));
        for (fail, ends) in [("true", code), ("false", if passes_as_advice { 0 } else { code })] {
            runner.set("GATE_FAIL", fail);
            assert_eq!(runner.step("github/verdict", &[]).code, ends, "{code}, fail: {fail}");
        }
    }
}

#[test]
fn a_missing_or_misused_verdict_is_not_a_pass() {
    let mut runner = runner("workflow_dispatch", 0);
    for (code, fail, ends) in [("", "true", 1), ("none", "false", 1), ("0", "no", 2)] {
        runner.set("GATE_CODE", code).set("GATE_FAIL", fail);
        assert_eq!(runner.step("github/verdict", &[]).code, ends, "{code:?} {fail}");
    }
    runner.set("GATE_CONTROL", "yes");
    let ran = runner.step("github/ab", &[]);
    assert_eq!((ran.code, ran.calls.len()), (2, 0));
}

#[test]
fn an_earlier_report_is_not_used() {
    for code in [0, 1] {
        let runner = runner("workflow_dispatch", code);
        let report = runner.workspace().join("target/gate/report");
        reports("main.json", "same.json", &report);
        let ran = runner.step("github/ab", &[]).ok();
        // Without a report nothing was judged, whatever the exit code.
        assert_eq!((ran.output("verdict"), ran.output("exit-code")), ("incomplete", "1"));
        assert!(!report.join("report.json").exists());
    }
}

#[test]
fn output_of_benchmarks_is_not_a_workflow_command() {
    let runner = runner("workflow_dispatch", 3);
    reports("main.json", "slower.json", &runner.path("fake/report"));
    let ran = runner.step("github/ab", &[]).ok();
    let (before, rest) = ran.stdout.split_once("::stop-commands::").expect("commands are stopped");
    let (end, rest) = rest.split_once('\n').expect("a word on that line");
    let (unheard, heard) = rest.split_once(&format!("\n::{end}::\n")).expect("and heard again");
    assert!(!before.contains("::error::") && end.len() >= 32);
    assert!(unheard.contains("printed by a benchmark") && unheard.contains("printed by another"));
    assert!(!heard.contains("printed by") && !ran.stderr.contains("printed by"));
    assert!(heard.starts_with("::error title="), "gate's own annotations: {heard}");
}

#[test]
fn the_gate_is_built_only_if_it_is_missing() {
    let mut runner = Runner::new("workflow_dispatch", &json!({}));
    let directory = runner.path("temp/benchgate").display().to_string();
    runner.set("GATE_DIRECTORY", &directory);
    runner.set("RUSTFLAGS", "-D warnings");
    let keep = "#!/usr/bin/env bash\nprintf '%s %s ' \"${0##*/}\" \"$*\" >>\"$FAKE/calls\"\n";
    let cargo = format!(
        "{keep}echo \"${{RUSTFLAGS-no flags}} in ${{CARGO_TARGET_DIR##*/}}\" >>\"$FAKE/calls\"\n\
         mkdir -p \"$GATE_DIRECTORY/bin\" \"$GATE_DIRECTORY/build\"\n\
         cp \"$FAKE/../bin/gate-made\" \"$GATE_DIRECTORY/bin/gate\"\n"
    );
    runner.program("gate-made", "#!/bin/sh\necho made\n");
    runner.program("cargo", &cargo);
    runner.program("rustc", "#!/bin/sh\necho 'rustc 1.99.0 (0 2027-01-01)'\n");
    let ran = runner.step("github/install", &[]).ok();
    let gate = format!("{directory}/bin/gate");
    assert_eq!(ran.output("gate"), gate);
    let call = format!(
        "cargo install --quiet --locked --path . --root {directory} --bin gate no flags in build"
    );
    assert_eq!(ran.calls, [call.as_str()]);
    assert!(!runner.path("temp/benchgate/build").exists(), "the build directory is left");
    assert_eq!(
        runner.step("github/install", &[]).ok().calls.len(),
        0,
        "the gate is installed again"
    );

    // A compiler that is too old is not used.
    fs::remove_dir_all(&directory).unwrap();
    runner.program("rustc", "#!/bin/sh\necho 'rustc 1.80.1 (0 2024-01-01)'\n");
    runner.program("rustup", &format!("{keep}[ \"$1\" != run ] || shift 2; \"$@\"\n"));
    runner.program("toolchain", "#!/bin/sh\n");
    let calls = runner.step("github/install", &[]).ok().calls.join("\n");
    assert!(calls.starts_with("rustup toolchain install 1.94 --profile minimal"), "{calls}");
    assert!(calls.contains("rustup run 1.94 cargo install"), "{calls}");
}

#[test]
fn a_named_gate_is_used_and_must_exist() {
    let mut runner = Runner::new("workflow_dispatch", &json!({}));
    let gate = runner.program("my-gate", "#!/bin/sh\n");
    runner.set("GATE_EXE", "my-gate");
    assert_eq!(runner.step("github/install", &[]).ok().output("gate"), gate);
    runner.set("GATE_EXE", "no-such-gate");
    let ran = runner.step("github/install", &[]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("no-such-gate"), "{}", ran.stderr);
}

#[test]
fn builds_are_kept_for_one_compiler_and_one_lock_file() {
    let runner = Runner::new("workflow_dispatch", &json!({}));
    runner.program("rustc", "#!/bin/sh\necho 'rustc 1.99.0'\n");
    runner.program(
        "cargo",
        "#!/bin/sh\necho \"cargo $*\" >>\"$FAKE/calls\"\ncat \"$FAKE/metadata\"\n",
    );
    let root = runner.workspace();
    let target = root.join("elsewhere").display().to_string();
    let metadata = json!({ "packages": [], "target_directory": target, "workspace_root": root });
    runner.answer("metadata", metadata.to_string());
    let plan = || runner.step("github/plan", &[]).ok();
    fs::write(root.join("Cargo.lock"), "one").unwrap();
    let first = plan();
    assert!(first.output("gate-key").starts_with("benchgate-gate-Linux-X64-"));
    assert_eq!(first.output("gate-directory"), runner.path("temp/benchgate").display().to_string());
    assert!(
        first.output("build-paths").starts_with(&format!("{target}/gate/base\n{target}/gate/"))
    );
    assert!(first.output("build-paths").ends_with("/benchgate"), "the checkouts");
    let prefix = first.output("build-prefix");
    assert!(prefix.starts_with("benchgate-builds-Linux-X64-"), "{prefix}");
    assert_eq!(first.output("build-key"), format!("{prefix}{}", super::COMMIT));

    fs::write(root.join("Cargo.lock"), "two").unwrap();
    let two = plan();
    assert_ne!(two.output("build-prefix"), prefix);
    assert_eq!(
        two.output("gate-key"),
        first.output("gate-key"),
        "the key of the gate depends on the project"
    );
    // Without a project there are no builds to keep; the gate reports the error later.
    runner.program("cargo", "#!/bin/sh\nexit 101\n");
    let none = plan();
    assert_eq!(none.output("build-key"), "(no such output)");
    assert_eq!(none.output("gate-key"), first.output("gate-key"));
}
