//! Calls of a faulty upstream: the requests that are sent, and the answers.

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

/// No breaker and no time limit, and two retries without waiting.
pub(crate) const PLAIN: ClientConfig = ClientConfig {
    // Longer than any machine needs.
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

/// A client with a manual clock.
pub(crate) fn client(upstream: &FaultyUpstream, config: ClientConfig) -> (Client, Clock) {
    let clock = Clock::manual();
    (Client::with_clock(&upstream.base(), config, clock.clone()).unwrap(), clock)
}
