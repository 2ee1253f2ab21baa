//! Shards of a suite, measured by processes of their own, and their merger.

use std::path::Path;
use std::process::{Command, Stdio};

use benchgate::judge::{Code, Outcome, Report};

use super::mimic::mimic;
use super::{built, gate, moody, repository};

const SHARDS: u32 = 4;

/// What two runs of the same trial have in common: of each row its benchmark, its metric and
/// its outcome.
fn outcomes(report: &Report) -> Vec<(&str, &str, Option<Outcome>)> {
    let each = report.rows.iter().map(|row| (row.id.as_str(), row.metric.as_str(), row.outcome()));
    let mut all: Vec<_> = each.collect();
    all.sort();
    all
}

fn report(directory: &Path) -> Report {
    let text = std::fs::read_to_string(directory.join("report.json")).expect("a report");
    serde_json::from_str(&text).expect("a report")
}

/// The arguments of one shard, whose report goes to `shard-K`.
fn shard(number: u32, arguments: &[&str]) -> Vec<String> {
    shard_into(&format!("shard-{number}"), number, arguments)
}

fn shard_into(directory: &str, number: u32, arguments: &[&str]) -> Vec<String> {
    let which = format!("{number}/{SHARDS}");
    let own = ["ab", "--shard", &which, "--report", directory, "--keep", directory];
    own.iter().chain(arguments).map(|argument| (*argument).to_owned()).collect()
}

/// Measures all shards, each in a process of its own, all at the same time.
fn measure_shards(home: &Path, arguments: &[&str]) {
    let processes: Vec<_> = (1..=SHARDS)
        .map(|number| {
            Command::new(crate::GATE)
                .args(shard(number, arguments))
                .current_dir(home)
                .env_remove("CARGO_TARGET_DIR")
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .expect("the gate starts")
        })
        .collect();
    for process in processes {
        let output = process.wait_with_output().expect("it ends");
        let err = String::from_utf8_lossy(&output.stderr);
        // A shard has no verdict, whatever its rows show.
        assert_eq!(output.status.code(), Some(0), "{err}");
    }
}

fn merge(home: &Path, more: &[&str]) -> (i32, String, String) {
    let directories: Vec<String> = (1..=SHARDS).map(|number| format!("shard-{number}")).collect();
    let directories: Vec<&str> = directories.iter().map(String::as_str).collect();
    gate(home, &[&["merge"], &directories[..], more].concat())
}

fn arguments<'a>(base: &'a Path, head: &'a Path) -> Vec<&'a str> {
    vec!["--base-exe", base.to_str().unwrap(), "--head-exe", head.to_str().unwrap()]
}

/// A policy that needs neither valgrind nor a quiet machine: the times are made up.
fn policy(home: &Path) {
    let text = "version = 1\n[ab]\ncounts = 0\nmachine_busy = \"warn\"\n";
    std::fs::write(home.join("gate.toml"), text).unwrap();
}

#[test]
fn four_shards_reach_the_verdict_of_one_run() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    policy(home);
    let times = |slow: u32| {
        let each = (0..10).map(|n| format!("b{n}={}", if n % 4 == 1 { slow } else { 100 }));
        each.collect::<Vec<_>>().join(",")
    };
    let base = mimic(home, "base", &[("TIMES", &times(100))]);
    let head = mimic(home, "head", &[("TIMES", &format!("{},b3x=7", times(110)))]);
    let arguments = [&arguments(&base, &head)[..], &["--control"]].concat();

    let (one_exit, _, err) = gate(home, &[&["ab", "--report", "one"], &arguments[..]].concat());
    assert_eq!(one_exit, 3, "{err}");
    measure_shards(home, &arguments);
    let (exit, out, err) = merge(home, &["--report", "merged", "--keep", "merged"]);
    assert_eq!(exit, one_exit, "{out}{err}");

    let (one, merged) = (report(&home.join("one")), report(&home.join("merged")));
    assert_eq!(outcomes(&merged), outcomes(&one));
    assert_eq!((&merged.counts, &merged.control), (&one.counts, &one.control));
    assert_eq!(merged.verdict, one.verdict);
    // Three slower, and the new one.
    assert_eq!(merged.counts[&Outcome::Regression], 3);
    assert_eq!(merged.counts[&Outcome::New], 1);

    // Each shard measured its own part, on both sides, and says that it is a part.
    let mut measured = Vec::new();
    for number in 1..=SHARDS {
        let shard = report(&home.join(format!("shard-{number}")));
        assert_eq!(shard.verdict, None);
        let note = shard.findings.iter().find(|finding| finding.code == Code::Shard);
        let named = note.expect("a note").message.contains(&format!("shard {number}/4"));
        assert!(named && shard.rows.iter().all(|row| row.judgement.is_none()));
        measured.push(shard.rows.len());
    }
    assert_eq!(measured, [3, 3, 3, 2], "eleven benchmarks");

    // The merged pairs are kept, and judged alike again.
    let check = ["check", "--baseline", "merged/base.json", "merged/head.json"];
    let (exit, out, err) = gate(home, &check);
    assert_eq!(exit, 3, "{out}{err}");
    // A shard is not judged alone.
    let check = ["check", "--baseline", "shard-2/base.json", "shard-2/head.json"];
    let (exit, _, err) = gate(home, &check);
    assert_eq!(exit, 2, "{err}");
    assert!(err.contains("this is shard 2/4 of a suite: `gate merge` judges"), "{err}");
}

/// Real programs of the tiny project: a target of identical code, a benchmark that became a
/// hundred times slower, others that did not change.
#[test]
fn shards_of_real_programs_reach_the_verdict_of_one_run() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    std::fs::write(home.join("gate.toml"), super::POLICY).unwrap();
    let sums = built("tiny", "sums");
    let (good, slow) = (moody(home, "good"), moody(home, "slow"));
    let arguments = [arguments(&good, &slow), arguments(&sums, &sums)].concat();

    let (one_exit, _, err) = gate(home, &[&["ab", "--report", "one"], &arguments[..]].concat());
    assert_eq!(one_exit, 3, "{err}");
    measure_shards(home, &arguments);
    let (exit, out, err) = merge(home, &["--report", "merged"]);
    assert_eq!(exit, one_exit, "{out}{err}");
    let (one, merged) = (report(&home.join("one")), report(&home.join("merged")));
    assert_eq!(outcomes(&merged), outcomes(&one));
    assert_eq!(merged.verdict, one.verdict);
    let identical = merged.rows.iter().filter(|row| row.baseline.is_none()).count();
    assert_eq!((identical, merged.counts[&Outcome::Regression]), (3, 1));
}

/// Criterion cuts long titles short in its list, and a program that ignores what it is asked
/// for runs all of its benchmarks.
#[test]
fn odd_programs_are_divided_as_well() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    std::fs::write(home.join("gate.toml"), super::POLICY).unwrap();
    let kinds = built("tiny", "kinds");
    let odd = |name| super::script(home, name, &format!("exec '{}' \"$@\"", kinds.display()));
    let (base, head) = (odd("base"), odd("head"));
    let arguments = [&arguments(&base, &head)[..], &["--filter", "^(-odd|longlong)"]].concat();
    measure_shards(home, &arguments);
    let measured = |number| report(&home.join(format!("shard-{number}"))).rows.len();
    assert_eq!((1..=SHARDS).map(measured).collect::<Vec<_>>(), [1, 1, 0, 0]);
    let (exit, out, err) = merge(home, &["--report", "merged"]);
    assert_eq!(exit, 0, "{out}{err}");
    let names = report(&home.join("merged")).rows.into_iter().map(|row| row.id);
    let mut names: Vec<_> = names.collect();
    names.sort();
    assert_eq!(names, ["-odd (name".to_owned(), "long".repeat(30)]);
}

/// A program that does not list its benchmarks is measured by one shard.
#[test]
fn a_program_without_a_list_is_not_divided() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    policy(home);
    let silent = |name: &str| {
        let mimic = mimic(home, &format!("{name}-mimic"), &[("TIMES", "a=100,b=100")]);
        let text =
            format!("case \"$*\" in *--list*) exit 1 ;; esac\nexec '{}' \"$@\"", mimic.display());
        super::script(home, name, &text)
    };
    let (base, head) = (silent("base"), silent("head"));
    measure_shards(home, &arguments(&base, &head));
    let measured = |number| report(&home.join(format!("shard-{number}"))).rows.len();
    assert_eq!((1..=SHARDS).map(measured).collect::<Vec<_>>(), [2, 0, 0, 0]);
    let (exit, out, err) = merge(home, &[]);
    assert_eq!(exit, 0, "{out}{err}");
}

#[test]
fn a_shard_without_benchmarks_is_one_as_well() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    policy(home);
    let base = mimic(home, "base", &[("TIMES", "a=100,b=100")]);
    let head = mimic(home, "head", &[("TIMES", "a=100,b=100"), ("SETUP", "1")]);
    measure_shards(home, &arguments(&base, &head));
    let (exit, out, err) = merge(home, &[]);
    assert_eq!(exit, 0, "{out}{err}");
    assert!(out.contains("2 rows decided"), "{out}");
}

#[test]
fn shards_that_do_not_belong_together_are_refused_by_name() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    policy(home);
    let base = mimic(home, "base", &[("TIMES", "a=100,b=100,c=100,d=100")]);
    let head = mimic(home, "head", &[("TIMES", "a=100,b=100,c=100,d=100"), ("SETUP", "1")]);
    let both = arguments(&base, &head);
    measure_shards(home, &both);
    let refused = |arguments: &[&str], expected: &str| {
        let (exit, out, err) = gate(home, &[&["merge"], arguments].concat());
        assert_eq!((exit, out.as_str()), (2, ""), "{err}");
        assert!(err.contains(expected), "{err}");
    };
    let all = ["shard-1", "shard-2/report.json", "shard-3", "shard-4"];
    assert_eq!(gate(home, &[&["merge"], &all[..]].concat()).0, 0);
    refused(&all[..3], "shard 4 is missing, of 4: 3 are given");
    let twice = [&all[..], &["shard-3/head.json"]].concat();
    refused(&twice, "shard 3/4 is given twice: shard-3 and shard-3/head.json");
    refused(&["nowhere"], "nowhere does not hold a shard of `gate ab --shard`");

    // Another policy, of one shard and of the merger.
    std::fs::write(home.join("other.toml"), "version = 1\n[ab]\ncounts = 0\n").unwrap();
    let other = ["--config", "other.toml"];
    refused(&[&all[..], &other].concat(), "the shards were measured by another policy");
    let remeasured = shard(2, &[&both[..], &other].concat());
    let remeasured: Vec<&str> = remeasured.iter().map(String::as_str).collect();
    assert_eq!(gate(home, &remeasured).0, 0);
    refused(&all, "the shards differ in the policy: shard-1 has ");

    // A benchmark that only one machine lists.
    mimic(home, "head", &[("TIMES", "a=100,b=100,c=100,d=100,redis=1"), ("SETUP", "1")]);
    let remeasured = shard(2, &both);
    let remeasured: Vec<&str> = remeasured.iter().map(String::as_str).collect();
    assert_eq!(gate(home, &remeasured).0, 0);
    refused(&all, "different benchmarks: shard-2/report.json has `head::redis`");
}

/// From a repository: the revisions and the files of both sides are compared.
#[test]
fn shards_of_other_revisions_are_refused() {
    let home = tempfile::tempdir().unwrap();
    let root = &repository::repository(home.path());
    repository::edit(&root.join("src/lib.rs"), "100, 200", "100, 9000");
    let measure = |number: u32| {
        // Outside of the repository, whose files must be the same for each shard.
        let arguments = shard_into(&format!("../shard-{number}"), number, &[]);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let (exit, out, err) = gate(root, &arguments);
        assert_eq!(exit, 0, "{out}{err}");
    };
    // One after the other: they share a checkout.
    (1..=SHARDS).for_each(measure);
    let merge = || merge(home.path(), &["--config", "project/gate.toml"]);
    let (exit, out, err) = merge();
    assert_eq!(exit, 3, "{out}{err}");
    // The same commit, and other files.
    repository::edit(&root.join("src/lib.rs"), "100, 9000", "100, 9001");
    measure(3);
    let (exit, _, err) = merge();
    assert_eq!(exit, 2, "{err}");
    assert!(err.contains("the shards differ in the files of the head: shard-1 has "), "{err}");
    // Another commit.
    repository::git(root, &["commit", "-q", "-a", "-m", "slower"]);
    repository::git(root, &["branch", "-q", "topic"]);
    repository::git(root, &["reset", "-q", "--hard", "HEAD~1"]);
    repository::git(root, &["switch", "-q", "topic"]);
    measure(3);
    let (exit, _, err) = merge();
    assert_eq!(exit, 2, "{err}");
    assert!(err.contains("the shards differ in the revision of the head: shard-1 has "), "{err}");
}

#[test]
fn a_shard_that_does_not_exist_is_refused() {
    let home = tempfile::tempdir().unwrap();
    for which in ["0/4", "5/4", "4", "1/1000"] {
        let (exit, _, err) = gate(home.path(), &["ab", "--shard", which]);
        assert_eq!(exit, 2, "{err}");
        assert!(err.contains("write the shard's number and how many there are"), "{err}");
    }
}
