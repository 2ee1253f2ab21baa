//! The functions that account for instructions that grew: the probable cause.

use crate::judge::report::FunctionChange;
use crate::model::Costs;

/// How many functions are named.
const NAMED: usize = 5;
/// A function that accounts for less of the growth than this share explains nothing.
const LEAST_SHARE: f64 = 0.02;

/// The functions that account for most of the growth, largest first; none if the costs of
/// a side are not known.
pub(super) fn of(costs: [Option<&Costs>; 2]) -> Vec<FunctionChange> {
    let [Some(baseline), Some(candidate)] = costs else { return Vec::new() };
    let left_out = baseline.largest_left_out();
    let mut grown: Vec<(u64, FunctionChange)> = candidate
        .functions
        .iter()
        .filter_map(|(name, &now)| {
            // If no function was left out, one that is absent did not run.
            let known = baseline.functions.get(name).copied();
            let before = known.or_else(|| (left_out == 0).then_some(0));
            let growth = now.checked_sub(before.unwrap_or(left_out))?;
            let change =
                FunctionChange { function: name.clone(), baseline: before, candidate: now };
            (growth > 0).then_some((growth, change))
        })
        .collect();
    grown
        .sort_by(|(a, left), (b, right)| b.cmp(a).then_with(|| left.function.cmp(&right.function)));
    let all: u64 = grown.iter().fold(0, |sum, (growth, _)| sum.saturating_add(*growth));
    grown.retain(|(growth, _)| *growth as f64 >= LEAST_SHARE * all as f64);
    grown.truncate(NAMED);
    grown.into_iter().map(|(_, change)| change).collect()
}
