//! The features of a lead, as the scorer's input.

use crate::sizes;

/// The fields of a lead that its features are computed from. Unknown fields have their
/// default.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LeadFields<'a> {
    /// `new`, `contacted`, `qualified`, `viewing`, `offer` or `won`; other values have no
    /// feature.
    pub stage: &'a str,
    /// Where the lead came from: `portal`, `website`, `referral`, `phone` or `event`;
    /// other values have no feature.
    pub source: &'a str,
    /// The wanted location: a city or a post code.
    pub location: &'a str,
    /// The email address.
    pub email: &'a str,
    /// The budget, in whole units of the currency.
    pub budget: i64,
    /// The wanted number of rooms.
    pub rooms: u32,
    /// The number of messages, calls and visits so far.
    pub contacts: u32,
    /// When the lead was created, in Unix seconds.
    pub created_at: i64,
    /// When the lead was last scored, in Unix seconds.
    pub scored_at: i64,
}

const STAGES: [&str; 6] = ["new", "contacted", "qualified", "viewing", "offer", "won"];
const SOURCES: [&str; 5] = ["portal", "website", "referral", "phone", "event"];
/// The number of features that locations are hashed to.
const LOCATIONS: usize = 8;
/// The number of features that the domains of email addresses are hashed to.
const DOMAINS: usize = 4;

const DAY: f32 = 86_400.0;

/// Converts a lead to one row for the scorer: numbers scaled to about -1 to 1, one-hot
/// categories, and other names hashed to a feature.
pub fn features_of(lead: &LeadFields<'_>) -> [f32; sizes::FEATURES] {
    let mut row = Row { features: [0.0; sizes::FEATURES], filled: 0 };
    row.one_hot(STAGES.len(), STAGES.iter().position(|stage| *stage == lead.stage));
    row.one_hot(SOURCES.len(), SOURCES.iter().position(|source| *source == lead.source));
    row.one_hot(LOCATIONS, place(lead.location, LOCATIONS));
    let domain = lead.email.rsplit_once('@').map_or("", |(_, domain)| domain);
    row.one_hot(DOMAINS, place(domain, DOMAINS));

    row.number(logarithm(lead.budget as f64, 1e7));
    row.number(logarithm(f64::from(lead.rooms), 10.0));
    row.number(logarithm(f64::from(lead.contacts), 100.0));
    let age = lead.scored_at.saturating_sub(lead.created_at);
    row.number(logarithm(age as f64, 365.0 * f64::from(DAY)));
    // A point on a circle: the end of a day, or week, is next to its start.
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
    // The constant feature, for what all leads have in common.
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

    fn one_hot(&mut self, places: usize, which: Option<usize>) {
        if let Some(place) = which {
            self.features[self.filled + place] = 1.0;
        }
        self.filled += places;
    }
}

/// Scales a value logarithmically: 0 for 0, 1 for `large`.
#[expect(clippy::cast_possible_truncation, reason = "a feature does not need more digits")]
fn logarithm(value: f64, large: f64) -> f32 {
    (value.max(0.0).ln_1p() / large.ln_1p()) as f32
}

/// Hashes a name to a feature; `None` for an empty name. FNV-1a (Fowler, Noll and Vo)
/// with 64 bits is the same in every process and version of Rust, which the standard
/// library does not promise for its hashers.
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
