//! `gate run` from the build to the exit code, on a small real project.

use std::path::Path;
use std::process::{Command, Output};

/// Shows only changes that noise cannot cause: the tests are about the path from a
/// measurement to an exit code, not about statistics.
const POLICY: &str = "version = 1\n[measure]\nrepeat = 4\nwarm_up = \"10ms\"\ntime = \"20ms\"\n\
                      samples = 10\n[verdict]\nundecided = \"allow\"\n[[rule]]\nbench = \"**\"\n\
                      tolerance = \"300%\"\n";

/// Runs the gate in the tiny project; `mood` sets what its second benchmark does.
fn gate(home: &Path, mood: &str, arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = Command::new(crate::GATE)
        .args(["run", "--bench", "moody", "--config"])
        .arg(home.join("gate.toml"))
        .arg("--store")
        .arg(home.join("baselines"))
        .args(arguments)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/projects/tiny"))
        .env("CARGO_TARGET_DIR", concat!(env!("CARGO_TARGET_TMPDIR"), "/tiny"))
        .env("BENCHGATE_CLASS", "here")
        .env("TINY_MOOD", mood)
        .output()
        .expect("the gate starts");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (status.code().expect("an exit code"), text(stdout), text(stderr))
}

#[test]
fn a_first_run_a_saved_baseline_and_a_regression() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("gate.toml"), POLICY).unwrap();
    let baseline = home.path().join("baselines/here/main.json");

    let (code, out, err) = gate(home.path(), "good", &[]);
    assert_eq!(code, 5, "nothing to compare with: {out}{err}");
    assert!(out.contains("second") && out.contains("NOTHING COMPARED"), "{out}");
    assert!(err.contains("gate run --save main"), "the next command is missing: {err}");
    let last: Vec<&str> = err.lines().rev().take(2).collect();
    assert!(last[1].starts_with("note: measuring worked (2 benchmarks, 4 runs)"), "{err}");
    assert!(last[0].starts_with("note: next: `gate baseline save main` saves "), "{err}");
    let (code, _, err) = gate(home.path(), "good", &["--quick"]);
    assert_eq!(code, 5, "{err}");
    assert!(err.contains("note: next: `gate run --save main` measures in full"), "{err}");

    let (code, out, err) = gate(home.path(), "good", &["--save", "main"]);
    assert_eq!(code, 0, "{out}{err}");
    let saved = std::fs::read(&baseline).unwrap();

    let (code, out, err) = gate(home.path(), "good", &[]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("PASS"), "{out}");

    let (code, out, err) = gate(home.path(), "slow", &[]);
    assert_eq!(code, 3, "{out}{err}");
    let second = out.lines().find(|line| line.starts_with("second")).expect("the row");
    assert!(second.contains("REGRESSION"), "{out}");

    let (code, out, err) = gate(home.path(), "slow", &["--save", "main"]);
    assert_eq!(code, 3, "{out}{err}");
    assert!(err.contains("not saved"), "{err}");
    assert_eq!(std::fs::read(&baseline).unwrap(), saved, "a regression was saved");

    let (code, _, err) = gate(home.path(), "slow", &["--save", "main", "--baseline", "nosuch"]);
    assert_eq!(code, 2, "a baseline is compared with the one that it replaces: {err}");
    let (code, _, err) = gate(home.path(), "good", &["--save", "main", "--filter", "first"]);
    assert_eq!(code, 5, "{err}");
    assert!(err.contains("it contains only a part"), "{err}");
    assert_eq!(std::fs::read(&baseline).unwrap(), saved, "a partial measurement was saved");
    let (code, _, err) = gate(home.path(), "slow", &["--save", "main", "--force"]);
    assert_eq!(code, 0, "{err}");
    assert_ne!(std::fs::read(&baseline).unwrap(), saved, "--force did not save");
    let (code, _, err) = gate(home.path(), "good", &["--save", "no/name"]);
    assert_eq!(code, 2, "{err}");

    let (code, out, err) = gate(home.path(), "slow", &["--quick", "--format", "json"]);
    assert_eq!(code, 0, "{err}");
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["candidate"]["selection"], "--quick --bench moody", "{out}");
    assert!(!out.contains("metric-missing"), "instructions are reported as missing: {out}");
    let newest = concat!(env!("CARGO_TARGET_TMPDIR"), "/tiny/gate/newest.json");
    let newest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(newest).unwrap()).unwrap();
    assert_eq!(newest["benchgate"]["runs"].as_array().map(Vec::len), Some(3), "of four: {newest}");
    let (code, _, err) = gate(home.path(), "good", &["--quick", "--save", "main"]);
    assert_eq!(code, 2, "a quick run was saved: {err}");

    let profile = ["--quick", "--profile", "release", "--format", "json"];
    let (_, out, err) = gate(home.path(), "slow", &profile);
    let report: serde_json::Value = serde_json::from_str(&out).expect(&err);
    let built = &report["candidate"]["environment"]["profile"];
    assert!(built.as_str().is_some_and(|built| built.starts_with("release")), "{built}");

    let (code, out, err) = gate(home.path(), "abort", &[]);
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.contains("benchmark-failed") && out.contains("INCOMPLETE"), "{out}");
    assert!(
        out.lines().any(|line| line.starts_with("first")),
        "the other benchmark is missing: {out}"
    );

    let (code, _, err) = gate(home.path(), "good", &["--filter", "no such benchmark"]);
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("no such benchmark"), "{err}");
}

#[test]
fn noise_is_learnt_from_equal_code_once_an_hour() {
    let home = tempfile::tempdir().unwrap();
    let policy = home.path().join("gate.toml");
    std::fs::write(&policy, POLICY).unwrap();
    let file = home.path().join("baselines/here/noise.json");
    let learn = || {
        let (code, out, err) = gate(home.path(), "good", &["--learn"]);
        assert_eq!(code, 5, "nothing to compare with: {out}{err}");
        err
    };
    // The time and the name of the code of each session, by row.
    let sessions = || {
        let noise: serde_json::Value =
            serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let rows = noise["noise"].as_array().unwrap().clone();
        let names: Vec<_> = rows.iter().map(|row| row["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["first", "second"]);
        let of = |row: &serde_json::Value| {
            assert_eq!(row["runs"], 4);
            (row["when"].to_string(), row["code"].as_str().unwrap().to_owned())
        };
        let of_row = |row: &serde_json::Value| {
            row["sessions"].as_array().unwrap().iter().map(of).collect::<Vec<_>>()
        };
        let [first, second] = [&rows[0], &rows[1]].map(of_row);
        assert_eq!(first, second);
        first
    };
    let (code, _, _) = gate(home.path(), "good", &[]);
    assert!(code == 5 && !file.exists(), "noise was recorded without --learn");
    learn();
    let once = sessions();
    assert_eq!(once.len(), 1);
    let err = learn();
    assert!(err.contains("noise is not recorded: ") && err.contains("within an hour"), "{err}");
    assert_eq!(sessions(), once);

    // An hour later: another session of the same code.
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace(&once[0].0, "\"2026-01-01T00:00:00Z\"")).unwrap();
    learn();
    let two = sessions();
    assert_eq!(two.iter().map(|(_, code)| code).collect::<Vec<_>>(), [&once[0].1; 2]);

    // Longer measuring times count as other code.
    std::fs::write(&policy, POLICY.replace("\"20ms\"", "\"30ms\"")).unwrap();
    learn();
    let three = sessions();
    assert_eq!(three[..2], two);
    assert_ne!(three[2].1, once[0].1);
    assert_eq!(three[2].1.split_once('-').unwrap().0, once[0].1.split_once('-').unwrap().0);
}
