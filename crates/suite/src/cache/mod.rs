//! Cached leads: in the process (moka), in Redis, and in both at once.
//!
//! | type | purpose |
//! |---|---|
//! | [`L1`] | the first level: moka, bounded by bytes, with a time to live for each class of value |
//! | [`RedisCache`] | the second level: Redis over one managed connection, one key or a batch at a time |
//! | [`Tiered`] | the first level, the second level and the [`Source`], with promotion |
//! | [`Codec`] | how a value is stored in Redis: compressed above a threshold |
//! | [`Pattern`] | which keys are looked up: Zipf, or hot and cold; [`Observed`] holds the result |
//! | [`Fixture`] | what the benchmarks with Redis share |
//! | [`Crowd`] | many tasks on one cache: contention and stampedes |
//!
//! Keys, values and orders are the same in every process.

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

pub use codec::{Codec, CodecError};
pub use crowd::Crowd;
pub use entries::{
    Payload, Source, checksum, document, key, order, payload, payload_checksum, sized_payload,
};
pub use error::CacheError;
pub use fixture::Fixture;
pub use l1::L1;
pub use l2::{BatchRead, RedisCache};
pub use lifetimes::{Lifetimes, TtlClass};
pub use pattern::{Keys, Observed, Pattern, record_hit_rates};
pub use tiered::{Found, Level, Tiered};

mod codec;
mod crowd;
mod entries;
mod error;
mod fixture;
mod l1;
mod l2;
mod lifetimes;
mod pattern;
mod tiered;

/// Hashes without a random seed. With the standard library's hasher, an entry's
/// place in the map, and with it the instruction count, would differ between
/// processes.
type FixedHasher = BuildHasherDefault<DefaultHasher>;

/// Hashes a key as the cache does before each lookup.
pub fn hash(key: &str) -> u64 {
    FixedHasher::default().hash_one(key)
}

/// Polls a future that never waits, such as a lookup in the process, and returns
/// its output.
///
/// With a runtime, entering and leaving the runtime would account for most of the
/// instructions of a single lookup.
///
/// # Panics
///
/// If the future is not ready at once.
pub fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a future that never waits had to wait"),
    }
}
