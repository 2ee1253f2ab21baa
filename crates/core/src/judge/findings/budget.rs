//! Absolute limits on the candidate.

use crate::judge::case::Case;
use crate::judge::compare::SHOWN_LEVEL;
use crate::judge::report::{Code, Finding, Row, Severity, Side};
use crate::model::Unit;
use crate::policy::{Bound, Budget, OnUndecided};
use crate::stats;

/// A finding for each row that breaks a budget or might, and for each budget that no row
/// matches.
pub(super) fn judge(case: &Case<'_>, rows: &[Row]) -> Vec<Finding> {
    case.policy.budgets.iter().flat_map(|budget| judge_one(case, budget, rows)).collect()
}

/// The number of rows that a budget applies to.
pub(crate) fn rows_under(case: &Case<'_>, rows: &[Row]) -> usize {
    let budgets = &case.policy.budgets;
    rows.iter().filter(|row| budgets.iter().any(|budget| subject(budget, row).is_some())).count()
}

fn subject<'a>(budget: &Budget, row: &'a Row) -> Option<&'a Side> {
    let meant = row.metric == budget.metric && budget.bench.matches(&row.bench_id());
    if meant { row.candidate.as_ref() } else { None }
}

fn judge_one(case: &Case<'_>, budget: &Budget, rows: &[Row]) -> Vec<Finding> {
    let subjects: Vec<(&Row, &Side)> =
        rows.iter().filter_map(|row| Some((row, subject(budget, row)?))).collect();
    let mut unsupported = unsupported(budget, rows).peekable();
    if subjects.is_empty() && unsupported.peek().is_none() {
        // A budget may limit benchmarks that were not selected. Identical code meets or
        // breaks its budget as the base does; so does code of which the same was executed.
        let selected = case.candidate.selection.is_some();
        let same_code = case.same_code().any(|id| budget.bench.matches(id));
        let severity = if selected || same_code { Severity::Note } else { Severity::Fail };
        let message = if same_code {
            "the benchmarks of this budget are the same code on both sides: not measured"
        } else {
            "no measured row matches this budget"
        };
        let finding = Finding::new(Code::BudgetUnmatched, severity, message);
        return vec![finding.about(budget.bench.as_str()).metric(&budget.metric)];
    }
    let judged = subjects.into_iter().filter_map(|(row, side)| finding(case, budget, row, side));
    judged.chain(unsupported).collect()
}

/// A finding for each row of the budget that has too few observations: nobody knows whether
/// the budget is kept.
fn unsupported<'a>(budget: &'a Budget, rows: &'a [Row]) -> impl Iterator<Item = Finding> + 'a {
    let meant = |row: &&Row| row.metric == budget.metric && budget.bench.matches(&row.bench_id());
    rows.iter().filter(meant).filter_map(|row| {
        let (needed, has) = row.unsupported()?;
        let (needed, has) = (Unit::Count.show(needed as f64), Unit::Count.show(has as f64));
        let message = format!("unsupported: needs {needed} observations, has {has}");
        Some(Finding::new(Code::BudgetUnmatched, Severity::Fail, message).row(row))
    })
}

fn finding(case: &Case<'_>, budget: &Budget, row: &Row, side: &Side) -> Option<Finding> {
    let unit = Unit::from(row.unit.as_str());
    let (quantity, word, sign) = match budget.bound {
        Bound::AtMost(quantity) => (quantity, "at most", 1.0),
        Bound::AtLeast(quantity) => (quantity, "at least", -1.0),
    };
    let make = |code, severity, message: String| Finding::new(code, severity, message).row(row);
    let Some(limit) = quantity.in_unit(&unit) else {
        let message = format!("the budget's {quantity} is not in the metric's unit, {unit}");
        return Some(make(Code::BudgetUnmatched, Severity::Fail, message));
    };
    let reason = budget.reason.as_ref().map_or_else(String::new, |reason| format!(" ({reason})"));
    let shown =
        format!("{} where {word} {} is allowed{reason}", unit.show(side.value), unit.show(limit));
    // How far the worst run, or the mean of varying runs, is beyond the limit.
    let beyond = |value: f64| (value - limit) * sign;
    if row.counted {
        let exceeded = side.runs.iter().any(|value| beyond(*value) > 0.0);
        return exceeded.then(|| make(Code::BudgetExceeded, Severity::Fail, shown));
    }
    // The quantile of all observations together, not the mean of the runs' quantiles.
    let mean = if row.observations.is_some() { side.value } else { stats::mean(&side.runs)? };
    let half = stats::mean_half_width(&side.runs, SHOWN_LEVEL);
    if half.is_some_and(|half| beyond(mean) > half) {
        Some(make(Code::BudgetExceeded, Severity::Fail, shown))
    } else if beyond(mean) > 0.0 {
        let why = match half {
            Some(_) => "the runs vary too much to be sure",
            None => "a single run is not sure",
        };
        let severity = match case.policy.verdict.undecided {
            OnUndecided::Block => Severity::Fail,
            OnUndecided::BlockIfNoneDecided | OnUndecided::Allow => Severity::Warn,
        };
        Some(make(Code::BudgetUndecided, severity, format!("{shown}; {why}")))
    } else {
        None
    }
}
