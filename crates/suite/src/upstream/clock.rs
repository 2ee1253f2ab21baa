//! The time, so that a test can move it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What a [`Client`](super::Client) and a [`Breaker`](super::Breaker) take for
/// the time. A clone is the same clock.
#[derive(Clone, Debug)]
pub struct Clock(Kind);

#[derive(Clone, Debug)]
enum Kind {
    System,
    Manual { start: Instant, passed: Arc<Mutex<Duration>> },
}

impl Clock {
    /// The system's.
    pub const fn system() -> Self {
        Self(Kind::System)
    }

    /// One that stands still but for [`advance`](Self::advance) and
    /// [`sleep`](Self::sleep).
    pub fn manual() -> Self {
        Self(Kind::Manual { start: Instant::now(), passed: Arc::default() })
    }

    /// The time.
    pub fn now(&self) -> Instant {
        match &self.0 {
            Kind::System => Instant::now(),
            Kind::Manual { start, passed } => {
                *start + *passed.lock().unwrap_or_else(PoisonError::into_inner)
            }
        }
    }

    /// Moves a manual clock on; the system's goes by itself.
    pub fn advance(&self, by: Duration) {
        if let Kind::Manual { passed, .. } = &self.0 {
            *passed.lock().unwrap_or_else(PoisonError::into_inner) += by;
        }
    }

    /// Waits: on the system's clock in fact, on a manual one by moving it.
    pub async fn sleep(&self, for_: Duration) {
        match &self.0 {
            // The timer would round nothing up to a millisecond.
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
