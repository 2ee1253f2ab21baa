//! Findings that many rows share, reported once for all of them.

use std::collections::BTreeMap;

use crate::judge::compare::SlowProcesses;
use crate::judge::report::{Code, Finding, Row, Severity};
use crate::policy::Gate;
use crate::text::listed;

/// How many names one sentence lists.
const LISTED: usize = 3;

/// The rows whose data limit what could be judged.
pub(super) fn summaries(rows: &[Row]) -> Vec<Finding> {
    let mut by_limit: BTreeMap<Limit, Vec<&str>> = BTreeMap::new();
    for row in rows {
        if let Some(limit) = Limit::of(row) {
            by_limit.entry(limit).or_default().push(&row.id);
        }
    }
    by_limit
        .into_iter()
        .map(|(limit, names)| {
            let (code, what) = match limit {
                Limit::SingleRun => (Code::SingleRun, "one run on a side"),
                Limit::UnsteadyCount => {
                    (Code::UnsteadyCount, "equal programs gave different counts")
                }
                Limit::ZeroBaseline => (Code::ZeroBaseline, "a value is zero"),
            };
            let message = format!("{what}: {}", listed(&names, LISTED));
            Finding::new(code, Severity::Note, message)
        })
        .collect()
}

/// Why less can be judged about a row than about others.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Limit {
    SingleRun,
    UnsteadyCount,
    ZeroBaseline,
}

impl Limit {
    fn of(row: &Row) -> Option<Self> {
        let (baseline, candidate) = (row.baseline.as_ref()?, row.candidate.as_ref()?);
        let varies = |runs: &[f64]| runs.iter().any(|value| *value != runs[0]);
        let lone = baseline.runs.len().min(candidate.runs.len()) == 1;
        let undetectable = || row.judgement.as_ref().is_none_or(|j| j.detectable.is_none());
        if row.metric == SlowProcesses::METRIC {
            // Its shares are compared without a ratio.
            None
        } else if row.change.is_none() {
            Some(Self::ZeroBaseline)
        } else if row.counted {
            let differ = varies(&baseline.runs) || varies(&candidate.runs);
            // A row that cannot fail the gate does not have to be exact.
            (differ && row.gate != Gate::Show).then_some(Self::UnsteadyCount)
        } else {
            (lone && undetectable()).then_some(Self::SingleRun)
        }
    }
}
