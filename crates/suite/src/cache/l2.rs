//! The second level: leads in Redis.

use std::hash::{BuildHasher as _, RandomState};
use std::ops::Range;
use std::sync::Arc;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{AsyncCommands as _, ExistenceCheck, SetExpiry, SetOptions};

use super::{CacheError, Codec, Lifetimes, Payload, TtlClass, checksum, key, payload};
use crate::services::Redis;
use crate::sizes;

/// The second level: leads in Redis under a prefix of its own.
///
/// It touches no other keys: see [`Self::claim`]. [`Self::remove`] deletes its keys;
/// those of a killed program expire. A clone is another handle to the same keys and
/// the same connection.
#[derive(Clone)]
pub struct RedisCache {
    connection: ConnectionManager,
    owner: Arc<str>,
    keys: Arc<[String]>,
    codec: Codec,
    lifetimes: Lifetimes,
}

impl RedisCache {
    /// Connects, and claims keys for the leads `0..entries` under a prefix that no
    /// other process uses, so that several runs can share a server.
    pub async fn claim(redis: &Redis, entries: u32, codec: Codec) -> Result<Self, CacheError> {
        // The braces put all keys into one slot: a cluster refuses an MGET over several.
        let nonce = RandomState::new().hash_one(std::process::id());
        let prefix = format!("benchgate:{{{}:{nonce:016x}}}:", std::process::id());
        Self::claim_prefix(redis, &prefix, entries, codec).await
    }

    /// Like [`claim`](Self::claim), under a given prefix.
    ///
    /// # Errors
    ///
    /// If any of the keys exists already, or if a server with a memory limit has no
    /// room for them and would have to evict other keys. Nothing is written then.
    pub async fn claim_prefix(
        redis: &Redis,
        prefix: &str,
        entries: u32,
        codec: Codec,
    ) -> Result<Self, CacheError> {
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(sizes::REDIS_CONNECTION_TIMEOUT))
            .set_response_timeout(Some(sizes::REDIS_RESPONSE_TIMEOUT));
        let client = redis.client().map_err(failed("connect"))?;
        let connection =
            ConnectionManager::new_with_config(client, config).await.map_err(failed("connect"))?;
        let claimed = Self {
            connection,
            owner: format!("{prefix}owner").into(),
            keys: (0..entries).map(|number| format!("{prefix}{}", key(number))).collect(),
            codec,
            lifetimes: sizes::REDIS_LIFETIMES,
        };
        claimed.check_room().await?;
        claimed.take(prefix).await?;
        Ok(claimed)
    }

    /// Sets other times to live.
    #[must_use]
    pub fn with_lifetimes(self, lifetimes: Lifetimes) -> Self {
        Self { lifetimes, ..self }
    }

    /// Claims keys for the leads `0..entries` and writes all of them.
    pub async fn filled(redis: &Redis, entries: u32) -> Result<Self, CacheError> {
        let cache = Self::claim(redis, entries, Codec::plain()).await?;
        cache.fill(0..entries, payload).await?;
        Ok(cache)
    }

    async fn check_room(&self) -> Result<(), CacheError> {
        let info: String = redis::cmd("INFO")
            .arg("memory")
            .query_async(&mut self.connection.clone())
            .await
            .map_err(failed("ask for its memory"))?;
        let field = |name: &str| -> Option<u64> {
            info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')?.parse().ok())
        };
        let (used, limit) = (field("used_memory").unwrap_or(0), field("maxmemory").unwrap_or(0));
        // 0 means unlimited.
        if limit > 0 && limit.saturating_sub(used) < sizes::REDIS_ROOM {
            return Err(CacheError::NoRoom { free: limit.saturating_sub(used) });
        }
        Ok(())
    }

    /// Sets the marker, which only one process can do, then looks for existing keys.
    async fn take(&self, prefix: &str) -> Result<(), CacheError> {
        let taken = |found: &str| CacheError::KeysTaken {
            prefix: prefix.to_owned(),
            found: found.to_owned(),
        };
        let mut connection = self.connection.clone();
        let mark = SetOptions::default()
            .conditional_set(ExistenceCheck::NX)
            .with_expiration(self.expiry(TtlClass::Reference));
        let marked: Option<String> = connection
            .set_options(&*self.owner, "benchgate", mark)
            .await
            .map_err(failed("mark the benchmark's keys"))?;
        if marked.is_none() {
            return Err(taken("another benchmark's marker"));
        }
        for names in self.keys.chunks(CHUNK) {
            let there: u64 =
                connection.exists(names).await.map_err(failed("look for the benchmark's keys"))?;
            if there > 0 {
                connection
                    .unlink::<_, u64>(&*self.owner)
                    .await
                    .map_err(failed("remove the marker"))?;
                return Err(taken("keys without a benchmark's marker"));
            }
        }
        Ok(())
    }

    fn expiry(&self, class: TtlClass) -> SetExpiry {
        let milliseconds = self.lifetimes.of(class).as_millis();
        // Redis refuses a time to live of zero.
        SetExpiry::PX(u64::try_from(milliseconds).unwrap_or(u64::MAX).max(1))
    }

    /// The key of lead `number`.
    ///
    /// # Panics
    ///
    /// If `number` is not below the number of entries.
    pub fn name(&self, number: u32) -> &str {
        &self.keys[number as usize]
    }

    /// Writes these leads, each with the time to live of its class.
    pub async fn fill(
        &self,
        numbers: Range<u32>,
        value: impl Fn(u32) -> Payload,
    ) -> Result<(), CacheError> {
        let numbers: Vec<u32> = numbers.collect();
        for chunk in numbers.chunks(CHUNK) {
            let mut pipeline = redis::pipe();
            for number in chunk {
                let options =
                    SetOptions::default().with_expiration(self.expiry(TtlClass::of(*number)));
                let stored = self.codec.encode(&value(*number));
                pipeline.set_options(self.name(*number), stored, options).ignore();
            }
            pipeline
                .query_async::<()>(&mut self.connection.clone())
                .await
                .map_err(failed("write the benchmark's keys"))?;
        }
        Ok(())
    }

    /// Writes lead `number` (SET).
    pub async fn put(&self, number: u32, value: &[u8]) -> Result<(), CacheError> {
        let options = SetOptions::default().with_expiration(self.expiry(TtlClass::of(number)));
        // Like a request handler, with its own handle to the shared connection.
        self.connection
            .clone()
            .set_options(self.name(number), self.codec.encode(value), options)
            .await
            .map_err(failed("SET a key"))
    }

    /// Reads lead `number` (GET).
    pub async fn get(&self, number: u32) -> Result<Option<Payload>, CacheError> {
        let name = self.name(number);
        let stored: Option<Vec<u8>> =
            self.connection.clone().get(name).await.map_err(failed("GET a key"))?;
        stored.map(|stored| decoded(name, &stored)).transpose()
    }

    /// Reads lead `number` and returns the checksum of its value, or 0 for a miss.
    pub async fn checksum_of(&self, number: u32) -> Result<u64, CacheError> {
        Ok(self.get(number).await?.map_or(0, |value| checksum(&value)))
    }

    /// Reads leads with one GET after the other, a round trip each. Returns the sum
    /// of checksums.
    pub async fn singles(&self, numbers: &[u32]) -> Result<u64, CacheError> {
        let mut sum = 0_u64;
        for number in numbers {
            sum = sum.wrapping_add(self.checksum_of(*number).await?);
        }
        Ok(sum)
    }

    /// Reads leads with GETs in one pipeline: many commands, one round trip. Returns
    /// the sum of checksums.
    pub async fn pipelined(&self, numbers: &[u32]) -> Result<u64, CacheError> {
        let mut pipeline = redis::Pipeline::with_capacity(numbers.len());
        for number in numbers {
            pipeline.get(self.name(*number));
        }
        let stored: Vec<Option<Vec<u8>>> = pipeline
            .query_async(&mut self.connection.clone())
            .await
            .map_err(failed("GET keys in a pipeline"))?;
        self.sum(numbers, &stored)
    }

    /// Reads leads with one MGET. Returns the sum of checksums.
    pub async fn mget(&self, numbers: &[u32]) -> Result<u64, CacheError> {
        let names: Vec<&str> = numbers.iter().map(|number| self.name(*number)).collect();
        let stored: Vec<Option<Vec<u8>>> =
            self.connection.clone().mget(names).await.map_err(failed("MGET keys"))?;
        self.sum(numbers, &stored)
    }

    /// Reads leads in one of the ways of [`BatchRead`]. Returns the sum of checksums.
    pub async fn read_batch(&self, numbers: &[u32], way: BatchRead) -> Result<u64, CacheError> {
        match way {
            BatchRead::Singles => self.singles(numbers).await,
            BatchRead::Pipeline => self.pipelined(numbers).await,
            BatchRead::Mget => self.mget(numbers).await,
        }
    }

    fn sum(&self, numbers: &[u32], stored: &[Option<Vec<u8>>]) -> Result<u64, CacheError> {
        let mut sum = 0_u64;
        for (number, stored) in numbers.iter().zip(stored) {
            if let Some(stored) = stored {
                sum = sum.wrapping_add(checksum(&decoded(self.name(*number), stored)?));
            }
        }
        Ok(sum)
    }

    /// The length in bytes of lead `number`'s stored value, or 0 if it does not exist.
    pub async fn stored_bytes(&self, number: u32) -> Result<u64, CacheError> {
        self.connection
            .clone()
            .strlen(self.name(number))
            .await
            .map_err(failed("ask for the length of a key"))
    }

    /// Deletes leads, and returns how many existed.
    pub async fn delete(&self, numbers: &[u32]) -> Result<u64, CacheError> {
        let names: Vec<&str> = numbers.iter().map(|number| self.name(*number)).collect();
        self.unlink(&names).await
    }

    /// Deletes all keys and releases the prefix. Returns how many entries existed.
    pub async fn remove(self) -> Result<u64, CacheError> {
        let names: Vec<&str> = self.keys.iter().map(String::as_str).collect();
        let removed = self.unlink(&names).await?;
        self.unlink(&[&self.owner]).await?;
        Ok(removed)
    }

    async fn unlink(&self, names: &[&str]) -> Result<u64, CacheError> {
        let mut connection = self.connection.clone();
        let mut removed = 0;
        for names in names.chunks(CHUNK) {
            removed += connection
                .unlink::<_, u64>(names)
                .await
                .map_err(failed("delete the benchmark's keys"))?;
        }
        Ok(removed)
    }
}

/// A way to read several leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchRead {
    /// One GET after the other: [`RedisCache::singles`].
    Singles,
    /// GETs in one pipeline: [`RedisCache::pipelined`].
    Pipeline,
    /// One MGET: [`RedisCache::mget`].
    Mget,
}

impl BatchRead {
    /// All ways.
    pub const ALL: [Self; 3] = [Self::Singles, Self::Pipeline, Self::Mget];

    /// Its name in benchmark ids.
    pub fn name(self) -> &'static str {
        match self {
            Self::Singles => "singles",
            Self::Pipeline => "pipeline",
            Self::Mget => "mget",
        }
    }
}

/// The number of keys in one pipeline or command.
const CHUNK: usize = 500;

fn failed(action: &'static str) -> impl FnOnce(redis::RedisError) -> CacheError {
    move |source| CacheError::Redis { action, source }
}

fn decoded(name: &str, stored: &[u8]) -> Result<Payload, CacheError> {
    Codec::decode(stored).map_err(|source| CacheError::Damaged { key: name.to_owned(), source })
}
