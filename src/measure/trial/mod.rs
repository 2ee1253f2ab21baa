//! Base and head in turn on one machine: fresh processes in pairs.

mod estimate;
mod groups;
mod order;
mod plan;
mod rounds;
mod shard;
mod steps;
mod suspects;

use std::collections::{BTreeSet, VecDeque};

use super::error::MeasureError;
use crate::drive::{Event, Interrupt, Progress, prepare};
use crate::model::{BenchId, Sides, Snapshot};
use estimate::duration;
use groups::Group;
pub use plan::{ShardPlan, Trial, TrialPlan};
use rounds::{Part, Rounds};
use shard::Share;
pub use steps::{Steps, carry_out};
use suspects::Suspects;

/// Carries out a trial: screens every benchmark, then measures the undecided benchmarks
/// again up to each look.
///
/// `undecided` names the undecided benchmarks. It is called after the screening and after
/// each look but the last; if there is a control, it is called a second time, with the
/// control in the head's place. The trial ends when nothing is undecided, after the last
/// look, or when the time budget is used up.
///
/// A budget that is too short for any verdict is refused after the first pair, which
/// shows how long processes take.
pub fn trial(
    plan: &TrialPlan,
    undecided: &mut dyn FnMut(&Trial) -> BTreeSet<BenchId>,
    interrupt: &Interrupt,
    progress: &mut dyn Progress,
) -> Result<Trial, MeasureError> {
    if plan.screening == 0 || plan.looks.is_empty() {
        return Err(MeasureError::Plan("a trial needs screening pairs and looks".to_owned()));
    }
    plan.criterion.check().map_err(MeasureError::Plan)?;
    let (filter, time_limit) = (plan.filter.as_ref(), plan.time_limit);
    let mut base = prepare(plan.base.programs(), filter, time_limit, interrupt)?;
    let mut head = prepare(plan.head.programs(), filter, time_limit, interrupt)?;
    let share = plan.shard.as_ref().map(|shard| {
        let sides = Sides { base: &mut base, head: &mut head };
        Share::take(shard, sides)
    });
    // A shard may have nothing to measure: then others have.
    let may_be_empty = share.as_ref().is_some_and(|share| !share.is_empty());
    let mut rounds = Rounds::new(plan, Sides { base, head }, share, interrupt)?;
    let whole_seconds = rounds.announce(progress);
    let mut measuring = Measuring { plan, rounds: &mut rounds, undecided, progress };
    if whole_seconds {
        // Whole seconds give a lower bound before the first pair.
        measuring.afford()?;
    }
    measuring.rounds.count(interrupt, measuring.progress)?;
    carry_out(&mut measuring)?;
    progress.event(&Event::Finished);
    let trial = rounds.so_far();
    let empty = |side: &Snapshot| side.measurements.is_empty() && side.problems.is_empty();
    let nothing = empty(&trial.base) && empty(&trial.head) && rounds.identical.is_empty();
    if nothing && !may_be_empty {
        let not_run = [trial.base.not_run, trial.head.not_run].concat();
        return Err(match &plan.filter {
            Some(filter) if not_run.is_empty() => {
                MeasureError::NothingMatched { filter: filter.as_str().to_owned() }
            }
            _ => MeasureError::NothingMeasured { not_run },
        });
    }
    Ok(trial)
}

/// The time kept for confirming benchmarks of a group, as a share of its screening.
const CONFIRMING_SHARE: f64 = 0.5;

/// A running trial.
struct Measuring<'a, 'p> {
    plan: &'a TrialPlan,
    rounds: &'a mut Rounds<'p>,
    undecided: &'a mut dyn FnMut(&Trial) -> BTreeSet<BenchId>,
    progress: &'a mut dyn Progress,
}

impl Steps for Measuring<'_, '_> {
    type Suspects = Suspects;
    type Error = MeasureError;

    /// Measures every benchmark whose clock is wanted. All run in each round, as long as the
    /// time budget covers them. If it does not, they are screened in groups: first those that
    /// changed, then the others while time remains.
    fn screen(&mut self) -> Result<(), MeasureError> {
        let all = self.rounds.group();
        if all.is_empty() {
            // A run for each count records where the sides were built, and what they list.
            for _ in 0..self.plan.counts.clamp(1, self.plan.screening) {
                self.rounds.empty_round(self.progress)?;
            }
            return Ok(());
        }
        self.estimate(0, &all);
        let mut open = VecDeque::from([(all, 0)]);
        let mut screened = false;
        while let Some((group, done)) = open.pop_front() {
            let reserve = if screened { self.reserve() } else { self.least() };
            if !self.fits(&group, done, reserve, screened) {
                let parts = self.parts(&group, done, reserve, screened);
                if let [first, _, ..] = &parts[..]
                    && self.fits(first, done, reserve, screened)
                {
                    parts.into_iter().rev().for_each(|part| open.push_front((part, done)));
                    continue;
                }
                if screened {
                    self.rounds.leave(&group);
                    continue;
                }
                if done > 0 {
                    return Err(self.too_short(&group, done));
                }
                // The first pair shows how long all benchmarks take.
            }
            match self.group(&group, done, screened)? {
                Some(done) => open.push_front((group, done)),
                None => screened = true,
            }
        }
        Ok(())
    }

    /// The benchmarks that are undecided so far.
    fn suspects(&mut self) -> Option<Suspects> {
        let mut so_far = self.rounds.so_far();
        let control = so_far.control.take();
        let head = (self.undecided)(&so_far);
        let control = control.map_or_else(BTreeSet::new, |control| {
            (self.undecided)(&Trial { base: so_far.base, head: control, control: None })
        });
        let suspects = Suspects { head, control };
        (!suspects.all().is_empty()).then_some(suspects)
    }

    fn looks(&mut self, suspects: &Suspects) -> Vec<u32> {
        self.rounds.plan_looks(suspects.all().len())
    }

    /// Measures suspects up to a look. Returns `false` if the time budget is used up or
    /// no program can run any more. The pairs so far are then judged in place of the look
    /// that was not reached: when a trial runs out of time depends on how long processes
    /// take, not on which side is faster.
    fn confirm(&mut self, look: u32, suspects: Suspects) -> Result<bool, MeasureError> {
        let all = suspects.all();
        let names: Vec<&str> = all.iter().map(|id| id.name.as_str()).collect();
        let before = self.plan.screening;
        while self.rounds.rounds() < before + look {
            let done = self.rounds.rounds().saturating_sub(before);
            if !self.rounds.measures(&all) {
                self.rounds.end_look(look, done);
                return Ok(false);
            }
            if !self.rounds.time_left() {
                self.rounds.end_look(look, done);
                self.rounds.out_of_time = true;
                return Ok(false);
            }
            self.progress.event(&Event::Pair {
                number: done + 1,
                planned: look,
                suspects: Some(&names),
                left: duration(self.rounds.confirming(look - done, &all)),
            });
            let run = self.rounds.rounds();
            self.rounds.round(run, Part::Suspects(&suspects), self.progress)?;
        }
        Ok(true)
    }
}

impl Measuring<'_, '_> {
    /// Screens a group from the round of index `done` on. Returns how many rounds were made
    /// if the first pair of a trial shows that the time budget does not cover the others.
    fn group(
        &mut self,
        group: &Group,
        done: u32,
        screened: bool,
    ) -> Result<Option<u32>, MeasureError> {
        let screening = self.plan.screening;
        self.rounds.begin_group();
        for run in done..screening {
            if !self.rounds.screens(group, run) {
                break;
            }
            // Counting can use up the time budget. The first pair then shows by how much
            // the budget is too short.
            if run > 0 && !self.rounds.time_left() {
                self.rounds.out_of_time = true;
                break;
            }
            let left = duration(self.rounds.screening(run..screening, group));
            self.progress.event(&Event::Pair {
                number: run + 1,
                planned: screening,
                suspects: None,
                left,
            });
            self.rounds.round(run, Part::Group(group), self.progress)?;
            if run == 0 && !screened {
                if !self.fits(group, 1, self.least(), false) {
                    return Ok(Some(1));
                }
                self.estimate(1, group);
            }
        }
        Ok(None)
    }

    /// Reports how long the trial will take.
    fn estimate(&mut self, done: u32, group: &Group) {
        let rounds = &self.rounds;
        let last = self.plan.looks.last().copied().unwrap_or_default();
        let planned = self.plan.screening;
        let within = |seconds: f64| {
            let time = duration(seconds);
            self.plan.budget.map_or(time, |budget| time.min(budget))
        };
        let screening = within(rounds.screening(done..planned, group));
        let most = within(rounds.screening(done..planned.saturating_add(last), group));
        self.progress.event(&Event::Estimated { screening, most });
    }

    /// The seconds that confirming any benchmark takes at least.
    fn least(&self) -> f64 {
        f64::from(self.plan.least) * self.rounds.dearest()
    }

    /// The seconds to keep for confirming the suspects so far: for the first look, and for
    /// the others up to half of the time that is left.
    fn reserve(&mut self) -> f64 {
        let Some(suspects) = self.suspects() else { return self.least() };
        let all = suspects.all();
        let looks = self.rounds.looks_for(all.len());
        let seconds =
            |look: Option<&u32>| self.rounds.confirming(look.copied().unwrap_or_default(), &all);
        let left = self.plan.budget.map_or(f64::INFINITY, |budget| budget.as_secs_f64());
        let half = (left - self.rounds.elapsed()).max(0.0) / 2.0;
        seconds(looks.first()).max(seconds(looks.last()).min(half)).max(self.least())
    }

    /// The seconds that screening a group takes, with a share for confirming some of a later
    /// group's benchmarks.
    fn cost(&self, group: &Group, done: u32, screened: bool) -> f64 {
        let seconds = self.rounds.screening(done..self.plan.screening, group);
        if screened { seconds * (1.0 + CONFIRMING_SHARE) } else { seconds }
    }

    /// Whether the time budget covers a group's screening, and a reserve.
    fn fits(&self, group: &Group, done: u32, reserve: f64, screened: bool) -> bool {
        let needed = self.rounds.elapsed() + self.cost(group, done, screened) + reserve;
        self.plan.budget.is_none_or(|budget| duration(needed) <= budget)
    }

    /// A group in parts that the time budget may cover.
    fn parts(&self, group: &Group, done: u32, reserve: f64, screened: bool) -> Vec<Group> {
        let mut most = group.len();
        loop {
            let parts = group.clone().split(self.rounds.changed(), most);
            let fits = parts.first().is_none_or(|first| self.fits(first, done, reserve, screened));
            if fits || most <= 1 {
                return parts;
            }
            most -= most.div_ceil(4);
        }
    }

    /// The refusal of a budget in which no benchmark could be screened and confirmed.
    fn too_short(&self, group: &Group, done: u32) -> MeasureError {
        let rounds = &self.rounds;
        let counting = rounds.elapsed() - rounds.screening(0..done, group);
        let seconds = |group| rounds.screening(0..self.plan.screening, group);
        let screening = seconds(group);
        let parts = group.clone().split(rounds.changed(), 1);
        let first = parts.first().map_or(screening, seconds);
        MeasureError::Budget {
            budget: self.plan.budget.unwrap_or_default(),
            counting: duration(counting.max(0.0)),
            benchmarks: group.len(),
            pairs: self.plan.screening,
            screening: duration(screening),
            first: duration(first),
            least: self.plan.least,
            confirming: duration(self.least()),
            own_times: rounds.own_times().iter().cloned().collect(),
        }
    }

    /// Refuses a budget that covers no benchmark, before the first pair.
    fn afford(&self) -> Result<(), MeasureError> {
        let all = self.rounds.group();
        let least = self.least();
        let parts = self.parts(&all, 0, least, false);
        let covers = |group: &Group| self.fits(group, 0, least, false);
        if all.is_empty() || parts.first().is_some_and(covers) {
            return Ok(());
        }
        Err(self.too_short(&all, 0))
    }
}
