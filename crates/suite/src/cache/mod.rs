//! Cached leads: in the process (moka), in Redis, and in both at once.
//!
//! | module | what |
//! |---|---|
//! | [`L1`] | the first level: moka, bounded by bytes, a time to live for each class of value |
//! | [`RedisCache`] | the second level: Redis over one managed connection, singly and in batches |
//! | [`Tiered`] | the first over the second over the [`Source`], with promotion |
//! | [`Codec`] | what a value is in Redis: compressed above a threshold |
//! | [`Pattern`] | which keys are asked for: Zipf, or hot and cold; what that came to |
//! | [`Crowd`] | many tasks on one cache: contention, and stampedes |
//!
//! Keys, values and orders are the same in every process.

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

pub use codec::{Codec, CodecError};
pub use crowd::Crowd;
pub use entries::{
    Lifetimes, Payload, Source, TtlClass, checksum, document, key, order, payload, sized_payload,
};
pub use l1::L1;
pub use l2::RedisCache;
pub use pattern::{Keys, Observed, Pattern};
pub use tiered::{Found, Level, Tiered};

mod codec;
mod crowd;
mod entries;
mod l1;
mod l2;
mod pattern;
mod tiered;

/// Hashes without a random seed. With std's own, an entry's place in the map,
/// and with it the number of instructions, would differ from process to process.
type FixedHasher = BuildHasherDefault<DefaultHasher>;

/// What the cache does with a key before it looks anything up.
pub fn hash(key: &str) -> u64 {
    FixedHasher::default().hash_one(key)
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
