//! The first level: an in-process cache.

use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::Expiry;

use super::{FixedHasher, Lifetimes, Payload, Source, TtlClass, checksum, key, payload};
use crate::sizes;

/// A value and how long it may stay.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) payload: Payload,
    pub(super) class: TtlClass,
}

/// Expires each entry by its class.
#[derive(Debug)]
struct ByClass(Lifetimes);

impl Expiry<String, Entry> for ByClass {
    fn expire_after_create(&self, _: &String, entry: &Entry, _: Instant) -> Option<Duration> {
        Some(self.0.of(entry.class))
    }

    fn expire_after_update(
        &self,
        _: &String,
        entry: &Entry,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(self.0.of(entry.class))
    }
}

/// The weight of an entry: the bytes of its key and of its value.
pub(super) fn weight(key: &str, payload: &[u8]) -> u32 {
    u32::try_from(key.len() + payload.len()).unwrap_or(u32::MAX)
}

/// The first level: an in-process cache, bounded by the bytes of its keys and
/// values. Each entry has the time to live of its class.
///
/// A clone is another handle to the same cache.
#[derive(Clone, Debug)]
pub struct L1 {
    pub(super) cache: moka::future::Cache<String, Entry, FixedHasher>,
}

impl L1 {
    /// Creates an empty cache with room for `entries` values of
    /// [`sizes::PAYLOAD_BYTES`] each. Larger values take the room of several.
    pub fn empty(entries: u32, lifetimes: Lifetimes) -> Self {
        let bytes = u64::from(entries) * (sizes::PAYLOAD_BYTES + key(0).len()) as u64;
        let cache = moka::future::Cache::builder()
            .max_capacity(bytes)
            .weigher(|key: &String, entry: &Entry| weight(key, &entry.payload))
            .expire_after(ByClass(lifetimes))
            .build_with_hasher(FixedHasher::default());
        Self { cache }
    }

    /// Creates a cache that holds the leads `0..entries`, with its housekeeping done.
    pub async fn filled(entries: u32) -> Self {
        let l1 = Self::empty(sizes::L1_CAPACITY, sizes::L1_LIFETIMES);
        for number in 0..entries {
            l1.insert(key(number), payload(number), TtlClass::Standard).await;
        }
        l1.settle().await;
        l1
    }

    /// Does the housekeeping that earlier calls have deferred, so that the next
    /// lookup does nothing else.
    pub async fn settle(&self) {
        self.cache.run_pending_tasks().await;
    }

    /// Inserts a value, replacing an existing one.
    pub async fn insert(&self, key: String, payload: Payload, class: TtlClass) {
        self.cache.insert(key, Entry { payload, class }).await;
    }

    /// Removes a value.
    pub async fn invalidate(&self, key: &str) {
        self.cache.invalidate(key).await;
    }

    /// Looks a key up, as a request does to get its lead.
    pub async fn lookup(&self, key: &str) -> Option<Payload> {
        self.cache.get(key).await.map(|entry| entry.payload)
    }

    /// Looks a key up and returns the checksum of its value, or 0 for a miss.
    pub async fn checksum_of(&self, key: &str) -> u64 {
        self.lookup(key).await.map_or(0, |value| checksum(&value))
    }

    /// Returns the value of lead `number`, and whether this call loaded it. A missing
    /// value is loaded from the source and kept. If several callers miss the same
    /// lead at once, one of them loads it and the others wait.
    pub async fn get_or_load(&self, number: u32, source: &Source) -> (Payload, bool) {
        let key = key(number);
        let load =
            async { Entry { payload: source.load(number).await, class: TtlClass::of(number) } };
        let entry = self.cache.entry_by_ref(&key).or_insert_with(load).await;
        let loaded = entry.is_fresh();
        (entry.into_value().payload, loaded)
    }

    /// Like [`get_or_load`](Self::get_or_load), with a load that may fail. If it
    /// fails, all callers that wait for it get the same error, and nothing is kept.
    pub async fn get_or_try_load<E: Send + Sync + 'static>(
        &self,
        number: u32,
        load: impl Future<Output = Result<Payload, E>>,
    ) -> Result<(Payload, bool), Arc<E>> {
        let key = key(number);
        let load = async { Ok(Entry { payload: load.await?, class: TtlClass::of(number) }) };
        let entry = self.cache.entry_by_ref(&key).or_try_insert_with(load).await?;
        let loaded = entry.is_fresh();
        Ok((entry.into_value().payload, loaded))
    }

    /// Like [`get_or_load`](Self::get_or_load), but every caller that misses loads
    /// the value itself.
    pub async fn get_or_load_unprotected(&self, number: u32, source: &Source) -> Payload {
        let key = key(number);
        if let Some(payload) = self.lookup(&key).await {
            return payload;
        }
        let payload = source.load(number).await;
        self.insert(key, Arc::clone(&payload), TtlClass::of(number)).await;
        payload
    }

    /// The number of entries, once [settled](Self::settle).
    pub fn entries(&self) -> u64 {
        self.cache.entry_count()
    }

    /// The weight of all entries in bytes, once [settled](Self::settle).
    pub fn bytes(&self) -> u64 {
        self.cache.weighted_size()
    }
}
