//! A clock that a test can move.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The clock of a [`Client`](super::Client) or [`Breaker`](super::Breaker). A clone is the
/// same clock.
#[derive(Clone, Debug)]
pub struct Clock(Kind);

#[derive(Clone, Debug)]
enum Kind {
    System,
    Manual { start: Instant, passed: Arc<Mutex<Duration>> },
}

impl Clock {
    /// The system's clock.
    pub const fn system() -> Self {
        Self(Kind::System)
    }

    /// A clock that only [`advance`](Self::advance) and [`sleep`](Self::sleep) move.
    pub fn manual() -> Self {
        Self(Kind::Manual { start: Instant::now(), passed: Arc::default() })
    }

    /// The current time.
    pub fn now(&self) -> Instant {
        match &self.0 {
            Kind::System => Instant::now(),
            Kind::Manual { start, passed } => {
                *start + *passed.lock().unwrap_or_else(PoisonError::into_inner)
            }
        }
    }

    /// Advances a manual clock. Does nothing to the system's clock.
    pub fn advance(&self, by: Duration) {
        if let Kind::Manual { passed, .. } = &self.0 {
            *passed.lock().unwrap_or_else(PoisonError::into_inner) += by;
        }
    }

    /// Waits on the system's clock; advances a manual clock at once.
    pub async fn sleep(&self, for_: Duration) {
        match &self.0 {
            // The timer would round zero up to a millisecond.
            Kind::System if for_.is_zero() => {}
            Kind::System => tokio::time::sleep(for_).await,
            Kind::Manual { .. } => self.advance(for_),
        }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}
