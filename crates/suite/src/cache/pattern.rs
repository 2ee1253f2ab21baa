//! Which keys are looked up, and how a cache performs on them.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng as _, SeedableRng as _};
use rand_distr::{Distribution as _, Zipf};

use super::{CacheError, L1, Level, Source, Tiered, ready};
use crate::sizes;
use benchgate_record::{self as record, RecordError};
use benchgate_record::{Metric, Unit};

/// How lookups spread over leads. Lead 0 is looked up most often.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pattern {
    /// The lead of rank r (from 1) with a probability proportional to
    /// r<sup>-skew</sup>.
    Zipf {
        /// The number of leads: the working set.
        keys: u32,
        /// The exponent. With 0, all leads are equally likely.
        skew: f64,
    },
    /// A few hot leads get most of the lookups. Within the hot leads, and within the
    /// cold ones, all are equally likely.
    HotCold {
        /// The number of leads.
        keys: u32,
        /// The number of hot leads.
        hot: u32,
        /// The share of lookups that goes to hot leads.
        share: f64,
    },
}

impl Pattern {
    /// The suite's default: [`sizes::ZIPF_KEYS`] at [`sizes::ZIPF_SKEW`].
    pub const DEFAULT: Self = Self::Zipf { keys: sizes::ZIPF_KEYS, skew: sizes::ZIPF_SKEW };

    /// The keys in the order of the lookups, the same for each call.
    ///
    /// # Panics
    ///
    /// If the pattern has no keys, or if its skew is negative or NaN.
    pub fn keys(self) -> Keys {
        let draw = match self {
            Self::Zipf { keys, skew } => Draw::Zipf(
                Zipf::new(f64::from(keys), skew)
                    .expect("at least one key and a skew of at least 0"),
            ),
            Self::HotCold { keys, hot, share } => {
                assert!(0 < hot && hot < keys, "some hot leads, and some cold ones");
                Draw::HotCold { keys, hot, share }
            }
        };
        Keys { random: Xoshiro256PlusPlus::seed_from_u64(SEED), draw }
    }

    /// The number of leads.
    pub fn leads(self) -> u32 {
        match self {
            Self::Zipf { keys, .. } | Self::HotCold { keys, .. } => keys,
        }
    }

    /// How many of the first leads count as hot. For Zipf, the hundredth of the leads
    /// that is looked up most often.
    pub fn hot(self) -> u32 {
        match self {
            Self::Zipf { keys, .. } => (keys / 100).max(1),
            Self::HotCold { hot, .. } => hot,
        }
    }
}

const SEED: u64 = 20_260_101;

/// An endless sequence of leads to look up.
#[derive(Clone, Debug)]
pub struct Keys {
    random: Xoshiro256PlusPlus,
    draw: Draw,
}

#[derive(Clone, Copy, Debug)]
enum Draw {
    Zipf(Zipf<f64>),
    HotCold { keys: u32, hot: u32, share: f64 },
}

impl Iterator for Keys {
    type Item = u32;

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank between 1 and a number of keys of 32 bits"
    )]
    fn next(&mut self) -> Option<u32> {
        let Self { random, draw } = self;
        // The upper bits as a fraction of 1.
        let mut uniform = || f64::from((random.next_u64() >> 32) as u32) / 4_294_967_296.0;
        Some(match *draw {
            Draw::Zipf(zipf) => zipf.sample(random) as u32 - 1,
            Draw::HotCold { keys, hot, share } => {
                let (first, count) = if uniform() < share { (0, hot) } else { (hot, keys - hot) };
                first + (uniform() * f64::from(count)) as u32
            }
        })
    }
}

/// The outcome of a series of lookups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// Lookups.
    pub lookups: u64,
    /// Lookups that needed no load from the source.
    pub hits: u64,
    /// Hits in the second level.
    pub l2_hits: u64,
    /// Lookups of hot leads.
    pub hot_lookups: u64,
    /// Hits among the lookups of hot leads.
    pub hot_hits: u64,
    /// Bytes of keys and values in the process at the end.
    pub bytes: u64,
    /// Entries that were evicted from the process, or not admitted, for lack of room.
    pub evictions: u64,
}

impl Observed {
    /// Looks up the leads of `pattern` in a first level with room for `capacity`
    /// entries, in its steady state: it already holds the leads that are looked up
    /// most often and has seen `warm_up` lookups. With an empty cache, the result
    /// would mostly show how fast it fills.
    pub fn of_l1(pattern: Pattern, capacity: u32, warm_up: u32, lookups: u32) -> Self {
        let source = Source::varied(sizes::SOURCE_VALUES);
        // Nothing expires: entries leave only for lack of room.
        let l1 = L1::empty(capacity, sizes::L1_LIFETIMES);
        let mut keys = pattern.keys();
        let most_wanted = (0..capacity.min(pattern.leads())).rev();
        for number in most_wanted.chain(keys.by_ref().take(warm_up as usize)) {
            ready(l1.get_or_load(number, &source));
        }
        ready(l1.settle());
        let before = (source.loads(), l1.entries());
        let mut observed = Self::default();
        for number in keys.take(lookups as usize) {
            let (_, loaded) = ready(l1.get_or_load(number, &source));
            observed.count(number < pattern.hot(), !loaded);
        }
        ready(l1.settle());
        // Each load inserted an entry; the missing entries were evicted.
        let loaded = source.loads() - before.0;
        observed.evictions = (before.1 + loaded).saturating_sub(l1.entries());
        observed.bytes = l1.bytes();
        observed
    }

    /// Looks up the leads of `pattern` in both levels.
    pub async fn of_tiered(
        pattern: Pattern,
        tiered: &Tiered,
        lookups: u32,
    ) -> Result<Self, std::sync::Arc<CacheError>> {
        let mut observed = Self::default();
        for number in pattern.keys().take(lookups as usize) {
            let level = tiered.lookup(number).await?.level;
            observed.count(number < pattern.hot(), level != Level::Source);
            observed.l2_hits += u64::from(level == Level::L2);
        }
        tiered.l1().settle().await;
        observed.bytes = tiered.l1().bytes();
        Ok(observed)
    }

    fn count(&mut self, hot: bool, hit: bool) {
        self.lookups += 1;
        self.hits += u64::from(hit);
        self.hot_lookups += u64::from(hot);
        self.hot_hits += u64::from(hot && hit);
    }

    /// The share of lookups that were hits.
    pub fn hit_rate(&self) -> f64 {
        share(self.hits, self.lookups)
    }

    /// The share of lookups of hot leads that were hits.
    pub fn hot_hit_rate(&self) -> f64 {
        share(self.hot_hits, self.hot_lookups)
    }

    /// The share of lookups of cold leads that were hits.
    pub fn cold_hit_rate(&self) -> f64 {
        share(self.hits - self.hot_hits, self.lookups - self.hot_lookups)
    }

    /// Records `hit_rate`, `hit_rate.hot` and `hit_rate.cold`, `bytes` and
    /// `evictions` for the benchmark `id`.
    pub fn record(&self, id: &str) -> Result<(), RecordError> {
        record::value(id, &rate("hit_rate"), self.hit_rate())?;
        record::value(id, &rate("hit_rate.hot"), self.hot_hit_rate())?;
        record::value(id, &rate("hit_rate.cold"), self.cold_hit_rate())?;
        record::value(id, &Metric::counted("bytes", Unit::Bytes), self.bytes as f64)?;
        record::value(id, &Metric::counted("evictions", Unit::Count), self.evictions as f64)
    }

    /// Records `hit_rate`, `hit_rate.l1` (the share of all lookups that the first
    /// level answered) and `hit_rate.l2` (the share of the remaining lookups that the
    /// second level answered).
    pub fn record_tiered(&self, id: &str) -> Result<(), RecordError> {
        let l1_hits = self.hits - self.l2_hits;
        record::value(id, &rate("hit_rate"), self.hit_rate())?;
        record::value(id, &rate("hit_rate.l1"), share(l1_hits, self.lookups))?;
        record::value(id, &rate("hit_rate.l2"), share(self.l2_hits, self.lookups - l1_hits))
    }
}

/// Records the hit rates of all patterns, each in its own first level.
pub fn record_hit_rates() -> Result<(), RecordError> {
    let observe = |pattern| {
        let capacity = sizes::L1_CAPACITY;
        Observed::of_l1(pattern, capacity, sizes::ZIPF_WARM_UP, sizes::ZIPF_LOOKUPS)
    };
    for keys in sizes::ZIPF_WORKING_SETS {
        for skew in sizes::ZIPF_SKEWS {
            let pattern = Pattern::Zipf { keys, skew };
            let id = if pattern == Pattern::DEFAULT {
                "cache/zipf".to_owned()
            } else {
                format!("cache/zipf/{keys}_keys_skew_{skew}")
            };
            observe(pattern).record(&id)?;
        }
    }
    let (keys, hot, share) = sizes::HOT_COLD;
    observe(Pattern::HotCold { keys, hot, share }).record("cache/hot_cold")
}

/// A share; 1 if there is nothing to share.
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}

/// A counted metric and not a sampled one: the lookups are the same in every run, and
/// moka evicts the same entries if a single task uses it and nothing expires.
fn rate(name: &str) -> Metric {
    Metric::counted(name, Unit::Share).higher()
}
