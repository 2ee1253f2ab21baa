//! Generated reports for tests: large reports, and hostile reports.

use std::collections::BTreeMap;

use benchgate::exit::Exit;
use benchgate::judge::{
    BoundKind, Change, Code, Finding, FunctionChange, Grade, Judgement, Letter, Outcome, Report,
    Row, RowLimits, Severity, Side, SnapshotSummary, TargetRow, TargetStatus, Targets, Verdict,
    VerdictOutcome,
};
use benchgate::policy::{Gate, TargetKind, TargetSeverity};

pub(super) fn side(name: &str) -> SnapshotSummary {
    SnapshotSummary {
        name: name.to_owned(),
        created: "2026-11-03T16:40:00Z".parse().unwrap(),
        revision: Some("4f2c9be1d0aa".to_owned()),
        runs: 8,
        selection: None,
        environment: BTreeMap::from([("cpu_model".to_owned(), "Example CPU".to_owned())]),
    }
}

pub(super) fn report(rows: Vec<Row>, findings: Vec<Finding>) -> Report {
    let mut counts = BTreeMap::new();
    for outcome in rows.iter().filter_map(Row::outcome) {
        *counts.entry(outcome).or_insert(0) += 1;
    }
    let failing = rows.iter().filter(|row| row.outcome() == Some(Outcome::Regression)).count();
    Report {
        schema_version: 1,
        tool: "benchgate 0.1.0".to_owned(),
        verdict: Some(Verdict {
            outcome: if failing > 0 { VerdictOutcome::Fail } else { VerdictOutcome::Pass },
            exit: if failing > 0 { Exit::Regression } else { Exit::Pass },
            reason: format!("{failing} rows regressed beyond their limits"),
        }),
        baseline: Some(side("main")),
        candidate: side("head"),
        policy: None,
        alpha: 0.01,
        environment_differences: Vec::new(),
        counts,
        targets: None,
        rows,
        findings,
        control: None,
    }
}

pub(super) fn row(id: &str, metric: &str, change: f64, outcome: Outcome) -> Row {
    let failing = outcome == Outcome::Regression;
    let runs = |middle: f64, seed: f64| {
        (0..8).map(|run| middle * (1.0 + 0.01 * (f64::from(run) * 2.4 + seed).sin())).collect()
    };
    let base = 100.0 + id.len() as f64;
    Row {
        id: id.to_owned(),
        target: Some("bench".to_owned()),
        package: Some("made".to_owned()),
        metric: metric.to_owned(),
        unit: "ns".to_owned(),
        higher_is_better: false,
        counted: false,
        gate: Gate::Fail,
        baseline: Some(Side { value: base, runs: runs(base, 0.0) }),
        candidate: Some(Side {
            value: base * (1.0 + change),
            runs: runs(base * (1.0 + change), 1.0),
        }),
        change: Some(Change {
            estimate: change,
            lower: Some(change - 0.01),
            upper: Some(change + 0.01),
        }),
        observations: None,
        pairs: (0..8).map(|pair| change + 0.02 * (f64::from(pair) * 1.7).sin()).collect(),
        adjusted: None,
        judgement: Some(Judgement {
            outcome,
            severity: if failing { Severity::Fail } else { Severity::Note },
            reason: "a reason".to_owned(),
            limits: RowLimits {
                tolerance: 0.01,
                target: 0.03,
                warn: 0.01,
                fail: 0.03,
                floor: "5ns".to_owned(),
            },
            p_value: None,
            detectable: Some(0.02),
            by_instructions: false,
            unmeasured: None,
            cause: Vec::new(),
        }),
    }
}

/// A target on a row, in one of all states.
fn target(row: &Row, index: usize) -> TargetRow {
    let cases = [
        (TargetStatus::Missed, Severity::Fail),
        (TargetStatus::Unsupported, Severity::Fail),
        (TargetStatus::Undecided, Severity::Warn),
        (TargetStatus::NotMeasured, Severity::Note),
        (TargetStatus::Met, Severity::Warn),
        (TargetStatus::Met, Severity::Note),
    ];
    let (status, effect) = cases[index % cases.len()];
    let measured = status != TargetStatus::NotMeasured;
    TargetRow {
        kind: TargetKind::Target,
        bench: format!("{}*", row.id),
        id: measured.then(|| row.id.clone()),
        target: row.target.clone(),
        package: row.package.clone(),
        metric: row.metric.clone(),
        unit: measured.then(|| row.unit.clone()),
        bound: if row.higher_is_better { BoundKind::AtLeast } else { BoundKind::AtMost },
        limit: "123.4 µs".to_owned(),
        limit_value: measured.then_some(123_400.0),
        status,
        effect,
        before: row.baseline.as_ref().map(|side| side.value),
        after: row.candidate.as_ref().filter(|_| measured).map(|side| side.value),
        headroom: measured.then_some(0.25 - 0.1 * (index % 7) as f64),
        severity: [TargetSeverity::Critical, TargetSeverity::High, TargetSeverity::Low][index % 3],
        group: Some(format!("group {}", index % 3)),
        reason: Some("what the service promises to all of its users".to_owned()),
        required: false,
        why: (!measured).then(|| "no measured row matches this target".to_owned()),
    }
}

/// A table of targets, with a grade for each of its groups.
fn table(rows: Vec<TargetRow>) -> Targets {
    let grade = Grade {
        letter: Letter::C,
        targets: rows.len(),
        met: 3,
        missed: 1,
        unsupported: 1,
        undecided: 1,
        not_measured: 1,
    };
    let letters = [Letter::APlus, Letter::A, Letter::BPlus, Letter::B, Letter::C, Letter::D];
    let groups = rows.iter().filter_map(|row| row.group.clone()).zip(letters.iter().cycle());
    let groups = groups.map(|(group, letter)| (group, Grade { letter: *letter, ..grade }));
    Targets { grade, groups: groups.collect(), rows }
}

/// Two thousand rows with a few regressions.
pub(super) fn large() -> Report {
    let rows = (0..2000).map(|index| {
        let name =
            format!("service_{}/handler/{}/{index}", index % 17, ["parse", "route"][index % 2]);
        let (change, outcome) = match index {
            0..3 => (0.2 - 0.05 * index as f64, Outcome::Regression),
            3..30 => (0.04, Outcome::Undecided),
            30..40 => (-0.06, Outcome::Improvement),
            _ => (0.000_001 * index as f64, Outcome::Unchanged),
        };
        row(&name, "time", change, outcome)
    });
    report(rows.collect(), Vec::new())
}

/// A name of at least `length` characters.
fn long_name(index: usize, length: usize) -> String {
    let mut name = format!("service_{}/handler/{index}", index % 17);
    while name.len() < length {
        name.push_str("/a_rather_long::Segment<Of<AParameterised>>");
    }
    name
}

/// Rows of every outcome and unit, with causes, long reasons and the longest numbers;
/// names of at least `length` characters.
pub(super) fn mixed(rows: usize, length: usize) -> Report {
    let outcomes = [
        Outcome::Regression,
        Outcome::Undecided,
        Outcome::Missing,
        Outcome::New,
        Outcome::Improvement,
        Outcome::Unchanged,
    ];
    let units = [
        ("time", "ns", 1e3),
        ("instructions", "count", 123_456_789_012_345.0),
        ("resident_memory_after_load", "bytes", 1e9),
        ("hit_rate", "share", 0.009),
        ("requests", "per_second", 1e6),
        ("dollars_per_million_requests", "dollars per million requests", 1e3),
    ];
    let made = (0..rows).map(|index| {
        let (metric, unit, factor) = units[index / 2 % units.len()];
        let outcome = outcomes[index % outcomes.len()];
        let change = 0.3 - 0.5 * (index as f64 / rows as f64);
        let mut row = row(&long_name(index, length), metric, change, outcome);
        unit.clone_into(&mut row.unit);
        if index % 11 == 10 {
            row.gate = Gate::Show;
        }
        for side in [&mut row.baseline, &mut row.candidate].into_iter().flatten() {
            side.value *= factor / 100.0;
            side.runs.iter_mut().for_each(|run| *run *= factor / 100.0);
        }
        let judgement = row.judgement.as_mut().unwrap();
        "same instructions, slower clock (memory, layout, waiting or kernel); beyond the tolerance \
         of 1%, p < 0.0001"
            .clone_into(&mut judgement.reason);
        match outcome {
            Outcome::Missing => row.candidate = None,
            Outcome::New => row.baseline = None,
            Outcome::Regression => {
                let function = format!("<{}>::call", "alloc::vec::Vec<u8>".repeat(9));
                let change = FunctionChange { function, baseline: Some(1_000), candidate: 123_456 };
                judgement.cause = vec![change; 3];
            }
            _ => {}
        }
        if row.baseline.is_none() || row.candidate.is_none() {
            (row.change, row.pairs) = (None, Vec::new());
        }
        row
    });
    let missing = (0..rows.min(9)).map(|index| Finding {
        code: Code::BenchmarkMissing,
        severity: Severity::Warn,
        id: Some(long_name(index, length)),
        metric: None,
        message: "the baseline has it, the candidate does not".to_owned(),
    });
    let mut report = report(made.collect(), missing.collect());
    let limited = report.rows.iter().enumerate().map(|(index, row)| target(row, index));
    report.targets = Some(table(limited.collect()));
    report
}

/// Names and messages that would be markup or commands if they were not escaped.
pub(super) const HOSTILE: [&str; 14] = [
    "<script>window.pwned = 1</script>",
    "<img src=x onerror=\"window.pwned = 2\">",
    "\"><svg onload=window.pwned=3>",
    "</style></script><!-- ",
    "javascript:window.pwned=4",
    "| a | b |",
    "back\\|slash`tick``s",
    "[link](https://example.com) @team #12 GH-12",
    "**bold** _it_ ~~gone~~ # head",
    "two\nlines\r\n::error title=x::y",
    "::add-mask::all",
    "100%, a: b; &amp; &lt;",
    "\u{202e}turned\u{1b}[2J\u{0}\u{fffe}]]>",
    " ",
];

/// Every hostile text in every place that takes text.
pub(super) fn hostile() -> Report {
    let mut rows = Vec::new();
    let mut findings = Vec::new();
    for text in HOSTILE {
        let mut row = row(text, text, 0.2, Outcome::Regression);
        text.clone_into(&mut row.unit);
        row.target = Some(text.to_owned());
        let judgement = row.judgement.as_mut().unwrap();
        text.clone_into(&mut judgement.reason);
        text.clone_into(&mut judgement.limits.floor);
        judgement.cause =
            vec![FunctionChange { function: text.to_owned(), baseline: None, candidate: 9 }];
        rows.push(row);
        findings.push(Finding {
            code: Code::UnreadableResult,
            severity: Severity::Fail,
            id: Some(text.to_owned()),
            metric: Some(text.to_owned()),
            message: text.to_owned(),
        });
    }
    let mut report = report(rows, findings);
    let limited = report.rows.iter().enumerate().map(|(index, row)| TargetRow {
        bench: row.id.clone(),
        limit: row.id.clone(),
        group: Some(row.id.clone()),
        reason: Some(row.id.clone()),
        why: Some(row.id.clone()),
        ..target(row, index)
    });
    report.targets = Some(table(limited.collect()));
    let all = HOSTILE.join(" ");
    report.tool.clone_from(&all);
    report.policy = Some(all.clone().into());
    report.verdict.as_mut().unwrap().reason.clone_from(&all);
    for side in [report.baseline.as_mut().unwrap(), &mut report.candidate] {
        side.name.clone_from(&all);
        side.revision = Some(all.clone());
        side.selection = Some(all.clone());
        side.environment = BTreeMap::from([(all.clone(), all.clone())]);
    }
    report
}
