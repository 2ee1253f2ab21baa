//! Benchmarks and metrics that only one side has.

use std::collections::BTreeSet;

use crate::judge::case::Case;
use crate::judge::report::{Code, Finding, Row, Severity};
use crate::model::{BenchId, Metric, ProblemKind};
use crate::text::nearest;

/// Benchmarks that are missing, renamed or new, and metrics that are missing.
pub(super) fn changed(case: &Case<'_>, rows: &[Row]) -> Vec<Finding> {
    if case.baseline.is_none() {
        return Vec::new();
    }
    let sides = Sides {
        baseline: names(rows, Row::in_baseline),
        candidate: names(rows, Row::in_candidate),
    };
    let mut findings = missing_benchmarks(case, &sides);
    findings.extend(missing_metrics(case, rows, &sides));
    findings.extend(new_benchmarks(case, &sides));
    findings
}

/// The benchmarks that each side has.
struct Sides {
    baseline: BTreeSet<BenchId>,
    candidate: BTreeSet<BenchId>,
}

impl Sides {
    fn added(&self) -> impl Iterator<Item = &BenchId> {
        self.candidate.difference(&self.baseline)
    }
}

fn names(rows: &[Row], has: impl Fn(&Row) -> bool) -> BTreeSet<BenchId> {
    rows.iter().filter(|row| has(row)).map(Row::bench_id).collect()
}

/// A benchmark's name, with its target where another benchmark has the same name.
fn distinct(id: &BenchId, all: &BTreeSet<BenchId>) -> String {
    let twin = all.iter().any(|other| other.name == id.name && other != id);
    if twin { id.qualified() } else { id.name.clone() }
}

/// Benchmarks that only the baseline has, and the new ones that they may be called now. A
/// benchmark that was not selected is not missing.
fn missing_benchmarks(case: &Case<'_>, sides: &Sides) -> Vec<Finding> {
    if case.candidate.selection.is_some() {
        return Vec::new();
    }
    let severity = Severity::from(case.policy.verdict.missing);
    let gone = sides.baseline.difference(&sides.candidate).filter(|id| !is_unusable(case, id));
    gone.flat_map(|id| {
        let name = distinct(id, &sides.baseline);
        let message = "the baseline has it, the candidate does not";
        let missing = Finding::new(Code::BenchmarkMissing, severity, message).about(&name);
        let renamed = nearest(&id.name, sides.added(), |other| &other.name).map(|other| {
            let other = other.qualified();
            let message = format!("probably renamed to {other}; the two are not compared");
            Finding::new(Code::BenchmarkRenamed, Severity::Warn, message).about(&name)
        });
        std::iter::once(missing).chain(renamed)
    })
    .collect()
}

/// Whether the candidate has a result of the benchmark that could not be used, which is a
/// finding of its own. A stale result must not hide that its benchmark is gone.
fn is_unusable(case: &Case<'_>, id: &BenchId) -> bool {
    case.candidate.problems.iter().any(|problem| {
        problem.kind != ProblemKind::Stale
            && problem.id.as_ref().is_some_and(|other| other.may_equal(id))
    })
}

/// Metrics that only counting gives.
const COUNTED: [&str; 3] = [Metric::INSTRUCTIONS, Metric::TOTAL_INSTRUCTIONS, Metric::ALLOCATIONS];

/// Metrics that the candidate lacks, of benchmarks that it has.
fn missing_metrics(case: &Case<'_>, rows: &[Row], sides: &Sides) -> Vec<Finding> {
    let candidate = case.candidate;
    // Nor are instructions missing where a selection was not counted at all: `--quick`.
    let uncounted = candidate.selection.is_some()
        && !candidate.measurements.iter().any(|other| other.metric.name == Metric::INSTRUCTIONS);
    let missing = rows.iter().filter(|row| {
        row.in_baseline()
            && !row.in_candidate()
            && !(uncounted && COUNTED.contains(&row.metric.as_str()))
            && sides.candidate.contains(&row.bench_id())
    });
    let severity = Severity::from(case.policy.verdict.missing);
    missing
        .map(|row| {
            let severity = severity.max(row.gate.into());
            Finding::new(Code::MetricMissing, severity, instead(row, rows))
                .about(distinct(&row.bench_id(), &sides.baseline))
                .metric(&row.metric)
        })
        .collect()
}

/// What the candidate measured instead of a metric that it lacks.
fn instead(row: &Row, rows: &[Row]) -> String {
    let other = rows.iter().find(|other| {
        other.metric == row.metric && other.bench_id() == row.bench_id() && other.in_candidate()
    });
    match other {
        Some(other) if other.unit != row.unit => {
            format!("measured in {} now, in {} before", other.unit, row.unit)
        }
        Some(_) => "measured differently than before: its direction or kind changed".to_owned(),
        None => "the baseline has it, the candidate does not".to_owned(),
    }
}

/// Benchmarks that only the candidate has.
fn new_benchmarks(case: &Case<'_>, sides: &Sides) -> Vec<Finding> {
    let level = case.policy.verdict.new;
    let message = "the baseline does not have it yet";
    let finding =
        |id| Finding::new(Code::BenchmarkNew, level, message).about(distinct(id, &sides.candidate));
    sides.added().map(finding).collect()
}
