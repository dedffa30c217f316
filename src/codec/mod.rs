//! Compressed streams: what a layer's bytes are, decoding them, and encoding new ones.
//!
//! A module of its own because both sides of a conversion need exactly these guarantees and nothing
//! of tar or images: a [`Decoder`] trusts the bytes, never the media type, and reads its input to the
//! very end, so that a hash below it has seen the whole blob; an [`Encoder`] writes the same bytes for
//! the same input on every machine and for any number of threads. How far a stream may expand is not
//! judged here but where the decoded bytes are used.

mod decode;
mod encode;
mod gunzip;
mod pgzip;
mod source;
#[cfg(test)]
mod tests;
mod unzstd;

use std::io;

use crate::oci::Compression;

pub use decode::{Decoder, Oddity, decoder};
pub use encode::{Encoder, Encoding, EncodingError, encoder};

/// Why a stream could not be decoded.
///
/// [`Decoder`] gives these inside an [`io::Error`]; an error of the input below it comes through as
/// it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// Occurs when the input ends in the middle of the compressed stream.
    #[error("{} stream is cut short", .0.as_str())]
    Truncated(Compression),
    /// Occurs when the compressed bytes are not what the format demands, or a checksum is wrong.
    #[error("{} stream is damaged: {detail}", .format.as_str())]
    Corrupt {
        /// The format that the first bytes promised.
        format: Compression,
        /// What is wrong, in the decoder's words.
        detail: String,
    },
    /// Occurs when a zstd frame both declares a window above the limit and goes on past it.
    #[error("zstd frame needs a window of {declared} bytes, more than the {limit} that are allowed")]
    Window {
        /// Bytes of history that the frame header asks for.
        declared: u64,
        /// Bytes of history that are granted.
        limit: u64,
    },
    /// Occurs when a stream is read again after it has failed.
    #[error("{} stream was read again after an error", .0.as_str())]
    Failed(Compression),
    /// Occurs when the input fails before its first bytes could be looked at.
    #[error("cannot read the first bytes of the stream: {0}")]
    Input(#[source] io::Error),
    /// Occurs when the decoder cannot be set up, as when memory is short.
    #[error("cannot set up a {} decoder: {detail}", .format.as_str())]
    SetUp {
        /// The format that the first bytes promised.
        format: Compression,
        /// What went wrong, in the decoder's words.
        detail: String,
    },
}

impl From<CodecError> for io::Error {
    fn from(error: CodecError) -> Self {
        let kind = match &error {
            CodecError::Truncated(_) => io::ErrorKind::UnexpectedEof,
            CodecError::Input(source) => source.kind(),
            CodecError::SetUp { .. } | CodecError::Failed(_) => io::ErrorKind::Other,
            CodecError::Corrupt { .. } | CodecError::Window { .. } => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}

/// How many first bytes [`sniff`] wants to see, where the stream has so many.
pub const SNIFF_BYTES: usize = 10;

/// Names the compression that the magic bytes promise; anything unknown is plain.
pub fn sniff(first_bytes: &[u8]) -> Compression {
    match first_bytes {
        [0x1f, 0x8b] | [0x1f, 0x8b, 8, ..] => Compression::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Compression::Zstd,
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Compression::Xz,
        [b'B', b'Z', b'h', b'1'..=b'9', block @ ..] if begins_bzip2_block(block) => Compression::Bzip2,
        _ => Compression::None,
    }
}

/// Whether the magic of a first or a last block of bzip2 follows, since a tar may begin with a file named `BZh9`.
fn begins_bzip2_block(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x31, 0x41, 0x59, 0x26, 0x53, 0x59])
        || bytes.starts_with(&[0x17, 0x72, 0x45, 0x38, 0x50, 0x90])
}

#[cfg(test)]
mod magic {
    use super::*;

    #[test]
    fn magic_bytes_are_named_and_the_rest_is_plain() {
        for (bytes, want) in [
            (&b"\x1f\x8b\x08\x00"[..], Compression::Gzip),
            (b"\x1f\x8b", Compression::Gzip),
            (b"\x1f\x8b\x07", Compression::None),
            (b"\x1f", Compression::None),
            (b"\x28\xb5\x2f\xfd", Compression::Zstd),
            (b"\x5f\x2a\x4d\x18", Compression::Zstd),
            (b"\x28\xb5\x2f", Compression::None),
            (b"\xfd7zXZ\0", Compression::Xz),
            (b"\xfd7zXZ", Compression::None),
            (b"BZh91AY&SY", Compression::Bzip2),
            (b"BZh9\x17\x72\x45\x38\x50\x90", Compression::Bzip2),
            (b"BZh9/notes.txt", Compression::None),
            (b"BZh9", Compression::None),
            (b"etc/passwd\0", Compression::None),
            (b"", Compression::None),
        ] {
            assert_eq!(sniff(bytes), want, "{bytes:?}");
        }
    }
}
