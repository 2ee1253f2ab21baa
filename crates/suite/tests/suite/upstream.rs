//! Calls of an upstream that fails: what is sent, how often, and who gets what.

mod batches;
mod breaker;
mod calls;
mod retries;

use std::time::Duration;

use benchgate_suite::upstream::{
    BreakerConfig, Client, ClientConfig, Clock, Faults, FaultyUpstream, RetryPolicy,
};

pub(crate) const HOUR: Duration = Duration::from_hours(1);

/// Never opens.
pub(crate) const NO_BREAKER: BreakerConfig =
    BreakerConfig { window: 1, failures: 2, open_for: HOUR };

/// Nothing in the way of an attempt, and two retries that wait for nothing.
pub(crate) const PLAIN: ClientConfig = ClientConfig {
    // Longer than any machine takes.
    attempt_timeout: Duration::from_mins(1),
    deadline: HOUR,
    retry: RetryPolicy {
        retries: 2,
        first: Duration::ZERO,
        longest: Duration::ZERO,
        seed: 1,
        budget_percent: 100,
        budget_reserve: 1000,
    },
    breaker: NO_BREAKER,
    answer_bytes_max: 1 << 20,
};

pub(crate) const ONCE: ClientConfig = ClientConfig { retry: RetryPolicy::NONE, ..PLAIN };

pub(crate) fn upstream(faults: Faults) -> FaultyUpstream {
    FaultyUpstream::start(faults).unwrap()
}

/// By a clock that waits for nothing.
pub(crate) fn client(upstream: &FaultyUpstream, config: ClientConfig) -> (Client, Clock) {
    let clock = Clock::manual();
    (Client::with_clock(&upstream.base(), config, clock.clone()).unwrap(), clock)
}
