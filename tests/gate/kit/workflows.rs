//! Rules for all workflows and actions, which are read as text, line by line.
//! `ci/workflows` also checks them with GitHub's schemas and zizmor.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use super::root;

/// The files of a directory, with their text.
fn files(directory: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![root().join(directory)];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(root()).unwrap().display().to_string();
                found.insert(name, fs::read_to_string(path).unwrap());
            }
        }
    }
    found
}

fn workflows() -> BTreeMap<String, String> {
    let found = files(".github/workflows");
    let names: Vec<&str> = found.keys().map(|name| name.rsplit('/').next().unwrap()).collect();
    assert_eq!(names, ["baseline.yml", "bench.yml", "ci.yml", "comment.yml", "nightly.yml"]);
    found
}

fn actions() -> BTreeMap<String, String> {
    let found = files(".github/actions");
    assert_eq!(found.len(), 4);
    found
}

fn copies() -> BTreeMap<String, String> {
    let found = files("docs/github");
    assert_eq!(found.len(), 3);
    found
}

fn all() -> BTreeMap<String, String> {
    [workflows(), actions(), copies()].into_iter().flatten().collect()
}

/// The values of `key: value` lines, also where they begin an item of a list.
fn values<'a>(text: &'a str, key: &str) -> Vec<&'a str> {
    let of_line = |line: &'a str| {
        let line = line.trim_start().trim_start_matches("- ");
        line.strip_prefix(key)?.strip_prefix(": ")
    };
    text.lines().filter_map(of_line).collect()
}

/// The names of a workflow's jobs or of an action's inputs: the keys with an indentation
/// of two spaces in that part.
fn names<'a>(text: &'a str, part: &str) -> Vec<&'a str> {
    let mut lines = text.lines().skip_while(|line| *line != part);
    lines.next();
    lines
        .take_while(|line| line.is_empty() || line.starts_with([' ', '#']))
        .filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':'))
        .filter(|name| !name.starts_with([' ', '#']))
        .collect()
}

#[test]
fn other_peoples_actions_are_pinned_by_commit_and_ours_exist() {
    let mut pins = BTreeMap::new();
    let mut ours = 0;
    for (file, text) in all() {
        for used in values(&text, "uses") {
            if let Some(path) = used.strip_prefix("$/") {
                assert!(root().join(path).join("action.yml").is_file(), "{file}: {used}");
                ours += 1;
            } else if let Some(action) = used.strip_prefix("OWNER/benchgate/") {
                let path = action.strip_suffix("@COMMIT").expect(used);
                assert!(root().join(path).join("action.yml").is_file(), "{file}: {used}");
                ours += 1;
            } else {
                let (action, pin) = used.split_once('@').expect(used);
                let (commit, version) = pin.split_once(" # v").expect(used);
                let hex = commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit());
                assert!(hex && !version.is_empty(), "{file}: {used}");
                let first = *pins.entry(action.to_owned()).or_insert(pin.to_owned()) == *pin;
                assert!(first, "{file}: another pin of {action}");
            }
        }
        for image in values(&text, "image") {
            assert!(image.contains("@sha256:"), "{file}: {image}");
        }
    }
    assert_eq!(ours, 9);
    let names: Vec<&str> = pins.keys().map(String::as_str).collect();
    let few = ["cache", "checkout", "download-artifact", "upload-artifact"];
    assert_eq!(names, few.map(|name| format!("actions/{name}")));
}

#[test]
fn the_shortest_workflow_has_eight_lines_and_the_same_pin() {
    let docs = fs::read_to_string(root().join("docs/github.md")).unwrap();
    let block = docs.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    assert_eq!(block.lines().count(), 8, "{block}");
    let pin = block.split("actions/checkout@").nth(1).unwrap().split(',').next().unwrap();
    let used = workflows().into_values().collect::<String>();
    assert_eq!(pin.len(), 40);
    assert!(used.contains(&format!("actions/checkout@{pin} # v")), "{pin}");
}

#[test]
fn each_step_calls_one_script_that_exists() {
    let mut called = BTreeSet::new();
    for (file, text) in all() {
        for run in values(&text, "run") {
            let run = run.trim_matches('\'');
            let script = match run.strip_prefix("\"$GITHUB_ACTION_PATH/../../../") {
                Some(script) => script.strip_suffix('"').expect(run),
                None => run.split(' ').next().unwrap(),
            };
            assert!(
                script.starts_with("ci/") && !run.contains([';', '&', '|', '{']),
                "{file}: {run}"
            );
            let mode = root().join(script).metadata().expect(script).permissions().mode();
            assert_eq!(mode & 0o111, 0o111, "{script} is not executable");
            called.insert(script.to_owned());
        }
    }
    // Every script is used; the other files are read or called by these scripts.
    let present: BTreeSet<String> = files("ci").into_keys().collect();
    let others = ["ci/gate.toml", "ci/github/common.sh", "ci/github/member"];
    let unused: Vec<_> = present
        .iter()
        .filter(|name| !called.contains(*name) && !others.contains(&name.as_str()))
        .filter(|name| !name.starts_with("ci/k8s/"))
        .collect();
    assert!(unused.is_empty(), "{unused:?}");
}

#[test]
fn every_workflow_starts_without_permissions_and_has_a_time_limit() {
    for (file, text) in workflows().into_iter().chain(copies()) {
        assert!(text.contains("\npermissions: {}\n"), "{file}");
        assert!(text.contains("\nconcurrency:\n"), "{file}");
        let jobs = names(&text, "jobs:").len();
        assert!(jobs > 0, "{file}");
        assert_eq!(values(&text, "timeout-minutes").len(), jobs, "{file}");
        assert_eq!(text.matches("\n    permissions:\n").count(), jobs, "{file}");
        let checkouts = text.matches("actions/checkout@").count();
        assert_eq!(text.matches("persist-credentials: false").count(), checkouts, "{file}");
        for never in ["  pull_request_target:", "secrets.", "write-all", "read-all"] {
            assert!(!text.contains(never), "{file}: {never}");
        }
    }
}

#[test]
fn permissions_to_write_are_listed_here() {
    let mut writes = Vec::new();
    for (file, text) in workflows().into_iter().chain(copies()) {
        for line in text.lines().filter(|line| line.contains(": write")) {
            let permission = line.trim().split(':').next().unwrap();
            writes.push(format!("{file} {permission}"));
        }
    }
    assert_eq!(
        writes,
        [
            ".github/workflows/baseline.yml contents",
            ".github/workflows/baseline.yml pull-requests",
            ".github/workflows/comment.yml pull-requests",
            "docs/github/comment.yml pull-requests",
        ]
    );
}

#[test]
fn the_commenting_workflow_does_not_check_out_and_the_measuring_workflow_does_not_write() {
    for (file, text) in workflows().into_iter().chain(copies()) {
        let follows = text.contains("workflow_run:");
        assert_eq!(follows, file.ends_with("comment.yml"), "{file}");
        if follows {
            let steps: Vec<&str> = values(&text, "uses");
            assert_eq!(steps.len(), 2, "{file}: {steps:?}");
            assert!(!text.contains("\n      - uses: actions/") && values(&text, "run").is_empty());
            assert!(text.contains("    workflows: [bench]\n"), "{file}");
        }
        if file.ends_with("bench.yml") || file.ends_with("bench-sharded.yml") {
            assert_eq!(
                values(&text, "name")[0],
                "bench",
                "the name of the followed workflow: {file}"
            );
            assert!(!text.contains(": write"), "{file}");
        }
    }
}

#[test]
fn the_required_check_waits_for_every_other_job() {
    let ci = workflows().remove(".github/workflows/ci.yml").unwrap();
    let mut jobs = names(&ci, "jobs:");
    assert_eq!(jobs.pop(), Some("required"));
    assert_eq!(values(&ci, "needs"), [format!("[{}]", jobs.join(", "))]);
}

#[test]
fn every_input_reaches_its_script_and_is_documented() {
    let docs = fs::read_to_string(root().join("docs/github.md")).unwrap();
    for (file, text) in actions() {
        let inputs = names(&text, "inputs:");
        assert!(!inputs.is_empty(), "{file}");
        let steps = &text[text.find("\nruns:\n").expect("steps")..];
        for input in inputs {
            assert!(steps.contains(&format!("inputs.{input}")), "{file}: {input} is not used");
            assert!(docs.contains(&format!("`{input}`")), "docs/github.md lacks {input} of {file}");
        }
        for output in names(&text, "outputs:") {
            assert!(docs.contains(&format!("`{output}`")), "docs/github.md lacks {output}");
        }
    }
    // The actions and workflows set every variable that the scripts read.
    let given: String = all().into_values().collect();
    for (file, text) in files("ci/github") {
        for word in text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
            if word.starts_with("GATE_") {
                assert!(given.contains(&format!("{word}: ")), "{file}: {word} is not set");
            }
        }
    }
}
