//! HdrHistogram's compressed form of a distribution (V2, deflate, base64): in snapshots, and
//! in records of programs that use one of its libraries.
//!
//! The form is that of <https://github.com/HdrHistogram/HdrHistogram>: a header, and the count
//! of each bucket as a variable-length integer, where a negative integer skips as many empty
//! buckets. The crate `hdrhistogram` reads it too, but inflates whatever a file claims and
//! accepts other bounds; a record is input from anyone. The tests compare the two.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use miniz_oxide::deflate::compress_to_vec_zlib;
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;

use crate::model::{Distribution, DistributionFault, buckets};

/// The first four bytes of the compressed form, and of the form inside it.
const COMPRESSED: u32 = 0x1c84_9314;
const INFLATED: u32 = 0x1c84_9313;

/// Bytes of the inner header: cookie, length, offset, digits, two bounds, a ratio.
const HEADER: usize = 40;

/// The bytes of a count at most: seven bits each, and all eight of the ninth.
const LONGEST: usize = 9;

/// The most bytes that a histogram inflates to: each bucket with the longest count.
const MOST: usize = HEADER + buckets::COUNT as usize * LONGEST;

/// The level that is enough: counts are small and repeat.
const LEVEL: u8 = 6;

/// Why a text is not a histogram that can be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum HdrFault {
    /// It is not base64.
    #[error("is not base64")]
    Base64,
    /// It is cut off, or not of this form.
    #[error("is not a compressed V2 histogram: {0}")]
    Form(&'static str),
    /// It inflates to more than any histogram needs, or not at all.
    #[error("cannot be inflated to at most {most} bytes", most = MOST)]
    Deflate,
    /// Its buckets are not ours, so its counts could not be added.
    #[error(
        "has other bounds: {digits} significant digits and a smallest value of {lowest}; record \
         with 3 digits and 1"
    )]
    Bounds {
        /// Its significant digits.
        digits: u32,
        /// Its smallest value.
        lowest: u64,
    },
    /// Its values are not whole numbers of the unit, or are shifted.
    #[error("has scaled or shifted values, which cannot be merged")]
    Scaled,
    /// Its counts are not those of a distribution.
    #[error(transparent)]
    Distribution(#[from] DistributionFault),
}

/// The observations of a distribution. Its failed operations have no place in this form.
pub fn encode(distribution: &Distribution) -> String {
    let mut payload = Vec::new();
    let mut next = 0;
    let mut highest = 2;
    for (value, count) in distribution.counts() {
        let index = buckets::index(value);
        let skipped = i64::from(index - next);
        if skipped > 0 {
            write(&mut payload, -skipped);
        }
        write(&mut payload, i64::try_from(count).unwrap_or(i64::MAX));
        next = index + 1;
        highest = buckets::highest(index).max(2);
    }
    let mut inner = Vec::with_capacity(HEADER + payload.len());
    inner.extend(INFLATED.to_be_bytes());
    inner.extend(length(payload.len()));
    inner.extend(0_u32.to_be_bytes());
    inner.extend(u32::from(buckets::DIGITS).to_be_bytes());
    inner.extend(1_u64.to_be_bytes());
    inner.extend(highest.to_be_bytes());
    inner.extend(1.0_f64.to_be_bytes());
    inner.append(&mut payload);
    let mut deflated = compress_to_vec_zlib(&inner, LEVEL);
    let mut outer = COMPRESSED.to_be_bytes().to_vec();
    outer.extend(length(deflated.len()));
    outer.append(&mut deflated);
    STANDARD.encode(outer)
}

/// The bytes of a length: a histogram has far fewer than 2^32.
fn length(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes()
}

/// The distribution that a text holds, with the failed operations that were counted next to
/// it.
///
/// # Errors
///
/// Refuses every text that is not a whole histogram with our bounds.
pub fn decode(text: &str, failed: Option<BTreeMap<String, u64>>) -> Result<Distribution, HdrFault> {
    let text = text.trim().trim_end_matches('=');
    let outer = STANDARD_NO_PAD.decode(text).map_err(|_| HdrFault::Base64)?;
    let mut outer = Reader(&outer);
    if outer.u32()? != COMPRESSED {
        return Err(HdrFault::Form("it does not begin with HISTFAAAA"));
    }
    if outer.u32()? as usize != outer.0.len() {
        return Err(HdrFault::Form("its length is not the one that it states"));
    }
    let inner = decompress_to_vec_zlib_with_limit(outer.0, MOST).map_err(|_| HdrFault::Deflate)?;
    let mut inner = Reader(&inner);
    if inner.u32()? != INFLATED {
        return Err(HdrFault::Form("its content is of another version"));
    }
    let payload = inner.u32()? as usize;
    let offset = inner.u32()?;
    let digits = inner.u32()?;
    let lowest = inner.u64()?;
    let _highest = inner.u64()?;
    let ratio = f64::from_bits(inner.u64()?);
    if digits != u32::from(buckets::DIGITS) || lowest != 1 {
        return Err(HdrFault::Bounds { digits, lowest });
    }
    if offset != 0 || ratio != 1.0 {
        return Err(HdrFault::Scaled);
    }
    if payload != inner.0.len() {
        return Err(HdrFault::Form("its length is not the one that it states"));
    }
    Ok(Distribution::new(inner.counts()?, failed)?)
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], HdrFault> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(HdrFault::Form("it is cut off"))?;
        self.0 = rest;
        Ok(*bytes)
    }

    fn u32(&mut self) -> Result<u32, HdrFault> {
        self.bytes().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Result<u64, HdrFault> {
        self.bytes().map(u64::from_be_bytes)
    }

    /// Each value with its count.
    fn counts(&mut self) -> Result<Vec<(u64, u64)>, HdrFault> {
        let mut counts = Vec::new();
        let mut index = 0_u64;
        while !self.0.is_empty() {
            let number = self.number()?;
            if number < 0 {
                index = index.saturating_add(number.unsigned_abs());
                continue;
            }
            let bucket = u32::try_from(index).ok().filter(|index| *index < buckets::COUNT);
            let bucket = bucket.ok_or(HdrFault::Form("it has more counts than buckets"))?;
            if number > 0 {
                counts.push((buckets::lowest(bucket), number.unsigned_abs()));
            }
            index += 1;
        }
        Ok(counts)
    }

    /// An integer of seven bits a byte, the lowest first, its sign in the lowest bit.
    fn number(&mut self) -> Result<i64, HdrFault> {
        let mut number = 0_u64;
        for at in 0..LONGEST {
            let [byte] = self.bytes()?;
            let is_last = at + 1 == LONGEST;
            let bits = if is_last { byte } else { byte & 0x7f };
            number |= u64::from(bits) << (7 * at);
            if byte & 0x80 == 0 {
                break;
            }
        }
        Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }
}

/// Appends an integer as [`Reader::number`] reads it.
fn write(bytes: &mut Vec<u8>, number: i64) {
    let mut left = ((number << 1) ^ (number >> 63)).cast_unsigned();
    for _ in 1..LONGEST {
        let [low, ..] = left.to_le_bytes();
        if left < 0x80 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
        left >>= 7;
    }
    let [low, ..] = left.to_le_bytes();
    bytes.push(low);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_read_as_they_were_written() {
        for number in [0, 1, -1, 63, 64, -64, -65, 1 << 20, i64::MAX, i64::MIN, 1 << 53] {
            let mut bytes = Vec::new();
            write(&mut bytes, number);
            assert!(bytes.len() <= LONGEST, "{number}");
            assert_eq!(Reader(&bytes).number(), Ok(number));
        }
    }
}
