//! What a value is on its way to Redis: as it is, or compressed.
//!
//! ```text
//! 0 value                             as it is
//! 1 length (4 bytes, little-endian) lz4 block    compressed
//! ```

use lz4_flex::block;

use super::Payload;
use crate::sizes;

/// Why bytes from Redis are not a value.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// Nothing at all, or a first byte that this never writes.
    #[error("its first byte is {}, and only 0 and 1 are known", first.map_or("missing".to_owned(), |byte| byte.to_string()))]
    Unknown {
        /// The first byte, if there is one.
        first: Option<u8>,
    },
    /// A length that no value has. It is refused before that much memory is
    /// taken: whoever can write to Redis could otherwise exhaust it.
    #[error(
        "it says that it holds {bytes} bytes, and values have {} at most",
        sizes::VALUE_BYTES_MAX
    )]
    TooLarge {
        /// What it says.
        bytes: usize,
    },
    /// The compressed block is damaged or cut short.
    #[error("it does not decompress: {0}")]
    Block(block::DecompressError),
    /// The block holds less than it says.
    #[error("it says that it holds {said} bytes, and holds {held}")]
    Length {
        /// What it says.
        said: usize,
        /// What there is.
        held: usize,
    },
}

const PLAIN: u8 = 0;
const LZ4: u8 = 1;

/// Compresses values from a size on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Codec {
    threshold: usize,
}

impl Codec {
    /// Leaves every value as it is.
    pub const fn plain() -> Self {
        Self { threshold: usize::MAX }
    }

    /// Compresses values of at least so many bytes (lz4), and keeps the result
    /// where it is the smaller one.
    pub const fn compressing_from(bytes: usize) -> Self {
        Self { threshold: bytes }
    }

    /// A value as it goes to Redis.
    pub fn encode(self, value: &[u8]) -> Vec<u8> {
        if value.len() >= self.threshold {
            let block = block::compress_prepend_size(value);
            if block.len() < value.len() {
                return tagged(LZ4, &block);
            }
        }
        tagged(PLAIN, value)
    }

    /// A value that came from Redis, however it was encoded there: the
    /// threshold may have been another one.
    pub fn decode(stored: &[u8]) -> Result<Payload, CodecError> {
        match stored.split_first() {
            Some((&PLAIN, value)) => Ok(value.into()),
            Some((&LZ4, block)) => {
                let (said, block) = block::uncompressed_size(block).map_err(CodecError::Block)?;
                if said > sizes::VALUE_BYTES_MAX {
                    return Err(CodecError::TooLarge { bytes: said });
                }
                let value = block::decompress(block, said).map_err(CodecError::Block)?;
                if value.len() != said {
                    return Err(CodecError::Length { said, held: value.len() });
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
