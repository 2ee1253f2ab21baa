//! The buckets of a histogram: the values that it does not tell apart.
//!
//! They are those of `HdrHistogram` with three significant digits and a smallest value of 1,
//! so a histogram of any of its implementations can be added to one of ours:
//! <https://github.com/HdrHistogram/HdrHistogram>. Values below 2048 have a bucket each.
//! From there on, each power of two has 1024 buckets of equal width, so a bucket is never
//! wider than 1/1024 of the values in it.

/// Significant decimal digits that a bucket keeps.
pub const DIGITS: u8 = 3;
/// The largest value that can be recorded: the largest signed integer of 64 bits, as in the
/// other implementations.
pub const LARGEST: u64 = i64::MAX as u64;
/// The number of buckets up to [`LARGEST`].
pub const COUNT: u32 = 54 * HALF;

/// The binary logarithm of the number of buckets in each power of two.
const HALF_BITS: u32 = 10;
const HALF: u32 = 1 << HALF_BITS;

/// The bucket that a value falls into: below [`COUNT`] for values up to [`LARGEST`].
pub fn index(value: u64) -> u32 {
    let shift = shift_of(value);
    #[expect(clippy::cast_possible_truncation, reason = "below 2048 after the shift")]
    let within = (value >> shift) as u32;
    // The lower half of the first 2048 buckets is not used by any other power of two.
    (shift << HALF_BITS) + within
}

/// How far a value is shifted until it is below 2048.
fn shift_of(value: u64) -> u32 {
    let bits = u64::BITS - value.leading_zeros();
    bits.saturating_sub(HALF_BITS + 1)
}

/// The smallest value in a bucket.
pub fn lowest(index: u32) -> u64 {
    let shift = (index >> HALF_BITS).saturating_sub(1);
    u64::from(index - (shift << HALF_BITS)) << shift
}

/// The largest value in a bucket.
pub fn highest(index: u32) -> u64 {
    lowest(index) + (width(index) - 1)
}

/// The value in the middle of a bucket: its smallest and half its width.
pub fn middle(index: u32) -> u64 {
    lowest(index) + width(index) / 2
}

fn width(index: u32) -> u64 {
    1 << (index >> HALF_BITS).saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_follow_each_other_without_a_gap() {
        for at in 0..COUNT {
            assert_eq!(index(lowest(at)), at);
            assert_eq!(index(highest(at)), at);
            assert_eq!(index(middle(at)), at);
            assert!(at + 1 == COUNT || highest(at) + 1 == lowest(at + 1), "after bucket {at}");
        }
        assert_eq!((lowest(0), highest(COUNT - 1)), (0, LARGEST));
    }

    #[test]
    fn a_bucket_keeps_three_digits() {
        assert!(
            (0..2048).all(|value| lowest(index(value)) == value && highest(index(value)) == value)
        );
        for value in [2048, 4_097, 999_999, 1_234_567_890, LARGEST] {
            let (least, most) = (lowest(index(value)), highest(index(value)));
            assert!(least <= value && value <= most);
            assert!((most - least) as f64 <= value as f64 / 1024.0, "{least}..={most}");
        }
    }
}
