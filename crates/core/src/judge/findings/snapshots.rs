//! Results that could not be used, and benchmarks that did not run.

use crate::judge::case::Case;
use crate::judge::report::{Code, Finding, Severity};
use crate::model::{NotRunKind, ProblemKind, Snapshot};
use crate::policy::VerdictRules;

/// The results of both sides that could not be used, and the benchmarks of the candidate
/// that did not run.
pub(crate) fn unusable(case: &Case<'_>) -> Vec<Finding> {
    let rules = &case.policy.verdict;
    let baseline = case.baseline.into_iter();
    let baseline = baseline.flat_map(|baseline| problems(rules, baseline, "baseline: "));
    let candidate = problems(rules, case.candidate, "");
    let not_run = case.candidate.not_run.iter().map(|not_run| {
        let (code, severity) = match not_run.kind {
            NotRunKind::Skipped => (Code::NotRun, Severity::Note),
            NotRunKind::Failed => (Code::BenchmarkFailed, rules.unreadable.into()),
        };
        Finding::new(code, severity, &not_run.reason).about(&not_run.subject)
    });
    baseline.chain(candidate).chain(not_run).collect()
}

fn problems<'a>(
    rules: &'a VerdictRules,
    snapshot: &'a Snapshot,
    side: &'a str,
) -> impl Iterator<Item = Finding> + 'a {
    snapshot.problems.iter().map(move |problem| {
        let (code, level) = match problem.kind {
            ProblemKind::Unreadable => (Code::UnreadableResult, rules.unreadable),
            ProblemKind::Stale => (Code::StaleResult, rules.stale),
            ProblemKind::Duplicate => (Code::DuplicateResult, rules.duplicate),
        };
        let message = format!("{side}{}: {}", problem.path.display(), problem.reason);
        let finding = Finding::new(code, level, message);
        match &problem.id {
            Some(id) => finding.about(id.to_string()),
            None => finding,
        }
    })
}
