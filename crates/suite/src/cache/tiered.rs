//! The first level, the second level and the source together.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::l1::Entry;
use super::{CacheError, L1, Payload, RedisCache, Source, TtlClass, checksum, key};

/// Where a value was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// In the process, or on its way there on behalf of another caller.
    L1,
    /// In Redis. It was promoted and is in the process now.
    L2,
    /// In neither cache. It is in both now.
    Source,
}

/// A value and where it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The value.
    pub payload: Payload,
    /// Where it was found.
    pub level: Level,
}

/// Looks values up in L1, then in Redis, then in the source, and promotes them to
/// the levels above. If several callers miss the same key at once, one of them looks
/// further down and the others wait.
///
/// A failure of Redis is an error and not a miss: otherwise the times of a cache
/// without its second level would be reported under the same name.
#[derive(Clone)]
pub struct Tiered {
    l1: L1,
    l2: RedisCache,
    source: Arc<Source>,
}

impl Tiered {
    /// Combines two levels and a source.
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

    /// The source behind both levels.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Looks up lead `number`, which must be among those that the second level has
    /// claimed.
    pub async fn lookup(&self, number: u32) -> Result<Found, Arc<CacheError>> {
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

    /// Looks a lead up and returns the checksum of its value.
    pub async fn checksum_of(&self, number: u32) -> Result<u64, Arc<CacheError>> {
        Ok(checksum(&self.lookup(number).await?.payload))
    }

    /// Looks leads up, one after the other, and returns the sum of checksums.
    pub async fn sum(&self, numbers: &[u32]) -> Result<u64, Arc<CacheError>> {
        let mut sum = 0_u64;
        for number in numbers {
            sum = sum.wrapping_add(self.checksum_of(*number).await?);
        }
        Ok(sum)
    }
}
