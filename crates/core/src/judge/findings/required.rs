//! Names in the policy that nothing measured matches.

use crate::judge::case::Case;
use crate::judge::report::{Code, Finding, Row, Severity};
use crate::model::{BenchId, Metric};

/// Metrics that a benchmark of the same code would have had, if it had been measured.
const UNMEASURED: [&str; 2] = [Metric::TIME, Metric::INSTRUCTIONS];

/// Benchmarks that the policy requires and that were not measured.
pub(super) fn missing(case: &Case<'_>) -> impl Iterator<Item = Finding> {
    case.missing_required().into_iter().map(|pattern| {
        let (severity, message) = match &case.candidate.selection {
            Some(selection) => {
                (Severity::Note, format!("required, but not selected ({selection})"))
            }
            None => (
                Severity::Fail,
                "the policy requires it, but no benchmark of that name was measured".to_owned(),
            ),
        };
        Finding::new(Code::RequiredMissing, severity, message).about(pattern.as_str())
    })
}

/// Rules of the policy that apply to no row. A selection leaves rows out, so then none of
/// them is reported.
pub(super) fn unmatched_rules(case: &Case<'_>, rows: &[Row]) -> Vec<Finding> {
    if case.candidate.selection.is_some() {
        return Vec::new();
    }
    let unmatched = case.policy.unmatched(|applies| {
        let could = |id: &BenchId| UNMEASURED.iter().any(|metric| applies(id, metric));
        rows.iter().any(|row| applies(&row.bench_id(), &row.metric)) || case.same_code().any(could)
    });
    unmatched
        .map(|(bench, metric)| {
            let message = "this rule matches no row";
            Finding::new(Code::RuleUnmatched, Severity::Warn, message).about(bench).metric(metric)
        })
        .collect()
}
