//! What the targets of instruction benchmarks share: they run only if their tools are
//! installed, and count heap allocations in the same way.

use std::io::Write as _;
use std::process::Command;

use benchgate_record as record;
use benchgate_suite::services::find_program;
use iai_callgrind::{Dhat, LibraryBenchmarkConfig};

const RUNNER: &str = "iai-callgrind-runner";

/// Counts heap bytes and blocks in addition to instructions.
pub(super) fn with_heap() -> LibraryBenchmarkConfig {
    // An allocation counts if the measured function is among its callers. By default, DHAT
    // looks at the nearest twelve callers only; parsers and layers are deeper.
    let dhat = Dhat::with_args(["--num-callers=200"]);
    LibraryBenchmarkConfig::default().tool(dhat).clone()
}

/// Calls `run`, or records which tool `target` lacks. Without `--bench`, as `cargo test` starts
/// it, only tests the benchmarks.
pub(super) fn run(target: &str, run: fn()) {
    match missing() {
        Some(tool) => {
            let reason = format!("no `{tool}` on PATH; `scripts/setup` installs it");
            record::not_run(target, &reason).expect("recorded");
        }
        None if has(&["--bench", "--list", INNER]) => run(),
        None => test(),
    }
}

/// With this argument, the runner starts this program again for each benchmark.
const INNER: &str = "--iai-run";

fn has(any: &[&str]) -> bool {
    std::env::args().any(|argument| any.contains(&argument.as_str()))
}

/// Runs each benchmark once without valgrind, in its own process, so that its teardown checks
/// the result.
///
/// # Panics
///
/// If a benchmark fails.
fn test() {
    let program = std::env::current_exe().expect("the path of this program");
    let listed = Command::new(&program).arg("--list").output().expect("a list of benchmarks");
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let names = String::from_utf8(listed.stdout).expect("text");
    // The program takes a group's name and the indices of a function and its benchmark.
    let mut last: Option<(&str, &str, usize, usize)> = None;
    for id in names.lines().filter_map(|line| line.strip_suffix(": benchmark")) {
        let mut parts = id.rsplit("::").skip(1);
        let (function, group) = (parts.next().expect(id), parts.next().expect(id));
        let (at, bench) = match last {
            Some((last_group, last_function, at, bench)) if last_group == group => {
                if last_function == function { (at, bench + 1) } else { (at + 1, 0) }
            }
            _ => (0, 0),
        };
        last = Some((group, function, at, bench));
        let (at, bench) = (at.to_string(), bench.to_string());
        let output = Command::new(&program)
            .args([INNER, group, at.as_str(), bench.as_str(), id])
            .output()
            .expect("the program starts again");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{id}: {}\n{stderr}", output.status);
        writeln!(std::io::stdout(), "Testing {id}\nSuccess").expect("stdout is open");
    }
    assert!(last.is_some(), "no benchmarks are listed: {names}");
}

fn missing() -> Option<&'static str> {
    // The runner starts this program again for each benchmark, and need not be found then.
    if has(&[INNER]) {
        return None;
    }
    let runner = std::env::var_os("IAI_CALLGRIND_RUNNER").is_some()
        || option_env!("IAI_CALLGRIND_RUNNER").is_some()
        || find_program(RUNNER, &[]).is_some();
    if find_program("valgrind", &[]).is_none() {
        Some("valgrind")
    } else if !runner {
        Some(RUNNER)
    } else {
        None
    }
}
