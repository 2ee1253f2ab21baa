//! A circuit breaker: a service that keeps failing is not called for a while.
//!
//! A closed breaker lets every call through and opens when too many of the last calls
//! failed. An open breaker rejects every call until its time is over. Then it is half
//! open: one call goes through as a probe, and all others are still rejected. If the probe
//! succeeds, the breaker closes; if it fails, the breaker opens for the same time again
//! (M. Nygard, "Release It!", 2007, section 5.2).
//!
//! It is written here because no crate fits: `failsafe` 1.3 and `recloser` 1.4 let all
//! callers through when half open, in `tower-resilience-circuitbreaker` 0.14 a late answer
//! to a call from before the opening decides the probe, and none takes a clock that a test
//! can move.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Clock;

/// When a breaker opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerConfig {
    /// The number of last calls that count.
    pub window: usize,
    /// The number of failures among them that opens the breaker, at least one. If it is
    /// larger than the window, the breaker never opens.
    pub failures: usize,
    /// How long the breaker stays open before a probe.
    pub open_for: Duration,
}

/// The state of a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Calls go through.
    Closed,
    /// Calls are rejected. Once the time is over, the next call is the probe.
    Open,
    /// A probe is under way. All other calls are rejected.
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

/// Why a breaker rejects a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// The breaker is open.
    #[error("the circuit breaker is open for another {retry_in:?}")]
    Open {
        /// The time until a probe is allowed.
        retry_in: Duration,
    },
    /// A probe is under way.
    #[error("the circuit breaker is half open and its probe is under way")]
    HalfOpen,
}

#[derive(Debug)]
struct Circuit {
    phase: Phase,
    /// Increases with each change of phase. Results of calls from an earlier phase are late
    /// and do not count.
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

/// A circuit breaker. A clone is another handle to the same breaker.
#[derive(Clone, Debug)]
pub struct Breaker {
    config: BreakerConfig,
    clock: Clock,
    circuit: Arc<Mutex<Circuit>>,
}

impl Breaker {
    /// Creates a closed breaker.
    pub fn new(config: BreakerConfig, clock: Clock) -> Self {
        let circuit = Circuit { phase: Phase::Closed { failed: VecDeque::new() }, era: 0 };
        Self { config, clock, circuit: Arc::new(Mutex::new(circuit)) }
    }

    fn circuit(&self) -> MutexGuard<'_, Circuit> {
        // The state is consistent whenever the lock is released.
        self.circuit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The current state.
    pub fn state(&self) -> State {
        match self.circuit().phase {
            Phase::Closed { .. } => State::Closed,
            Phase::Open { .. } => State::Open,
            Phase::HalfOpen => State::HalfOpen,
        }
    }

    /// Asks for permission to make a call. Report its result to the returned permit.
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
        Ok(Permit { breaker: self.clone(), era: circuit.era, reported: false })
    }

    fn report(&self, era: u64, outcome: Outcome) {
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
            // The probe was abandoned; the next call is another probe.
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

/// Permission to make a call. If it is dropped without a result, the caller has abandoned
/// the call, which counts neither as a success nor as a failure.
#[derive(Debug)]
#[must_use = "dropping it abandons the call"]
pub struct Permit {
    breaker: Breaker,
    era: u64,
    reported: bool,
}

impl Permit {
    /// The call succeeded.
    pub fn succeed(self) {
        self.report(Outcome::Succeeded);
    }

    /// The call failed.
    pub fn fail(self) {
        self.report(Outcome::Failed);
    }

    fn report(mut self, outcome: Outcome) {
        self.reported = true;
        self.breaker.report(self.era, outcome);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !self.reported {
            self.breaker.report(self.era, Outcome::Abandoned);
        }
    }
}
