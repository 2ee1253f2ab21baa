//! From the policy to how processes run.

use std::path::Path;

use crate::measure::{CriterionTimes, TrialPlan};
use crate::policy::{Policy, ProcessRules};
use crate::stats::smallest_n;

/// Criterion's own intervals do not affect any verdict, so its bootstrap is kept
/// short: with criterion's default it takes about as long as measuring.
const RESAMPLES: u32 = 1000;

/// A trial whose processes run by the policy. The caller fills in what is measured.
pub(super) fn trial_plan(policy: &Policy, place: &Path) -> TrialPlan {
    TrialPlan {
        criterion: criterion_times(&policy.ab.process),
        uncounted: policy.measure.uncounted.clone(),
        time_limit: policy.measure.time_limit,
        scratch: place.to_owned(),
        ..TrialPlan::default()
    }
}

/// How long criterion takes in each process.
pub(super) fn criterion_times(rules: &ProcessRules) -> CriterionTimes {
    let ProcessRules { warm_up, time, samples } = *rules;
    CriterionTimes { warm_up, measurement: time, samples, resamples: RESAMPLES }
}

/// The first look at which a single suspect can be confirmed.
pub(super) fn first_conclusive_look(policy: &Policy) -> u32 {
    let looks = &policy.ab.looks;
    let needed = smallest_n(policy.verdict.alpha / looks.len() as f64).unwrap_or_default();
    // The policy is validated: its last look has enough pairs.
    looks.iter().copied().find(|look| *look >= needed).or(looks.last().copied()).unwrap_or_default()
}
