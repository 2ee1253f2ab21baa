//! Cached leads: in the process (moka), and in Redis over one multiplexed
//! connection.

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use redis::AsyncCommands as _;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};

use super::services::Redis;
use super::{SuiteError, sizes};

/// A cached value: handing it out copies a pointer, not the bytes.
pub type Payload = Arc<[u8]>;

/// Hashes without a random seed. With std's own, an entry's place in the map,
/// and with it the number of instructions, would differ from process to process.
type FixedHasher = BuildHasherDefault<DefaultHasher>;

/// The key of lead `number`.
pub fn key(number: u32) -> String {
    format!("lead:{number:08}:summary")
}

/// What the cache does with a key before it looks anything up.
pub fn hash(key: &str) -> u64 {
    FixedHasher::default().hash_one(key)
}

/// The value of lead `number`: JSON, padded to [`sizes::PAYLOAD_BYTES`].
pub fn payload(number: u32) -> Payload {
    let mut text = format!(
        r#"{{"id":{number},"score":{:.3},"stage":"qualified","note":""#,
        f64::from(number % 1000) / 1000.0
    );
    let end = r#""}"#;
    while text.len() + end.len() < sizes::PAYLOAD_BYTES {
        text.push(char::from(b'a' + u8::try_from(text.len() % 26).unwrap_or(0)));
    }
    text.push_str(end);
    text.into_bytes().into()
}

/// A checksum that costs next to nothing beside a lookup: the value's length
/// and the digits of its id.
pub fn checksum(value: &[u8]) -> u64 {
    let digits = value.iter().skip(6).take_while(|byte| byte.is_ascii_digit());
    let id = digits.fold(0_u64, |id, byte| id * 10 + u64::from(byte - b'0'));
    id.wrapping_mul(31).wrapping_add(value.len() as u64)
}

/// Numbers below `entries`, `count` of them, in an order that no prefetcher
/// follows and every process repeats.
pub fn order(entries: u32, count: u32) -> impl Iterator<Item = u32> {
    // Knuth's multiplicative hash (The Art of Computer Programming, 6.4).
    (0..count).map(move |i| i.wrapping_mul(2_654_435_761) % entries)
}

/// The output of a future that never waits, as a lookup in the process.
///
/// With a runtime around it, starting and leaving the runtime would be most of
/// what an instruction counter sees of one lookup.
///
/// # Panics
///
/// When the future has to wait after all.
pub fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a future that never waits had to wait"),
    }
}

/// The first level: an in-process cache with a bound and a time to live.
#[derive(Clone, Debug)]
pub struct L1 {
    cache: moka::future::Cache<String, Payload, FixedHasher>,
}

impl L1 {
    /// A cache that holds the leads `0..entries`, with its housekeeping done.
    pub async fn filled(entries: u32) -> Self {
        let cache = moka::future::Cache::builder()
            .max_capacity(sizes::L1_CAPACITY)
            .time_to_live(sizes::L1_TIME_TO_LIVE)
            .build_with_hasher(FixedHasher::default());
        for number in 0..entries {
            cache.insert(key(number), payload(number)).await;
        }
        let filled = Self { cache };
        filled.settle().await;
        filled
    }

    /// Does the housekeeping that earlier calls have left for a later one, so
    /// that the next lookup is a lookup and nothing else.
    pub async fn settle(&self) {
        self.cache.run_pending_tasks().await;
    }

    /// The cached path: what a request does to get its lead.
    pub async fn lookup(&self, key: &str) -> Option<Payload> {
        self.cache.get(key).await
    }

    /// Looks a key up; the checksum of its value, 0 for a miss.
    pub async fn checksum_of(&self, key: &str) -> u64 {
        self.lookup(key).await.map_or(0, |value| checksum(&value))
    }
}

/// The second level: leads in Redis under a prefix of this process.
///
/// It touches no other key, and [`Self::remove`] deletes its own.
#[derive(Clone)]
pub struct RedisCache {
    connection: ConnectionManager,
    keys: Arc<[String]>,
}

impl RedisCache {
    /// Connects, and writes the leads `0..entries`, each with a time to live.
    pub async fn filled(redis: &Redis, entries: u32) -> Result<Self, SuiteError> {
        let failed = |action| move |source| SuiteError::Redis { action, source };
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(sizes::REDIS_CONNECTION_TIMEOUT))
            .set_response_timeout(Some(sizes::REDIS_RESPONSE_TIMEOUT));
        let mut connection =
            ConnectionManager::new_with_config(redis.client().map_err(failed("connect"))?, config)
                .await
                .map_err(failed("connect"))?;

        let prefix = own_prefix();
        let keys: Arc<[String]> = (0..entries).map(|n| format!("{prefix}{}", key(n))).collect();
        let seconds = sizes::REDIS_TIME_TO_LIVE.as_secs();
        let numbers: Vec<u32> = (0..entries).collect();
        for chunk in numbers.chunks(CHUNK) {
            let mut pipeline = redis::pipe();
            for number in chunk {
                let name = &keys[*number as usize];
                pipeline.set_ex(name, payload(*number).as_ref(), seconds).ignore();
            }
            pipeline
                .query_async::<()>(&mut connection)
                .await
                .map_err(failed("write the benchmark's keys"))?;
        }
        Ok(Self { connection, keys })
    }

    /// GET of lead `number`; the checksum of its value, 0 where it is not there.
    ///
    /// # Panics
    ///
    /// When `number` is not below the number of entries.
    pub async fn checksum_of(&self, number: u32) -> Result<u64, SuiteError> {
        // As a request handler would: its own handle on the shared connection.
        let mut connection = self.connection.clone();
        let value: Option<Vec<u8>> = connection
            .get(&self.keys[number as usize])
            .await
            .map_err(|source| SuiteError::Redis { action: "GET a key", source })?;
        Ok(value.map_or(0, |value| checksum(&value)))
    }

    /// Deletes the keys that [`Self::filled`] wrote; how many there still were.
    pub async fn remove(mut self) -> Result<u64, SuiteError> {
        let mut removed = 0;
        for names in self.keys.chunks(CHUNK) {
            removed += self.connection.unlink::<_, u64>(names).await.map_err(|source| {
                SuiteError::Redis { action: "delete the benchmark's keys", source }
            })?;
        }
        Ok(removed)
    }
}

/// Keys in one pipeline or UNLINK.
const CHUNK: usize = 500;

/// A prefix that no other process uses, so that runs may share a server.
fn own_prefix() -> String {
    let nonce = std::hash::RandomState::new().hash_one(std::process::id());
    format!("benchgate:{}:{nonce:016x}:", std::process::id())
}
