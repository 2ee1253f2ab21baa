//! Cache lookups: in the process, and in Redis where there is one.

use std::cell::{Cell, OnceCell};

use benchgate::record;
use benchgate::suite::cache::{self, L1, RedisCache, ready};
use benchgate::suite::services::Redis;
use benchgate::suite::sizes;
use criterion::{Criterion, criterion_group, criterion_main};

/// Goes through `items` again and again, over all samples of a benchmark.
fn next<'a, T>(items: &'a [T], turn: &Cell<usize>) -> &'a T {
    let now = turn.get();
    turn.set(now + 1);
    &items[now % items.len()]
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
            let expected: u64 = order().map(|n| cache::checksum(&cache::payload(n))).sum();
            assert_eq!(sum(&keys), expected, "every lookup is a hit");
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
}

fn redis(criterion: &mut Criterion) {
    const ID: &str = "redis_get_hit";
    let redis = match Redis::find() {
        Ok(redis) => redis,
        Err(unavailable) => {
            record::not_run(&format!("cache/{ID}"), &unavailable.reason).expect("recorded");
            return;
        }
    };
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let filled = OnceCell::new();
    let numbers: Vec<u32> = (0..sizes::REDIS_ENTRIES).collect();
    let turn = Cell::new(0);
    criterion.benchmark_group("cache").bench_function(ID, |bencher| {
        let cache: &RedisCache = filled.get_or_init(|| {
            redis.record().expect("recorded");
            runtime.block_on(async {
                let cache =
                    RedisCache::filled(&redis, sizes::REDIS_ENTRIES).await.expect("a filled Redis");
                for number in &numbers {
                    let found = cache.checksum_of(*number).await.expect("a reply");
                    assert_eq!(found, cache::checksum(&cache::payload(*number)), "lead {number}");
                }
                cache
            })
        });
        bencher
            .to_async(&runtime)
            .iter(|| async { cache.checksum_of(*next(&numbers, &turn)).await.expect("a reply") });
    });
    if let Some(cache) = filled.into_inner() {
        let removed = runtime.block_on(cache.remove()).expect("the keys removed");
        assert_eq!(removed, u64::from(sizes::REDIS_ENTRIES), "all keys were there to the end");
    }
}

criterion_group!(benches, l1, redis);
criterion_main!(benches);
