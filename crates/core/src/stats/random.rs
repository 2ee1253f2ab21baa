//! Pseudo-random numbers that are the same everywhere and for ever.

/// The generator `SplitMix64`: every seed is a good one, and equal seeds give
/// equal numbers on every platform. Written out here so that no update of a
/// library can change what a recorded seed stands for.
///
/// G. L. Steele, D. Lea and C. H. Flood, "Fast splittable pseudorandom number
/// generators", OOPSLA 2014, with the constants of D. Stafford's variant 13.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitMix64 {
    state: u64,
}

impl SplitMix64 {
    /// A generator that starts from a seed.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next 64 bits.
    pub fn next_bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// An index below `len`, every one equally likely; 0 if `len` is 0.
    ///
    /// D. Lemire, "Fast random integer generation in an interval", ACM
    /// Transactions on Modeling and Computer Simulation 29(1), 2019.
    pub fn index(&mut self, len: usize) -> usize {
        let len = len as u64;
        loop {
            let product = u128::from(self.next_bits()) * u128::from(len);
            #[expect(clippy::cast_possible_truncation, reason = "the halves of 128 bits")]
            let (high, low) = ((product >> 64) as usize, product as u64);
            // Only where the low half is small can a draw be one too many.
            if low >= len || low >= len.wrapping_neg() % len {
                return high;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_sequence() {
        // Rosetta Code, "Pseudo-random numbers/Splitmix64", seed 1234567.
        let mut random = SplitMix64::new(1_234_567);
        let first: Vec<u64> = (0..5).map(|_| random.next_bits()).collect();
        assert_eq!(
            first,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423,
                4_593_380_528_125_082_431,
                16_408_922_859_458_223_821,
            ]
        );
    }

    #[test]
    fn indices_are_even() {
        let mut random = SplitMix64::new(1);
        let mut seen = [0_u32; 7];
        for _ in 0..70_000 {
            seen[random.index(7)] += 1;
        }
        // Five standard deviations of a binomial count are 463.
        assert!(seen.iter().all(|count| count.abs_diff(10_000) < 463), "{seen:?}");
        assert_eq!((random.index(0), random.index(1)), (0, 0));
    }
}
