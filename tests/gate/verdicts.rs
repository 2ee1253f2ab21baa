//! Verdicts in the terminal's format, from small tables of runs.

#[path = "../../crates/core/tests/core/judge/common.rs"]
#[expect(dead_code, reason = "the tests of the verdicts need more of it")]
mod common;

use std::collections::BTreeMap;

use benchgate::judge::Report;
use benchgate::model::{AllocatorCount, Costs, Metric, Snapshot, Unit};
use benchgate::report::{Render as _, Terminal};

use common::{FIFTH_SLOWER, NOISY, STEADY, counts, snapshot, times, verdict};

fn terminal(report: &Report) -> String {
    let whole = Terminal { all: true, ..Terminal::default() };
    anstream::adapter::strip_str(&whole.render(report)).to_string()
}

#[test]
fn the_whole_table() {
    let baseline = times(&[
        ("cache/hit", &STEADY),
        ("cache/miss", &STEADY),
        ("http/get", &NOISY),
        ("old/removed", &STEADY),
        ("sql/select", &FIFTH_SLOWER),
    ]);
    let candidate = times(&[
        ("cache/hit", &FIFTH_SLOWER),
        ("cache/miss", &STEADY),
        ("http/get", &NOISY),
        ("sql/select", &STEADY),
        ("zip/added", &STEADY),
    ]);
    let report = verdict(&baseline, &candidate, "");
    insta::assert_snapshot!(terminal(&report));
}

#[test]
fn the_reason_of_a_row_that_instructions_clear_is_shown() {
    let instructions = Metric::counted(Metric::INSTRUCTIONS, Unit::Count);
    let mut side =
        snapshot(&[("a", Metric::time(), &NOISY), ("a", instructions.clone(), &[1e6; 2])]);
    for row in side.measurements.iter_mut().filter(|row| row.metric == instructions) {
        row.costs = Some(Costs {
            threads: 1,
            scope: None,
            allocator: AllocatorCount::Charged,
            system_calls: false,
            total: 1_000_000,
            functions: BTreeMap::new(),
        });
    }
    let report = verdict(&side, &side, "");
    let row = report.rows.iter().find(|row| row.metric == Metric::TIME).expect("it is judged");
    let judgement = row.judgement.as_ref().expect("it is judged");
    assert!(judgement.by_instructions, "{judgement:?}");
    let table = terminal(&report);
    let start: String = judgement.reason.chars().take(60).collect();
    assert!(table.contains(&start), "{start}: {table}");
}

#[test]
fn the_functions_that_grew_are_shown_and_their_names_are_escaped() {
    let side = |functions: &[(&str, u64)]| -> Snapshot {
        let total: u64 = functions.iter().map(|(_, took)| took).sum();
        let mut side = counts(&[("a", &[total as f64; 2])]);
        let functions = functions.iter().map(|(name, took)| ((*name).to_owned(), *took)).collect();
        side.measurements[0].costs = Some(Costs {
            threads: 1,
            scope: None,
            allocator: AllocatorCount::Charged,
            system_calls: false,
            total,
            functions,
        });
        side
    };
    let base = side(&[("grows", 500), ("main", 9_000)]);
    let head = side(&[("grows", 800), ("main", 9_000), ("\u{1b}[31mnew", 299)]);
    let table = terminal(&verdict(&base, &head, ""));
    let below = table.lines().skip_while(|line| !line.starts_with("a ")).skip(1).take(2);
    assert_eq!(
        below.collect::<Vec<_>>(),
        [
            "    probable cause: grows  500 → 800, +300",
            "                    \\u{1b}[31mnew  0 → 299, +299",
        ],
        "{table}"
    );
}
