//! `gate.toml`: what counts as a regression, and what may stop a pipeline.
//!
//! A file is read in three steps: `raw` knows its shape and the place of every value,
//! `validate` and `validate_targets` check the values and report what is wrong and where, and `file`
//! overrides the defaults with them. `read` takes the steps in their order. The
//! defaults are also a policy file, [`DEFAULT`].

mod command;
mod edit;
mod error;
mod file;
mod layer;
mod limits;
mod quantity;
mod raw;
mod read;
mod rule;
mod settings;
mod target;
mod validate;
mod validate_targets;
mod values;

use std::collections::BTreeSet;
use std::path::PathBuf;

pub use command::Command;
pub use edit::{EditError, with_waiver};
pub use error::PolicyError;
pub use limits::{Gate, Limits, Waiver, Witness};
pub use quantity::{Quantity, percentage};
pub use raw::schema;
pub use read::{DEFAULT, SEARCHED};
pub use settings::{
    AbRules, BaseBroken, CalibrateRules, ExtraFiles, Level, MachineBusy, MeasureRules, OnUndecided,
    ProcessRules, SameCodeClock, SessionRules, VerdictRules,
};
pub use target::{Bound, GradeRules, Target, TargetKind, TargetSeverity};

use crate::model::{BenchId, Field, Metric};
use rule::Rule;

/// A validated policy.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The file it came from; `None` if only the defaults apply.
    pub source: Option<PathBuf>,
    /// What decides the verdict beyond single rows.
    pub verdict: VerdictRules,
    /// Environment fields that may differ between compared snapshots.
    pub ignored_fields: BTreeSet<Field>,
    /// How much sessions differ where nothing else shows it.
    pub sessions: SessionRules,
    /// How `gate run` measures.
    pub measure: MeasureRules,
    /// How `gate ab` measures.
    pub ab: AbRules,
    /// How `gate calibrate` measures; the rest is as in `ab`.
    pub calibrate: CalibrateRules,
    /// The shares of targets that the grades need.
    pub grades: GradeRules,
    /// The limits of a row that no rule matches.
    limits: Limits,
    rules: Vec<Rule>,
    /// How many of the rules come from the defaults.
    builtin_rules: usize,
    /// Absolute limits: targets and budgets.
    pub targets: Vec<Target>,
    /// Accepted regressions.
    pub waivers: Vec<Waiver>,
}

impl Policy {
    /// The limits of one row: every rule that matches applies, in order.
    pub fn limits(&self, id: &BenchId, metric: &Metric) -> Limits {
        let mut limits = self.limits.clone();
        for rule in &self.rules {
            if rule.bench.matches(id) && rule.metric.matches_text(&metric.name) {
                limits = rule.limits.clone().over(limits);
            }
        }
        // Raising the tolerance alone raises the limits that depend on it.
        limits.warn = limits.warn.max(limits.tolerance);
        limits.fail = limits.fail.max(limits.tolerance);
        limits.target = limits.target.max(limits.fail);
        limits.slower_clock_tolerance = limits.slower_clock_tolerance.max(limits.fail);
        limits.slower_clock_ceiling =
            limits.slower_clock_ceiling.max(limits.slower_clock_tolerance);
        limits
    }

    /// The globs (benchmark, metric) of the file's own rules that apply to no row.
    /// `any` says whether some row's id and metric pass the test it is given.
    pub fn unmatched(
        &self,
        any: impl Fn(&dyn Fn(&BenchId, &str) -> bool) -> bool,
    ) -> impl Iterator<Item = (&str, &str)> {
        let own = self.rules.iter().skip(self.builtin_rules);
        own.filter(move |rule| {
            !any(&|id, metric| rule.bench.matches(id) && rule.metric.matches_text(metric))
        })
        .map(|rule| (rule.bench.as_str(), rule.metric.as_str()))
    }
}
