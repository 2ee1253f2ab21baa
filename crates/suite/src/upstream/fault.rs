//! What goes wrong at the faulty upstream, and when.

use std::collections::VecDeque;
use std::time::Duration;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng as _, SeedableRng as _};

/// What happens to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: it is answered.
    None,
    /// It is answered with 503, and nothing is done.
    Unavailable,
    /// It is done and answered after this time.
    Delayed(Duration),
    /// It is done, and then the connection is reset in place of an answer: the
    /// caller cannot know whether it was done.
    Reset,
}

/// Which share of requests suffers what; the rest is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Shares {
    /// Answered with 503.
    pub unavailable: f64,
    /// Delayed by [`delay`](Self::delay).
    pub delayed: f64,
    /// Reset.
    pub reset: f64,
    /// For how long.
    pub delay: Duration,
}

/// What happens to requests, one after the other in the order they arrive.
#[derive(Clone, Debug)]
pub struct Faults(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Script(VecDeque<Fault>),
    Cycle(VecDeque<Fault>),
    Drawn(Box<Xoshiro256PlusPlus>, Shares),
}

impl Faults {
    /// All requests are answered.
    pub const fn none() -> Self {
        Self(Kind::Script(VecDeque::new()))
    }

    /// These, and then none.
    pub fn script(faults: impl IntoIterator<Item = Fault>) -> Self {
        Self(Kind::Script(faults.into_iter().collect()))
    }

    /// These again and again.
    pub fn cycle(faults: impl IntoIterator<Item = Fault>) -> Self {
        Self(Kind::Cycle(faults.into_iter().collect()))
    }

    /// Drawn in these shares: the same for the same seed.
    pub fn drawn(seed: u64, shares: Shares) -> Self {
        Self(Kind::Drawn(Box::new(Xoshiro256PlusPlus::seed_from_u64(seed)), shares))
    }
}

/// Without end.
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
                // The upper bits, as a fraction of one.
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
