//! Tools that are installed on a runner on which only some programs exist.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::json;

use super::{Runner, root};

/// A runner with only these programs of this machine.
fn runner_with(programs: &[&str]) -> Runner {
    let mut runner = Runner::new("workflow_dispatch", &json!({}));
    let path = std::env::var_os("PATH").unwrap();
    for program in programs {
        let found = std::env::split_paths(&path).map(|directory| directory.join(program));
        let found = found.into_iter().find(|file| file.is_file()).expect(program);
        symlink(found, runner.path("bin").join(program)).unwrap();
    }
    let only = runner.path("bin").display().to_string();
    runner.set("PATH", &only);
    let github_path = runner.path("github-path").display().to_string();
    runner.set("GITHUB_PATH", &github_path);
    runner
}

const BASE: [&str; 7] = ["bash", "dirname", "env", "id", "ln", "mkdir", "uname"];

#[test]
fn valgrind_is_installed_if_it_is_missing_and_can_be_installed() {
    let apt = "#!/usr/bin/env bash\necho \"apt-get $*\" >>\"$FAKE/calls\"\n";
    let sudo = "#!/usr/bin/env bash\n\"$@\"\n";
    let step = |runner: &Runner| runner.step("github/valgrind", &[]).ok();

    let runner = runner_with(&BASE);
    let ran = step(&runner);
    assert!(ran.stderr.contains("::warning ") && ran.stderr.contains("only times are compared"));

    runner.program("apt-get", apt);
    runner.program("sudo", sudo);
    let ran = step(&runner);
    let install = "apt-get install -y -qq --no-install-recommends valgrind";
    assert_eq!(ran.calls, ["apt-get update -qq", install]);
    assert!(!ran.stderr.contains("::warning "), "{}", ran.stderr);

    // Measuring goes on if the package archive does not answer.
    runner.program("apt-get", &format!("{apt}exit 100\n"));
    let ran = step(&runner);
    assert!(ran.stderr.contains("valgrind could not be installed"), "{}", ran.stderr);

    runner.program("valgrind", "#!/bin/sh\n");
    assert_eq!(step(&runner).calls.len(), 0, "Valgrind is installed again");
}

#[test]
fn a_runners_chrome_is_used_as_chromium() {
    let runner = runner_with(&BASE);
    let present = "present  chromium";
    let tools = || runner.step("tools", &["--check", "chromium"]);
    assert_eq!(tools().code, 1, "Chromium was found");
    runner.program("google-chrome", "#!/bin/sh\n");
    let ran = tools().ok();
    assert!(ran.stdout.starts_with(present), "{}", ran.stdout);
    let chrome = runner.path("temp/chrome");
    let path = fs::read_to_string(runner.path("github-path")).unwrap();
    assert_eq!(path.trim_end(), chrome.display().to_string(), "later steps do not find it");
    let link = fs::read_link(chrome.join("chromium")).unwrap();
    assert_eq!(link, runner.path("bin/google-chrome"));
}

#[test]
fn only_known_tools_are_installed() {
    let runner = runner_with(&BASE);
    let ran = runner.step("tools", &["valgrind", "everything"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("usage: scripts/setup"), "{}", ran.stderr);
    // The names that workflows pass are known.
    for workflow in fs::read_dir(root().join(".github/workflows")).unwrap() {
        let text = fs::read_to_string(workflow.unwrap().path()).unwrap();
        for line in text.lines().filter_map(|line| line.split("run: ci/tools").nth(1)) {
            let names: Vec<&str> = ["--check"].into_iter().chain(line.split_whitespace()).collect();
            let code = runner.step("tools", &names).code;
            assert!(code < 2, "{names:?}");
        }
    }
}
