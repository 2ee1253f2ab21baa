//! What is found besides the rows' own outcomes, under stable codes.

use std::collections::{BTreeMap, BTreeSet};

use super::Case;
use super::code::Code;
use super::comparability::Comparability;
use super::decide::{most, severity};
use super::noise::Sessions;
use super::report::{EnvironmentDifference, Finding, Row, Severity};
use crate::model::{BenchId, Metric, NotRunKind, ProblemKind, Snapshot};

/// How alike two names must be to look like a renaming (Jaro–Winkler, 0 to 1).
const LOOKS_RENAMED: f64 = 0.85;

/// Metrics that a benchmark which was not measured has all the same.
const UNMEASURED: [&str; 2] = [Metric::TIME, Metric::INSTRUCTIONS];

pub(super) fn finding(code: Code, severity: Severity, message: impl Into<String>) -> Finding {
    Finding { code, severity, id: None, metric: None, message: message.into() }
}

/// What the snapshots themselves show: results that could not be used, things
/// not run, environments that differ.
pub(super) fn of_snapshots(
    case: &Case<'_>,
    comparability: &Comparability,
    rows: &[Row],
) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(baseline) = case.baseline {
        findings.extend(problems(case, baseline, "baseline: "));
    }
    findings.extend(problems(case, case.candidate, ""));
    for not_run in &case.candidate.not_run {
        let (code, severity) = match not_run.kind {
            NotRunKind::Skipped => (Code::NotRun, Severity::Note),
            NotRunKind::Failed => (Code::BenchmarkFailed, severity(case.policy.verdict.unreadable)),
        };
        findings.push(Finding {
            id: Some(not_run.subject.clone()),
            ..finding(code, severity, &not_run.reason)
        });
    }
    findings.extend(environment(comparability));
    findings.extend(membership(case, rows));
    findings
}

fn problems<'a>(
    case: &'a Case<'_>,
    snapshot: &'a Snapshot,
    side: &'a str,
) -> impl Iterator<Item = Finding> + 'a {
    let levels = &case.policy.verdict;
    snapshot.problems.iter().map(move |problem| {
        let (code, level) = match problem.kind {
            ProblemKind::Unreadable => (Code::UnreadableResult, levels.unreadable),
            ProblemKind::Stale => (Code::StaleResult, levels.stale),
            ProblemKind::Duplicate => (Code::DuplicateResult, levels.duplicate),
        };
        Finding {
            id: problem.id.as_ref().map(BenchId::to_string),
            ..finding(
                code,
                severity(level),
                format!("{side}{}: {}", problem.path.display(), problem.reason),
            )
        }
    })
}

fn environment(comparability: &Comparability) -> Vec<Finding> {
    if comparability.unknown {
        let message = "one side does not say where it was measured; compared on your word that it \
                       was the same machine and toolchain";
        return vec![finding(Code::EnvironmentUnknown, Severity::Warn, message)];
    }
    let shown = |differences: Vec<&EnvironmentDifference>| {
        let each =
            differences.iter().map(|d| format!("{} ({} → {})", d.field, d.baseline, d.candidate));
        each.collect::<Vec<_>>().join(", ")
    };
    let (blocking, others): (Vec<_>, Vec<_>) = comparability
        .differences
        .iter()
        .partition(|difference| difference.blocks_time || difference.blocks_counts);
    let mut findings = Vec::new();
    if !blocking.is_empty() {
        let message = format!("rows that depend on it cannot be compared: {}", shown(blocking));
        findings.push(finding(Code::EnvironmentDiffers, Severity::Warn, message));
    }
    if !others.is_empty() {
        let message = format!("rows are compared all the same: {}", shown(others));
        findings.push(finding(Code::EnvironmentDiffers, Severity::Note, message));
    }
    findings
}

/// Benchmarks and metrics on one side only, required ones that were not
/// measured, rules that apply to nothing.
fn membership(case: &Case<'_>, rows: &[Row]) -> Vec<Finding> {
    let mut findings = required(case);
    findings.extend(unmatched_rules(case, rows));
    // What was not selected is not missing.
    let selected = case.candidate.selection.is_some();
    if case.baseline.is_none() {
        return findings;
    }
    let names = |there: fn(&Row) -> bool| -> BTreeSet<BenchId> {
        rows.iter().filter(|row| there(row)).map(Row::bench_id).collect()
    };
    let baseline = names(|row| row.baseline.is_some());
    let candidate = names(|row| row.candidate.is_some());
    let new: Vec<&BenchId> = candidate.difference(&baseline).collect();
    let levels = &case.policy.verdict;
    // A result that was found and could not be used is reported as that; a stale
    // one must not hide that its benchmark is gone.
    let unusable = |id: &BenchId| {
        let mut problems = case.candidate.problems.iter();
        problems.any(|problem| {
            problem.kind != ProblemKind::Stale
                && problem.id.as_ref().is_some_and(|other| other.may_equal(id))
        })
    };
    for id in baseline.difference(&candidate).filter(|id| !selected && !unusable(id)) {
        findings.push(Finding {
            id: Some(distinct(id, &baseline)),
            ..finding(
                Code::BenchmarkMissing,
                severity(levels.missing),
                "the baseline has it, the candidate does not",
            )
        });
        let nearest = new
            .iter()
            .map(|other| (strsim::jaro_winkler(&id.name, &other.name), other))
            .filter(|(likeness, _)| *likeness >= LOOKS_RENAMED)
            .max_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((_, other)) = nearest {
            findings.push(Finding {
                id: Some(distinct(id, &baseline)),
                ..finding(
                    Code::BenchmarkRenamed,
                    Severity::Warn,
                    format!("looks renamed to {}; the two are not compared", other.qualified()),
                )
            });
        }
    }
    let lacking = |row: &&Row| row.baseline.is_some() && row.candidate.is_none();
    // Nor are instructions where a selection was not counted at all: `--quick`.
    let uncounted = selected
        && !case.candidate.measurements.iter().any(|one| one.metric.name == Metric::INSTRUCTIONS);
    let counted = |row: &&Row| !(uncounted && row.metric == Metric::INSTRUCTIONS);
    let gone = rows.iter().filter(lacking).filter(counted);
    for row in gone.filter(|row| candidate.contains(&row.bench_id())) {
        let weight = severity(levels.missing).max(most(row.gate));
        let other = rows.iter().find(|other| {
            other.metric == row.metric
                && other.bench_id() == row.bench_id()
                && other.candidate.is_some()
        });
        let message = match other {
            Some(other) if other.unit != row.unit => {
                format!("measured in {} now, in {} before", other.unit, row.unit)
            }
            Some(_) => "measured in another way than before: its direction or kind".to_owned(),
            None => "the baseline has it, the candidate does not".to_owned(),
        };
        findings.push(Finding {
            id: Some(distinct(&row.bench_id(), &baseline)),
            metric: Some(row.metric.clone()),
            ..finding(Code::MetricMissing, weight, message)
        });
    }
    for id in new {
        findings.push(Finding {
            id: Some(distinct(id, &candidate)),
            ..finding(Code::BenchmarkNew, severity(levels.new), "the baseline does not know it yet")
        });
    }
    findings
}

/// A benchmark's name, with its target where another one has the same.
fn distinct(id: &BenchId, all: &BTreeSet<BenchId>) -> String {
    let twin = all.iter().any(|other| other.name == id.name && other != id);
    if twin { id.qualified() } else { id.name.clone() }
}

fn required(case: &Case<'_>) -> Vec<Finding> {
    let measured = case.candidate.measurements.iter().map(|measurement| &measurement.id);
    let there: BTreeSet<&BenchId> = measured.chain(case.identical()).collect();
    let patterns = case.policy.verdict.require.iter();
    let missing = patterns.filter(|pattern| !there.iter().any(|id| pattern.matches(id)));
    missing
        .map(|pattern| Finding {
            id: Some(pattern.as_str().to_owned()),
            ..match &case.candidate.selection {
                Some(selection) => finding(
                    Code::RequiredMissing,
                    Severity::Note,
                    format!("required, but not among what was selected ({selection})"),
                ),
                None => finding(
                    Code::RequiredMissing,
                    Severity::Fail,
                    "the policy requires it, and nothing of that name was measured",
                ),
            }
        })
        .collect()
}

fn unmatched_rules(case: &Case<'_>, rows: &[Row]) -> Vec<Finding> {
    if case.candidate.selection.is_some() {
        return Vec::new();
    }
    case.policy
        .unmatched(|applies| {
            let could = |id: &BenchId| UNMEASURED.iter().any(|metric| applies(id, metric));
            rows.iter().any(|row| applies(&row.bench_id(), &row.metric))
                || case.identical().any(could)
        })
        .map(|(bench, metric)| Finding {
            id: Some(bench.to_owned()),
            metric: Some(metric.to_owned()),
            ..finding(Code::RuleUnmatched, Severity::Warn, "no row is matched by this rule")
        })
        .collect()
}

/// What is said where it is not known how much sessions differ.
pub(super) fn of_sessions(Sessions { rows, known }: Sessions) -> Option<Finding> {
    let unknown = rows - known;
    let which = if known == 0 { String::new() } else { format!(" of {unknown} rows") };
    (unknown > 0).then(|| {
        let message = format!(
            "only the runs' own noise{which} is covered: how much sessions differ is not known, \
             see `gate calibrate`"
        );
        finding(Code::SessionsUnknown, Severity::Note, message)
    })
}

/// What the judged rows show together, said once rather than in each row.
pub(super) fn of_rows(rows: &[Row]) -> Vec<Finding> {
    let mut by_code: BTreeMap<Code, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        let (Some(baseline), Some(candidate)) = (&row.baseline, &row.candidate) else { continue };
        let varies = |runs: &[f64]| runs.iter().any(|value| *value != runs[0]);
        if row.change.is_none() {
            by_code.entry(Code::ZeroBaseline).or_default().push(row);
        } else if row.counted && (varies(&baseline.runs) || varies(&candidate.runs)) {
            by_code.entry(Code::UnsteadyCount).or_default().push(row);
        } else if !row.counted
            && baseline.runs.len().min(candidate.runs.len()) == 1
            && row.judgement.as_ref().is_none_or(|judgement| judgement.detectable.is_none())
        {
            by_code.entry(Code::SingleRun).or_default().push(row);
        }
    }

    by_code
        .into_iter()
        .map(|(code, rows)| {
            let what = match code {
                Code::ZeroBaseline => "a value is zero",
                Code::UnsteadyCount => "equal programs gave different counts",
                _ => "one run on a side",
            };
            finding(code, Severity::Note, format!("{what}: {}", some_of(&rows)))
        })
        .collect()
}

/// The first few names and how many more there are.
fn some_of(rows: &[&Row]) -> String {
    const SHOWN: usize = 3;
    let names: Vec<&str> = rows.iter().take(SHOWN).map(|row| row.id.as_str()).collect();
    match rows.len().checked_sub(SHOWN) {
        Some(more) if more > 0 => format!("{} and {more} more", names.join(", ")),
        _ => names.join(", "),
    }
}
