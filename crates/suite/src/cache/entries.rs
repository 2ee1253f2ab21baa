//! What is cached: keys, values, and the lifetime of each class of value.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng as _, SeedableRng as _};

use crate::sizes;

/// A cached value. Cloning it copies a pointer, not the bytes.
pub type Payload = Arc<[u8]>;

/// The key of lead `number`.
pub fn key(number: u32) -> String {
    format!("lead:{number:08}:summary")
}

/// The value of lead `number`: JSON, padded to [`sizes::PAYLOAD_BYTES`].
pub fn payload(number: u32) -> Payload {
    sized_payload(number, sizes::PAYLOAD_BYTES)
}

/// The value of lead `number`, padded to at least `bytes`.
pub fn sized_payload(number: u32, bytes: usize) -> Payload {
    let mut text = format!(
        r#"{{"id":{number},"score":{:.3},"stage":"qualified","note":""#,
        f64::from(number % 1000) / 1000.0
    );
    let end = r#""}"#;
    while text.len() + end.len() < bytes {
        text.push(char::from(b'a' + u8::try_from(text.len() % 26).unwrap_or(0)));
    }
    text.push_str(end);
    text.into_bytes().into()
}

/// The words of a [`document`]: as repetitive as real histories are.
const ACTIONS: [&str; 8] =
    ["opened", "viewed", "scored", "assigned", "emailed", "called", "merged", "closed"];
const WORDS: [&str; 24] = [
    "asked", "about", "the", "north", "garden", "flat", "and", "wants", "a", "second", "visit",
    "before", "june", "with", "her", "bank", "price", "is", "open", "to", "talk", "no", "answer",
    "yet",
];

/// A large value of lead `number`: its history as JSON, at least
/// [`sizes::DOCUMENT_BYTES`] long. The words are drawn at random, so that it
/// compresses like a real document and not like padding.
pub fn document(number: u32) -> Payload {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(u64::from(number));
    let mut below = |count: u32| random.next_u32() % count;
    let mut text = format!(r#"{{"id":{number},"history":["#);
    while text.len() < sizes::DOCUMENT_BYTES {
        if !text.ends_with('[') {
            text.push(',');
        }
        let note: Vec<&str> = (0..6 + below(12)).map(|_| pick(&WORDS, below(24))).collect();
        let entry = format!(
            r#"{{"at":{},"by":"agent{:03}","action":"{}","score":0.{:03},"note":"{}"}}"#,
            1_700_000_000 + below(50_000_000),
            below(200),
            pick(&ACTIONS, below(8)),
            below(1000),
            note.join(" "),
        );
        text.push_str(&entry);
    }
    text.push_str("]}");
    text.into_bytes().into()
}

fn pick(texts: &[&'static str], which: u32) -> &'static str {
    texts[which as usize % texts.len()]
}

/// A checksum that costs next to nothing compared with a lookup: the value's
/// length and the digits of its id.
pub fn checksum(value: &[u8]) -> u64 {
    let digits = value.iter().skip(6).take_while(|byte| byte.is_ascii_digit());
    let id =
        digits.fold(0_u64, |id, byte| id.wrapping_mul(10).wrapping_add(u64::from(byte - b'0')));
    id.wrapping_mul(31).wrapping_add(value.len() as u64)
}

/// The sum of checksums of these leads' values.
pub fn payload_checksum(numbers: impl IntoIterator<Item = u32>) -> u64 {
    numbers.into_iter().map(|number| checksum(&payload(number))).sum()
}

/// `count` numbers below `entries`, in an order that no prefetcher follows and
/// that is the same in every process.
pub fn order(entries: u32, count: u32) -> impl Iterator<Item = u32> {
    // Knuth's multiplicative hash (The Art of Computer Programming, 6.4).
    (0..count).map(move |i| i.wrapping_mul(2_654_435_761) % entries)
}

/// The origin of values that no cache has. It replaces a database but
/// takes no time, so that only the caches' own work is measured.
#[derive(Debug)]
pub struct Source {
    payloads: Vec<Payload>,
    waits: u32,
    loads: AtomicU64,
}

impl Source {
    /// A source of values of [`sizes::PAYLOAD_BYTES`] that never waits.
    pub fn even(payloads: u32) -> Self {
        Self::of((0..payloads).map(payload).collect())
    }

    /// A source of values of 0.5 to 1.5 times [`sizes::PAYLOAD_BYTES`].
    pub fn varied(payloads: u32) -> Self {
        let half = sizes::PAYLOAD_BYTES / 2;
        let bytes = |number| half + number as usize * 389 % sizes::PAYLOAD_BYTES;
        Self::of((0..payloads).map(|number| sized_payload(number, bytes(number))).collect())
    }

    fn of(payloads: Vec<Payload>) -> Self {
        Self { payloads, waits: 0, loads: AtomicU64::new(0) }
    }

    /// Makes each load yield to other tasks `times` times first.
    #[must_use]
    pub fn waiting(self, times: u32) -> Self {
        Self { waits: times, ..self }
    }

    /// The value that [`Self::load`] returns for lead `number`. Several leads share a
    /// value, so that a large working set needs many entries but little memory.
    ///
    /// # Panics
    ///
    /// If the source was created without values.
    pub fn value(&self, number: u32) -> &Payload {
        &self.payloads[number as usize % self.payloads.len()]
    }

    /// Loads the value of lead `number`.
    pub async fn load(&self, number: u32) -> Payload {
        for _ in 0..self.waits {
            tokio::task::yield_now().await;
        }
        self.loads.fetch_add(1, Ordering::Relaxed);
        Arc::clone(self.value(number))
    }

    /// The number of loads so far.
    pub fn loads(&self) -> u64 {
        self.loads.load(Ordering::Relaxed)
    }
}
