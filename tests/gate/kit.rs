//! The scripts that GitHub workflows call. They run as on a runner: with files for
//! outputs and summaries, an event, and a fake `gh` that answers from files and records
//! its calls.

mod action;
mod baseline;
mod comment;
mod render;
mod shards;
mod tools;
mod workflows;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// The repository whose workflows run.
const REPOSITORY: &str = "acme/widgets";

/// The commit of the pull request that was measured.
const COMMIT: &str = "1f0c9a2b3d4e5f60718293a4b5c6d7e8f9012345";

fn root() -> &'static Path {
    crate::root()
}

/// Answers from files in `$FAKE`, and writes each call on a line of its own, with ` | `
/// between the arguments.
const GH: &str = r#"#!/usr/bin/env bash
set -euo pipefail
line=$(printf '%s | ' "$@")
printf '%s\n' "${line% | }" >>"$FAKE/calls"
[ ! -e "$FAKE/gh-fails" ] || { echo "gh: HTTP 502" >&2 && exit 1; }
case "$*" in
*--input*) cat >"$FAKE/input" ;;
*/zip) cat "$FAKE/zip" ;;
*/artifacts*) cat "$FAKE/artifacts.json" ;;
*/pulls*) cat "$FAKE/pulls.json" ;;
*/comments*) cat "$FAKE/comments.json" ;;
esac
"#;

/// A runner, and the workspace of a job on it.
struct Runner {
    home: tempfile::TempDir,
    env: BTreeMap<String, String>,
}

/// The outcome of a step.
struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
    outputs: BTreeMap<String, String>,
    summary: String,
    /// The calls of `gh` and of the other fake programs.
    calls: Vec<String>,
}

impl Runner {
    /// A job that the event started.
    fn new(event_name: &str, event: &Value) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut runner = Self { home, env: BTreeMap::new() };
        for directory in ["bin", "fake", "temp", "workspace"] {
            fs::create_dir(runner.path(directory)).unwrap();
        }
        runner.program("gh", GH);
        fs::write(runner.path("event.json"), event.to_string()).unwrap();
        let path = format!("{}:{}", runner.path("bin").display(), std::env::var("PATH").unwrap());
        for (name, value) in [
            ("PATH", path.as_str()),
            ("LC_ALL", "C.UTF-8"),
            ("CI", "true"),
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_REPOSITORY", REPOSITORY),
            ("GITHUB_SERVER_URL", "https://github.example"),
            ("GITHUB_EVENT_NAME", event_name),
            ("GITHUB_REF_NAME", "main"),
            ("GITHUB_SHA", COMMIT),
            ("GITHUB_RUN_ID", "77"),
            ("GITHUB_RUN_ATTEMPT", "1"),
            ("RUNNER_OS", "Linux"),
            ("RUNNER_ARCH", "X64"),
            ("GH_TOKEN", "token-of-this-job"),
        ] {
            runner.set(name, value);
        }
        for (name, file) in [
            ("HOME", ""),
            ("FAKE", "fake"),
            ("RUNNER_TEMP", "temp"),
            ("GITHUB_WORKSPACE", "workspace"),
            ("GITHUB_EVENT_PATH", "event.json"),
            ("GITHUB_OUTPUT", "output"),
            ("GITHUB_STEP_SUMMARY", "summary"),
        ] {
            let path = runner.path(file).display().to_string();
            runner.set(name, &path);
        }
        runner
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn workspace(&self) -> PathBuf {
        self.path("workspace")
    }

    fn set(&mut self, name: &str, value: &str) -> &mut Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Adds a program that is found before any other program of its name.
    fn program(&self, name: &str, script: &str) -> String {
        let path = self.path("bin").join(name);
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path.display().to_string()
    }

    /// Sets an answer of the fake `gh`.
    fn answer(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path("fake").join(name), bytes).unwrap();
    }

    /// Runs a script of `ci/` in the workspace, as one step.
    fn step(&self, script: &str, args: &[&str]) -> Ran {
        for file in ["output", "summary", "fake/calls"] {
            fs::write(self.path(file), "").unwrap();
        }
        let output = Command::new(root().join("ci").join(script))
            .args(args)
            .current_dir(self.workspace())
            .env_clear()
            .envs(&self.env)
            .stdin(Stdio::null())
            .output()
            .expect("the script starts");
        let text = |file: &str| fs::read_to_string(self.path(file)).unwrap();
        Ran {
            code: output.status.code().expect("it was not killed"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            outputs: outputs(&text("output")),
            summary: text("summary"),
            calls: text("fake/calls").lines().map(str::to_owned).collect(),
        }
    }

    /// `git ARGS` in the workspace.
    fn git(&self, args: &[&str]) -> String {
        let output = Command::new("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@example.com"])
            .args(["-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false"])
            .args(args)
            .current_dir(self.workspace())
            .env("HOME", self.home.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()
            .expect("git starts");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {args:?}: {stderr}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Makes an empty commit and returns its hash.
    fn commit(&self, message: &str) -> String {
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.git(&["rev-parse", "HEAD"])
    }
}

impl Ran {
    /// Asserts that the step succeeded.
    #[track_caller]
    fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{}{}", self.stdout, self.stderr);
        self
    }

    fn output(&self, name: &str) -> &str {
        self.outputs.get(name).map_or("(no such output)", String::as_str)
    }
}

/// Reads outputs as the runner does: `NAME<<END`, the value's lines, `END`.
fn outputs(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let (name, end) = line.split_once("<<").expect("outputs are written with an end");
        assert!(end.len() > 30, "the end mark can be guessed: {end}");
        let value: Vec<&str> = lines.by_ref().take_while(|line| *line != end).collect();
        found.insert(name.to_owned(), value.join("\n"));
    }
    found
}

/// The event of a workflow that follows another workflow, here a pull request's run from
/// a fork: it does not name a pull request.
fn followed(conclusion: &str) -> Value {
    json!({
        "action": "completed",
        "repository": { "full_name": REPOSITORY },
        "workflow_run": {
            "id": 4711,
            "run_attempt": 2,
            "name": "bench",
            "event": "pull_request",
            "conclusion": conclusion,
            "head_sha": COMMIT,
            "head_branch": "faster",
            "head_repository": { "full_name": "mallory/widgets", "owner": { "login": "mallory" } },
            "pull_requests": [],
        },
    })
}

/// Writes the real gate's reports on two snapshots of `tests/cmd/project`.
fn reports(baseline: &str, candidate: &str, into: &Path) -> i32 {
    Command::new(crate::GATE)
        .args(["--quiet", "check", "--baseline", baseline, candidate, "--report"])
        .arg(into)
        .current_dir(root().join("tests/cmd/project"))
        .env("BENCHGATE_CLASS", "ci-box")
        .stdout(Stdio::null())
        .status()
        .expect("gate starts")
        .code()
        .expect("it was not killed")
}
