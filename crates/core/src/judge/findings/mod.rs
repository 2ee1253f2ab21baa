//! Everything that is reported besides the outcomes of rows, under stable codes.

mod environment;
mod membership;
mod required;
mod rows;
mod sessions;
mod snapshots;
mod target;
mod trial;
mod waiver;
mod work;

pub(crate) use snapshots::unusable;
pub(crate) use target::of_targets;

use super::case::Case;
use super::compare::{Comparability, Comparison};
use super::report::{Finding, Row};
use crate::model::Pairing;

/// The findings on the two sessions as wholes.
pub(crate) fn of_comparison(case: &Case<'_>, comparison: &Comparison<'_>) -> Vec<Finding> {
    let shift = comparison.shift.as_ref();
    let shift = shift.and_then(|shift| sessions::shift(shift, &case.policy.verdict));
    let coverage = sessions::coverage(comparison.coverage, case.policy.sessions);
    shift.into_iter().chain(coverage).collect()
}

/// The findings on the snapshots themselves: results that could not be used, benchmarks
/// that did not run, are on one side only or do other work, environments that differ.
pub(crate) fn of_snapshots(
    case: &Case<'_>,
    comparability: &Comparability,
    rows: &[Row],
) -> Vec<Finding> {
    let mut findings = unusable(case);
    findings.extend(environment::differences(comparability));
    findings.extend(work::changes(case));
    if let Some(shard) = case.pairing().and_then(Pairing::shard) {
        // Whether a benchmark is missing is not known before all shards are.
        findings.push(trial::shard(shard));
        return findings;
    }
    findings.extend(required::missing(case));
    findings.extend(required::unmatched_rules(case, rows));
    findings.extend(membership::changed(case, rows));
    findings
}

/// The findings on judged rows, and the rows as waivers leave them.
pub(crate) fn of_judged(
    case: &Case<'_>,
    comparability: &Comparability,
    rows: Vec<Row>,
) -> (Vec<Row>, Vec<Finding>) {
    let mut findings = of_snapshots(case, comparability, &rows);
    findings.extend(trial::of(case));
    let (rows, waived) = waiver::apply(case, rows);
    findings.extend(waived);
    findings.extend(rows::summaries(&rows));
    (rows, findings)
}
