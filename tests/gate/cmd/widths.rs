//! Tables on terminals of different widths.

use benchgate::judge::Report;
use benchgate::report::{Bars, Render, Terminal};

use super::{gate, stdout};

fn report(args: &[&str]) -> Report {
    let output = gate(&[args, &["--format", "json"]].concat());
    serde_json::from_str(stdout(&output)).unwrap()
}

fn at(report: &Report, width: Option<u16>) -> String {
    let text = Terminal { width, all: false, bars: Bars::Off }.render(report);
    anstream::adapter::strip_str(&text).to_string()
}

/// Reasons are moved below the table first, then the intervals.
#[test]
fn a_narrow_terminal_gets_reasons_below() {
    let report = report(&["check", "--baseline", "main.json", "slower.json"]);
    assert_eq!(
        at(&report, Some(80)),
        "\
baseline   main at 4f2c9be1d0, 5 runs, Example CPU 3000
candidate  slower at b83d0f6a2c+, 5 runs, Example CPU 3000

benchmark        metric        baseline  candidate  change  outcome
cache/hit        time          120.1 ns   146.1 ns    +22%  REGRESSION
cache/hit        instructions     4,210      5,120    +22%  REGRESSION
sql/select       time          3.103 µs   2.482 µs    -20%  improvement
http/round_trip  time          48.05 µs   47.95 µs  -0.21%  unchanged
cache/miss       time          850.8 ns   848.8 ns  -0.24%  unchanged

REGRESSION  cache/hit (time) [+21%, +23%]: beyond the tolerance of 1%, p < 0.0001
REGRESSION  cache/hit (instructions): beyond the tolerance of 0.5%
improvement  sql/select (time) [-21%, -19%]: better by more than the tolerance of 1%, p < 0.0001

1 row of a metric that cannot gate: show it with --all

FAIL  2 rows regressed beyond their limits (exit 3)
"
    );
    let wide = at(&report, Some(120));
    assert!(wide.contains("+22%  [+21%, +23%]      REGRESSION\n"), "{wide}");
    assert!(wide.contains("REGRESSION  cache/hit (time): beyond the tolerance of 1%"), "{wide}");
    assert_eq!(at(&report, Some(160)), at(&report, None));
}

/// Equal reasons are shown once, for all their rows.
#[test]
fn equal_reasons_are_one_line() {
    let report = report(&["check", "--baseline", "main.json", "other-compiler.json"]);
    let text = at(&report, Some(100));
    let reasons: Vec<&str> = text.lines().filter(|line| line.starts_with("undecided  ")).collect();
    assert_eq!(
        reasons,
        ["undecided  cache/hit (time), cache/miss (time), http/round_trip (time), sql/select \
          (time), cache/hit (instructions): not comparable: different rustc"]
    );
}

/// Tables fit whatever the names: names are broken, numbers are not.
#[test]
fn tables_fit() {
    for args in [
        &["check", "--baseline", "main.json", "slower.json"][..],
        &["check", "--baseline", "main.json", "other-machine.json"],
        &["check", "--baseline", "hostile.json", "hostile-slower.json"],
        &["compare", "main.json", "renamed.json"],
        &["baseline", "show", "hostile.json"],
        &["baseline", "show", "units.json"],
        &["compare", "../../fixtures/criterion-0.8@main", "../../fixtures/criterion-0.8"],
    ] {
        let report = report(args);
        for width in [80, 100, 120, 200] {
            let text = Terminal { width: Some(width), all: true, bars: Bars::Off }.render(&report);
            let text = anstream::adapter::strip_str(&text).to_string();
            // After the header, up to the next empty line.
            let table: Vec<&str> =
                text.lines().skip_while(|line| !line.is_empty()).skip(1).collect();
            let end = table.iter().position(|line| line.is_empty()).unwrap_or(table.len());
            for line in &table[..end] {
                // Ideographs and emoji take two columns.
                let columns: usize = line.chars().map(|c| if c > '\u{2e80}' { 2 } else { 1 }).sum();
                assert!(columns <= usize::from(width), "{args:?} at {width}:\n{text}");
            }
            assert_eq!(text.lines().find(|line| *line != line.trim_end()), None, "{text}");
            for row in report.rows.iter().filter(|row| row.candidate.is_some()) {
                let side = row.candidate.as_ref().unwrap();
                let unit = benchgate::model::Unit::from(row.unit.as_str());
                assert!(text.contains(&unit.show(side.value)), "{text}");
            }
        }
    }
}

/// The reasons of targets are moved below their table first, then the values before.
#[test]
fn targets_fit_a_narrow_terminal() {
    let report =
        report(&["check", "--baseline", "main.json", "same.json", "--config", "targets.toml"]);
    for (width, has_reasons, has_baseline) in
        [(None, true, true), (Some(100), false, true), (Some(80), false, false)]
    {
        let text = at(&report, width);
        let head = text.lines().find(|line| line.starts_with("target ")).expect("a table");
        assert_eq!(head.contains("baseline"), has_baseline, "{text}");
        let row = text.lines().find(|line| line.contains("≤ 40 µs")).expect("a missed target");
        assert_eq!(row.contains(": the service's promise"), has_reasons, "{text}");
        assert!(row.contains("MISSED (critical)"), "{text}");
        let below = "MISSED (critical)  http/round_trip (time): the service's promise\n";
        assert_eq!(text.contains(below), !has_reasons, "{text}");
        if let Some(width) = width {
            let table = text.lines().skip_while(|line| *line != head);
            let wide = table.take_while(|line| !line.is_empty());
            let widest = wide.map(|line| line.chars().count()).max().unwrap_or(0);
            assert!(widest <= usize::from(width), "{widest} columns: {text}");
        }
    }
}
