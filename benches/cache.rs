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
//! | `cache/redis_get_hit` | A GET of one value over one managed connection. | `latency` | Redis | high |
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

use std::cell::OnceCell;
use std::hint::black_box;
use std::time::Duration;

use benchgate_record::{self as record, Metric, Unit};
use benchgate_suite::bench::{Cycle, runtime, timed_in_batches};
use benchgate_suite::cache::{
    self, Codec, Crowd, L1, Lifetimes, Pattern, Source, TtlClass, payload_checksum, ready,
};
use benchgate_suite::sizes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

mod clock;
mod redis_cache;

fn l1(criterion: &mut Criterion) {
    let filled = OnceCell::new();
    let l1 = || filled.get_or_init(|| ready(L1::filled(sizes::L1_ENTRIES)));
    // Checks the lookups, then does their housekeeping so that the first timed lookup does
    // not.
    let checked = |keys: Vec<String>, expected: u64| {
        let sum: u64 = keys.iter().map(|key| ready(l1().checksum_of(key))).sum();
        ready(l1().settle());
        assert_eq!(sum, expected);
        Cycle::new(keys)
    };
    let numbers = || cache::order(sizes::L1_ENTRIES, sizes::LOOKUP_KEYS);
    let mut group = criterion.benchmark_group("cache");

    let hits = OnceCell::new();
    group.bench_function("l1_hit", |bencher| {
        let keys = hits.get_or_init(|| {
            checked(numbers().map(cache::key).collect(), payload_checksum(numbers()))
        });
        let l1 = l1();
        bencher.iter(|| ready(l1.checksum_of(keys.next())));
    });

    let misses = OnceCell::new();
    group.bench_function("l1_miss", |bencher| {
        let keys = misses.get_or_init(|| {
            checked(numbers().map(|number| cache::key(sizes::L1_ENTRIES + number)).collect(), 0)
        });
        let l1 = l1();
        bencher.iter(|| ready(l1.checksum_of(keys.next())));
    });

    // With a lifetime of zero, every lookup finds an expired entry and replaces it by an
    // entry that expires at once.
    let expired = OnceCell::new();
    group.bench_function("l1_expired", |bencher| {
        let (l1, source, numbers) = expired.get_or_init(|| {
            let l1 = L1::empty(sizes::L1_CAPACITY, Lifetimes::all(Duration::ZERO));
            ready(l1.insert(cache::key(0), cache::payload(0), TtlClass::Standard));
            assert_eq!(ready(l1.checksum_of(&cache::key(0))), 0, "it has expired");
            let source = Source::even(sizes::SOURCE_VALUES);
            let (payload, loaded) = ready(l1.get_or_load(0, &source));
            assert_eq!((cache::checksum(&payload), loaded), (payload_checksum([0]), true));
            (l1, source, Cycle::new(numbers().collect()))
        });
        let (loads, lookups) = (source.loads(), numbers.taken());
        bencher.iter(|| cache::checksum(&ready(l1.get_or_load(*numbers.next(), source)).0));
        let lookups = (numbers.taken() - lookups) as u64;
        assert_eq!(source.loads() - loads, lookups, "each lookup loads the value");
    });
}

/// Reads through a cache that has room for fewer entries than there are leads.
fn patterns(criterion: &mut Criterion) {
    let filling = OnceCell::new();
    criterion.benchmark_group("cache").bench_function("zipf", |bencher| {
        let (l1, source) = filling.get_or_init(|| {
            if record::wanted() {
                cache::record_hit_rates().expect("recorded");
            }
            let l1 = L1::empty(sizes::L1_CAPACITY, sizes::L1_LIFETIMES);
            (l1, Source::varied(sizes::SOURCE_VALUES))
        });
        let mut keys = Pattern::DEFAULT.keys();
        // Drawing a key takes as long as a lookup, so it is not timed.
        bencher.iter_custom(|iterations| {
            timed_in_batches(
                iterations,
                |count| keys.by_ref().take(count).collect::<Vec<u32>>(),
                |numbers| {
                    let value = |number: &u32| ready(l1.get_or_load(*number, source)).0;
                    numbers.iter().map(|number| cache::checksum(&value(number))).sum()
                },
                |numbers, sum| {
                    let expected = |number: &u32| cache::checksum(source.value(*number));
                    let expected: u64 = numbers.iter().map(expected).sum();
                    assert_eq!(sum, expected, "each lead's own value");
                },
            )
        });
    });
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
        let threads = OnceCell::new();
        group.bench_function(format!("contention_{tasks}"), |bencher| {
            let (crowd, single) = crowd();
            let runtime = threads.get_or_init(|| runtime(sizes::CONTENTION_THREADS));
            assert_eq!(runtime.block_on(crowd.contend(tasks)), *single, "the same lookups");
            bencher.to_async(runtime).iter(|| crowd.contend(tasks));
        });
    }

    let callers = sizes::STAMPEDE_CALLERS;
    group.throughput(Throughput::Elements(callers as u64));
    for (name, protected, loads) in
        [("single_flight", true, 1), ("stampede", false, callers as u64)]
    {
        let id = format!("{name}_{callers}");
        let checked = OnceCell::new();
        group.bench_function(&id, |bencher| {
            let (crowd, _) = crowd();
            let runtime = checked.get_or_init(|| {
                let runtime = runtime(1);
                let before = crowd.source().loads();
                let sum = runtime.block_on(crowd.stampede(callers, protected));
                assert_eq!(sum, callers as u64 * payload_checksum([0]), "the value for each");
                let loaded = crowd.source().loads() - before;
                assert_eq!(loaded, loads, "loads from the source");
                let metric = Metric::counted("loads", Unit::Count);
                record::value(&format!("cache/{id}"), &metric, loaded as f64).expect("recorded");
                runtime
            });
            bencher.to_async(runtime).iter(|| crowd.stampede(callers, protected));
        });
    }
}

/// Compressing a large value, and decompressing it.
fn codec(criterion: &mut Criterion) {
    let codec = Codec::compressing_from(sizes::COMPRESSION_THRESHOLD);
    let checked = OnceCell::new();
    let value = || {
        checked.get_or_init(|| {
            let value = cache::document(1);
            let stored = codec.encode(&value);
            assert!(stored.len() < value.len() / 2, "{} of {}", stored.len(), value.len());
            assert_eq!(Codec::decode(&stored).expect("a value"), value);
            (value, stored)
        })
    };
    let mut group = criterion.benchmark_group("cache");
    group.throughput(Throughput::Bytes(sizes::DOCUMENT_BYTES as u64));
    group.bench_function("compress_16k", |bencher| {
        let (value, _) = value();
        bencher.iter(|| codec.encode(black_box(value)).len());
    });
    group.bench_function("decompress_16k", |bencher| {
        let (_, stored) = value();
        bencher.iter(|| cache::checksum(&Codec::decode(black_box(stored)).expect("a value")));
    });
}

criterion_group! {
    name = benches;
    config = clock::settings();
    targets = l1, patterns, crowd, codec, redis_cache::lookups
}
criterion_main!(benches);
