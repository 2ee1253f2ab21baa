//! The faults of the faulty upstream, and their order.

use std::collections::VecDeque;
use std::time::Duration;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng as _, SeedableRng as _};

/// The fault of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The request is answered.
    None,
    /// The request is answered with 503 and not executed.
    Unavailable,
    /// The request is executed and answered after this time.
    Delayed(Duration),
    /// The request is executed, but the connection is reset instead of answering: the
    /// caller cannot know whether it was executed.
    Reset,
}

/// The share of requests with each fault. The others are answered.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Shares {
    /// The share that is answered with 503.
    pub unavailable: f64,
    /// The share that is delayed by [`delay`](Self::delay).
    pub delayed: f64,
    /// The share whose connection is reset.
    pub reset: f64,
    /// How long a delayed request waits.
    pub delay: Duration,
}

/// The faults of requests, in the order in which they arrive.
#[derive(Clone, Debug)]
pub struct Faults(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Script(VecDeque<Fault>),
    Cycle(VecDeque<Fault>),
    Drawn(Box<Xoshiro256PlusPlus>, Shares),
}

impl Faults {
    /// No faults: all requests are answered.
    pub const fn none() -> Self {
        Self(Kind::Script(VecDeque::new()))
    }

    /// These faults, then none.
    pub fn script(faults: impl IntoIterator<Item = Fault>) -> Self {
        Self(Kind::Script(faults.into_iter().collect()))
    }

    /// These faults, repeated endlessly.
    pub fn cycle(faults: impl IntoIterator<Item = Fault>) -> Self {
        Self(Kind::Cycle(faults.into_iter().collect()))
    }

    /// Random faults with these shares, the same for the same seed.
    pub fn drawn(seed: u64, shares: Shares) -> Self {
        Self(Kind::Drawn(Box::new(Xoshiro256PlusPlus::seed_from_u64(seed)), shares))
    }
}

/// Never ends.
impl Iterator for Faults {
    type Item = Fault;

    fn next(&mut self) -> Option<Fault> {
        Some(match &mut self.0 {
            Kind::Script(faults) => faults.pop_front().unwrap_or(Fault::None),
            Kind::Cycle(faults) => {
                faults.rotate_left(usize::from(!faults.is_empty()));
                faults.back().copied().unwrap_or(Fault::None)
            }
            Kind::Drawn(random, shares) => {
                // The upper bits as a fraction of 1.
                let mut left = (random.next_u64() >> 11) as f64 / 2.0_f64.powi(53);
                for (share, fault) in [
                    (shares.unavailable, Fault::Unavailable),
                    (shares.delayed, Fault::Delayed(shares.delay)),
                    (shares.reset, Fault::Reset),
                ] {
                    if left < share {
                        return Some(fault);
                    }
                    left -= share;
                }
                Fault::None
            }
        })
    }
}
