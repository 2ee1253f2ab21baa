//! From two snapshots and a policy to a report: compare, decide, report why.
//!
//! Everything here is pure: nothing reads a file or the clock, and nothing writes to a
//! terminal. The steps, in their order:
//!
//! | module | step |
//! |---|---|
//! | `compare` | which measurements belong together, and how far apart they are |
//! | `decide` | the outcome and the severity of each row, by the policy's limits |
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
mod verdict;

pub use case::Case;
pub use compare::{BUSY, run_value};
pub use confirm::to_confirm;
pub use control::judge_controlled;
pub use report::{
    Change, Code, Control, EnvironmentDifference, Finding, FunctionChange, Judgement, Observations,
    Outcome, Report, Row, RowLimits, Severity, Side, SnapshotSummary, Unmeasured, Verdict,
    VerdictOutcome, explained, explanation,
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
    let rows = pairs
        .into_iter()
        .zip(judgements)
        .map(|(pair, (gate, judgement))| row(pair, gate, Some(judgement)))
        .collect();
    let (rows, findings) = findings::of_judged(case, &comparability, rows);
    let findings: Vec<Finding> = between.into_iter().chain(findings).collect();
    let verdict = verdict::reach(case, &rows, &findings);
    assemble(case, comparability, rows, findings, Some(verdict))
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
        rows,
        findings,
    };
    report.sorted()
}

/// The JSON Schema of a report.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Report).to_value()
}
