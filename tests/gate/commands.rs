//! Commands of the policy, from the process to the exit code. They run outside of cargo projects.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use benchgate::judge::{Outcome, Report};
use tempfile::TempDir;

/// Shows only changes that noise cannot cause.
const RULES: &str = "version = 1\n[measure]\nrepeat = 4\n[ab]\nscreening = 6\nlooks = [8]\n\
                     machine_busy = \"warn\"\n[verdict]\nundecided = \"allow\"\n[[rule]]\nbench = \
                     \"**\"\nmetric = \"time\"\ntolerance = \"300%\"\ntarget = \"900%\"\n";

/// A directory with a policy of these commands.
fn place(commands: &str) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("gate.toml"), format!("{RULES}\n{commands}")).unwrap();
    home
}

/// A command of the policy that runs a text in a shell.
fn shell(name: &str, text: &str) -> String {
    let text = toml::Value::from(text);
    format!("[[measure.command]]\nname = \"{name}\"\ncommand = [\"sh\", \"-c\", {text}]\n")
}

/// A line of shell that records a counted value.
fn count(id: &str, value: &str) -> String {
    let line = format!(
        r#"{{"measurement":{{"id":"{id}","metric":"steps","unit":"count","better":"lower","nature":"counted","value":'{value}'}}}}"#
    );
    format!("echo '{line}' >>\"$BENCHGATE_RECORD\"")
}

fn gate(home: &Path, arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = Command::new(crate::GATE)
        .args(arguments)
        .current_dir(home)
        .env("BENCHGATE_CLASS", "here")
        .env("XDG_CACHE_HOME", home.join("target/cache"))
        .output()
        .expect("the gate starts");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (status.code().expect("an exit code"), text(stdout), text(stderr))
}

/// The exit code and the report of a command of the gate.
fn report(home: &Path, arguments: &[&str]) -> (i32, Report) {
    let (code, out, err) = gate(home, &[arguments, &["--format", "json"]].concat());
    let report = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"));
    (code, report)
}

/// `id metric` of each row, with its outcome.
fn outcomes(report: &Report) -> Vec<(String, Option<Outcome>)> {
    let row = |row: &benchgate::judge::Row| (format!("{} {}", row.id, row.metric), row.outcome());
    let mut outcomes: Vec<_> = report.rows.iter().map(row).collect();
    outcomes.sort_by(|a, b| a.0.cmp(&b.0));
    outcomes
}

fn git(home: &Path, arguments: &[&str]) {
    let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
    let status = Command::new("git")
        .args(identity)
        .args(arguments)
        .current_dir(home)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .status()
        .expect("git is installed");
    assert!(status.success(), "git {arguments:?}");
}

fn commit(home: &Path) {
    if !home.join(".git").exists() {
        git(home, &["init", "--quiet", "--initial-branch=main"]);
    }
    git(home, &["add", "--all"]);
    git(home, &["commit", "--quiet", "--message=one"]);
}

/// The blocks of docs/records.md in a language.
fn blocks(language: &str) -> Vec<String> {
    let page = fs::read_to_string(crate::root().join("docs/records.md")).unwrap();
    let begin = format!("```{language}\n");
    let blocks = page.split(&begin).skip(1);
    blocks.map(|rest| rest.split("```").next().expect("it ends").to_owned()).collect()
}

/// The example of docs/records.md, with rules that noise does not break.
#[test]
fn the_python_script_of_the_documentation_is_gated() {
    let [script] = &blocks("python")[..] else { panic!("the page has one script") };
    let policies = blocks("toml");
    let command = policies[0].split("[[rule]]").next().unwrap().replace("version = 1", "");
    assert!(command.contains("[[measure.command]]"), "{command}");
    let home = place(&command);
    let home = home.path();
    fs::write(home.join("bench.py"), script).unwrap();
    fs::write(home.join("whole.toml"), &policies[0]).unwrap();
    let (code, _, err) = gate(home, &["policy", "validate", "whole.toml"]);
    assert_eq!(code, 0, "{err}");
    fs::remove_file(home.join("whole.toml")).unwrap();
    commit(home);

    let (code, out, err) = gate(home, &["run", "--save", "main"]);
    assert_eq!(code, 0, "{out}{err}");
    let unchanged = |report: &Report| {
        let expected =
            ["rows", "time"].map(|metric| (format!("parse {metric}"), Some(Outcome::Unchanged)));
        assert_eq!(outcomes(report), expected, "{report:?}");
    };
    let (code, same) = report(home, &["run"]);
    assert_eq!(code, 0, "{same:?}");
    assert_eq!(same.candidate.runs, 4);
    unchanged(&same);
    unchanged(&report(home, &["check"]).1);

    // The same from files: without the gate, a loop starts the processes.
    let [script_of_shell] = &blocks("bash")[..] else { panic!("the page has one loop") };
    let status = Command::new("bash").args(["-c", script_of_shell]).current_dir(home).status();
    assert!(status.expect("bash starts").success());
    let files = ["check", "--record", "run-1.jsonl", "run-2.jsonl", "run-3.jsonl"];
    let (code, from_files) = report(home, &files);
    assert_eq!((code, from_files.candidate.runs), (0, 3), "{from_files:?}");
    unchanged(&from_files);

    // An A/A trial: the files differ, and the code does not.
    fs::write(home.join("README"), "a script").unwrap();
    let (code, same) = report(home, &["ab"]);
    assert_eq!(code, 0, "{same:?}");
    unchanged(&same);

    let slow = script.replace("return [", "sum(range(400_000)); return [");
    assert_ne!(slow, *script);
    fs::write(home.join("bench.py"), slow).unwrap();
    for arguments in [&["run"][..], &["check"], &["ab"]] {
        let (code, slower) = report(home, arguments);
        let expected = [
            ("parse rows".to_owned(), Some(Outcome::Unchanged)),
            ("parse time".to_owned(), Some(Outcome::Regression)),
        ];
        let mut found = outcomes(&slower);
        found.retain(|(row, _)| row != "parse slow_processes");
        assert_eq!(found, expected, "{arguments:?}");
        // Saved snapshots only warn: how much sessions differ is not known.
        assert_eq!(code, if arguments == ["ab"] { 3 } else { 0 }, "{arguments:?}: {slower:?}");
    }
    let status = Command::new("git").args(["status", "--porcelain"]).current_dir(home).output();
    let status = String::from_utf8(status.unwrap().stdout).unwrap();
    assert!(!status.contains("target"), "the gate's files show in git: {status}");
}

#[test]
fn the_lines_of_the_documentation_can_be_read() {
    let [lines] = &blocks("json")[..] else { panic!("the page has one block of lines") };
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("record.jsonl");
    fs::write(&path, lines).unwrap();
    let recorded = benchgate::sources::record::read(&path, None).unwrap();
    assert_eq!(recorded.harvest.problems, []);
    assert_eq!(recorded.harvest.measurements[0].id.name, "parse");
    assert_eq!(recorded.harvest.not_run[0].subject, "parse/remote");
    assert_eq!(recorded.services, [("redis".to_owned(), "7.0.15".to_owned())]);
}

/// Each side builds in its own checkout, and runs what it has built.
#[test]
fn each_side_of_a_trial_has_its_own_files() {
    let text = format!("{}; echo $PWD >>{}/places", count("a", "$(cat built)"), "$PLACES");
    let command = format!(
        "{}build = [\"cp\", \"source\", \"built\"]\ndirectory = \"inner\"\nenvironment = {{ PLACES \
         = \"PLACE\" }}\n",
        shell("own", &text)
    );
    let home = place("");
    let home = home.path();
    let command = command.replace("PLACE\"", &format!("{}/places\"", home.display()));
    fs::create_dir_all(home.join("places")).unwrap();
    fs::create_dir_all(home.join("inner")).unwrap();
    fs::write(home.join("gate.toml"), format!("{RULES}\n{command}")).unwrap();
    fs::write(home.join(".gitignore"), "built\n/places\n").unwrap();
    fs::write(home.join("inner/source"), "1").unwrap();
    commit(home);
    fs::write(home.join("inner/source"), "2").unwrap();
    let (code, found) = report(home, &["ab", "--keep", "target/kept"]);
    assert_eq!((code, outcomes(&found)), (3, vec![("a steps".into(), Some(Outcome::Regression))]));
    let row = &found.rows[0];
    assert_eq!(row.baseline.as_ref().unwrap().runs, [1.0; 6]);
    assert_eq!(row.candidate.as_ref().unwrap().runs, [2.0; 6]);
    let places = fs::read_to_string(home.join("places/places")).unwrap();
    let places: Vec<&str> = places.lines().collect();
    assert_eq!(places.len(), 12);
    assert!(places.iter().all(|place| place.ends_with("/inner")), "{places:?}");
    assert!(!places[0].starts_with(home.join("inner").to_str().unwrap()), "{places:?}");
    assert!(!home.join("inner/built").exists(), "the working tree was touched");
}

#[test]
fn a_command_that_fails_is_named_and_nothing_is_lost() {
    let crash = format!("{}; echo connecting; echo database is gone >&2; exit 7", count("a", "1"));
    let hang = format!("{}time_limit = \"1s\"\n", shell("hangs", "echo waiting; sleep 60"));
    let unbuilt = format!(
        "{}build = [\"sh\", \"-c\", \"echo no compiler; exit 2\"]\n",
        shell("unbuilt", ":")
    );
    let commands = [
        shell("crashes", &crash),
        hang,
        shell("silent", "echo done"),
        shell("good", &count("b", "5")),
        unbuilt,
    ];
    let home = place(&commands.concat());
    let (code, out, err) = gate(home.path(), &["run", "--repeat", "2"]);
    assert_eq!(code, 1, "{out}{err}");
    for expected in [
        "crashes: in 2 of 2 runs: its process ended with exit status 7; it printed last: ",
        "database is gone",
        "hangs: in 1 of 2 runs, the others skipped: its process ended with time limit of 1 s \
         reached; it printed last: waiting",
        "silent: in 2 of 2 runs: its process succeeded but recorded nothing; it has to write its \
         results to the file that BENCHGATE_RECORD names; it printed last: done",
        "unbuilt: its build `sh -c echo no compiler; exit 2` ended with exit status 2; it printed \
         last: no compiler",
    ] {
        assert!(out.contains(expected), "{expected}: {out}");
    }
    let newest = benchgate::baseline::read(&home.path().join("target/gate/newest.json")).unwrap();
    let rows: Vec<(&str, usize)> =
        (newest.measurements.iter()).map(|row| (row.id.name.as_str(), row.runs.len())).collect();
    assert_eq!(rows, [("a", 2), ("b", 2)], "what a failing command recorded counts");
}

#[test]
fn commands_and_benchmarks_are_selected_by_name() {
    let commands = [
        shell("one", &format!("echo one >>starts; {}; {}", count("a", "1"), count("b", "2"))),
        shell("other", &format!("echo other >>starts; {}", count("c", "3"))),
    ];
    let home = place(&commands.concat());
    let home = home.path();
    let rows = |arguments: &[&str]| -> (Vec<String>, Vec<String>) {
        let _ = fs::remove_file(home.join("starts"));
        let (code, found) = report(home, &[&["run", "--repeat", "3"], arguments].concat());
        assert_eq!(code, 5, "a baseline was not saved yet");
        let starts = fs::read_to_string(home.join("starts")).unwrap();
        let ids = found.rows.iter().map(|row| row.id.clone()).collect();
        (ids, starts.lines().map(str::to_owned).collect())
    };
    let owned = |names: &[&str]| -> Vec<String> { names.iter().map(|&name| name.into()).collect() };
    let (ids, starts) = rows(&[]);
    assert_eq!((ids, starts.len()), (owned(&["a", "b", "c"]), 6));
    let (ids, starts) = rows(&["--bench", "other"]);
    assert_eq!((ids, starts), (owned(&["c"]), owned(&["other"; 3])));
    // A command without a benchmark that is wanted is started once.
    let (ids, starts) = rows(&["--filter", "^b$"]);
    assert_eq!((ids, starts), (owned(&["b"]), owned(&["one", "other", "one", "one"])));
    let (code, _, err) = gate(home, &["run", "--filter", "nothing"]);
    assert_eq!(code, 1);
    assert!(err.contains("no benchmark matches \"nothing\""), "{err}");
    let (code, _, err) = gate(home, &["run", "--bench", "third"]);
    assert_eq!(code, 2);
    assert!(
        err.contains("`third` is not a command of the policy, and outside of a cargo project"),
        "{err}"
    );
}

#[test]
fn a_command_learns_which_benchmarks_are_wanted() {
    let text = format!("echo \"${{BENCHGATE_FILTER-unset}}\" >>filters; {}", count("a", "1"));
    let home = place(&shell("asks", &text));
    let filters = || fs::read_to_string(home.path().join("filters")).unwrap();
    gate(home.path(), &["run", "--repeat", "1", "--filter", "a|b"]);
    gate(home.path(), &["run", "--repeat", "1"]);
    assert_eq!(filters(), "a|b\nunset\n");
}

#[test]
fn damaged_records_of_a_command_are_named_and_the_others_count() {
    let bad = r#"echo '{"measurement":{"id":"c","metric":"time","unit":"ns","better":"lower","nature":"sampled","value":NaN}}' >>"$BENCHGATE_RECORD""#;
    let text = [count("a", "1"), bad.to_owned(), count("b", "2"), count("b", "3")].join("; ");
    let home = place(&shell("odd", &text));
    let (code, found) = report(home.path(), &["run", "--repeat", "1"]);
    assert_eq!(code, 1);
    assert_eq!(outcomes(&found), [("a steps".to_owned(), Some(Outcome::New))]);
    let messages: Vec<&str> = found.findings.iter().map(|it| it.message.as_str()).collect();
    let named = |part: &str| messages.iter().any(|message| message.contains(part));
    assert!(named("line 2 is not valid JSON"), "{messages:?}");
    assert!(named("lines 3 to 4 measure steps of the same benchmark 2 times"), "{messages:?}");
}

#[test]
fn names_with_control_characters_do_not_reach_the_terminal() {
    let text = r#"printf '%s\n' '{"measurement":{"id":"a\u001b[31m\nPASS","metric":"m\u0007","unit":"u\u001b","better":"lower","nature":"counted","value":1}}' >>"$BENCHGATE_RECORD"; printf '\033[31mred\007\n'; exit 1"#;
    let home = place(&shell("hostile", text));
    let (_, out, err) = gate(home.path(), &["run", "--repeat", "1"]);
    assert!(out.contains("hostile"), "{out}");
    for shown in [out, err] {
        let control = shown.chars().find(|c| c.is_control() && *c != '\n');
        assert_eq!(control, None, "{shown:?}");
    }
}

#[test]
fn a_base_without_the_script_does_not_hide_the_head() {
    let home = place("");
    let home = home.path();
    fs::write(home.join("README"), "x").unwrap();
    commit(home);
    let policy = "[[measure.command]]\nname = \"new\"\ncommand = \"./bench.sh\"\n";
    fs::write(home.join("gate.toml"), format!("{RULES}\n{policy}")).unwrap();
    let script = home.join("bench.sh");
    fs::write(&script, format!("#!/bin/sh\n{}\n", count("a", "1"))).unwrap();
    fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let (code, found) = report(home, &["ab"]);
    assert_eq!(outcomes(&found), [("a steps".to_owned(), Some(Outcome::New))]);
    let broken = &found.findings[0];
    assert!(broken.message.contains("cannot start"), "{broken:?}");
    // Nothing could be compared, and the base is to blame.
    assert_ne!(code, 0);
}
