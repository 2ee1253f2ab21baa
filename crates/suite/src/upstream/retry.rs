//! When to try again, and how often at all.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::sizes;

/// How a request that failed is repeated.
///
/// The n-th retry (from 0) waits for a time drawn evenly between nothing and
/// min(`longest`, `first` · 2<sup>n</sup>): exponential backoff with full
/// jitter, which of the usual ways lets the fewest clients meet again (M. Brooker,
/// "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts after the first one; 0 for none.
    pub retries: u32,
    /// The longest wait before the first of them. Nothing waits for nothing.
    pub first: Duration,
    /// No wait is longer.
    pub longest: Duration,
    /// The waits are the same for the same seed, in the order they are drawn.
    pub seed: u64,
    /// Retries in a hundred requests that the budget allows for good.
    pub budget_percent: u32,
    /// Retries that it allows at once.
    pub budget_reserve: u32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        sizes::UPSTREAM_RETRY
    }
}

impl RetryPolicy {
    /// Never again.
    pub const NONE: Self = Self { retries: 0, ..sizes::UPSTREAM_RETRY };

    /// The longest wait before a retry (from 0).
    pub fn ceiling(&self, retry: u32) -> Duration {
        2_u32
            .checked_pow(retry)
            .and_then(|factor| self.first.checked_mul(factor))
            .map_or(self.longest, |ceiling| ceiling.min(self.longest))
    }

    /// Draws the wait before a retry (from 0).
    pub fn delay(&self, retry: u32, random: &mut impl rand::Rng) -> Duration {
        // The upper 32 bits as a fraction of one, in whole numbers.
        let fraction = u128::from(random.next_u64() >> 32);
        let nanoseconds = (self.ceiling(retry).as_nanos() * fraction) >> 32;
        Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
    }
}

/// How many retries there may be: a share of all requests, and a reserve for
/// bad moments. When an upstream fails altogether, retries add this share to its
/// load and not a multiple of it (Beyer et al., "Site Reliability Engineering",
/// 2016, chapter 21; the same in gRPC's retry throttling, gRFC A6).
#[derive(Debug)]
pub struct RetryBudget {
    /// In hundredths of a retry.
    balance: AtomicU64,
    percent: u64,
    most: u64,
}

impl RetryBudget {
    /// A hundredth of a retry is put in for each of `percent`.
    const RETRY: u64 = 100;

    /// With a full reserve.
    pub fn new(percent: u32, reserve: u32) -> Self {
        let most = u64::from(reserve) * Self::RETRY;
        Self { balance: AtomicU64::new(most), percent: u64::from(percent), most }
    }

    /// A request (no retry) is made: it earns its share of a retry.
    pub fn deposit(&self) {
        let added = |balance: u64| Some((balance + self.percent).min(self.most));
        // It always adds, so it never fails.
        let _ = self.balance.fetch_update(Ordering::Relaxed, Ordering::Relaxed, added);
    }

    /// Takes a retry out; `false` when there is none.
    pub fn withdraw(&self) -> bool {
        let taken = |balance: u64| balance.checked_sub(Self::RETRY);
        self.balance.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken).is_ok()
    }

    /// Retries that are left.
    pub fn left(&self) -> u64 {
        self.balance.load(Ordering::Relaxed) / Self::RETRY
    }
}
