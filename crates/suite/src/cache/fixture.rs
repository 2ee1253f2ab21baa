//! What the cache's benchmarks with Redis share.

#![expect(
    clippy::missing_panics_doc,
    reason = "a fixture panics if a body returns another checksum than it has to: that is its use"
)]

use std::cell::OnceCell;
use std::time::Instant;

use benchgate_record::{self as record, Latencies, Metric, RecordError, Unit};
use tokio::runtime::Runtime;

use super::{
    CacheError, Codec, L1, Level, Observed, Pattern, Payload, RedisCache, Source, Tiered, checksum,
    document, order, payload,
};
use crate::bench::runtime;
use crate::services::Redis;
use crate::sizes;

/// A Redis server, a runtime, and the leads that several benchmarks share.
///
/// Its methods panic when Redis fails or loses keys: a benchmark cannot go on then.
pub struct Fixture {
    redis: Redis,
    runtime: Runtime,
    recorded: OnceCell<()>,
    leads: OnceCell<RedisCache>,
}

impl Fixture {
    /// For the benchmarks of one server.
    pub fn new(redis: Redis) -> Self {
        Self { redis, runtime: runtime(1), recorded: OnceCell::new(), leads: OnceCell::new() }
    }

    /// The runtime, polled by the calling thread alone.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Claims keys for `entries` leads and writes the first `filled` of them.
    fn cache(
        &self,
        entries: u32,
        filled: u32,
        codec: Codec,
        value: impl Fn(u32) -> Payload,
    ) -> RedisCache {
        // The server counts as measured once one of its benchmarks runs.
        self.recorded.get_or_init(|| self.redis.record().expect("recorded"));
        let fill = async {
            let cache = RedisCache::claim(&self.redis, entries, codec).await?;
            cache.fill(0..filled, value).await?;
            Ok::<_, CacheError>(cache)
        };
        self.runtime.block_on(fill).expect("a filled Redis")
    }

    /// [`sizes::REDIS_ENTRIES`] leads, and as many keys of missing ones.
    pub fn leads(&self) -> &RedisCache {
        let entries = sizes::REDIS_ENTRIES;
        self.leads.get_or_init(|| self.cache(2 * entries, entries, Codec::plain(), payload))
    }

    /// Removes the shared leads, if a benchmark has used them.
    pub fn remove_leads(&mut self) {
        if let Some(leads) = self.leads.take() {
            self.remove(leads, sizes::REDIS_ENTRIES);
        }
    }

    /// Removes the keys of a cache. An entry that expired or was evicted would have been a
    /// miss.
    pub fn remove(&self, cache: RedisCache, entries: u32) {
        let removed = self.runtime.block_on(cache.remove()).expect("the keys removed");
        assert_eq!(removed, u64::from(entries), "all keys existed to the end");
    }

    /// Records the latencies of single GETs of the shared leads.
    pub fn record_latency(&self) -> Result<(), RecordError> {
        let cache = self.leads();
        let mut latencies = Latencies::new();
        self.runtime.block_on(async {
            for number in order(sizes::REDIS_ENTRIES, sizes::REDIS_LATENCY_LOOKUPS) {
                let start = Instant::now();
                cache.checksum_of(number).await.expect("a reply");
                latencies.record(start.elapsed());
            }
        });
        record::latencies("cache/redis_get_hit", &latencies)
    }

    /// Large values, checked, with their average size in Redis recorded for `benchmark`.
    pub fn documents(&self, benchmark: &str, codec: Codec, numbers: &[u32]) -> RedisCache {
        let documents = sizes::REDIS_DOCUMENTS;
        let cache = self.cache(documents, documents, codec, document);
        let expected: u64 = numbers.iter().map(|number| checksum(&document(*number))).sum();
        let sum = self.runtime.block_on(cache.singles(numbers)).expect("replies");
        assert_eq!(sum, expected, "{benchmark}");
        self.record_stored_bytes(benchmark, &cache, numbers).expect("recorded");
        cache
    }

    fn record_stored_bytes(
        &self,
        benchmark: &str,
        cache: &RedisCache,
        numbers: &[u32],
    ) -> Result<(), RecordError> {
        let mut sum = 0;
        for number in numbers {
            sum += self.runtime.block_on(cache.stored_bytes(*number)).expect("a length");
        }
        let metric = Metric::counted("bytes", Unit::Bytes);
        let id = format!("cache/{benchmark}");
        record::value(&id, &metric, sum as f64 / numbers.len() as f64)
    }

    /// Both levels over a source, with the first half of [`sizes::TIERED_KEYS`] in Redis, and
    /// checks that lookups promote and load leads.
    pub fn tiered(&self) -> Tiered {
        let tiered = self.levels(sizes::L1_CAPACITY);
        let level = |number| self.runtime.block_on(tiered.lookup(number)).expect("a value").level;
        for (number, below) in [(0, Level::L2), (sizes::TIERED_KEYS / 2, Level::Source)] {
            assert_eq!([level(number), level(number)], [below, Level::L1]);
        }
        tiered
    }

    /// Removes the keys of [`tiered`](Self::tiered).
    pub fn remove_tiered(&self, tiered: &Tiered) {
        let filled = sizes::TIERED_KEYS / 2;
        let loaded: Vec<u32> = (filled..sizes::TIERED_KEYS).collect();
        self.runtime.block_on(tiered.l2().delete(&loaded)).expect("keys deleted");
        self.remove(tiered.l2().clone(), filled);
    }

    fn levels(&self, capacity: u32) -> Tiered {
        let source = Source::varied(sizes::SOURCE_VALUES);
        let keys = sizes::TIERED_KEYS;
        let value = |number| Payload::clone(source.value(number));
        let l2 = self.cache(keys, keys / 2, Codec::plain(), value);
        Tiered::new(L1::empty(capacity, sizes::L1_LIFETIMES), l2, source)
    }

    /// Records the hit rates of both levels if the first has room for a tenth of the leads.
    pub fn record_tiered_hit_rates(&self) -> Result<(), RecordError> {
        let keys = sizes::TIERED_KEYS;
        let tiered = self.levels(keys / 10);
        let pattern = Pattern::Zipf { keys, skew: sizes::TIERED_SKEW };
        let observe = Observed::of_tiered(pattern, &tiered, sizes::TIERED_LOOKUPS);
        let observed = self.runtime.block_on(observe).expect("values");
        self.runtime.block_on(tiered.l2().clone().remove()).expect("the keys removed");
        observed.record_tiered("cache/tiered_zipf")
    }
}
