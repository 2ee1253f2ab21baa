//! The two executables of a bench target, and what a round measures of them.

use std::collections::BTreeSet;

use super::super::estimate::Pace;
use super::super::plan::TrialPlan;
use super::super::suspects::Suspects;
use crate::drive::{Filter, Harness, Listed, Prepared};
use crate::model::{Arm, BenchId, Sides, TargetId};

/// Runs of a counting harness on each side: enough to show whether counts repeat.
const COUNTED_RUNS: u32 = 3;

/// A process to start in a round.
pub(super) struct ToStart<'a, 'b> {
    pub(super) run: u32,
    pub(super) arm: Arm,
    pub(super) prepared: &'b Prepared<'a>,
    pub(super) filter: Option<&'b Filter>,
    pub(super) benchmarks: usize,
    pub(super) only: Only<'b>,
}

/// How a process ended.
pub(super) struct Finished {
    /// Why it failed, if it did.
    pub(super) failure: Option<String>,
    /// Whether it is a command with benchmarks that are wanted, or no command.
    pub(super) selected: bool,
}

/// The two executables of one target; either may be missing on one side.
pub(super) struct Paired<'a> {
    pub(super) target: TargetId,
    pub(super) sides: Sides<Option<Prepared<'a>>>,
    pub(super) pace: Pace,
    /// Whether a process crashed or hung. The target is not started again, because that
    /// side would be missing in every later pair.
    pub(super) given_up: bool,
}

impl<'a> Paired<'a> {
    pub(super) fn new(
        plan: &TrialPlan,
        target: TargetId,
        sides: Sides<Option<Prepared<'a>>>,
    ) -> Self {
        let there = || sides.iter().flatten();
        let listed = there().filter_map(|prepared| Some(prepared.listed.as_ref()?.len())).max();
        // The smaller of two times: the other executable was read from the disk.
        let fixed = there().map(|prepared| prepared.set_up.as_secs_f64()).min_by(f64::total_cmp);
        let pace = Pace::new(plan.criterion, listed, fixed.unwrap_or_default());
        // The same on both sides, because the times affect the result.
        let whole = there().any(|prepared| prepared.whole_seconds);
        let pace = if whole { pace.in_whole_seconds() } else { pace };
        Self { target, sides, pace, given_up: false }
    }

    pub(super) fn counts(&self) -> bool {
        self.sides.iter().flatten().any(|prepared| prepared.harness.counts())
    }

    /// Its benchmarks on either side, where each can be measured by its name.
    pub(super) fn ids(&self) -> Option<BTreeSet<BenchId>> {
        let mut ids = BTreeSet::new();
        for side in self.sides.iter().flatten() {
            let listed = side.listed.as_ref().filter(|_| side.harness == Harness::Criterion)?;
            if listed.iter().any(|bench| bench.cut) {
                return None;
            }
            let target = Some(self.target.clone());
            let id = |bench: &Listed| BenchId { name: bench.name.clone(), target: target.clone() };
            ids.extend(listed.iter().map(id));
        }
        Some(ids)
    }

    /// Whether it is a command of the policy.
    pub(super) fn is_command(&self) -> bool {
        self.sides.iter().flatten().any(Prepared::is_command)
    }

    /// How many of `only` are its benchmarks. A command runs as a whole.
    pub(super) fn among(&self, only: &BTreeSet<BenchId>) -> usize {
        self.steps(only.iter().filter(|id| self.target.holds(id)).count())
    }

    /// The steps in which so many of its benchmarks are measured. A command runs as a whole.
    pub(super) fn steps(&self, benchmarks: usize) -> usize {
        if self.is_command() { benchmarks.min(1) } else { benchmarks }
    }

    /// The most rounds in which it takes part.
    pub(super) fn rounds(&self) -> u32 {
        if self.given_up {
            0
        } else if self.sides.iter().any(Option::is_none) {
            // Nothing to compare: it runs once, so that its results are shown.
            1
        } else if self.counts() {
            COUNTED_RUNS
        } else {
            u32::MAX
        }
    }

    /// The arms of each round.
    pub(super) fn arms(&self, control: bool) -> Vec<Arm> {
        let third = control && !self.counts() && self.sides.iter().all(Option::is_some);
        let mut arms = vec![Arm::Base, Arm::Head];
        arms.retain(|arm| self.sides[arm.side()].is_some());
        arms.extend(third.then_some(Arm::Control));
        arms
    }
}

/// What a round measures of one target.
#[derive(Clone, Copy)]
pub(super) enum Only<'a> {
    All,
    /// These benchmarks, sorted.
    Group(&'a [BenchId]),
    Suspects(&'a Suspects, &'a BTreeSet<BenchId>),
}

impl<'a> Only<'a> {
    /// The names of a target's benchmarks; none if all are meant.
    pub(super) fn names(self, target: &TargetId) -> Vec<&'a str> {
        let name = |id: &'a BenchId| id.name.as_str();
        match self {
            Self::All => Vec::new(),
            Self::Group(ids) => ids.iter().map(name).collect(),
            Self::Suspects(_, all) => all.iter().filter(|id| target.holds(id)).map(name).collect(),
        }
    }
}
