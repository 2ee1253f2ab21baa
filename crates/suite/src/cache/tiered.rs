//! The first level over the second over the source.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::l1::Entry;
use super::{L1, Payload, RedisCache, Source, TtlClass, checksum, key};
use crate::SuiteError;

/// Where a value was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// In the process, or by another caller who was about to bring it there.
    L1,
    /// In Redis; promoted: it is in the process now.
    L2,
    /// In neither; it is in both now.
    Source,
}

/// A value and where it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The value.
    pub payload: Payload,
    /// Where it was.
    pub level: Level,
}

/// L1 → Redis → source. What is found further down moves up, and of several
/// callers at once who miss the same key one goes down and the others wait.
///
/// Redis failing is an error here and no miss: times of a cache that works
/// without its second level would go by the same name.
#[derive(Clone)]
pub struct Tiered {
    l1: L1,
    l2: RedisCache,
    source: Arc<Source>,
}

impl Tiered {
    /// Of these parts.
    pub fn new(l1: L1, l2: RedisCache, source: Source) -> Self {
        Self { l1, l2, source: Arc::new(source) }
    }

    /// The first level.
    pub fn l1(&self) -> &L1 {
        &self.l1
    }

    /// The second level.
    pub fn l2(&self) -> &RedisCache {
        &self.l2
    }

    /// What is behind both.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The value of lead `number`, which must be one that Redis has a key for.
    pub async fn lookup(&self, number: u32) -> Result<Found, Arc<SuiteError>> {
        let key = key(number);
        let promoted = AtomicBool::new(false);
        let descend = async {
            let class = TtlClass::of(number);
            if let Some(payload) = self.l2.get(number).await? {
                promoted.store(true, Ordering::Relaxed);
                return Ok(Entry { payload, class });
            }
            let payload = self.source.load(number).await;
            self.l2.put(number, &payload).await?;
            Ok(Entry { payload, class })
        };
        let entry = self.l1.cache.entry_by_ref(&key).or_try_insert_with(descend).await?;
        let level = match (entry.is_fresh(), promoted.load(Ordering::Relaxed)) {
            (false, _) => Level::L1,
            (true, true) => Level::L2,
            (true, false) => Level::Source,
        };
        Ok(Found { payload: entry.into_value().payload, level })
    }

    /// Looks a lead up; the checksum of its value.
    pub async fn checksum_of(&self, number: u32) -> Result<u64, Arc<SuiteError>> {
        Ok(checksum(&self.lookup(number).await?.payload))
    }

    /// Looks these leads up, one after the other; the sum of checksums.
    pub async fn sum(&self, numbers: &[u32]) -> Result<u64, Arc<SuiteError>> {
        let mut sum = 0_u64;
        for number in numbers {
            sum = sum.wrapping_add(self.checksum_of(*number).await?);
        }
        Ok(sum)
    }
}
