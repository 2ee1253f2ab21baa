//! From two snapshots and a policy to a report: compare, decide, report why.
//!
//! Everything here is pure: nothing reads a file or the clock, and nothing writes to a
//! terminal. The steps, in their order:
//!
//! | module | step |
//! |---|---|
//! | `compare` | which measurements belong together, and how far apart they are |
//! | `decide` | the outcome and the severity of each row, by the policy's limits |
//! | `targets` | whether the candidate keeps the policy's absolute limits, and the grade |
//! | `findings` | everything that is reported besides the rows |
//! | `verdict` | one verdict for all rows and findings |
//! | [`Report`] | the vocabulary, which every renderer shows |

mod case;
mod compare;
mod confirm;
mod control;
mod decide;
mod findings;
mod report;
mod targets;
mod verdict;

pub use case::Case;
pub use compare::{BUSY, run_value};
pub use confirm::to_confirm;
pub use control::judge_controlled;
pub use report::{
    BoundKind, Change, Code, Control, EnvironmentDifference, Finding, FunctionChange, Grade,
    Judgement, Letter, Observations, Outcome, Report, Row, RowLimits, Severity, Side,
    SnapshotSummary, TargetRow, TargetStatus, Targets, Unmeasured, Verdict, VerdictOutcome,
    explained, explanation,
};

use compare::{Comparability, Comparison, Effect, Pair};
use decide::Caveat;

use crate::model::{BenchId, Direction, Nature};
use crate::policy::Gate;

/// Judges the candidate: every row, every finding, the verdict. A shard of a suite is only
/// compared: what its rows prove depends on the other shards.
pub fn judge(case: &Case<'_>) -> Report {
    if case.is_shard() {
        return compare(case);
    }
    let comparison = case.compare();
    let judgements = decide::judgements(case, &comparison);
    let between = findings::of_comparison(case, &comparison);
    let Comparison { comparability, pairs, .. } = comparison;
    let rows: Vec<Row> = pairs
        .into_iter()
        .zip(judgements)
        .map(|(pair, (gate, judgement))| row(pair, gate, Some(judgement)))
        .collect();
    let targets = targets::judge(case, &rows);
    let on_targets = targets.iter().flat_map(findings::of_targets);
    let (rows, findings) = findings::of_judged(case, &comparability, rows);
    let findings: Vec<Finding> = between.into_iter().chain(findings).chain(on_targets).collect();
    let verdict = verdict::reach(case, &rows, targets.as_ref(), &findings);
    let judged = assemble(case, comparability, rows, findings, Some(verdict));
    Report { targets, ..judged }
}

/// Judges the policy's targets alone, without a row of the comparison; `None` if the policy
/// has no target. The baseline, if there is one, only shows the values before.
pub fn judge_targets(case: &Case<'_>) -> Option<Report> {
    let Comparison { comparability, pairs, .. } = case.compare();
    let rows: Vec<Row> = pairs.into_iter().map(|pair| row(pair, Gate::Show, None)).collect();
    let targets = targets::judge(case, &rows)?;
    let mut findings = findings::of_targets(&targets);
    // Only the values before come from the baseline, so nothing depends on its problems.
    findings.extend(findings::unusable(&Case { baseline: None, ..*case }));
    let verdict = verdict::of_targets(&targets, &findings);
    let judged = assemble(case, comparability, Vec::new(), findings, Some(verdict));
    Some(Report { targets: Some(targets), ..judged })
}

/// Compares the two sides and judges nothing: rows without a judgement, findings about
/// results that could not be read or compared, no verdict.
pub fn compare(case: &Case<'_>) -> Report {
    let comparison = case.compare();
    let between = findings::of_comparison(case, &comparison);
    let Comparison { comparability, pairs, .. } = comparison;
    let shown = |pair: Pair<'_>| {
        let gate = case.policy.limits(&pair.id, &pair.metric).gate;
        row(pair, gate, None)
    };
    let rows: Vec<Row> = pairs.into_iter().map(shown).collect();
    let findings =
        between.into_iter().chain(findings::of_snapshots(case, &comparability, &rows)).collect();
    assemble(case, comparability, rows, findings, None)
}

/// The row that shows a pair.
fn row(pair: Pair<'_>, gate: Gate, judgement: Option<Judgement>) -> Row {
    let caveat = Caveat::of(&pair);
    let Pair { id, metric, baseline, candidate, observations, effect, costs: _ } = pair;
    let change = effect.as_ref().and_then(Effect::change);
    let BenchId { name, target } = id;
    let (target, package) = target.map(|target| (target.name, target.package)).unzip();
    Row {
        id: name,
        target,
        package: package.flatten(),
        metric: metric.name,
        unit: metric.unit.to_string(),
        higher_is_better: metric.better == Direction::Higher,
        counted: metric.nature == Nature::Counted,
        gate,
        baseline,
        candidate,
        observations,
        // A count that follows more than the code is not shown as exact.
        change: match caveat {
            Some(_) if metric.nature == Nature::Counted => {
                change.map(|change| Change { lower: None, upper: None, ..change })
            }
            _ => change,
        },
        pairs: effect.as_ref().map(Effect::pairs).unwrap_or_default(),
        adjusted: effect.as_ref().and_then(Effect::adjusted),
        judgement,
    }
}

fn assemble(
    case: &Case<'_>,
    comparability: Comparability,
    rows: Vec<Row>,
    findings: Vec<Finding>,
    verdict: Option<Verdict>,
) -> Report {
    let report = Report {
        schema_version: report::SCHEMA_VERSION,
        tool: concat!("benchgate ", env!("CARGO_PKG_VERSION")).to_owned(),
        verdict,
        baseline: case.baseline.map(SnapshotSummary::of),
        candidate: SnapshotSummary::of(case.candidate),
        policy: case.policy.source.clone(),
        alpha: case.policy.verdict.alpha,
        control: None,
        environment_differences: comparability.differences,
        counts: Report::count(&rows),
        targets: None,
        rows,
        findings,
    };
    report.sorted()
}

/// The JSON Schema of a report.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Report).to_value()
}
