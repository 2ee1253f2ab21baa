//! The levels of the cache: their content, its lifetime, and refused values.

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use benchgate_suite::cache::{
    self, BatchRead, CacheError, Codec, CodecError, Crowd, L1, Level, Lifetimes, Observed, Pattern,
    RedisCache, Source, Tiered, TtlClass, ready,
};
use benchgate_suite::services::Redis;
use benchgate_suite::sizes;
use proptest::prelude::*;

const HOUR: Duration = Duration::from_hours(1);

#[test]
fn each_class_of_value_has_its_own_lifetime() {
    let lifetimes = Lifetimes { live: Duration::ZERO, standard: HOUR, reference: HOUR };
    let l1 = L1::empty(10, lifetimes);
    for (number, class) in [(1, TtlClass::Live), (2, TtlClass::Standard), (3, TtlClass::Reference)]
    {
        ready(l1.insert(cache::key(number), cache::payload(number), class));
    }
    assert_eq!(ready(l1.lookup(&cache::key(1))), None);
    assert_eq!(ready(l1.lookup(&cache::key(2))), Some(cache::payload(2)));
    assert_eq!(ready(l1.lookup(&cache::key(3))), Some(cache::payload(3)));
}

#[test]
fn an_update_gives_the_lifetime_of_the_new_class() {
    let l1 = L1::empty(10, Lifetimes { live: Duration::ZERO, standard: HOUR, reference: HOUR });
    ready(l1.insert(cache::key(1), cache::payload(1), TtlClass::Standard));
    ready(l1.insert(cache::key(1), cache::payload(1), TtlClass::Live));
    assert_eq!(ready(l1.lookup(&cache::key(1))), None);
}

#[test]
fn leads_are_of_every_class() {
    let class = |number| TtlClass::of(number);
    assert_eq!(class(0), TtlClass::Standard);
    assert_eq!(class(1), TtlClass::Live);
    assert_eq!(class(5), TtlClass::Reference);
    assert_eq!(class(9), TtlClass::Live);
}

#[test]
fn the_first_level_is_bounded_by_bytes() {
    let l1 = L1::empty(10, Lifetimes::all(HOUR));
    let put = |number, bytes| {
        let value = cache::sized_payload(number, bytes);
        ready(l1.insert(cache::key(number), value, TtlClass::Standard));
        ready(l1.settle());
    };
    for number in 0..40 {
        put(number, 1024);
    }
    // A key has 21 bytes.
    assert_eq!((l1.entries(), l1.bytes()), (10, 10 * 1045));
    // Larger than the whole cache.
    put(99, 16 * 1024);
    assert_eq!(ready(l1.lookup(&cache::key(99))), None);
    assert_eq!(l1.entries(), 10);
}

#[test]
fn a_loaded_value_is_kept() {
    let l1 = L1::empty(10, Lifetimes::all(HOUR));
    let source = Source::even(4);
    assert_eq!(ready(l1.get_or_load(6, &source)), (cache::payload(2), true));
    assert_eq!(ready(l1.get_or_load(6, &source)), (cache::payload(2), false));
    assert_eq!(source.loads(), 1);
}

#[tokio::test]
async fn in_a_stampede_one_caller_asks_the_source() {
    let crowd = Crowd::new().await;
    let value = cache::checksum(&cache::payload(0));
    for (protected, loads) in [(true, 1), (false, 8), (true, 1)] {
        let before = crowd.source().loads();
        assert_eq!(crowd.stampede(8, protected).await, 8 * value);
        assert_eq!(crowd.source().loads() - before, loads, "protected: {protected}");
    }
}

#[test]
fn many_tasks_find_the_same_values_as_one() {
    let runtime = |threads| {
        tokio::runtime::Builder::new_multi_thread().worker_threads(threads).build().unwrap()
    };
    let crowd = runtime(1).block_on(Crowd::new());
    let alone = runtime(1).block_on(crowd.contend(1));
    let pattern = Pattern::Zipf { keys: sizes::L1_ENTRIES, skew: sizes::ZIPF_SKEW };
    let right: u64 = (pattern.keys().take(sizes::CONTENTION_LOOKUPS as usize))
        .map(|number| cache::checksum(&cache::payload(number)))
        .sum();
    assert_eq!(alone, right);
    for tasks in [2, 8] {
        assert_eq!(runtime(2).block_on(crowd.contend(tasks)), alone, "{tasks} tasks");
    }
}

#[test]
fn values_are_compressed_from_the_threshold() {
    let document = cache::document(7);
    assert!(document.len() >= sizes::DOCUMENT_BYTES);
    let json: serde_json::Value = serde_json::from_slice(&document).unwrap();
    assert_eq!(json["id"], 7);

    let plain = Codec::plain().encode(&document);
    assert_eq!((plain[0], &plain[1..]), (0, &*document));
    for (threshold, compressed) in [(document.len(), true), (document.len() + 1, false)] {
        let stored = Codec::compressing_from(threshold).encode(&document);
        assert_eq!(stored[0], u8::from(compressed));
        assert_eq!(stored.len() * 2 < document.len(), compressed, "{} bytes", stored.len());
        assert_eq!(Codec::decode(&stored).unwrap(), document);
    }
}

#[test]
fn a_value_that_compression_would_enlarge_stays_plain() {
    // Every byte pair differs from all others: nothing repeats.
    let value: Vec<u8> = (0..=255_u8).collect();
    assert_eq!(Codec::compressing_from(1).encode(&value)[0], 0);
}

#[test]
fn bytes_that_are_not_a_value_are_refused() {
    let refused = |stored: &[u8]| Codec::decode(stored).unwrap_err();
    assert_eq!(refused(b"").to_string(), "the first byte is missing; only 0 and 1 are known");
    assert_eq!(refused(b"{}").to_string(), "the first byte is 123; only 0 and 1 are known");
    // Without the limit, this would allocate 4 GiB.
    assert!(matches!(
        refused(b"\x01\xff\xff\xff\xff\x00"),
        CodecError::TooLarge { bytes: 0xffff_ffff }
    ));
    let good = Codec::compressing_from(1).encode(&cache::document(1));
    assert!(matches!(refused(&good[..3]), CodecError::Block(_)));
    assert!(matches!(refused(&good[..good.len() / 2]), CodecError::Block(_)));
    let mut longer = good;
    longer[1] = longer[1].wrapping_add(1);
    assert!(matches!(refused(&longer), CodecError::Length { .. } | CodecError::Block(_)));
}

proptest! {
    #[test]
    fn every_value_is_decoded_unchanged(value: Vec<u8>, threshold in 0_usize..64) {
        let stored = Codec::compressing_from(threshold).encode(&value);
        prop_assert!(stored.len() <= value.len() + 1);
        prop_assert_eq!(&*Codec::decode(&stored).unwrap(), &*value);
    }

    #[test]
    fn decoding_never_panics(stored: Vec<u8>, tag in 0_u8..3, length in 0_u32..4096) {
        let _ = Codec::decode(&stored);
        let mut framed = vec![tag];
        framed.extend(length.to_le_bytes());
        framed.extend(stored);
        let _ = Codec::decode(&framed);
    }
}

#[test]
fn zipf_follows_its_distribution() {
    let draws = 200_000;
    let count = |pattern: Pattern, rank: u32| {
        pattern.keys().take(draws).filter(|number| *number == rank - 1).count() as f64
    };
    // 1 / H(n, s), the generalised harmonic number.
    let (keys, skew) = (1000_u32, 1.1);
    let harmonic: f64 = (1..=keys).map(|rank| f64::from(rank).powf(-skew)).sum();
    let pattern = Pattern::Zipf { keys, skew };
    for rank in [1, 2, 10, 100] {
        let share = f64::from(rank).powf(-skew) / harmonic;
        let (mean, variance) = (share * draws as f64, share * (1.0 - share) * draws as f64);
        let found = count(pattern, rank);
        assert!((found - mean).abs() < 4.0 * variance.sqrt(), "rank {rank}: {found}, not {mean}");
    }
    assert!(pattern.keys().take(draws).all(|number| number < keys));
}

#[test]
fn every_process_looks_up_the_same_leads() {
    let first: Vec<u32> = Pattern::DEFAULT.keys().take(6).collect();
    assert_eq!(first, [0, 2973, 316, 0, 8154, 46]);
    let (keys, hot, share) = sizes::HOT_COLD;
    let first: Vec<u32> = Pattern::HotCold { keys, hot, share }.keys().take(6).collect();
    assert_eq!(first, [16_924, 16_142, 4403, 18_468, 11_992, 18_416]);
}

#[test]
fn hot_leads_get_their_share() {
    let (keys, hot) = (1000, 10);
    let asked: Vec<u32> = Pattern::HotCold { keys, hot, share: 0.9 }.keys().take(100_000).collect();
    let of_hot = asked.iter().filter(|number| **number < hot).count();
    assert!((89_500..90_500).contains(&of_hot), "{of_hot}");
    assert!(asked.iter().all(|number| *number < keys));
    assert!((990..1000).contains(asked.iter().max().unwrap()));
}

#[test]
fn the_default_pattern_hits_more_than_95_percent() {
    let observed = Observed::of_l1(
        Pattern::DEFAULT,
        sizes::L1_CAPACITY,
        sizes::ZIPF_WARM_UP,
        sizes::ZIPF_LOOKUPS,
    );
    assert_eq!(observed.lookups, u64::from(sizes::ZIPF_LOOKUPS));
    assert!(observed.hit_rate() > 0.95, "{observed:?}");
    assert!(observed.hot_hit_rate() > observed.cold_hit_rate(), "{observed:?}");
}

/// Hit rates are compared exactly, so nothing may be random.
#[test]
fn the_same_lookups_have_the_same_result() {
    let pattern = Pattern::Zipf { keys: 5000, skew: 0.8 };
    let observe = || Observed::of_l1(pattern, 1000, 10_000, 10_000);
    let first = observe();
    assert!(first.hits > 0 && first.evictions > 0, "{first:?}");
    assert_eq!(observe(), first);
}

#[test]
fn the_hit_rate_of_a_small_cache_is_its_share_of_the_leads() {
    // All leads are equally likely, and there is room for half of them.
    let pattern = Pattern::Zipf { keys: 2000, skew: 0.0 };
    let observed = Observed::of_l1(pattern, 1000, 20_000, 20_000);
    assert!((0.4..0.6).contains(&observed.hit_rate()), "{observed:?}");
    assert!(observed.evictions >= 8000, "{observed:?}");
    assert!((900_000..=1_045_000).contains(&observed.bytes), "{observed:?}");
    // Room for all of them.
    let observed = Observed::of_l1(pattern, 4000, 20_000, 20_000);
    assert_eq!((observed.hits, observed.evictions), (20_000, 0), "{observed:?}");
}

/// Runs a test in a process of its own without the user's server. Returns whether this is
/// that process; otherwise starts it, and checks that it succeeds.
fn privately(test: &str) -> bool {
    const INSIDE: &str = "BENCHGATE_TEST_INSIDE";
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("cache::{test}"), "--include-ignored"])
        .env(INSIDE, "1")
        .env_remove("REDIS_URL")
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && stdout.contains("1 passed"), "{stdout}");
    false
}

async fn command(redis: &Redis, words: &[&str]) -> redis::Value {
    let mut connection = redis.client().unwrap().get_multiplexed_async_connection().await.unwrap();
    let mut command = redis::cmd(words[0]);
    command.arg(&words[1..]).query_async(&mut connection).await.unwrap()
}

async fn count(redis: &Redis, pattern: &str) -> usize {
    match command(redis, &["KEYS", pattern]).await {
        redis::Value::Array(keys) => keys.len(),
        other => panic!("{other:?}"),
    }
}

/// Tries to claim keys, and returns the error.
async fn refusal(redis: &Redis, prefix: &str) -> String {
    match RedisCache::claim_prefix(redis, prefix, 600, Codec::plain()).await {
        Ok(_) => panic!("not refused"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
#[ignore = "needs redis-server: scripts/test installs it"]
async fn keys_of_others_are_neither_written_nor_deleted() {
    let redis = Redis::find().unwrap();
    let prefix = format!("benchgate-test:{}:", std::process::id());
    let mine = RedisCache::claim_prefix(&redis, &prefix, 600, Codec::plain()).await.unwrap();
    assert_eq!(
        refusal(&redis, &prefix).await,
        format!(
            "Redis: the prefix `{prefix}` is taken (another benchmark's marker); nothing was written; \
             wait until the keys have expired, or choose another prefix"
        )
    );
    assert_eq!(mine.remove().await.unwrap(), 0);
    assert_eq!(count(&redis, &format!("{prefix}*")).await, 0);

    // Someone else's key, in the second chunk that is checked.
    let theirs = format!("{prefix}{}", cache::key(599));
    command(&redis, &["SET", &theirs, "theirs", "EX", "60"]).await;
    assert!(refusal(&redis, &prefix).await.contains("keys without a benchmark's marker"));
    assert_eq!(count(&redis, &format!("{prefix}*")).await, 1);
    assert_eq!(
        command(&redis, &["GET", &theirs]).await,
        redis::Value::BulkString(b"theirs".to_vec())
    );
    command(&redis, &["DEL", &theirs]).await;
}

#[tokio::test]
#[ignore = "needs redis-server: scripts/test installs it"]
async fn a_server_that_would_evict_is_refused() {
    if !privately("a_server_that_would_evict_is_refused") {
        return;
    }
    let redis = Redis::find().unwrap();
    command(&redis, &["CONFIG", "SET", "maxmemory", "32mb"]).await;
    let error = refusal(&redis, "full:").await;
    assert!(error.contains("bytes are left below its `maxmemory`"), "{error}");
    assert_eq!(count(&redis, "*").await, 0);
    command(&redis, &["CONFIG", "SET", "maxmemory", "256mb"]).await;
    RedisCache::claim(&redis, 1, Codec::plain()).await.unwrap();
}

#[tokio::test]
#[ignore = "needs redis-server: scripts/test installs it"]
async fn a_late_reply_is_an_error() {
    if !privately("a_late_reply_is_an_error") {
        return;
    }
    let redis = Redis::find().unwrap();
    let cache = RedisCache::filled(&redis, 1).await.unwrap();
    command(&redis, &["CLIENT", "PAUSE", "20000", "ALL"]).await;
    let start = Instant::now();
    let error = cache.get(0).await.unwrap_err();
    assert!(error.to_string().starts_with("Redis: cannot GET a key: "), "{error}");
    let CacheError::Redis { source, .. } = error else { panic!("{error}") };
    assert!(source.is_timeout(), "{source}");
    // The pause is twenty times as long as the time-out.
    assert!(start.elapsed() < Duration::from_secs(15));
}

#[tokio::test]
#[ignore = "needs redis-server: scripts/test installs it"]
async fn batches_find_the_same_values_as_single_reads() {
    let redis = Redis::find().unwrap();
    let cache = RedisCache::claim(&redis, 8, Codec::plain()).await.unwrap();
    cache.fill(0..6, cache::payload).await.unwrap();
    // Lead 7 is missing.
    let numbers = [3, 0, 7, 5];
    for way in BatchRead::ALL {
        let sum = cache.read_batch(&numbers, way).await.unwrap();
        assert_eq!(sum, cache::payload_checksum([3, 0, 5]), "{way:?}");
    }
    assert_eq!(cache.delete(&[0, 7]).await.unwrap(), 1);
    assert_eq!(cache.remove().await.unwrap(), 5);
}

#[tokio::test]
#[ignore = "needs redis-server: scripts/test installs it"]
async fn redis_keeps_each_class_for_its_own_lifetime() {
    let redis = Redis::find().unwrap();
    let lifetimes = Lifetimes {
        live: Duration::from_millis(20),
        standard: Duration::from_mins(1),
        reference: Duration::from_mins(2),
    };
    let cache = RedisCache::claim(&redis, 8, Codec::plain()).await.unwrap();
    let cache = cache.with_lifetimes(lifetimes);
    cache.fill(0..8, cache::payload).await.unwrap();
    let mut left = Vec::new();
    for number in [0, 5] {
        match command(&redis, &["PTTL", cache.name(number)]).await {
            redis::Value::Int(milliseconds) => left.push(milliseconds),
            other => panic!("{other:?}"),
        }
    }
    assert!((1..=60_000).contains(&left[0]) && (60_001..=120_000).contains(&left[1]), "{left:?}");
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(cache.get(1).await.unwrap(), None);
    assert_eq!(cache.get(0).await.unwrap(), Some(cache::payload(0)));
    assert_eq!(cache.remove().await.unwrap(), 7);
}

#[tokio::test]
#[ignore = "needs redis-server: scripts/test installs it"]
async fn compressed_values_take_less_room() {
    let redis = Redis::find().unwrap();
    let mut bytes = Vec::new();
    for codec in [Codec::plain(), Codec::compressing_from(sizes::COMPRESSION_THRESHOLD)] {
        let cache = RedisCache::claim(&redis, 2, codec).await.unwrap();
        cache.put(0, &cache::document(0)).await.unwrap();
        cache.put(1, &cache::payload(1)).await.unwrap();
        assert_eq!(cache.get(0).await.unwrap(), Some(cache::document(0)));
        assert_eq!(cache.get(1).await.unwrap(), Some(cache::payload(1)));
        bytes.push((cache.stored_bytes(0).await.unwrap(), cache.stored_bytes(1).await.unwrap()));
        cache.remove().await.unwrap();
    }
    assert_eq!(bytes[0], (cache::document(0).len() as u64 + 1, 1025));
    assert!(bytes[1].0 * 2 < bytes[0].0, "{bytes:?}");
    assert_eq!(bytes[1].1, 1025, "below the threshold");
}

#[tokio::test]
#[ignore = "needs redis-server: scripts/test installs it"]
async fn a_damaged_value_is_an_error_that_names_its_key() {
    let redis = Redis::find().unwrap();
    let cache = RedisCache::filled(&redis, 1).await.unwrap();
    command(&redis, &["SET", cache.name(0), "\u{1}\u{ff}", "EX", "60"]).await;
    let error = cache.checksum_of(0).await.unwrap_err().to_string();
    assert!(error.contains(cache.name(0)) && error.contains("is damaged"), "{error}");
    cache.remove().await.unwrap();
}

async fn tiered(redis: &Redis, first: Lifetimes, second: Lifetimes) -> Tiered {
    let l2 = RedisCache::claim(redis, 8, Codec::plain()).await.unwrap().with_lifetimes(second);
    l2.fill(0..4, cache::payload).await.unwrap();
    Tiered::new(L1::empty(10, first), l2, Source::even(8).waiting(1))
}

async fn levels(tiered: &Tiered, numbers: &[u32]) -> Vec<Level> {
    let mut levels = Vec::new();
    for number in numbers {
        let found = tiered.lookup(*number).await.unwrap();
        assert_eq!(found.payload, cache::payload(*number));
        levels.push(found.level);
    }
    levels
}

#[tokio::test]
#[ignore = "needs redis-server: scripts/test installs it"]
async fn values_are_promoted_to_the_levels_above() {
    use Level::{L1 as First, L2, Source};
    let redis = Redis::find().unwrap();
    let tiered = tiered(&redis, Lifetimes::all(HOUR), Lifetimes::all(HOUR)).await;
    assert_eq!(levels(&tiered, &[0, 0, 4, 4]).await, [L2, First, Source, First]);
    // The loaded value is in Redis too.
    ready(tiered.l1().invalidate(&cache::key(4)));
    assert_eq!(levels(&tiered, &[4, 4]).await, [L2, First]);
    assert_eq!(tiered.source().loads(), 1);
    assert_eq!(tiered.l2().clone().remove().await.unwrap(), 5);
}

#[tokio::test]
#[ignore = "needs redis-server: scripts/test installs it"]
async fn expired_values_are_looked_up_further_down() {
    let redis = Redis::find().unwrap();
    let brief = Duration::from_millis(30);
    // Lead 1 is live: it expires in both levels; others only in the first.
    let second = Lifetimes { live: brief, standard: HOUR, reference: HOUR };
    let tiered = tiered(&redis, Lifetimes::all(brief), second).await;
    levels(&tiered, &[0, 1]).await;
    tokio::time::sleep(3 * brief).await;
    assert_eq!(levels(&tiered, &[0, 1]).await, [Level::L2, Level::Source]);
    tiered.l2().clone().remove().await.unwrap();
}

#[tokio::test]
#[ignore = "needs redis-server: scripts/test installs it"]
async fn of_many_callers_who_miss_both_levels_one_asks_the_source() {
    let redis = Redis::find().unwrap();
    let tiered = tiered(&redis, Lifetimes::all(HOUR), Lifetimes::all(HOUR)).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let tiered = tiered.clone();
        tasks.spawn(async move { tiered.lookup(6).await.unwrap() });
    }
    let found = tasks.join_all().await;
    assert!(found.iter().all(|found| found.payload == cache::payload(6)));
    let loaded = found.iter().filter(|found| found.level == Level::Source).count();
    assert_eq!((loaded, tiered.source().loads()), (1, 1));
    tiered.l2().clone().remove().await.unwrap();
}

#[tokio::test]
#[ignore = "needs redis-server: scripts/test installs it"]
async fn a_failure_of_the_second_level_is_an_error_and_not_a_miss() {
    if !privately("a_failure_of_the_second_level_is_an_error_and_not_a_miss") {
        return;
    }
    let redis = Redis::find().unwrap();
    let tiered = tiered(&redis, Lifetimes::all(HOUR), Lifetimes::all(HOUR)).await;
    command(&redis, &["SET", tiered.l2().name(2), "?", "EX", "60"]).await;
    let error: Arc<CacheError> = tiered.lookup(2).await.unwrap_err();
    assert!(matches!(&*error, CacheError::Damaged { .. }), "{error}");
    assert_eq!(tiered.source().loads(), 0);
}
