//! Why the cache in Redis cannot be used.

use super::CodecError;
use crate::sizes;

/// Why the cache in Redis could not be set up or used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// Redis refused, timed out or closed the connection.
    #[error("Redis: cannot {action}: {source}")]
    Redis {
        /// What was being done.
        action: &'static str,
        /// The client's error.
        source: redis::RedisError,
    },
    /// The keys that a benchmark would write belong to someone else.
    #[error(
        "Redis: the prefix `{prefix}` is taken ({found}); nothing was written; wait until the keys \
         have expired, or choose another prefix"
    )]
    KeysTaken {
        /// The prefix of the keys.
        prefix: String,
        /// What was found under it.
        found: String,
    },
    /// The server would evict other keys to make room for the benchmark's.
    #[error(
        "Redis: only {free} bytes are left below its `maxmemory`, and it would evict other keys to \
         make room; {} are needed: raise the limit, or set REDIS_URL to another server",
        sizes::REDIS_ROOM
    )]
    NoRoom {
        /// Bytes below the limit.
        free: u64,
    },
    /// A cached value cannot be decoded.
    #[error("Redis: the value of `{key}` is damaged: {source}")]
    Damaged {
        /// The key.
        key: String,
        /// What is wrong with the value.
        source: CodecError,
    },
}
