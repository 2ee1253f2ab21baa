//! A circuit breaker: what fails again and again is left alone for a while.
//!
//! Closed, it lets every call through and looks at the last of them; when too
//! many failed, it opens. Open, it rejects every call at once, until its time is
//! over. Then it is half open: one call goes through as a trial, and all others
//! are still rejected. The trial's success closes the breaker, its failure opens
//! it for the same time again (M. Nygard, "Release It!", 2007, section 5.2).
//!
//! Own code: of the crates that are there, `failsafe` 1.3 and `recloser` 1.4 let
//! all callers through when half open, and `tower-resilience-circuitbreaker` 0.14
//! lets a call from before the opening, answered late, decide the trial. None
//! takes a clock that a test can move.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Clock;
use crate::sizes;

/// When a breaker opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerConfig {
    /// How many of the last calls it looks at.
    pub window: usize,
    /// So many failures among them open it; at least one. More than the window
    /// has calls never do.
    pub failures: usize,
    /// For how long it stays open before a trial.
    pub open_for: Duration,
}

impl Default for BreakerConfig {
    fn default() -> Self {
        sizes::UPSTREAM_BREAKER
    }
}

/// Where a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Calls go through.
    Closed,
    /// Calls are rejected; the next one may be the trial, if the time is over.
    Open,
    /// A trial is under way, all other calls are rejected.
    HalfOpen,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half open",
        })
    }
}

/// A call that a breaker does not let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// Too much failed.
    #[error("the circuit breaker is open for another {retry_in:?}")]
    Open {
        /// When a trial may be made.
        retry_in: Duration,
    },
    /// A trial is under way.
    #[error("the circuit breaker is half open, and its trial under way")]
    HalfOpen,
}

#[derive(Debug)]
struct Circuit {
    phase: Phase,
    /// Goes up with each change of phase: results of calls from another one are
    /// late, and say nothing about this one.
    era: u64,
}

#[derive(Debug)]
enum Phase {
    Closed { failed: VecDeque<bool> },
    Open { since: Instant, lasts: Duration },
    HalfOpen,
}

impl Circuit {
    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.era += 1;
    }
}

/// A circuit breaker. A clone is another handle on the same one.
#[derive(Clone, Debug)]
pub struct Breaker {
    config: BreakerConfig,
    clock: Clock,
    circuit: Arc<Mutex<Circuit>>,
}

impl Breaker {
    /// A closed one, to which nothing has happened.
    pub fn new(config: BreakerConfig, clock: Clock) -> Self {
        let circuit = Circuit { phase: Phase::Closed { failed: VecDeque::new() }, era: 0 };
        Self { config, clock, circuit: Arc::new(Mutex::new(circuit)) }
    }

    fn circuit(&self) -> MutexGuard<'_, Circuit> {
        // It is whole between any two statements that hold the lock.
        self.circuit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        match self.circuit().phase {
            Phase::Closed { .. } => State::Closed,
            Phase::Open { .. } => State::Open,
            Phase::HalfOpen => State::HalfOpen,
        }
    }

    /// Asks to make a call; its result is to be told to what this returns.
    pub fn acquire(&self) -> Result<Permit, Rejected> {
        let mut circuit = self.circuit();
        match circuit.phase {
            Phase::Closed { .. } => {}
            Phase::Open { since, lasts } => {
                let passed = self.clock.now().saturating_duration_since(since);
                let retry_in = lasts.saturating_sub(passed);
                if !retry_in.is_zero() {
                    return Err(Rejected::Open { retry_in });
                }
                circuit.enter(Phase::HalfOpen);
            }
            Phase::HalfOpen => return Err(Rejected::HalfOpen),
        }
        Ok(Permit { breaker: self.clone(), era: circuit.era, told: false })
    }

    fn tell(&self, era: u64, outcome: Outcome) {
        let mut circuit = self.circuit();
        if circuit.era != era {
            return;
        }
        let open = |lasts| Phase::Open { since: self.clock.now(), lasts };
        match (&mut circuit.phase, outcome) {
            (Phase::Closed { failed }, Outcome::Succeeded | Outcome::Failed) => {
                failed.push_back(outcome == Outcome::Failed);
                if failed.len() > self.config.window {
                    failed.pop_front();
                }
                let failures = failed.iter().filter(|failed| **failed).count();
                if failures > 0 && failures >= self.config.failures {
                    circuit.enter(open(self.config.open_for));
                }
            }
            (Phase::HalfOpen, Outcome::Succeeded) => {
                circuit.enter(Phase::Closed { failed: VecDeque::new() });
            }
            (Phase::HalfOpen, Outcome::Failed) => circuit.enter(open(self.config.open_for)),
            // A trial that nobody waited for: the next caller makes another one.
            (Phase::HalfOpen, Outcome::Abandoned) => {
                circuit.enter(open(Duration::ZERO));
            }
            (Phase::Closed { .. }, Outcome::Abandoned) | (Phase::Open { .. }, _) => {}
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Succeeded,
    Failed,
    Abandoned,
}

/// A call that a breaker lets through. Dropped without a result, it was given up
/// by its caller: that says nothing about the other side.
#[derive(Debug)]
#[must_use = "dropped at once, it is a call that was given up"]
pub struct Permit {
    breaker: Breaker,
    era: u64,
    told: bool,
}

impl Permit {
    /// The call succeeded.
    pub fn succeed(self) {
        self.tell(Outcome::Succeeded);
    }

    /// The call failed.
    pub fn fail(self) {
        self.tell(Outcome::Failed);
    }

    fn tell(mut self, outcome: Outcome) {
        self.told = true;
        self.breaker.tell(self.era, outcome);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !self.told {
            self.breaker.tell(self.era, Outcome::Abandoned);
        }
    }
}
