//! Pseudo-random numbers that are the same everywhere, for ever.

/// The generator `SplitMix64`: every seed is a good seed, and equal seeds give
/// equal numbers and orders on every platform. It is written out here so that an
/// update of a library cannot change the meaning of a recorded seed.
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

    /// An index below `len`, each with the same chance; 0 if `len` is 0.
    ///
    /// D. Lemire, "Fast random integer generation in an interval", ACM
    /// Transactions on Modeling and Computer Simulation 29(1), 2019.
    pub fn index(&mut self, len: usize) -> usize {
        let len = len as u64;
        loop {
            let product = u128::from(self.next_bits()) * u128::from(len);
            #[expect(clippy::cast_possible_truncation, reason = "the halves of 128 bits")]
            let (high, low) = ((product >> 64) as usize, product as u64);
            // Only if the low half is small can a draw be one too many.
            if low >= len || low >= len.wrapping_neg() % len {
                return high;
            }
        }
    }

    /// Puts the items in a random order, each order with the same chance.
    ///
    /// R. Durstenfeld, "Algorithm 235: Random permutation", Communications of the
    /// ACM 7(7), 1964.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.index(last + 1));
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

    /// Computed with Python's integers from the definitions: a seed that a snapshot
    /// records must give these orders in every version of the gate.
    #[test]
    fn a_seed_gives_the_same_order_for_ever() {
        let mut random = SplitMix64::new(1_234_567);
        let mut order = [0, 1, 2, 3, 4, 5, 6, 7];
        random.shuffle(&mut order);
        assert_eq!(order, [0, 7, 4, 5, 6, 3, 1, 2]);
        let indices: Vec<usize> = (0..6).map(|_| random.index(4096)).collect();
        assert_eq!(indices, [1127, 1793, 3353, 1741, 1812, 2460]);
    }

    #[test]
    fn every_order_has_the_same_chance() {
        let mut random = SplitMix64::new(1);
        let mut seen = std::collections::BTreeMap::new();
        for _ in 0..60_000 {
            let mut order = ["base", "head", "control"];
            random.shuffle(&mut order);
            *seen.entry(order).or_insert(0_u32) += 1;
        }
        assert_eq!(seen.len(), 6);
        // Five standard deviations of a binomial count are 456.
        assert!(seen.values().all(|count| count.abs_diff(10_000) < 456), "{seen:?}");
        random.shuffle::<u8>(&mut []);
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
