//! What the scorer is told about a lead.

use crate::sizes;

/// The fields of a lead that its features are made of. What is not known stays
/// at its default.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LeadFields<'a> {
    /// `new`, `contacted`, `qualified`, `viewing`, `offer` or `won`; anything
    /// else is none of these.
    pub stage: &'a str,
    /// Where the lead came from: `portal`, `website`, `referral`, `phone` or
    /// `event`; anything else is none of these.
    pub source: &'a str,
    /// Where it looks for something: a city, or a post code.
    pub location: &'a str,
    /// Its address for mail.
    pub email: &'a str,
    /// What it may cost, in whole units of money.
    pub budget: i64,
    /// Rooms that are wanted.
    pub rooms: u32,
    /// Messages, calls and visits so far.
    pub contacts: u32,
    /// When it came in, in Unix seconds.
    pub created_at: i64,
    /// When it was looked at last, in Unix seconds.
    pub scored_at: i64,
}

const STAGES: [&str; 6] = ["new", "contacted", "qualified", "viewing", "offer", "won"];
const SOURCES: [&str; 5] = ["portal", "website", "referral", "phone", "event"];
/// Places that locations are hashed to.
const LOCATIONS: usize = 8;
/// Places that the domains of mail addresses are hashed to.
const DOMAINS: usize = 4;

const DAY: f32 = 86_400.0;

/// One row for the scorer: numbers about -1 to 1, one of each set of names, and
/// names without a set hashed to a place.
pub fn features_of(lead: &LeadFields<'_>) -> [f32; sizes::FEATURES] {
    let mut row = Row { features: [0.0; sizes::FEATURES], filled: 0 };
    row.one_of(STAGES.len(), STAGES.iter().position(|stage| *stage == lead.stage));
    row.one_of(SOURCES.len(), SOURCES.iter().position(|source| *source == lead.source));
    row.one_of(LOCATIONS, place(lead.location, LOCATIONS));
    let domain = lead.email.rsplit_once('@').map_or("", |(_, domain)| domain);
    row.one_of(DOMAINS, place(domain, DOMAINS));

    row.number(logarithm(lead.budget as f64, 1e7));
    row.number(logarithm(f64::from(lead.rooms), 10.0));
    row.number(logarithm(f64::from(lead.contacts), 100.0));
    let age = lead.scored_at.saturating_sub(lead.created_at);
    row.number(logarithm(age as f64, 365.0 * f64::from(DAY)));
    // A circle: the last second of a day, or week, is next to the first.
    for period in [DAY, 7.0 * DAY] {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a period in seconds is a small whole number"
        )]
        let within = lead.created_at.rem_euclid(period as i64) as f32 / period;
        let (sine, cosine) = (std::f32::consts::TAU * within).sin_cos();
        row.number(sine);
        row.number(cosine);
    }
    debug_assert_eq!(row.filled, sizes::FEATURES - 1);
    // The constant that stands for what every lead has in common.
    row.number(1.0);
    row.features
}

struct Row {
    features: [f32; sizes::FEATURES],
    filled: usize,
}

impl Row {
    fn number(&mut self, value: f32) {
        self.features[self.filled] = value;
        self.filled += 1;
    }

    fn one_of(&mut self, places: usize, which: Option<usize>) {
        if let Some(place) = which {
            self.features[self.filled + place] = 1.0;
        }
        self.filled += places;
    }
}

/// 0 for nothing, 1 for `large`, more slowly growing in between.
#[expect(clippy::cast_possible_truncation, reason = "a feature needs no more digits")]
fn logarithm(value: f64, large: f64) -> f32 {
    (value.max(0.0).ln_1p() / large.ln_1p()) as f32
}

/// FNV-1a (Fowler, Noll and Vo), 64 bits: the same in every process and version
/// of Rust, which std does not promise of its own hashers. Nothing for no name.
fn place(name: &str, places: usize) -> Option<usize> {
    if name.is_empty() {
        return None;
    }
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in name.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    usize::try_from(hash % places as u64).ok()
}
