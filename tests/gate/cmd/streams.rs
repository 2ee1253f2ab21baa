//! Which output goes where, in which colours, and when.

use std::process::{Command, Output, Stdio};

use super::{command, gate, project, stderr, stdout};

const SLOWER: [&str; 4] = ["check", "--baseline", "main.json", "slower.json"];

fn with_env(variables: &[(&str, &str)], args: &[&str]) -> Output {
    command(crate::GATE, &project(), args)
        .envs(variables.iter().copied())
        .output()
        .expect("gate starts")
}

#[test]
fn data_is_on_stdout_and_status_on_stderr() {
    let output = gate(&SLOWER);
    assert!(stdout(&output).contains("REGRESSION"));
    assert_eq!(stderr(&output), "");
    let output = gate(&["check", "--baseline", "none", "same.json"]);
    assert!(stdout(&output).ends_with("(exit 5)\n"));
    assert!(stderr(&output).starts_with("note: no baseline `none` for this machine class"));
    let output = gate(&["policy", "validate", "misspelt.toml"]);
    assert_eq!(stdout(&output), "");
    assert!(stderr(&output).starts_with("error: misspelt.toml:5:1: unknown field"));
    let output = gate(&["policy", "validate", "--quiet", "budgets.toml"]);
    assert_eq!((stdout(&output), stderr(&output)), ("", ""));
}

#[test]
fn colours_are_for_terminals_and_on_request() {
    let coloured = |output: &Output| stdout(output).contains('\u{1b}');
    assert!(!coloured(&gate(&SLOWER)), "a pipe has colours");
    let forced = with_env(&[("CLICOLOR_FORCE", "1")], &SLOWER);
    assert!(coloured(&forced));
    let plain = anstream::adapter::strip_str(stdout(&forced)).to_string();
    assert_eq!(plain, stdout(&gate(&SLOWER)), "colours change the text");
    let refused = with_env(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], &SLOWER);
    assert!(!coloured(&refused), "NO_COLOR does not win");
    let json = [&SLOWER[..], &["--format", "json"]].concat();
    assert!(!coloured(&with_env(&[("CLICOLOR_FORCE", "1")], &json)));
    let error = with_env(&[("CLICOLOR_FORCE", "1")], &["explain", "nonsense"]);
    assert!(stderr(&error).contains('\u{1b}'));
}

/// Escapes, line breaks and changes of the reading direction are shown as text, in names,
/// findings, headers and notes.
#[test]
fn hostile_text_cannot_move_a_cursor() {
    for args in [
        &["check", "--baseline", "hostile.json", "hostile-slower.json"][..],
        &["baseline", "show", "hostile.json"],
        &["explain", "no\u{1b}[2Jne"],
        &["check", "--baseline", "no\u{1b}[2Jne\n", "main.json"],
        &["baseline", "save", "a\u{1b}b", "main.json"],
        &["policy", "validate", "no\u{1b}[2Jne.toml"],
    ] {
        let output = gate(args);
        for text in [stdout(&output), stderr(&output)] {
            let bad = text
                .chars()
                .find(|c| (c.is_control() && *c != '\n') || ('\u{202a}'..='\u{202e}').contains(c));
            assert_eq!(bad, None, "{args:?}: {text}");
        }
    }
    let output = gate(&["check", "--baseline", "hostile.json", "hostile-slower.json"]);
    let table = stdout(&output);
    assert!(table.contains("clear \\u{1b}[2J\\u{1b}]0;title\\u{7}screen  "), "{table}");
    assert!(table.contains("right\\u{202e}to\\u{202c}left  "), "{table}");
    assert!(table.contains("fail  unreadable-result  bad\\u{1b}[8mname: "), "{table}");
    // A name that looks like a verdict stays within its line.
    let verdicts = table.lines().filter(|line| line.starts_with("PASS")).count();
    assert_eq!(verdicts, 0, "{table}");
    // A long name is broken into lines and shown whole.
    let long = table.matches("xxxx").count() * 4;
    assert!((292..=295).contains(&long), "{long} of 295 letters:\n{table}");
    let widest = table.lines().map(|line| line.chars().count()).max().unwrap();
    assert!(widest < 250, "{widest} columns:\n{table}");
}

#[test]
fn the_report_is_written_before_the_failing_exit() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("report.json");
    let args = [&SLOWER[..], &["--output", file.to_str().unwrap()]].concat();
    let output = gate(&args);
    assert_eq!(output.status.code(), Some(3));
    let written = std::fs::read_to_string(&file).unwrap();
    let json = gate(&[&SLOWER[..], &["--format", "json"]].concat());
    assert_eq!(written, stdout(&json));
    assert!(stdout(&output).contains("REGRESSION"), "the table is missing");
}

#[test]
fn every_format_is_written_before_the_failing_exit() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("made/for/it");
    let args = [&SLOWER[..], &["--report", out.to_str().unwrap()]].concat();
    assert_eq!(gate(&args).status.code(), Some(3));
    let mut files: Vec<String> = std::fs::read_dir(&out)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(
        files,
        [
            "bencher.json",
            "github-action-benchmark.json",
            "junit.xml",
            "report.csv",
            "report.html",
            "report.json",
            "report.md"
        ]
    );
    // Rendering again gives the same bytes.
    let again = place.path().join("again");
    let saved = out.join("report.json");
    let saved = saved.to_str().unwrap();
    assert_eq!(
        gate(&["report", saved, "--report", again.to_str().unwrap()]).status.code(),
        Some(0)
    );
    for (file, format) in [
        ("bencher.json", "bmf"),
        ("github-action-benchmark.json", "gha-benchmark"),
        ("junit.xml", "junit"),
        ("report.html", "html"),
        ("report.json", "json"),
        ("report.md", "markdown"),
    ] {
        let written = std::fs::read_to_string(out.join(file)).unwrap();
        assert_eq!(std::fs::read_to_string(again.join(file)).unwrap(), written, "{file}");
        assert_eq!(stdout(&gate(&["report", saved, "--format", format])), written, "{file}");
    }
    // A directory that cannot be created is an error, not a verdict.
    let in_the_way = [&SLOWER[..], &["--report", saved]].concat();
    let output = gate(&in_the_way);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).starts_with("error: cannot write "), "{}", stderr(&output));
}

#[test]
fn a_jobs_summary_is_appended() {
    let place = tempfile::tempdir().unwrap();
    let summary = place.path().join("summary.md");
    std::fs::write(&summary, "of another step\n").unwrap();
    let args = [&SLOWER[..], &["--format", "github"]].concat();
    let output = with_env(&[("GITHUB_STEP_SUMMARY", summary.to_str().unwrap())], &args);
    assert_eq!(output.status.code(), Some(3));
    assert!(stdout(&output).starts_with("::error title=benchmarks%3A FAIL::"));
    let text = std::fs::read_to_string(&summary).unwrap();
    assert!(text.starts_with("of another step\n❌ **FAIL** – 2 rows regressed"), "{text}");
    // Other formats do not write a summary, and neither does a run without the variable.
    let markdown = [&SLOWER[..], &["--format", "markdown"]].concat();
    with_env(&[("GITHUB_STEP_SUMMARY", summary.to_str().unwrap())], &markdown);
    assert_eq!(std::fs::read_to_string(&summary).unwrap(), text);
    assert_eq!(stdout(&gate(&args)), stdout(&output));
}

/// Commands of every group that do not measure, and the ways to get help and errors.
const COMMANDS: [&[&str]; 23] = [
    &[],
    &["--help"],
    &["--version"],
    &["help", "ab"],
    &["check", "--help"],
    &["no-such-command"],
    &["check", "--no-such-option"],
    &SLOWER,
    &["check", "--baseline", "main.json", "slower.json", "--format", "html"],
    &["compare", "main.json", "slower.json"],
    &["compare", "main.json", "cut-off.json"],
    &["explain"],
    &["baseline", "list", "--store", "broken-store"],
    &["baseline", "show", "main.json"],
    &["baseline", "export", "critcmp-export.json"],
    &["calibrate", "--dry-run", "--from", "main.json", "same.json"],
    &[
        "waive",
        "a",
        "--metric",
        "time",
        "--up-to",
        "9%",
        "--until",
        "2999-01-01",
        "--reason",
        "r",
        "--config",
        "new.toml",
        "--dry-run",
    ],
    &["init", "--dry-run", "--manifest-path", "../../fixtures/projects/tiny/Cargo.toml"],
    &["init", "--no-workflows", "--manifest-path", "../../fixtures/projects/counted/Cargo.toml"],
    &["doctor"],
    &["policy", "show"],
    &["completions", "bash"],
    &["ab", "--manifest-path", "no-such-directory/Cargo.toml"],
];

/// A pipe whose reader has gone, as after `gate … | head`.
fn closed() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

#[test]
fn a_closed_pipe_ends_every_command_quietly() {
    for args in COMMANDS {
        let run = |out: Stdio, err: Stdio| {
            let mut command = command(crate::GATE, &project(), args);
            command.stdin(Stdio::null()).stdout(out).stderr(err).output().unwrap()
        };
        let usual = run(Stdio::piped(), Stdio::piped());
        let no_stdout = run(closed(), Stdio::piped());
        assert_eq!(no_stdout.status.code(), usual.status.code(), "{args:?}");
        assert_eq!(stderr(&no_stdout), stderr(&usual), "{args:?}");
        let no_stderr = run(Stdio::piped(), closed());
        assert_eq!(no_stderr.status.code(), usual.status.code(), "{args:?}");
        if args != ["doctor"] {
            assert_eq!(stdout(&no_stderr), stdout(&usual), "{args:?}");
        }
        let neither = run(closed(), closed());
        assert_eq!(neither.status.code(), usual.status.code(), "{args:?}");
        assert!(!stderr(&usual).contains("Broken pipe"), "{args:?}: {}", stderr(&usual));
    }
}

/// `cargo gate check` runs `cargo-gate gate check`.
#[test]
fn cargo_gate_is_the_same_program() {
    let run = |program: &str, args: &[&str]| command(program, &project(), args).output().unwrap();
    let cargo_gate = crate::CARGO_GATE;
    let expected = gate(&SLOWER);
    for args in [&[&["gate"], &SLOWER[..]].concat()[..], &SLOWER] {
        let output = run(cargo_gate, args);
        assert_eq!(output.status.code(), Some(3), "{args:?}");
        assert_eq!(stdout(&output), stdout(&expected), "{args:?}");
    }
    // Only the first `gate` comes from cargo, and only in `cargo-gate`.
    assert_eq!(run(cargo_gate, &["gate", "gate", "check"]).status.code(), Some(2));
    assert_eq!(gate(&["gate", "check"]).status.code(), Some(2));
    assert_eq!(run(cargo_gate, &["gate"]).status.code(), Some(2));
}

/// cargo itself calls the program, from a directory without an alias of that name.
#[test]
fn cargo_finds_the_program() {
    let place = tempfile::tempdir().unwrap();
    let programs = place.path().join("bin");
    std::fs::create_dir(&programs).unwrap();
    std::os::unix::fs::symlink(crate::CARGO_GATE, programs.join("cargo-gate")).unwrap();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(programs).chain(std::env::split_paths(&path)))
        .unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["gate", "explain", "not-run"])
        .env("PATH", path)
        .current_dir(place.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).starts_with("not-run\n\n"));
}

#[test]
fn a_critcmp_export_is_unchanged_by_import_and_export() {
    let place = tempfile::tempdir().unwrap();
    let original = project().join("../../fixtures/critcmp/main.json");
    let run = |args: &[&str]| {
        let output = command(crate::GATE, place.path(), args).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        output
    };
    run(&["baseline", "import", original.to_str().unwrap()]);
    assert!(place.path().join("baselines").join(super::CLASS).join("main.json").is_file());
    let exported = run(&["baseline", "export", "main"]);
    let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    let before = read(&std::fs::read_to_string(original).unwrap());
    assert_eq!(read(stdout(&exported)), before);
    assert_eq!(stderr(&exported), "");
}

#[test]
fn the_class_comes_from_the_environment_or_the_command_line() {
    let place = tempfile::tempdir().unwrap();
    let main = project().join("main.json");
    let main = main.to_str().unwrap();
    let run = |class: &str, args: &[&str]| {
        command(crate::GATE, place.path(), args).env("BENCHGATE_CLASS", class).output().unwrap()
    };
    assert_eq!(run("one-box", &["baseline", "save", "main", main]).status.code(), Some(0));
    assert!(place.path().join("baselines/one-box/main.json").is_file());
    assert_eq!(run("one-box", &["check", main]).status.code(), Some(0));
    let other = run("other-box", &["check", main]);
    assert_eq!(other.status.code(), Some(5));
    assert!(stderr(&other).contains("(other-box), only for one-box;"), "{}", stderr(&other));
    // A pipeline's variable that was not set.
    let unset = run("", &["baseline", "save", "main", main]);
    assert_eq!(unset.status.code(), Some(0), "{}", stderr(&unset));
    assert_eq!(place.path().join("baselines").read_dir().unwrap().count(), 2);

    let named = run("other-box", &["check", main, "--class", "one-box"]);
    assert_eq!(named.status.code(), Some(0));
}
