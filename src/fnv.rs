//! A short name for bytes that is the same in every version of the gate.

use std::fmt;

/// FNV-1a, 64 bits: G. Fowler, L. C. Noll, K.-P. Vo and D. Eastlake, "The FNV
/// Non-Cryptographic Hash Algorithm". Shown in hexadecimal digits.
pub(crate) struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    const PRIME: u64 = 0x0000_0100_0000_01b3;

    pub(crate) fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(Self::PRIME);
        }
    }
}

impl fmt::Display for Fnv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vectors of the algorithm's authors.
    #[test]
    fn published_values() {
        for (text, expected) in
            [("", "cbf29ce484222325"), ("a", "af63dc4c8601ec8c"), ("foobar", "85944171f73967e8")]
        {
            let mut name = Fnv::default();
            let (first, second) = text.split_at(text.len() / 2);
            name.add(first.as_bytes());
            name.add(second.as_bytes());
            assert_eq!(name.to_string(), expected, "{text}");
        }
    }
}
