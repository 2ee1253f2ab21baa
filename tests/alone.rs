//! `gate selftest`: a bench that is slowed from outside, on a small real project.
//!
//! Its verdict comes from clocks, so no other test runs beside it: cargo runs one test program
//! at a time.

use std::path::Path;
use std::process::{Command, Output};

/// Quick, and shows only changes that noise cannot cause.
const POLICY: &str = "version = 1\n[ab]\nscreening = 6\nlooks = [9, 24]\nwarm_up = \"20ms\"\ntime = \
                      \"60ms\"\nsamples = 10\n[[rule]]\nbench = \"**\"\nmetric = \
                      \"time\"\ntolerance = \"50%\"\ntarget = \"80%\"\nwarn = \"50%\"\nfail = \
                      \"50%\"\n";

fn selftest(arguments: &[&str]) -> (i32, String, String) {
    let home = tempfile::tempdir().unwrap();
    let policy = home.path().join("gate.toml");
    std::fs::write(&policy, POLICY).unwrap();
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_gate-under-test"))
        .args(["selftest", "--bench", "moody", "--config", policy.to_str().unwrap()])
        .args(arguments)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/projects/tiny"))
        .env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("tiny"))
        .output()
        .expect("the gate starts");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (status.code().expect("an exit code"), text(stdout), text(stderr))
}

#[test]
fn a_bench_that_is_slowed_from_outside_is_found_and_the_base_stays_green() {
    // Five times as long: far beyond the policy's 50%.
    let (exit, out, err) = selftest(&["--benchmark", "second", "--slow", "400%"]);
    assert_eq!(exit, 0, "{out}{err}");
    assert!(out.starts_with("slowed    second: the head's processes, by 400%"), "{out}");
    assert!(out.contains("\nfound     regression +"), "{out}");
    assert!(out.contains("\nA/A       the base against itself"), "{out}");
    assert!(out.contains("\nverdict   the gate turns red for 400% here"), "{out}");

    // A slowdown within the policy's tolerance is not found, and the exit code says so.
    let (exit, out, err) = selftest(&["--benchmark", "second", "--slow", "10%"]);
    assert_eq!(exit, 4, "{out}{err}");
    assert!(!out.contains("turns red"), "{out}");

    let (exit, out, err) = selftest(&["--benchmark", "third"]);
    assert_eq!((exit, out.as_str()), (2, ""), "{err}");
    assert!(
        err.contains("there is no criterion benchmark `third`; there are: first, second"),
        "{err}"
    );
    let (exit, _, err) = selftest(&["--slow", "0%"]);
    assert_eq!(exit, 2, "{err}");
    assert!(err.contains("write a share such as 10%"), "{err}");
}
