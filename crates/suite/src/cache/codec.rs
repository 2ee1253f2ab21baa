//! How a value is stored in Redis: plain or compressed.
//!
//! ```text
//! 0 value                                        plain
//! 1 length (4 bytes, little-endian) lz4 block    compressed
//! ```

use lz4_flex::block;

use super::Payload;
use crate::sizes;

/// Why bytes from Redis cannot be decoded.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// The value is empty, or begins with a byte that the encoder never writes.
    #[error("the first byte is {}; only 0 and 1 are known", first.map_or("missing".to_owned(), |byte| byte.to_string()))]
    Unknown {
        /// The first byte, if there is one.
        first: Option<u8>,
    },
    /// The stated length is larger than any value. It is refused before memory is
    /// allocated: anyone who can write to Redis could otherwise exhaust it.
    #[error("the stated length is {bytes} bytes; the limit is {}", sizes::VALUE_BYTES_MAX)]
    TooLarge {
        /// The stated length.
        bytes: usize,
    },
    /// The compressed block is damaged or truncated.
    #[error("cannot decompress it: {0}")]
    Block(block::DecompressError),
    /// The block is shorter than its stated length.
    #[error("the stated length is {stated} bytes, but it holds {held}")]
    Length {
        /// The stated length.
        stated: usize,
        /// The actual length.
        held: usize,
    },
}

const PLAIN: u8 = 0;
const LZ4: u8 = 1;

/// Encodes values for Redis, compressing those above a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Codec {
    threshold: usize,
}

impl Codec {
    /// A codec that never compresses.
    pub const fn plain() -> Self {
        Self { threshold: usize::MAX }
    }

    /// Compresses values of at least `bytes` bytes with lz4, unless the result
    /// would be larger.
    pub const fn compressing_from(bytes: usize) -> Self {
        Self { threshold: bytes }
    }

    /// Encodes a value for Redis.
    pub fn encode(self, value: &[u8]) -> Vec<u8> {
        if value.len() >= self.threshold {
            let block = block::compress_prepend_size(value);
            if block.len() < value.len() {
                return tagged(LZ4, &block);
            }
        }
        tagged(PLAIN, value)
    }

    /// Decodes a value from Redis, whatever threshold it was encoded with.
    pub fn decode(stored: &[u8]) -> Result<Payload, CodecError> {
        match stored.split_first() {
            Some((&PLAIN, value)) => Ok(value.into()),
            Some((&LZ4, block)) => {
                let (stated, block) = block::uncompressed_size(block).map_err(CodecError::Block)?;
                if stated > sizes::VALUE_BYTES_MAX {
                    return Err(CodecError::TooLarge { bytes: stated });
                }
                let value = block::decompress(block, stated).map_err(CodecError::Block)?;
                if value.len() != stated {
                    return Err(CodecError::Length { stated, held: value.len() });
                }
                Ok(value.into())
            }
            other => Err(CodecError::Unknown { first: other.map(|(first, _)| *first) }),
        }
    }
}

fn tagged(tag: u8, bytes: &[u8]) -> Vec<u8> {
    let mut stored = Vec::with_capacity(1 + bytes.len());
    stored.push(tag);
    stored.extend_from_slice(bytes);
    stored
}
