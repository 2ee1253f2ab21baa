//! Base and head in turn on one machine: fresh processes in pairs.

mod estimate;
mod order;
mod plan;
mod rounds;
mod shard;
mod steps;
mod suspects;

use std::collections::BTreeSet;

use super::error::MeasureError;
use crate::drive::{Event, Interrupt, Progress, prepare};
use crate::model::{BenchId, Sides, Snapshot};
use estimate::duration;
pub use plan::{ShardPlan, Trial, TrialPlan};
use rounds::Rounds;
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
    let limits = (plan.filter.as_ref(), plan.time_limit);
    let mut base = prepare(&plan.base.executables, limits.0, limits.1, interrupt)?;
    let mut head = prepare(&plan.head.executables, limits.0, limits.1, interrupt)?;
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

    /// Measures every benchmark in each round.
    fn screen(&mut self) -> Result<(), MeasureError> {
        if !self.rounds.measures(None) {
            // A single run records where the sides were built, and what they list.
            return self.rounds.round(None, self.progress);
        }
        let screening = self.plan.screening;
        self.estimate();
        for round in 0..screening {
            if !self.rounds.measures(None) {
                break;
            }
            // Counting can use up the time budget. The first pair then shows by how much
            // the budget is too short.
            if round > 0 && !self.rounds.time_left() {
                self.rounds.out_of_time = true;
                break;
            }
            let left = duration(self.rounds.seconds(screening - round, None));
            self.progress.event(&Event::Pair {
                number: round + 1,
                planned: screening,
                suspects: None,
                left,
            });
            self.rounds.round(None, self.progress)?;
            if round == 0 {
                self.afford()?;
                self.estimate();
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
            if !self.rounds.measures(Some(&all)) {
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
                left: duration(self.rounds.seconds(look - done, Some(&all))),
            });
            self.rounds.round(Some(&suspects), self.progress)?;
        }
        Ok(true)
    }
}

impl Measuring<'_, '_> {
    /// Reports how long the trial will take.
    fn estimate(&mut self) {
        let rounds = &self.rounds;
        let last = self.plan.looks.last().copied().unwrap_or_default();
        let ahead = self.plan.screening.saturating_sub(rounds.rounds());
        let screening = duration(rounds.seconds(ahead, None));
        let most = duration(rounds.seconds(ahead + last, None));
        self.progress.event(&Event::Estimated {
            screening,
            // A budget that does not even cover the screening is refused.
            most: self.plan.budget.map_or(most, |budget| most.min(budget).max(screening)),
        });
    }

    /// Refuses a budget in which no benchmark could be screened and confirmed.
    fn afford(&self) -> Result<(), MeasureError> {
        let Some(budget) = self.plan.budget else { return Ok(()) };
        let rounds = &self.rounds;
        let ahead = self.plan.screening.saturating_sub(rounds.rounds());
        let screening = duration(rounds.elapsed() + rounds.seconds(ahead, None));
        let confirming = duration(f64::from(self.plan.least) * rounds.dearest());
        if screening + confirming <= budget {
            return Ok(());
        }
        Err(MeasureError::Budget {
            budget,
            benchmarks: rounds.benchmarks(),
            pairs: self.plan.screening,
            screening,
            least: self.plan.least,
            confirming,
            own_times: rounds.own_times().iter().cloned().collect(),
        })
    }
}
