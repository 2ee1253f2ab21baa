//! Projects with many benchmarks: those that execute the same code are not timed, and a budget
//! that does not cover all measures what changed first.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use benchgate::judge::{Code, Outcome, Report, Row, Severity, Unmeasured};

use super::mimic::{mimic, policy};
use super::repository::{edit, of};
use super::{ab, gate};

pub(super) fn report(root: &Path, arguments: &[&str]) -> (i32, Report) {
    let arguments = [&["ab", "--counts", "2", "--seed", "7", "--format", "json"], arguments];
    let (code, out, err) = gate(root, &arguments.concat());
    (code, serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}")))
}

pub(super) fn clocks(report: &Report) -> BTreeMap<&str, &Row> {
    let clocks = report.rows.iter().filter(|row| row.metric == "time");
    clocks.map(|row| (row.id.as_str(), row)).collect()
}

/// The benchmarks whose clocks were not measured, for this reason.
fn unmeasured(report: &Report, why: Unmeasured) -> BTreeSet<&str> {
    let clocks = clocks(report).into_iter();
    let of = |row: &Row| row.judgement.as_ref().and_then(|judgement| judgement.unmeasured);
    clocks.filter(|(_, row)| of(row) == Some(why)).map(|(id, _)| id).collect()
}

// Only LLVM's linker, on this platform, says what each function refers to.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
#[test]
#[ignore = "needs valgrind: scripts/test installs it"]
fn only_benchmarks_that_execute_the_same_code_with_the_same_constants_are_not_timed() {
    let home = tempfile::tempdir().unwrap();
    let root = &of("twelve", home.path());
    let library = root.join("src/lib.rs");
    let base = std::fs::read_to_string(&library).unwrap();

    // Another function alone: its benchmark is measured, and no other.
    edit(&library, "mix_4 4;", "mix_4 9;");
    let (_, one) = report(root, &[]);
    let same = unmeasured(&one, Unmeasured::SameCodeExecuted);
    assert!(!same.contains("mix/4"), "{same:?}");
    assert_eq!(same.len(), 11, "{same:?}: {:?}, not run: {:?}", one.findings, one.candidate);
    let measured: Vec<&str> = clocks(&one)
        .into_iter()
        .filter(|(_, row)| row.candidate.is_some())
        .map(|(id, _)| id)
        .collect();
    assert_eq!(measured, ["mix/4"]);
    let row = clocks(&one)["mix/1"];
    let judgement = row.judgement.as_ref().unwrap();
    assert_eq!(judgement.outcome, Outcome::Unchanged);
    assert_eq!(judgement.reason, "same code executed, equal counts: clock not measured");
    assert_eq!(row.change, None);
    let note = one.findings.iter().find(|finding| finding.code == Code::SameCodeExecuted);
    let note = note.expect("the report says how many");
    assert!(note.message.starts_with("11 benchmarks executed only code"), "{}", note.message);
    assert_eq!(note.severity, Severity::Note);

    // An entry of a table, a literal, the method behind a pointer, and the set-up: none of
    // them moves a count.
    std::fs::write(&library, &base).unwrap();
    edit(&library, "table[40] = 1234;", "table[40] = 1235;");
    edit(&library, "sum * 1.25", "sum * 1.75");
    edit(&library, "[&Up(3), &Up(5), &Down(3)]", "[&Up(3), &Down(5), &Down(3)]");
    edit(&library, "0x1234_5671", "0x1234_5673");
    let few = ["--filter", "^(table|literal|method|set-up|mix/[12])$"];
    let (_, four) = report(root, &few);
    let same = unmeasured(&four, Unmeasured::SameCodeExecuted);
    for id in ["table", "literal", "method", "set-up"] {
        let count = four.rows.iter().find(|row| row.id == id && row.metric == "instructions");
        let change = count.unwrap().change.unwrap().estimate;
        assert_eq!(change, 0.0, "{id}: the counts would have shown it");
        assert!(!same.contains(id), "{id} changed: {same:?}");
    }
    assert_eq!(same, BTreeSet::from(["mix/1", "mix/2"]));

    // The policy can ask for all clocks.
    let text = std::fs::read_to_string(root.join("gate.toml")).unwrap();
    let text = text.replace("[ab]\n", "[ab]\nsame_code_clock = \"measure\"\n");
    std::fs::write(root.join("gate.toml"), text).unwrap();
    let (_, all) = report(root, &few);
    assert_eq!(unmeasured(&all, Unmeasured::SameCodeExecuted), BTreeSet::new());
    assert!(clocks(&all).values().all(|row| row.candidate.is_some()));
    assert!(!all.findings.iter().any(|finding| finding.code == Code::SameCodeExecuted));
}

/// Its benchmarks take 40 ms each, so that a budget covers some of them on any machine.
#[test]
fn a_budget_that_does_not_cover_all_benchmarks_leaves_undecided_rows() {
    let home = tempfile::tempdir().unwrap();
    policy(home.path(), "");
    let names: Vec<String> = (0..30).map(|number| format!("b{number:02}")).collect();
    let times: Vec<String> = names.iter().map(|name| format!("{name}=100")).collect();
    let variables = [("TIMES", times.join(",")), ("EACH", "40".to_owned())];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let program = mimic(home.path(), "one", &variables);
    let (code, report, err) = ab(home.path(), &program, &program, &["--budget", "8s"]);
    assert_eq!(code, 0, "{err}");
    let left = unmeasured(&report, Unmeasured::NotReached);
    assert_eq!(clocks(&report).len(), names.len(), "every benchmark has a row");
    assert!(!left.is_empty() && left.len() < names.len(), "{left:?}");
    for (id, row) in clocks(&report) {
        let is_left = left.contains(id);
        assert_eq!(row.candidate.is_none(), is_left, "{id}");
        if is_left {
            let judgement = row.judgement.as_ref().unwrap();
            assert_eq!(judgement.outcome, Outcome::Undecided, "{id}");
            assert_eq!(judgement.reason, "not measured: the time budget ended before its turn");
        }
    }
    let warned = report.findings.iter().find(|finding| finding.code == Code::NotReached);
    let warned = warned.expect("the report says so");
    assert_eq!(warned.severity, Severity::Warn);
    let reason = &report.verdict.as_ref().unwrap().reason;
    assert!(reason.contains(&format!("{} undecided", left.len())), "{reason}");
    assert!(reason.contains("not-reached"), "{reason}");

    // They block where the policy lets nothing undecided pass.
    let text = std::fs::read_to_string(home.path().join("gate.toml")).unwrap();
    std::fs::write(home.path().join("gate.toml"), text.replace("\"allow\"", "\"block\"")).unwrap();
    let check = ["check", "--baseline", "kept/base.json", "kept/head.json"];
    let (code, out, err) = gate(home.path(), &check);
    assert_eq!(code, 4, "{out}{err}");
    assert!(out.contains("not measured: the time budget ended before its turn"), "{out}");
}
