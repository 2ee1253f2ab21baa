//! What the targets of instruction benchmarks share: they run only if their tools are
//! installed, and count heap allocations in the same way.

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

/// Calls `run`, or records which tool `target` lacks.
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
    // The runner starts this program again for each benchmark, and need not be found then.
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
