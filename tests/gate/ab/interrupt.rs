//! Ctrl-C at any time leaves no process, no partial file and no lock; and two gates at
//! once.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::gate;
use super::mimic::{mimic, policy};
use super::repository::{git, repository};

fn started(directory: &Path, arguments: &[&str]) -> Child {
    Command::new(crate::GATE)
        .args(arguments)
        .current_dir(directory)
        .env_remove("CARGO_TARGET_DIR")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the gate starts")
}

/// Interrupts the gate and waits for its end. Returns its stderr.
fn interrupt(mut gate: Child) -> String {
    kill_process(Pid::from_child(&gate), Signal::INT).expect("a running gate");
    let mut stderr = String::new();
    for line in BufReader::new(gate.stderr.take().expect("it is piped")).lines() {
        stderr += &(line.expect("text") + "\n");
    }
    let status = gate.wait().expect("it ends");

    assert_eq!(status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("interrupted by signal 2"), "{stderr}");
    stderr
}

/// Waits until a file has `count` lines. Returns the process ids in them.
fn processes(log: &Path, count: usize) -> Vec<i32> {
    let patience = Instant::now() + Duration::from_mins(2);
    loop {
        let text = std::fs::read_to_string(log).unwrap_or_default();
        let numbers: Vec<i32> = text.lines().filter_map(|line| line.parse().ok()).collect();
        if numbers.len() >= count && text.ends_with('\n') {
            return numbers;
        }
        assert!(Instant::now() < patience, "timed out: {text}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Whether a process has ended. A zombie has ended: if its parent is also gone, process 1
/// reaps it at some time.
fn gone(process: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('Z'))
}

/// The names of a directory's entries.
fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn an_interrupt_during_the_pairs_leaves_nothing() {
    // Six pairs screen, so the 15th process belongs to a confirming pair.
    for (phase, after) in [("screening", 4), ("confirming", 14)] {
        let home = tempfile::tempdir().unwrap();
        policy(home.path(), "");
        std::fs::create_dir(home.path().join("tmp")).unwrap();
        let log = home.path().join("log");
        let mood = format!("hang-after={after}");
        let log_path = log.to_str().unwrap();
        let side = |name: &str, times: &str| {
            mimic(home.path(), name, &[("TIMES", times), ("MOOD", &mood), ("LOG", log_path)])
        };
        let (base, head) = (side("base", "a=100"), side("head", "a=2000"));
        let (base, head) = (base.to_str().unwrap(), head.to_str().unwrap());
        let mut command = Command::new(crate::GATE);
        command.args(["ab", "--base-exe", base, "--head-exe", head, "--keep", "kept"]);
        let child = command
            .current_dir(home.path())
            .env("TMPDIR", home.path().join("tmp"))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the gate starts");
        let running = processes(&log, after + 1);
        let stderr = interrupt(child);
        assert!(stderr.contains(&format!("{phase}: pair ")), "{stderr}");
        assert!(running.into_iter().all(gone), "a process was left");
        assert_eq!(names(&home.path().join("tmp")), [""; 0], "a scratch directory was left");
        assert!(!home.path().join("kept").exists(), "a partial result was kept");
    }
}

#[test]
fn an_interrupt_during_the_build_leaves_nothing() {
    let home = tempfile::tempdir().unwrap();
    let root = repository(home.path());
    let log = home.path().join("log");
    let script = format!(
        "fn main() {{\n    let line = format!(\"{{}}\\n\", std::process::id());\n    \
         std::fs::write({log:?}, line).unwrap();\n    \
         std::thread::sleep(std::time::Duration::from_secs(600));\n}}\n"
    );
    let good = std::fs::read(root.join("build.rs")).unwrap();
    std::fs::write(root.join("build.rs"), script).unwrap();
    git(&root, &["commit", "-q", "-a", "-m", "slow to build"]);

    let child = started(&root, &["ab", "--base", "HEAD~1"]);
    let running = processes(&log, 1);
    let _ = interrupt(child);
    assert!(running.into_iter().all(gone), "a process was left");
    let left = names(&root.join("target/gate"));
    assert_eq!(left, ["base", "benchgate-link", "build", "head", "in-use"]);

    // Leftovers do not affect the next run, whose head is its own base.
    std::fs::write(root.join("build.rs"), good).unwrap();
    let (exit, out, err) = gate(&root, &["ab", "--base", "HEAD~1"]);
    assert_eq!(exit, 5, "{out}{err}");
    assert!(out.contains("head-is-base"), "{out}{err}");
}

/// Reads up to a line that contains `part`.
fn until(stderr: &mut impl BufRead, part: &str) -> String {
    let mut text = String::new();
    while !text.contains(part) {
        assert!(stderr.read_line(&mut text).expect("text") > 0, "{part:?} is missing: {text}");
    }
    text
}

#[test]
fn a_second_gate_waits_for_the_first_however_the_first_ends() {
    let home = tempfile::tempdir().unwrap();
    let root = repository(home.path());
    for (signal, second, expected) in
        // Nothing has changed since the merge base, which exits with 5.
        [(Signal::INT, &["ab"][..], 5), (Signal::KILL, &["run", "--save", "main"], 0)]
    {
        let log = home.path().join(format!("log-{}", signal.as_raw()));
        let variables = [("LOG", log.to_str().unwrap()), ("MOOD", "hang-after=2")];
        let program = mimic(home.path(), "one", &variables);
        let program = program.to_str().unwrap();
        let mut first = started(&root, &["ab", "--base-exe", program, "--head-exe", program]);
        let running = processes(&log, 3);

        let mut second = started(&root, second);
        let mut stderr = BufReader::new(second.stderr.take().expect("it is piped"));
        let waiting = until(&mut stderr, "waiting for another gate to end");
        let holder = format!("(`gate ab`, process {})", first.id());
        assert!(waiting.contains(&holder), "{waiting}");
        assert!(second.try_wait().unwrap().is_none(), "the second gate did not wait");
        assert!(!waiting.contains("Finished"), "the second gate has built: {waiting}");

        kill_process(Pid::from_child(&first), signal).expect("it runs");
        first.wait().expect("it ends");
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut stderr, &mut rest).expect("text");
        assert_eq!(second.wait().expect("it ends").code(), Some(expected), "{waiting}{rest}");
        assert!(rest.contains("Finished"), "{rest}");
        // A killed gate cannot end its processes.
        for left in running.into_iter().filter(|process| !gone(*process)) {
            let _ = kill_process(Pid::from_raw(left).expect("a number"), Signal::KILL);
        }
    }
}
