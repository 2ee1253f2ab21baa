//! Rounds of processes: each round runs every bench target once on each side.

mod pair;
mod process;
mod results;
mod time;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::super::CountOptions;
use super::super::driver::Driver;
use super::super::error::MeasureError;
use super::super::merge::Merge;
use super::super::same_code::{self, Known};
use super::super::witness::{self, Counting, Witnesses};
use super::groups::{Group, Members};
use super::order;
use super::plan::TrialPlan;
use super::shard::Share;
use super::suspects::Suspects;
use crate::build::probe;
use crate::drive::{
    Event, Filter, Interrupt, Load, Prepared, Progress, Ready, machine, valgrind_version,
};
use crate::model::{Arm, BenchId, Environment, Field, NotRun, RunInfo, Sides, TargetId};
use crate::stats::{SplitMix64, hopeful_looks};
use pair::{Finished, Only, Paired, ToStart};

/// The share of the time budget after which no further benchmark is counted.
const COUNTING_SHARE: f64 = 0.5;
/// The share after which it is not found out of any further benchmark whether it executes the
/// same code. That takes less time than its clock.
const SAME_CODE_SHARE: f64 = 0.7;

/// What a round measures.
#[derive(Clone, Copy)]
pub(super) enum Part<'a> {
    /// A group of the screening.
    Group(&'a Group),
    Suspects(&'a Suspects),
}

/// Adds a later round of the same index to an earlier one.
fn join(earlier: &mut RunInfo, later: &RunInfo) {
    let seconds = |run: &RunInfo| run.seconds.unwrap_or_default();
    let (before, after) = (seconds(earlier), seconds(later));
    earlier.busy = match (earlier.busy, later.busy) {
        (Some(a), Some(b)) if before + after > 0.0 => {
            Some((a * before + b * after) / (before + after))
        }
        (a, b) => a.or(b),
    };
    earlier.seconds = Some(before + after);
}

/// The rounds of a trial, and their results so far.
pub(super) struct Rounds<'a> {
    plan: &'a TrialPlan,
    driver: Driver<'a>,
    paired: Vec<Paired<'a>>,
    /// The part of the benchmarks that is measured, if it is not all of them.
    share: Option<Share>,
    pub(super) identical: Vec<BenchId>,
    environments: Sides<Environment>,
    merges: BTreeMap<Arm, Merge>,
    witnesses: Witnesses,
    /// Benchmarks that executed the same code on both sides: not measured.
    pub(super) same_code: BTreeSet<BenchId>,
    /// Benchmarks whose instructions differ, or the code that they execute.
    changed: BTreeSet<BenchId>,
    /// Benchmarks that the time budget did not reach.
    not_reached: BTreeSet<BenchId>,
    /// The numbers of confirming pairs after which is decided.
    looks: Vec<u32>,
    /// The budget ended before the trial did.
    pub(super) out_of_time: bool,
    runs: BTreeMap<Arm, Vec<RunInfo>>,
    random: SplitMix64,
    /// Distinguishes trials with the same seed.
    name: String,
    began: Instant,
    /// The longest round so far.
    longest: Duration,
    /// Benchmarks whose code sets their times or samples.
    own_times: BTreeSet<String>,
}

impl<'a> Rounds<'a> {
    pub(super) fn new(
        plan: &'a TrialPlan,
        ready: Sides<Ready<'a>>,
        share: Option<Share>,
        interrupt: &'a Interrupt,
    ) -> Result<Self, MeasureError> {
        let arms = Arm::ALL.into_iter().filter(|arm| *arm != Arm::Control || plan.control);
        let mut merges: BTreeMap<Arm, Merge> = arms.map(|arm| (arm, Merge::default())).collect();
        let runs = merges.keys().map(|arm| (*arm, Vec::new())).collect();
        let mut by_target: BTreeMap<&TargetId, Sides<Option<Prepared<'a>>>> = BTreeMap::new();
        let Sides { base, head } = ready;
        for (arm, built, ready) in [(Arm::Base, &plan.base, base), (Arm::Head, &plan.head, head)] {
            let merge = merges.entry(arm).or_default();
            let missing = built.not_run.iter().cloned().chain(ready.not_run);
            missing.for_each(|not_run| merge.not_run(not_run));
            for prepared in ready.prepared {
                let target = &prepared.executable.target;
                by_target.entry(target).or_default()[arm.side()] = Some(prepared);
            }
        }
        let mut identical = Vec::new();
        let mut paired = Vec::new();
        let mut harnesses = BTreeSet::new();
        for (target, sides) in by_target {
            harnesses.extend(sides.iter().flatten().map(|prepared| prepared.harness));
            if plan.identical.contains(target) {
                let listed = sides.iter().flatten().find_map(|prepared| prepared.listed.as_ref());
                identical.extend(listed.into_iter().flatten().map(|listed| BenchId {
                    name: listed.name.clone(),
                    target: Some(target.clone()),
                }));
            } else {
                paired.push(Paired::new(plan, target.clone(), sides));
            }
        }
        let harnesses: Vec<_> = harnesses.into_iter().collect();
        Ok(Self {
            plan,
            driver: Driver::new(&plan.scratch, plan.logs.as_deref(), interrupt)?,
            paired,
            share,
            identical,
            environments: Sides { base: &plan.base, head: &plan.head }
                .map(|side| probe(&side.build, &harnesses)),
            merges,
            witnesses: Witnesses::default(),
            same_code: BTreeSet::new(),
            changed: BTreeSet::new(),
            not_reached: BTreeSet::new(),
            looks: plan.looks.clone(),
            out_of_time: false,
            runs,
            random: SplitMix64::new(plan.seed),
            name: format!("{:016x}-{}", plan.seed, Timestamp::now()),
            began: Instant::now(),
            longest: Duration::ZERO,
            own_times: BTreeSet::new(),
        })
    }

    /// Counts instructions on both sides. The time counts towards the time budget.
    pub(super) fn count(
        &mut self,
        interrupt: &Interrupt,
        progress: &mut dyn Progress,
    ) -> Result<(), MeasureError> {
        let pairs: Vec<_> =
            self.paired.iter().map(|pair| pair.sides.each_ref().map(Option::as_ref)).collect();
        let counting = Counting {
            counts: self.plan.counts,
            uncounted: &self.plan.uncounted,
            most: self.plan.screening,
            time_limit: self.plan.time_limit,
            until: self.until(COUNTING_SHARE),
            scratch: &self.plan.scratch,
        };
        self.witnesses = witness::count(&pairs, counting, interrupt, progress)?;
        if self.plan.skip_same_code {
            let (wanted, traces) = (self.witnesses.equal(), self.witnesses.traces());
            let known = Known { maps: &self.plan.maps, wanted: &wanted, traces: &traces };
            let options = CountOptions { until: self.until(SAME_CODE_SHARE), ..counting.options() };
            let compared = same_code::compare(&pairs, &known, &options, interrupt, progress)?;
            (self.same_code, self.changed) = (compared.same, compared.differing);
        }
        let changed = self.witnesses.changed().into_iter();
        self.changed.extend(changed.map(|(target, name)| BenchId { name, target: Some(target) }));
        if self.plan.counts > 0 {
            let version = valgrind_version().unwrap_or_default();
            for environment in self.environments.each_mut() {
                environment.set(Field::Valgrind, version.as_str());
            }
        }
        Ok(())
    }

    /// Plans the looks for this many suspects, so that none of them is hopeless. Other shards
    /// are assumed to have as many.
    pub(super) fn plan_looks(&mut self, suspects: usize) -> Vec<u32> {
        self.looks = self.looks_for(suspects);
        self.looks.clone()
    }

    /// The looks for this many suspects.
    pub(super) fn looks_for(&self, suspects: usize) -> Vec<u32> {
        let suspects = suspects * self.share.as_ref().map_or(1, Share::shards);
        hopeful_looks(&self.plan.looks, self.plan.alpha, suspects)
    }

    /// Decides after this many confirming pairs in place of a look that is not reached.
    pub(super) fn end_look(&mut self, look: u32, pairs: u32) {
        let Some(at) = self.looks.iter().position(|planned| *planned == look) else { return };
        let before = at.checked_sub(1).map_or(0, |before| self.looks[before]);
        // With no pair since the look before, there is nothing to decide again.
        if pairs > before {
            self.looks[at] = pairs;
        }
    }

    /// All benchmarks whose clocks are to be measured.
    pub(super) fn group(&self) -> Group {
        let mut group = Group::default();
        for pair in &self.paired {
            let members = match pair.ids() {
                Some(mut ids) => {
                    ids.retain(|id| !self.same_code.contains(id));
                    Members::Some(ids.into_iter().collect())
                }
                None => Members::All(pair.pace.benchmarks),
            };
            group.add(pair.target.clone(), members);
        }
        group
    }

    /// The benchmarks that changed as far as counts and code show.
    pub(super) fn changed(&self) -> &BTreeSet<BenchId> {
        &self.changed
    }

    /// Leaves benchmarks out because the time budget does not cover them.
    pub(super) fn leave(&mut self, group: &Group) {
        self.out_of_time = true;
        self.not_reached.extend(group.ids().cloned());
        for (target, members) in group.targets() {
            if let Members::All(_) = members {
                let reason = "the time budget ended before its turn";
                let not_run = NotRun::skipped(target.to_string(), reason);
                self.merges.entry(Arm::Head).or_default().not_run(not_run);
            }
        }
    }

    /// Whether another round has suspects to measure.
    pub(super) fn measures(&self, only: &BTreeSet<BenchId>) -> bool {
        let run = self.rounds();
        self.paired.iter().any(|pair| pair.among(only) > 0 && run < pair.rounds())
    }

    /// Whether a round of that index has anything of a group to measure.
    pub(super) fn screens(&self, group: &Group, run: u32) -> bool {
        let is_due = |pair: &Paired<'_>| group.of(&pair.target).is_some() && run < pair.rounds();
        self.paired.iter().any(is_due)
    }

    /// Reports the targets whose times are longer than requested. Returns whether there
    /// are any.
    pub(super) fn announce(&self, progress: &mut dyn Progress) -> bool {
        let mut any = false;
        for pair in &self.paired {
            let whole = pair.sides.iter().flatten().find(|prepared| prepared.whole_seconds);
            if let Some(prepared) = whole {
                progress.event(&prepared.in_whole_seconds(self.plan.criterion));
                any = true;
            }
        }
        any
    }

    pub(super) fn rounds(&self) -> u32 {
        u32::try_from(self.runs[&Arm::Base].len()).expect("far fewer than 2^32 rounds")
    }

    /// Begins another group: the length of its rounds is not known yet.
    pub(super) fn begin_group(&mut self) {
        self.longest = Duration::ZERO;
    }

    /// Seconds since the first process.
    /// Notes a round without any process, so that counts have one to belong to.
    pub(super) fn empty_round(&mut self, progress: &mut dyn Progress) -> Result<(), MeasureError> {
        self.round(self.rounds(), Part::Group(&Group::default()), progress)
    }

    /// Runs one process of each target on each side. Groups of a screening have rounds of the
    /// same indices, one group after the other.
    pub(super) fn round(
        &mut self,
        run: u32,
        part: Part<'_>,
        progress: &mut dyn Progress,
    ) -> Result<(), MeasureError> {
        let started = Instant::now();
        let now = Timestamp::now();
        let mut spent: BTreeMap<Arm, (f64, Load)> =
            self.runs.keys().map(|arm| (*arm, (0.0, Load::default()))).collect();
        let only = match part {
            Part::Group(_) => None,
            Part::Suspects(suspects) => Some((suspects, suspects.all())),
        };
        let mut paired = std::mem::take(&mut self.paired);
        let outcome = paired.iter_mut().try_for_each(|pair| {
            let only = match (part, &only) {
                (_, Some((suspects, all))) => Only::Suspects(suspects, all),
                (Part::Group(group), None) => match group.of(&pair.target) {
                    Some(Members::All(_)) => Only::All,
                    // As many as there are: these.
                    Some(Members::Some(ids)) if ids.len() >= pair.pace.benchmarks => Only::All,
                    Some(Members::Some(ids)) => Only::Group(ids),
                    None => return Ok(()),
                },
                (Part::Suspects(_), None) => return Ok(()),
            };
            self.pair(run, pair, only, &mut spent, progress)
        });
        self.paired = paired;
        outcome?;
        for (arm, (seconds, load)) in spent {
            let mut environment = self.environments[arm.side()].clone();
            machine(&mut environment);
            let busy = load.share();
            let info = RunInfo { started: Some(now), seconds: Some(seconds), busy, environment };
            let runs = self.runs.entry(arm).or_default();
            match runs.get_mut(run as usize) {
                Some(earlier) => join(earlier, &info),
                None => runs.push(info),
            }
        }
        self.longest = self.longest.max(started.elapsed());
        Ok(())
    }

    fn pair(
        &mut self,
        run: u32,
        pair: &mut Paired<'a>,
        only: Only<'_>,
        spent: &mut BTreeMap<Arm, (f64, Load)>,
        progress: &mut dyn Progress,
    ) -> Result<(), MeasureError> {
        if run >= pair.rounds() {
            return Ok(());
        }
        let all = pair.pace.benchmarks;
        let (filter, benchmarks) = match only {
            Only::All => (self.filter(&pair.target), all),
            Only::Group(_) | Only::Suspects(..) => {
                let names = only.names(&pair.target);
                if names.is_empty() {
                    return Ok(());
                }
                let filter = Filter::one_of(&names);
                let filter = filter.map_err(|error| MeasureError::Plan(error.to_string()))?;
                if filter.is_too_long() {
                    // Then all benchmarks run, and the others' results are dropped.
                    (self.filter(&pair.target), all)
                } else {
                    (Some(filter), pair.steps(names.len()))
                }
            }
        };
        let order = order::draw(pair.arms(self.plan.control), &mut self.random);
        let mut is_selected = true;
        for arm in order {
            let Some(prepared) = &pair.sides[arm.side()] else { continue };
            let process = ToStart { run, arm, prepared, filter: filter.as_ref(), benchmarks, only };
            let subject = &prepared.subject;
            progress.event(&Event::ProcessStarted { run, runs: run + 1, target: subject });
            let Finished { failure, selected } =
                self.process(&process, &mut pair.pace, spent.entry(arm).or_default(), progress)?;
            // A suspect that a process did not record says nothing about the others.
            is_selected &= selected || !matches!(only, Only::All);
            progress.event(&Event::ProcessEnded {
                run,
                target: subject,
                steps: benchmarks,
                failure: failure.as_deref(),
            });
            if let Some(reason) = failure {
                let merge = self.merges.entry(arm.side().into()).or_default();
                merge.not_run(NotRun::failed(subject.clone(), reason));
                pair.given_up = true;
            }
        }
        // As with a bench target of one side: the results of this round are shown.
        pair.given_up |= !is_selected;
        Ok(())
    }

    /// The filter for all benchmarks of a target that are measured here.
    fn filter(&self, target: &TargetId) -> Option<Filter> {
        let own = self.share.as_ref().and_then(|share| share.filter(target));
        own.or(self.plan.filter.as_ref()).cloned()
    }

    /// Benchmarks whose code sets their times or samples, among those that have run.
    pub(super) fn own_times(&self) -> &BTreeSet<String> {
        &self.own_times
    }
}
