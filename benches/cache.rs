//! Cache lookups: in the process (moka), by several tasks at once, in Redis, and
//! through both levels. Cached values have 1 KiB unless stated otherwise.
//!
//! | benchmark | measures | other metrics | needs | noise |
//! |---|---|---|---|---|
//! | `cache/l1_hit` | A lookup in the process that finds its value, among 1,000 entries. | – | – | low |
//! | `cache/l1_miss` | A lookup in the process that finds nothing. | – | – | low |
//! | `cache/l1_expired` | A lookup of a value whose lifetime has ended: it is loaded from the source and inserted again. | – | – | low |
//! | `cache/zipf` | A read through a cache with room for 50,000 entries. The keys of 100,000 leads are drawn from a Zipf distribution with skew 1.1. | `hit_rate`, `hit_rate.hot`, `hit_rate.cold`, `bytes`, `evictions` | – | middle |
//! | `cache/contention_{1,2,8}` | 4,000 hits, shared evenly by 1, 2 or 8 tasks on two threads. | – | – | middle for one task, high for more |
//! | `cache/single_flight_8` | Eight callers ask for the same missing value at once. One of them loads it for all. | `loads` | – | middle |
//! | `cache/stampede_8` | The same without that protection: each caller loads the value. | `loads` | – | middle |
//! | `cache/compress_16k` | Compressing a document of 16 KiB with lz4. | – | – | low |
//! | `cache/decompress_16k` | Decompressing it. | – | – | low |
//! | `cache/redis_get_hit` | A GET of one value over one managed connection. | `latency.p99` | Redis | high |
//! | `cache/redis_get_miss` | A GET of a key that does not exist. | – | Redis | high |
//! | `cache/redis_singles_32` | 32 values in 32 GETs, each a round trip of its own. | – | Redis | high |
//! | `cache/redis_pipeline_32` | The same 32 GETs in one pipeline: one round trip. | – | Redis | high |
//! | `cache/redis_mget_32` | The same 32 values with one MGET. | – | Redis | high |
//! | `cache/redis_get_16k` | A GET of a document of 16 KiB. | `bytes` | Redis | high |
//! | `cache/redis_get_16k_compressed` | A GET of the same document, stored with lz4 and decompressed after the reply. | `bytes` | Redis | high |
//! | `cache/tiered_hit` | A lookup through both levels that finds its value in the process. | – | Redis | low |
//! | `cache/tiered_promoted` | A lookup that finds its value in Redis and copies it into the process. | – | Redis | high |
//! | `cache/tiered_loaded` | A lookup that finds its value in neither level and loads it from the source. | – | Redis | high |
//!
//! Hit rates of other access patterns are recorded without a time. They are counts: the lookups
//! are the same in every run.
//!
//! | also recorded | what it is | metrics | needs |
//! |---|---|---|---|
//! | `cache/zipf/{100000_keys_skew_0.8,100000_keys_skew_1.3,500000_keys_skew_0.8,500000_keys_skew_1.1,500000_keys_skew_1.3}` | The reads of `cache/zipf` with another number of leads or another skew. | `hit_rate`, `hit_rate.hot`, `hit_rate.cold`, `bytes`, `evictions` | – |
//! | `cache/hot_cold` | 100,000 leads, of which 20,000 get 90% of the reads. | `hit_rate`, `hit_rate.hot`, `hit_rate.cold`, `bytes`, `evictions` | – |
//! | `cache/tiered_zipf` | 5,000 reads of 4,000 leads through both levels. The process has room for a tenth of them; Redis holds half. | `hit_rate`, `hit_rate.l1`, `hit_rate.l2` | Redis |

use std::cell::{Cell, OnceCell};
use std::time::{Duration, Instant};

use benchgate_record as record;
use benchgate_record::{Metric, Unit};
use benchgate_suite::cache::{
    self, Codec, Crowd, L1, Lifetimes, Observed, Pattern, Source, TtlClass, ready,
};
use benchgate_suite::sizes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

mod redis_cache;

/// Goes through `items` again and again, over all samples of a benchmark.
fn next<'a, T>(items: &'a [T], turn: &Cell<usize>) -> &'a T {
    let now = turn.get();
    turn.set(now + 1);
    &items[now % items.len()]
}

/// The sum of checksums of what was put in under these numbers.
fn expected(numbers: impl IntoIterator<Item = u32>) -> u64 {
    numbers.into_iter().map(|number| cache::checksum(&cache::payload(number))).sum()
}

fn l1(criterion: &mut Criterion) {
    let filled = OnceCell::new();
    let l1 = || filled.get_or_init(|| ready(L1::filled(sizes::L1_ENTRIES)));
    // Checks the lookups, and leaves no housekeeping of them to the first one timed.
    let sum = |keys: &[String]| -> u64 {
        let sum = keys.iter().map(|key| ready(l1().checksum_of(key))).sum();
        ready(l1().settle());
        sum
    };
    let mut group = criterion.benchmark_group("cache");

    let hits = OnceCell::new();
    let turn = Cell::new(0);
    group.bench_function("l1_hit", |bencher| {
        let keys: &[String] = hits.get_or_init(|| {
            let order = || cache::order(sizes::L1_ENTRIES, sizes::LOOKUP_KEYS);
            let keys: Vec<String> = order().map(cache::key).collect();
            assert_eq!(sum(&keys), expected(order()), "every lookup is a hit");
            keys
        });
        let l1 = l1();
        bencher.iter(|| ready(l1.checksum_of(next::<String>(keys, &turn))));
    });

    let misses = OnceCell::new();
    let turn = Cell::new(0);
    group.bench_function("l1_miss", |bencher| {
        let keys: &[String] = misses.get_or_init(|| {
            let keys: Vec<String> = cache::order(sizes::L1_ENTRIES, sizes::LOOKUP_KEYS)
                .map(|n| cache::key(sizes::L1_ENTRIES + n))
                .collect();
            assert_eq!(sum(&keys), 0, "every lookup is a miss");
            keys
        });
        let l1 = l1();
        bencher.iter(|| ready(l1.checksum_of(next::<String>(keys, &turn))));
    });

    // Of no lifetime at all: whenever it is asked for, its time is over. What
    // takes its place is as short-lived.
    let expired = OnceCell::new();
    let turn = Cell::new(0);
    group.bench_function("l1_expired", |bencher| {
        let (l1, source): &(L1, Source) = expired.get_or_init(|| {
            let l1 = L1::empty(sizes::L1_CAPACITY, Lifetimes::all(Duration::ZERO));
            ready(l1.insert(cache::key(0), cache::payload(0), TtlClass::Standard));
            assert_eq!(ready(l1.checksum_of(&cache::key(0))), 0, "its time is over");
            let source = Source::even(sizes::SOURCE_VALUES);
            let (payload, loaded) = ready(l1.get_or_load(0, &source));
            assert_eq!((cache::checksum(&payload), loaded), (expected([0]), true));
            (l1, source)
        });
        let numbers: Vec<u32> = cache::order(sizes::L1_ENTRIES, sizes::LOOKUP_KEYS).collect();
        let before = source.loads();
        let asked = turn.get();
        bencher.iter(|| cache::checksum(&ready(l1.get_or_load(*next(&numbers, &turn), source)).0));
        assert_eq!(source.loads() - before, (turn.get() - asked) as u64, "each one is loaded");
    });
}

/// Reads through a cache of fewer entries than there are leads.
fn patterns(criterion: &mut Criterion) {
    let filling = OnceCell::new();
    criterion.benchmark_group("cache").bench_function("zipf", |bencher| {
        let (l1, source) = filling.get_or_init(|| {
            if record::wanted() {
                hit_rates().expect("recorded");
            }
            let l1 = L1::empty(sizes::L1_CAPACITY, sizes::L1_LIFETIMES);
            (l1, Source::varied(sizes::SOURCE_VALUES))
        });
        let mut keys = Pattern::DEFAULT.keys();
        // Drawing a key takes as long as a lookup: not part of it.
        bencher.iter_custom(|iterations| {
            in_batches(
                iterations,
                |count| keys.by_ref().take(count).collect::<Vec<u32>>(),
                |numbers| {
                    let value = |n: &u32| ready(l1.get_or_load(*n, source)).0;
                    numbers.iter().map(|n| cache::checksum(&value(n))).sum()
                },
                |numbers, sum: u64| {
                    let right: u64 =
                        numbers.iter().map(|n| cache::checksum(source.value(*n))).sum();
                    assert_eq!(sum, right, "each lead's own value");
                },
            )
        });
    });
}

/// The hit rates of all patterns, each on a cache of its own.
fn hit_rates() -> Result<(), record::RecordError> {
    let observe = |pattern| {
        let capacity = sizes::L1_CAPACITY;
        Observed::of_l1(pattern, capacity, sizes::ZIPF_WARM_UP, sizes::ZIPF_LOOKUPS)
    };
    for keys in sizes::ZIPF_WORKING_SETS {
        for skew in sizes::ZIPF_SKEWS {
            let pattern = Pattern::Zipf { keys, skew };
            let id = if pattern == Pattern::DEFAULT {
                "cache/zipf".to_owned()
            } else {
                format!("cache/zipf/{keys}_keys_skew_{skew}")
            };
            observe(pattern).record(&id)?;
        }
    }
    let (keys, hot, share) = sizes::HOT_COLD;
    observe(Pattern::HotCold { keys, hot, share }).record("cache/hot_cold")
}

/// Times `iterations` in batches: what `prepare` makes for so many is not timed,
/// nor is the check of the sum that the batch gives.
fn in_batches<T>(
    iterations: u64,
    mut prepare: impl FnMut(usize) -> T,
    mut body: impl FnMut(&T) -> u64,
    mut check: impl FnMut(&T, u64),
) -> Duration {
    const BATCH: u64 = 500;
    let mut timed = Duration::ZERO;
    let mut left = iterations;
    while left > 0 {
        let count = left.min(BATCH);
        let prepared = prepare(usize::try_from(count).expect("a small batch"));
        let start = Instant::now();
        let sum = body(&prepared);
        timed += start.elapsed();
        check(&prepared, sum);
        left -= count;
    }
    timed
}

/// Tasks that share a cache, and callers who all want the same missing value.
fn crowd(criterion: &mut Criterion) {
    let built = OnceCell::new();
    let crowd = || {
        built.get_or_init(|| {
            let crowd = ready(Crowd::new());
            let sum = runtime(1).block_on(crowd.contend(1));
            (crowd, sum)
        })
    };
    let mut group = criterion.benchmark_group("cache");
    group.throughput(Throughput::Elements(u64::from(sizes::CONTENTION_LOOKUPS)));
    for tasks in sizes::CONTENTION_TASKS {
        let runtime = OnceCell::new();
        group.bench_function(format!("contention_{tasks}"), |bencher| {
            let (crowd, alone) = crowd();
            let runtime = runtime.get_or_init(|| self::runtime(sizes::CONTENTION_THREADS));
            assert_eq!(runtime.block_on(crowd.contend(tasks)), *alone, "the same lookups");
            bencher.to_async(runtime).iter(|| crowd.contend(tasks));
        });
    }

    let callers = sizes::STAMPEDE_CALLERS;
    group.throughput(Throughput::Elements(callers as u64));
    for (name, protected, loads) in
        [("single_flight", true, 1), ("stampede", false, callers as u64)]
    {
        let id = format!("{name}_{callers}");
        let runtime = OnceCell::new();
        group.bench_function(&id, |bencher| {
            let (crowd, _) = crowd();
            let runtime = runtime.get_or_init(|| {
                let runtime = self::runtime(1);
                let before = crowd.source().loads();
                let sum = runtime.block_on(crowd.stampede(callers, protected));
                assert_eq!(sum, callers as u64 * expected([0]), "the value for each");
                let asked = crowd.source().loads() - before;
                assert_eq!(asked, loads, "what the source is asked");
                let metric = Metric::counted("loads", Unit::Count);
                record::value(&format!("cache/{id}"), &metric, asked as f64).expect("recorded");
                runtime
            });
            bencher.to_async(runtime).iter(|| crowd.stampede(callers, protected));
        });
    }
}

/// One thread stands for itself: without others to hand work to.
fn runtime(threads: usize) -> tokio::runtime::Runtime {
    let mut builder = if threads == 1 {
        tokio::runtime::Builder::new_current_thread()
    } else {
        tokio::runtime::Builder::new_multi_thread()
    };
    builder.worker_threads(threads).enable_all().build().expect("a runtime")
}

/// What compressing a large value takes, and bringing it back.
fn codec(criterion: &mut Criterion) {
    let value = OnceCell::new();
    let value = || {
        value.get_or_init(|| {
            let value = cache::document(1);
            let stored = Codec::compressing_from(sizes::COMPRESSION_THRESHOLD).encode(&value);
            assert!(stored.len() < value.len() / 2, "{} of {}", stored.len(), value.len());
            assert_eq!(Codec::decode(&stored).expect("a value"), value);
            (value, stored)
        })
    };
    let mut group = criterion.benchmark_group("cache");
    group.throughput(Throughput::Bytes(sizes::DOCUMENT_BYTES as u64));
    group.bench_function("compress_16k", |bencher| {
        let (value, _) = value();
        let codec = Codec::compressing_from(sizes::COMPRESSION_THRESHOLD);
        bencher.iter(|| codec.encode(std::hint::black_box(value)).len());
    });
    group.bench_function("decompress_16k", |bencher| {
        let (_, stored) = value();
        bencher.iter(|| {
            cache::checksum(&Codec::decode(std::hint::black_box(stored)).expect("a value"))
        });
    });
}

fn times() -> Criterion {
    Criterion::default()
        .warm_up_time(sizes::CLOCK_WARM_UP)
        .measurement_time(sizes::CLOCK_TIME)
        .sample_size(sizes::CLOCK_SAMPLES)
}

criterion_group! {
    name = benches;
    config = times();
    targets = l1, patterns, crowd, codec, redis_cache::lookups
}
criterion_main!(benches);
