//! Starts a target of instruction benchmarks where its tools are there.

use benchgate::record;
use benchgate::suite::services::find_program;

const RUNNER: &str = "iai-callgrind-runner";

/// Calls `run`, or says which tool `target` lacks.
pub(super) fn run(target: &str, run: fn()) {
    match missing() {
        Some(tool) => {
            let reason = format!("no `{tool}` on PATH; `scripts/setup` installs it");
            record::not_run(target, &reason).expect("recorded");
        }
        None => run(),
    }
}

fn missing() -> Option<&'static str> {
    // The runner starts this program again for each benchmark: nothing to look for then.
    if std::env::args().any(|argument| argument == "--iai-run") {
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
