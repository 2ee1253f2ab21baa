//! When failed requests are retried, and how often.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How failed requests are retried.
///
/// The n-th retry (from 0) waits for a uniformly random time between 0 and
/// min(`longest`, `first` · 2<sup>n</sup>): exponential backoff with full jitter, which
/// spreads clients best among the usual schemes (M. Brooker, "Exponential Backoff And
/// Jitter", AWS Architecture Blog, 2015).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The maximum number of retries of a request.
    pub retries: u32,
    /// The longest wait before the first retry. With zero, no retry waits.
    pub first: Duration,
    /// The longest wait before any retry.
    pub longest: Duration,
    /// The seed of the waits: the same seed gives the same sequence.
    pub seed: u64,
    /// Retries per hundred requests that the budget allows in the long run.
    pub budget_percent: u32,
    /// Retries that the budget allows at once.
    pub budget_reserve: u32,
}

impl RetryPolicy {
    /// No retries.
    pub const NONE: Self = Self {
        retries: 0,
        first: Duration::ZERO,
        longest: Duration::ZERO,
        seed: 0,
        budget_percent: 0,
        budget_reserve: 0,
    };

    /// The longest wait before a retry (from 0).
    pub fn ceiling(&self, retry: u32) -> Duration {
        2_u32
            .checked_pow(retry)
            .and_then(|factor| self.first.checked_mul(factor))
            .map_or(self.longest, |ceiling| ceiling.min(self.longest))
    }

    /// Draws the wait before a retry (from 0).
    pub fn delay(&self, retry: u32, random: &mut impl rand::Rng) -> Duration {
        // The upper 32 bits as a fraction of 1, in integer arithmetic.
        let fraction = u128::from(random.next_u64() >> 32);
        let nanoseconds = (self.ceiling(retry).as_nanos() * fraction) >> 32;
        Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
    }
}

/// Limits the number of retries to a share of all requests, plus a reserve. When an
/// upstream fails completely, retries then add only this share to its load and do not
/// multiply it (Beyer et al., "Site Reliability Engineering", 2016, chapter 21; also gRPC's
/// retry throttling, gRFC A6).
#[derive(Debug)]
pub struct RetryBudget {
    /// In hundredths of a retry.
    balance: AtomicU64,
    percent: u64,
    most: u64,
}

impl RetryBudget {
    /// The cost of a retry, so that a request earns `percent` hundredths of one.
    const RETRY: u64 = 100;

    /// Creates a budget with a full reserve.
    pub fn new(percent: u32, reserve: u32) -> Self {
        let most = u64::from(reserve) * Self::RETRY;
        Self { balance: AtomicU64::new(most), percent: u64::from(percent), most }
    }

    /// Adds the share that a request earns. Retries earn nothing.
    pub fn deposit(&self) {
        let added = |balance: u64| Some((balance + self.percent).min(self.most));
        // The closure always returns a value, so the update never fails.
        let _ = self.balance.fetch_update(Ordering::Relaxed, Ordering::Relaxed, added);
    }

    /// Takes out one retry. Returns `false` if none is left.
    pub fn withdraw(&self) -> bool {
        let taken = |balance: u64| balance.checked_sub(Self::RETRY);
        self.balance.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken).is_ok()
    }

    /// The number of retries left.
    pub fn left(&self) -> u64 {
        self.balance.load(Ordering::Relaxed) / Self::RETRY
    }
}
