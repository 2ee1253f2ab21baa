//! The cache's benchmarks in which Redis takes part.

use std::cell::{Cell, OnceCell};
use std::time::Instant;

use benchgate_record::{self as record, RecordError};
use benchgate_record::{Metric, Unit};
use benchgate_suite::cache::{
    self, Codec, L1, Level, Observed, Pattern, Payload, RedisCache, Source, Tiered, ready,
};
use benchgate_suite::services::Redis;
use benchgate_suite::{SuiteError, sizes};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput};
use tokio::runtime::Runtime;

use super::{expected, in_batches, next, runtime};

type Group<'a> = BenchmarkGroup<'a, WallTime>;

/// All of them, or a reason in the record.
pub(crate) fn lookups(criterion: &mut Criterion) {
    let redis = match Redis::find() {
        Ok(redis) => redis,
        Err(unavailable) => {
            for subject in ["cache/redis_*", "cache/tiered_*"] {
                record::not_run(subject, &unavailable.reason).expect("recorded");
            }
            return;
        }
    };
    let bench = Bench { redis, runtime: runtime(1), told: OnceCell::new(), leads: OnceCell::new() };
    let mut group = criterion.benchmark_group("cache");
    bench.singly(&mut group);
    bench.together(&mut group);
    bench.compressed(&mut group);
    bench.tiered(&mut group);
    if let Some(leads) = bench.leads.get() {
        bench.remove(leads.clone(), sizes::REDIS_ENTRIES);
    }
}

struct Bench {
    redis: Redis,
    runtime: Runtime,
    told: OnceCell<()>,
    leads: OnceCell<RedisCache>,
}

impl Bench {
    /// Keys of leads, the first `filled` of which are there.
    fn cache(
        &self,
        entries: u32,
        filled: u32,
        codec: Codec,
        value: impl Fn(u32) -> Payload,
    ) -> RedisCache {
        // Once one of its benchmarks runs, the server has been measured.
        self.told.get_or_init(|| self.redis.record().expect("recorded"));
        self.runtime
            .block_on(async {
                let cache = RedisCache::claim(&self.redis, entries, codec).await?;
                cache.fill(0..filled, value).await?;
                Ok::<_, SuiteError>(cache)
            })
            .expect("a filled Redis")
    }

    /// [`sizes::REDIS_ENTRIES`] leads, and as many keys of others.
    fn leads(&self) -> &RedisCache {
        let entries = sizes::REDIS_ENTRIES;
        self.leads.get_or_init(|| self.cache(2 * entries, entries, Codec::plain(), cache::payload))
    }

    /// What expired or was evicted in the meantime would have been a miss.
    fn remove(&self, cache: RedisCache, entries: u32) {
        let removed = self.runtime.block_on(cache.remove()).expect("the keys removed");
        assert_eq!(removed, u64::from(entries), "all keys were there to the end");
    }

    fn singly(&self, group: &mut Group<'_>) {
        let entries = sizes::REDIS_ENTRIES;
        for (name, first) in [("redis_get_hit", 0), ("redis_get_miss", entries)] {
            let hits = first == 0;
            let numbers: Vec<u32> = (first..first + entries).collect();
            let turn = Cell::new(0);
            let checked = OnceCell::new();
            group.bench_function(name, |bencher| {
                let cache = self.leads();
                checked.get_or_init(|| {
                    let sum = self.runtime.block_on(cache.singles(&numbers)).expect("replies");
                    let right = if hits { expected(numbers.iter().copied()) } else { 0 };
                    assert_eq!(sum, right, "{name}");
                    if hits && record::wanted() {
                        self.latency(cache).expect("recorded");
                    }
                });
                bencher.to_async(&self.runtime).iter(|| async {
                    cache.checksum_of(*next(&numbers, &turn)).await.expect("a reply")
                });
            });
        }
    }

    /// The 99th percentile of single GETs.
    fn latency(&self, cache: &RedisCache) -> Result<(), RecordError> {
        let mut taken = Vec::new();
        self.runtime.block_on(async {
            for number in cache::order(sizes::REDIS_ENTRIES, sizes::REDIS_LATENCY_LOOKUPS) {
                let start = Instant::now();
                cache.checksum_of(number).await.expect("a reply");
                taken.push(start.elapsed());
            }
        });
        taken.sort_unstable();
        let p99 = taken[taken.len() * 99 / 100].as_nanos();
        let metric = Metric::sampled("latency.p99", Unit::Nanoseconds);
        record::value("cache/redis_get_hit", &metric, p99 as f64)
    }

    /// The same leads in as many round trips, in one, and by one command.
    fn together(&self, group: &mut Group<'_>) {
        #[derive(Clone, Copy)]
        enum How {
            Singles,
            Pipeline,
            Mget,
        }
        async fn ask(cache: &RedisCache, numbers: &[u32], how: How) -> u64 {
            match how {
                How::Singles => cache.singles(numbers).await,
                How::Pipeline => cache.pipelined(numbers).await,
                How::Mget => cache.mget(numbers).await,
            }
            .expect("replies")
        }
        let batch = sizes::REDIS_BATCH;
        let numbers: Vec<u32> = cache::order(sizes::REDIS_ENTRIES, batch).collect();
        group.throughput(Throughput::Elements(u64::from(batch)));
        for (name, how) in
            [("singles", How::Singles), ("pipeline", How::Pipeline), ("mget", How::Mget)]
        {
            group.bench_function(format!("redis_{name}_{batch}"), |bencher| {
                let cache = self.leads();
                let sum = self.runtime.block_on(ask(cache, &numbers, how));
                assert_eq!(sum, expected(numbers.iter().copied()), "{name}");
                bencher.to_async(&self.runtime).iter(|| ask(cache, &numbers, how));
            });
        }
    }

    /// Large values, as they are and compressed.
    fn compressed(&self, group: &mut Group<'_>) {
        let documents = sizes::REDIS_DOCUMENTS;
        let numbers: Vec<u32> = (0..documents).collect();
        let right: OnceCell<u64> = OnceCell::new();
        group.throughput(Throughput::Bytes(sizes::DOCUMENT_BYTES as u64));
        for (name, codec) in [
            ("redis_get_16k", Codec::plain()),
            ("redis_get_16k_compressed", Codec::compressing_from(sizes::COMPRESSION_THRESHOLD)),
        ] {
            let filled = OnceCell::new();
            let turn = Cell::new(0);
            group.bench_function(name, |bencher| {
                let cache: &RedisCache = filled.get_or_init(|| {
                    let cache = self.cache(documents, documents, codec, cache::document);
                    let right = right.get_or_init(|| {
                        numbers.iter().map(|n| cache::checksum(&cache::document(*n))).sum()
                    });
                    let sum = self.runtime.block_on(cache.singles(&numbers)).expect("replies");
                    assert_eq!(sum, *right, "{name}");
                    self.stored(name, &cache, &numbers).expect("recorded");
                    cache
                });
                bencher.to_async(&self.runtime).iter(|| async {
                    cache.checksum_of(*next(&numbers, &turn)).await.expect("a reply")
                });
            });
            if let Some(cache) = filled.into_inner() {
                self.remove(cache, documents);
            }
        }
    }

    /// What the values take in Redis, on average.
    fn stored(&self, name: &str, cache: &RedisCache, of: &[u32]) -> Result<(), RecordError> {
        let mut sum = 0;
        for number in of {
            sum += self.runtime.block_on(cache.stored_bytes(*number)).expect("a length");
        }
        let metric = Metric::counted("bytes", Unit::Bytes);
        record::value(&format!("cache/{name}"), &metric, sum as f64 / of.len() as f64)
    }

    /// Through both levels: found in the first, promoted from the second, and
    /// loaded from the source.
    fn tiered(&self, group: &mut Group<'_>) {
        let filled = sizes::TIERED_KEYS / 2;
        let built = OnceCell::new();
        let tiered = || -> &Tiered {
            built.get_or_init(|| {
                let tiered = self.levels(sizes::L1_CAPACITY);
                let level = |n| self.runtime.block_on(tiered.lookup(n)).expect("a value").level;
                for (number, below) in [(0, Level::L2), (filled, Level::Source)] {
                    assert_eq!([level(number), level(number)], [below, Level::L1]);
                }
                tiered
            })
        };
        let right = |tiered: &Tiered, numbers: &[u32]| -> u64 {
            numbers.iter().map(|n| cache::checksum(tiered.source().value(*n))).sum()
        };

        group.throughput(Throughput::Elements(1));
        let turn = Cell::new(0);
        let numbers: Vec<u32> = (0..filled).collect();
        group.bench_function("tiered_hit", |bencher| {
            let tiered = tiered();
            let sum = self.runtime.block_on(tiered.sum(&numbers)).expect("values");
            assert_eq!(sum, right(tiered, &numbers));
            bencher.iter(|| ready(tiered.checksum_of(*next(&numbers, &turn))).expect("a hit"));
        });

        for (name, first, deleted) in [("promoted", 0, false), ("loaded", filled, true)] {
            let recorded = OnceCell::new();
            group.bench_function(format!("tiered_{name}"), |bencher| {
                let tiered = tiered();
                recorded.get_or_init(|| {
                    if !deleted && record::wanted() {
                        self.hit_rates().expect("recorded");
                    }
                });
                let prepare = |count: usize| {
                    let numbers: Vec<u32> = (first..filled + first).take(count).collect();
                    for number in &numbers {
                        ready(tiered.l1().invalidate(&cache::key(*number)));
                    }
                    if deleted {
                        let delete = tiered.l2().delete(&numbers);
                        self.runtime.block_on(delete).expect("keys deleted");
                    }
                    (numbers, tiered.source().loads())
                };
                let body = |(numbers, _): &(Vec<u32>, u64)| {
                    self.runtime.block_on(tiered.sum(numbers)).expect("values")
                };
                let check = |(numbers, loads): &(Vec<u32>, u64), sum| {
                    assert_eq!(sum, right(tiered, numbers), "each lead's own value");
                    let loaded = if deleted { numbers.len() as u64 } else { 0 };
                    assert_eq!(tiered.source().loads() - loads, loaded, "what was loaded");
                };
                bencher.iter_custom(|iterations| in_batches(iterations, prepare, body, check));
            });
        }
        if let Some(tiered) = built.into_inner() {
            self.runtime
                .block_on(tiered.l2().delete(&(filled..sizes::TIERED_KEYS).collect::<Vec<u32>>()))
                .expect("keys deleted");
            self.remove(tiered.l2().clone(), filled);
        }
    }

    /// A first level with room for so many entries, over a second one that holds
    /// the first half of the leads.
    fn levels(&self, room: u32) -> Tiered {
        let source = Source::varied(sizes::SOURCE_VALUES);
        let keys = sizes::TIERED_KEYS;
        let value = |number| Payload::clone(source.value(number));
        let l2 = self.cache(keys, keys / 2, Codec::plain(), value);
        Tiered::new(L1::empty(room, sizes::L1_LIFETIMES), l2, source)
    }

    /// What each level answers where the first has room for a tenth of the leads.
    fn hit_rates(&self) -> Result<(), RecordError> {
        let keys = sizes::TIERED_KEYS;
        let tiered = self.levels(keys / 10);
        let pattern = Pattern::Zipf { keys, skew: sizes::TIERED_SKEW };
        let observed = Observed::of_tiered(pattern, &tiered, sizes::TIERED_LOOKUPS);
        let observed = self.runtime.block_on(observed).expect("values");
        self.runtime.block_on(tiered.l2().clone().remove()).expect("the keys removed");
        observed.record_tiered("cache/tiered_zipf")
    }
}
