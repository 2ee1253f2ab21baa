//! The cache's benchmarks with Redis.

use std::cell::OnceCell;

use benchgate_record as record;
use benchgate_suite::bench::{Cycle, timed_in_batches};
use benchgate_suite::cache::{
    self, BatchRead, Codec, Fixture, RedisCache, Tiered, payload_checksum, ready,
};
use benchgate_suite::services::Redis;
use benchgate_suite::sizes;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput};

type Group<'a> = BenchmarkGroup<'a, WallTime>;

/// Runs all of these benchmarks, or records why Redis is not available.
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
    let mut fixture = Fixture::new(redis);
    let mut group = criterion.benchmark_group("cache");
    single_keys(&fixture, &mut group);
    batches(&fixture, &mut group);
    large_values(&fixture, &mut group);
    tiered(&fixture, &mut group);
    fixture.remove_leads();
}

fn single_keys(fixture: &Fixture, group: &mut Group<'_>) {
    let entries = sizes::REDIS_ENTRIES;
    for (name, first) in [("redis_get_hit", 0), ("redis_get_miss", entries)] {
        let hits = first == 0;
        let numbers = Cycle::new((first..first + entries).collect());
        let checked = OnceCell::new();
        group.bench_function(name, |bencher| {
            let cache = fixture.leads();
            checked.get_or_init(|| {
                let lookups = cache.singles(numbers.items());
                let sum = fixture.runtime().block_on(lookups).expect("replies");
                let expected =
                    if hits { payload_checksum(numbers.items().iter().copied()) } else { 0 };
                assert_eq!(sum, expected, "{name}");
                if hits && record::wanted() {
                    fixture.record_latency().expect("recorded");
                }
            });
            bencher
                .to_async(fixture.runtime())
                .iter(|| async { cache.checksum_of(*numbers.next()).await.expect("a reply") });
        });
    }
}

/// Reads of the same leads in many round trips, in one round trip, and with one command.
fn batches(fixture: &Fixture, group: &mut Group<'_>) {
    let batch = sizes::REDIS_BATCH;
    let numbers: Vec<u32> = cache::order(sizes::REDIS_ENTRIES, batch).collect();
    group.throughput(Throughput::Elements(u64::from(batch)));
    for way in BatchRead::ALL {
        group.bench_function(format!("redis_{}_{batch}", way.name()), |bencher| {
            let cache = fixture.leads();
            let read = || async { cache.read_batch(&numbers, way).await.expect("replies") };
            let sum = fixture.runtime().block_on(read());
            assert_eq!(sum, payload_checksum(numbers.iter().copied()), "{way:?}");
            bencher.to_async(fixture.runtime()).iter(read);
        });
    }
}

/// Large values, plain and compressed.
fn large_values(fixture: &Fixture, group: &mut Group<'_>) {
    let documents = sizes::REDIS_DOCUMENTS;
    group.throughput(Throughput::Bytes(sizes::DOCUMENT_BYTES as u64));
    for (name, codec) in [
        ("redis_get_16k", Codec::plain()),
        ("redis_get_16k_compressed", Codec::compressing_from(sizes::COMPRESSION_THRESHOLD)),
    ] {
        let numbers = Cycle::new((0..documents).collect());
        let filled = OnceCell::new();
        group.bench_function(name, |bencher| {
            let cache: &RedisCache =
                filled.get_or_init(|| fixture.documents(name, codec, numbers.items()));
            bencher
                .to_async(fixture.runtime())
                .iter(|| async { cache.checksum_of(*numbers.next()).await.expect("a reply") });
        });
        if let Some(cache) = filled.into_inner() {
            fixture.remove(cache, documents);
        }
    }
}

/// Lookups through both levels: found in the first, promoted from the second, and loaded from
/// the source.
fn tiered(fixture: &Fixture, group: &mut Group<'_>) {
    let filled = sizes::TIERED_KEYS / 2;
    let built = OnceCell::new();
    let tiered = || -> &Tiered { built.get_or_init(|| fixture.tiered()) };
    let expected = |tiered: &Tiered, numbers: &[u32]| -> u64 {
        numbers.iter().map(|number| cache::checksum(tiered.source().value(*number))).sum()
    };

    group.throughput(Throughput::Elements(1));
    let numbers = Cycle::new((0..filled).collect());
    group.bench_function("tiered_hit", |bencher| {
        let tiered = tiered();
        let sum = fixture.runtime().block_on(tiered.sum(numbers.items())).expect("values");
        assert_eq!(sum, expected(tiered, numbers.items()));
        bencher.iter(|| ready(tiered.checksum_of(*numbers.next())).expect("a hit"));
    });

    for (name, first, deleted) in [("promoted", 0, false), ("loaded", filled, true)] {
        let recorded = OnceCell::new();
        group.bench_function(format!("tiered_{name}"), |bencher| {
            let tiered = tiered();
            recorded.get_or_init(|| {
                if !deleted && record::wanted() {
                    fixture.record_tiered_hit_rates().expect("recorded");
                }
            });
            let prepare = |count: usize| {
                let numbers: Vec<u32> = (first..filled + first).take(count).collect();
                for number in &numbers {
                    ready(tiered.l1().invalidate(&cache::key(*number)));
                }
                if deleted {
                    let delete = tiered.l2().delete(&numbers);
                    fixture.runtime().block_on(delete).expect("keys deleted");
                }
                (numbers, tiered.source().loads())
            };
            let body = |(numbers, _): &(Vec<u32>, u64)| {
                fixture.runtime().block_on(tiered.sum(numbers)).expect("values")
            };
            let check = |(numbers, loads): &(Vec<u32>, u64), sum| {
                assert_eq!(sum, expected(tiered, numbers), "each lead's own value");
                let loaded = if deleted { numbers.len() as u64 } else { 0 };
                assert_eq!(tiered.source().loads() - loads, loaded, "loads from the source");
            };
            bencher.iter_custom(|iterations| timed_in_batches(iterations, prepare, body, check));
        });
    }
    if let Some(tiered) = built.into_inner() {
        fixture.remove_tiered(&tiered);
    }
}
