//! What is cached: keys, values, and how long each class of value stays true.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng as _, SeedableRng as _};

use crate::sizes;

/// A cached value: handing it out copies a pointer, not the bytes.
pub type Payload = Arc<[u8]>;

/// The key of lead `number`.
pub fn key(number: u32) -> String {
    format!("lead:{number:08}:summary")
}

/// The value of lead `number`: JSON, padded to [`sizes::PAYLOAD_BYTES`].
pub fn payload(number: u32) -> Payload {
    sized_payload(number, sizes::PAYLOAD_BYTES)
}

/// The value of lead `number`, padded to `bytes`; never cut short.
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

/// What the fields of a [`document`] say: as repetitive as such things are.
const ACTIONS: [&str; 8] =
    ["opened", "viewed", "scored", "assigned", "emailed", "called", "merged", "closed"];
const WORDS: [&str; 24] = [
    "asked", "about", "the", "north", "garden", "flat", "and", "wants", "a", "second", "visit",
    "before", "june", "with", "her", "bank", "price", "is", "open", "to", "talk", "no", "answer",
    "yet",
];

/// A large value of lead `number`: JSON of its history, of at least
/// [`sizes::DOCUMENT_BYTES`]. Its texts are drawn at random, so that it
/// compresses as such a document does and not as padding would.
pub fn document(number: u32) -> Payload {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(u64::from(number));
    let mut below = |count: u32| random.next_u32() % count;
    let mut text = format!(r#"{{"id":{number},"history":["#);
    while text.len() < sizes::DOCUMENT_BYTES {
        if !text.ends_with('[') {
            text.push(',');
        }
        let note: Vec<&str> = (0..6 + below(12)).map(|_| one_of(&WORDS, below(24))).collect();
        let entry = format!(
            r#"{{"at":{},"by":"agent{:03}","action":"{}","score":0.{:03},"note":"{}"}}"#,
            1_700_000_000 + below(50_000_000),
            below(200),
            one_of(&ACTIONS, below(8)),
            below(1000),
            note.join(" "),
        );
        text.push_str(&entry);
    }
    text.push_str("]}");
    text.into_bytes().into()
}

fn one_of(texts: &[&'static str], which: u32) -> &'static str {
    texts[which as usize % texts.len()]
}

/// A checksum that costs next to nothing beside a lookup: the value's length
/// and the digits of its id.
pub fn checksum(value: &[u8]) -> u64 {
    let digits = value.iter().skip(6).take_while(|byte| byte.is_ascii_digit());
    let id =
        digits.fold(0_u64, |id, byte| id.wrapping_mul(10).wrapping_add(u64::from(byte - b'0')));
    id.wrapping_mul(31).wrapping_add(value.len() as u64)
}

/// Numbers below `entries`, `count` of them, in an order that no prefetcher
/// follows and every process repeats.
pub fn order(entries: u32, count: u32) -> impl Iterator<Item = u32> {
    // Knuth's multiplicative hash (The Art of Computer Programming, 6.4).
    (0..count).map(move |i| i.wrapping_mul(2_654_435_761) % entries)
}

/// How long a kind of value stays true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TtlClass {
    /// Changes all the time: a score.
    Live,
    /// Changes now and then: a lead.
    Standard,
    /// Hardly ever changes: an organisation's name.
    Reference,
}

impl TtlClass {
    /// The class of lead `number`: of eight, one is live and one is reference.
    pub fn of(number: u32) -> Self {
        match number % 8 {
            1 => Self::Live,
            5 => Self::Reference,
            _ => Self::Standard,
        }
    }
}

/// How long a level of the cache keeps each class of value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// [`TtlClass::Live`].
    pub live: Duration,
    /// [`TtlClass::Standard`].
    pub standard: Duration,
    /// [`TtlClass::Reference`].
    pub reference: Duration,
}

impl Lifetimes {
    /// The same for every class.
    pub const fn all(lifetime: Duration) -> Self {
        Self { live: lifetime, standard: lifetime, reference: lifetime }
    }

    /// That of one class.
    pub const fn of(&self, class: TtlClass) -> Duration {
        match class {
            TtlClass::Live => self.live,
            TtlClass::Standard => self.standard,
            TtlClass::Reference => self.reference,
        }
    }
}

/// Where values come from when no cache has them: a database, but for its
/// time. What is measured is what the caches do around it.
#[derive(Debug)]
pub struct Source {
    payloads: Vec<Payload>,
    waits: u32,
    loads: AtomicU64,
}

impl Source {
    /// Values of [`sizes::PAYLOAD_BYTES`], and an answer without waiting.
    pub fn even(payloads: u32) -> Self {
        Self::of((0..payloads).map(payload).collect())
    }

    /// Values of half of [`sizes::PAYLOAD_BYTES`] to half as much again.
    pub fn varied(payloads: u32) -> Self {
        let half = sizes::PAYLOAD_BYTES / 2;
        let bytes = |number| half + number as usize * 389 % sizes::PAYLOAD_BYTES;
        Self::of((0..payloads).map(|number| sized_payload(number, bytes(number))).collect())
    }

    fn of(payloads: Vec<Payload>) -> Self {
        Self { payloads, waits: 0, loads: AtomicU64::new(0) }
    }

    /// The same, but each answer lets other tasks run so many times first.
    #[must_use]
    pub fn waiting(self, times: u32) -> Self {
        Self { waits: times, ..self }
    }

    /// What [`Self::load`] hands out for lead `number`; several leads share a
    /// value, so that a working set costs entries and not memory.
    ///
    /// # Panics
    ///
    /// When it was made of no values at all.
    pub fn value(&self, number: u32) -> &Payload {
        &self.payloads[number as usize % self.payloads.len()]
    }

    /// The value of lead `number`.
    pub async fn load(&self, number: u32) -> Payload {
        for _ in 0..self.waits {
            tokio::task::yield_now().await;
        }
        self.loads.fetch_add(1, Ordering::Relaxed);
        Arc::clone(self.value(number))
    }

    /// How often it was asked.
    pub fn loads(&self) -> u64 {
        self.loads.load(Ordering::Relaxed)
    }
}
