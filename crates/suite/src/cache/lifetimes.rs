//! How long cached values are kept.

use std::time::Duration;

/// A class of values with the same time to live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TtlClass {
    /// Changes often, such as a score.
    Live,
    /// Changes sometimes, such as a lead.
    Standard,
    /// Rarely changes, such as an organisation's name.
    Reference,
}

impl TtlClass {
    /// The class of lead `number`: one in eight is live, and one in eight reference.
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
    /// The lifetime of [`TtlClass::Live`].
    pub live: Duration,
    /// The lifetime of [`TtlClass::Standard`].
    pub standard: Duration,
    /// The lifetime of [`TtlClass::Reference`].
    pub reference: Duration,
}

impl Lifetimes {
    /// The same lifetime for every class.
    pub const fn all(lifetime: Duration) -> Self {
        Self { live: lifetime, standard: lifetime, reference: lifetime }
    }

    /// The lifetime of a class.
    pub const fn of(&self, class: TtlClass) -> Duration {
        match class {
            TtlClass::Live => self.live,
            TtlClass::Standard => self.standard,
            TtlClass::Reference => self.reference,
        }
    }
}
