//! The action that judges: what it passes on, what it compares with, and what
//! becomes of gate's exit codes.

use std::fs;

use serde_json::json;

use super::{Ran, Runner, reports};

/// Keeps its arguments; of `ab` it takes the report and the code from files.
const GATE: &str = r#"#!/usr/bin/env bash
set -euo pipefail
line=$(printf '%s | ' "$@")
printf '%s\n' "${line% | }" >>"$FAKE/calls"
[ "$1" = ab ] || exec "$REAL_GATE" "$@"
echo '::error::said by a benchmark'
echo '::error::said by another' >&2
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

/// A history as a pull request's checkout has it: the base branch went on after
/// the head left it. The commit where it left, and the tip of the base branch.
fn pull_request(runner: &mut Runner) -> (String, String) {
    runner.set("GITHUB_BASE_REF", "main");
    runner.git(&["init", "--quiet"]);
    let fork = runner.commit("both sides have this");
    runner.git(&["switch", "--quiet", "--create", "faster"]);
    runner.commit("the change");
    runner.git(&["switch", "--quiet", "main"]);
    let tip = runner.commit("what others did meanwhile");
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
fn inputs_become_arguments_each_as_it_is() {
    let mut runner = runner("workflow_dispatch", 0);
    reports("main.json", "same.json", &runner.path("fake/report"));
    for (name, value) in [
        ("GATE_BASE", "v1.2"),
        ("GATE_BENCH", "cache\n\n  two words  \n"),
        ("GATE_PACKAGE", "core"),
        ("GATE_FEATURES", "fast\nslow"),
        ("GATE_FILTER", "^a b|$(touch here)"),
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
             --features | fast | --features | slow | --filter | ^a b|$(touch here) | --budget | \
             10m | --config | ci/gate.toml | --control | --all-features | --counts=3 | --report | \
             out/here",
            "report | out/here/report.json | --format | github",
        ]
    );
    assert!(!runner.workspace().join("here").exists());
    assert_eq!(ran.output("report"), runner.workspace().join("out/here").display().to_string());
}

#[test]
fn nothing_is_passed_that_was_not_given() {
    let mut runner = runner("workflow_dispatch", 0);
    for name in ["GATE_BASE", "GATE_BENCH", "GATE_FILTER", "GATE_BUDGET", "GATE_ARGS"] {
        runner.set(name, "");
    }
    runner.set("GATE_CONTROL", "false");
    assert_eq!(runner.step("github/ab", &[]).ok().calls, ["ab | --report | target/gate/report"]);
}

#[test]
fn a_pull_request_is_held_against_its_merge_base() {
    let mut runner = runner("pull_request", 0);
    let (fork, tip) = pull_request(&mut runner);
    runner.set("GATE_EVENT_BASE", &tip);
    assert_eq!(base_of(&runner.step("github/ab", &[]).ok()), Some(fork.as_str()));
    // Where the branch was not fetched by its name, the event's commit stands for it.
    runner.git(&["update-ref", "-d", "refs/remotes/origin/main"]);
    assert_eq!(base_of(&runner.step("github/ab", &[]).ok()), Some(fork.as_str()));
    runner.set("GATE_BASE", "HEAD~0");
    assert_eq!(base_of(&runner.step("github/ab", &[]).ok()), Some("HEAD~0"), "who asks gets it");
}

#[test]
fn a_merge_commit_as_head_is_held_against_the_base_branch() {
    let mut runner = runner("pull_request", 0);
    let (_, tip) = pull_request(&mut runner);
    let head = runner.git(&["rev-parse", "HEAD"]);
    runner.git(&["switch", "--quiet", "--detach", &tip]);
    runner.git(&["merge", "--quiet", "--no-ff", "--message", "merge", &head]);
    assert_eq!(base_of(&runner.step("github/ab", &[]).ok()), Some(tip.as_str()));
}

#[test]
fn a_checkout_without_history_is_told_what_to_do() {
    let mut runner = runner("pull_request", 0);
    runner.set("GITHUB_BASE_REF", "main").set("GATE_EVENT_BASE", super::COMMIT);
    runner.git(&["init", "--quiet"]);
    runner.commit("all that was fetched");
    let ran = runner.step("github/ab", &[]);
    assert_eq!((ran.code, ran.calls.len()), (2, 0));
    assert!(ran.stderr.contains("give actions/checkout `fetch-depth: 0`"), "{}", ran.stderr);
}

#[test]
fn a_push_is_held_against_what_stood_there_before() {
    let mut runner = runner("push", 0);
    runner.git(&["init", "--quiet"]);
    let first = runner.commit("first");
    let second = runner.commit("second");
    runner.commit("third");
    runner.set("GATE_EVENT_BASE", &first);
    assert_eq!(base_of(&runner.step("github/ab", &[]).ok()), Some(first.as_str()));
    // A new branch had nothing before, and a forced push may have lost it.
    for lost in ["0000000000000000000000000000000000000000", super::COMMIT] {
        runner.set("GATE_EVENT_BASE", lost);
        assert_eq!(base_of(&runner.step("github/ab", &[]).ok()), Some(second.as_str()));
    }
    // In the merge queue, what the change is queued on.
    runner.set("GITHUB_EVENT_NAME", "merge_group").set("GATE_EVENT_BASE", &first);
    assert_eq!(base_of(&runner.step("github/ab", &[]).ok()), Some(first.as_str()));
}

#[test]
fn events_that_bring_secrets_to_the_code_are_refused() {
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
            assert_eq!(judged, code, "the report is of that verdict: {candidate}");
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
fn a_verdict_that_is_missing_or_asked_for_wrongly_is_no_pass() {
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
fn an_earlier_report_is_not_taken_for_this_one() {
    for code in [0, 1] {
        let runner = runner("workflow_dispatch", code);
        let report = runner.workspace().join("target/gate/report");
        reports("main.json", "same.json", &report);
        let ran = runner.step("github/ab", &[]).ok();
        // Without a report nothing was judged, whatever the code says.
        assert_eq!((ran.output("verdict"), ran.output("exit-code")), ("incomplete", "1"));
        assert!(!report.join("report.json").exists());
    }
}

#[test]
fn what_benchmarks_print_is_no_workflow_command() {
    let runner = runner("workflow_dispatch", 3);
    reports("main.json", "slower.json", &runner.path("fake/report"));
    let ran = runner.step("github/ab", &[]).ok();
    let (before, rest) = ran.stdout.split_once("::stop-commands::").expect("commands are stopped");
    let (end, rest) = rest.split_once('\n').expect("a word on that line");
    let (unheard, heard) = rest.split_once(&format!("\n::{end}::\n")).expect("and heard again");
    assert!(!before.contains("::error::") && end.len() >= 32);
    assert!(unheard.contains("said by a benchmark") && unheard.contains("said by another"));
    assert!(!heard.contains("said by") && !ran.stderr.contains("said by"));
    assert!(heard.starts_with("::error title="), "gate's own annotations: {heard}");
}

#[test]
fn gate_is_built_only_where_it_is_not_there() {
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
    assert!(!runner.path("temp/benchgate/build").exists(), "only the program is kept");
    assert_eq!(runner.step("github/install", &[]).ok().calls.len(), 0, "it is there now");

    // A compiler that is too old is not tried.
    fs::remove_dir_all(&directory).unwrap();
    runner.program("rustc", "#!/bin/sh\necho 'rustc 1.80.1 (0 2024-01-01)'\n");
    runner.program("rustup", &format!("{keep}[ \"$1\" != run ] || shift 2; \"$@\"\n"));
    runner.program("toolchain", "#!/bin/sh\n");
    let calls = runner.step("github/install", &[]).ok().calls.join("\n");
    assert!(calls.starts_with("rustup toolchain install 1.94 --profile minimal"), "{calls}");
    assert!(calls.contains("rustup run 1.94 cargo install"), "{calls}");
}

#[test]
fn a_gate_that_was_named_is_used_or_missed() {
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
    let one = plan();
    assert!(one.output("gate-key").starts_with("benchgate-gate-Linux-X64-"));
    assert_eq!(one.output("gate-directory"), runner.path("temp/benchgate").display().to_string());
    assert!(one.output("build-paths").starts_with(&format!("{target}/gate/base\n{target}/gate/")));
    assert!(one.output("build-paths").ends_with("/benchgate"), "the checkouts, too");
    let prefix = one.output("build-prefix");
    assert!(prefix.starts_with("benchgate-builds-Linux-X64-"), "{prefix}");
    assert_eq!(one.output("build-key"), format!("{prefix}{}", super::COMMIT));

    fs::write(root.join("Cargo.lock"), "two").unwrap();
    let two = plan();
    assert_ne!(two.output("build-prefix"), prefix);
    assert_eq!(two.output("gate-key"), one.output("gate-key"), "gate is none of the project");
    // No project here: gate will say so, and there are no builds to keep.
    runner.program("cargo", "#!/bin/sh\nexit 101\n");
    let none = plan();
    assert_eq!(none.output("build-key"), "(no such output)");
    assert_eq!(none.output("gate-key"), one.output("gate-key"));
}
