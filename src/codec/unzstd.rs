//! zstd, read frame by frame (RFC 8878).
//!
//! A module of its own because the frame boundaries matter here: skippable frames (zstd:chunked) are
//! passed over, bytes that begin no frame are an error, and a frame's declared window decides how
//! much memory it may take. A window above [`WINDOW_LIMIT`] is granted only as address space: the
//! decoder touches no more of it than it has decoded, so such a frame is read for as long as its
//! content stays within the limit.

use std::io;

use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation, OutBuffer};

use super::CodecError;
use super::source::Source;
use crate::oci::Compression;

/// Bytes of history that a frame may really use: what `zstd --ultra -22` needs.
const WINDOW_LIMIT: u64 = 128 << 20;
/// The largest window that the decoder can be told to accept, as a power of two.
const WINDOW_LOG_MAX: u32 = if cfg!(target_pointer_width = "64") { 31 } else { 27 };
const FRAME: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// The state between two reads.
pub(super) struct Unzstd {
    raw: Decoder<'static>,
    in_frame: bool,
    /// Bytes that the current frame has given.
    produced: u64,
    /// Bytes of window that the current frame declares.
    window: u64,
}

impl Unzstd {
    pub(super) fn new() -> io::Result<Self> {
        let mut raw = Decoder::new()?;
        raw.set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX))?;
        Ok(Self {
            raw,
            in_frame: false,
            produced: 0,
            window: 0,
        })
    }

    /// Decodes into `out`, which is not empty; 0 at the end of the input.
    pub(super) fn read(&mut self, source: &mut Source<'_>, out: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.in_frame && !self.next_frame(source)? {
                return Ok(0);
            }
            let produced = self.decode(source, out)?;
            if produced > 0 {
                return Ok(produced);
            }
        }
    }

    /// Stands before a frame with content, or says that there is none.
    fn next_frame(&mut self, source: &mut Source<'_>) -> io::Result<bool> {
        loop {
            let header = source.peek(14)?;
            match header {
                [] => return Ok(false),
                [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => skip(source)?,
                _ if header.starts_with(&FRAME) => {
                    self.window = declared_window(&header[FRAME.len()..]).ok_or_else(truncated)?;
                    self.produced = 0;
                    self.in_frame = true;
                    return Ok(true);
                }
                _ if header.len() < FRAME.len() && FRAME.starts_with(header) => return Err(truncated()),
                _ => return Err(corrupt("bytes after the last frame are not zstd")),
            }
        }
    }

    fn decode(&mut self, source: &mut Source<'_>, out: &mut [u8]) -> io::Result<usize> {
        let bytes = source.fill()?;
        let at_end = bytes.is_empty();
        let mut input = InBuffer::around(bytes);
        let mut output = OutBuffer::around(out);
        let hint = self
            .raw
            .run(&mut input, &mut output)
            .map_err(|error| corrupt(error.to_string()))?;
        let (consumed, produced) = (input.pos(), output.pos());
        source.consume(consumed);
        self.in_frame = hint != 0;
        self.produced += produced as u64;
        if self.window > WINDOW_LIMIT && self.produced > WINDOW_LIMIT {
            return Err(CodecError::Window {
                declared: self.window,
                limit: WINDOW_LIMIT,
            }
            .into());
        }
        if self.in_frame && consumed == 0 && produced == 0 {
            return Err(if at_end {
                truncated()
            } else {
                corrupt("frame makes no progress")
            });
        }
        Ok(produced)
    }
}

/// Passes over a skippable frame: magic, little-endian length, that many bytes.
fn skip(source: &mut Source<'_>) -> io::Result<()> {
    let [_, length] = [source.take_array::<4>()?, source.take_array::<4>()?];
    let mut left = length.map(u32::from_le_bytes).ok_or_else(truncated)? as usize;
    while left > 0 {
        let count = source.fill()?.len().min(left);
        if count == 0 {
            return Err(truncated());
        }
        source.consume(count);
        left -= count;
    }
    Ok(())
}

/// Bytes of window that a frame header declares (RFC 8878, 3.1.1.1); none where it is cut short.
fn declared_window(header: &[u8]) -> Option<u64> {
    let (&descriptor, rest) = header.split_first()?;
    if descriptor & 0b10_0000 == 0 {
        let &window = rest.first()?;
        let base = 1_u64 << (10 + (window >> 3));
        return Some(base + base / 8 * u64::from(window & 7));
    }
    let dictionary_id = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let size = rest.get(dictionary_id..)?;
    match descriptor >> 6 {
        0 => size.first().map(|&byte| u64::from(byte)),
        1 => size
            .first_chunk()
            .map(|bytes| u64::from(u16::from_le_bytes(*bytes)) + 256),
        2 => size
            .first_chunk()
            .map(|bytes| u64::from(u32::from_le_bytes(*bytes))),
        _ => size.first_chunk().map(|bytes| u64::from_le_bytes(*bytes)),
    }
}

fn truncated() -> io::Error {
    CodecError::Truncated(Compression::Zstd).into()
}

fn corrupt(detail: impl Into<String>) -> io::Error {
    CodecError::Corrupt {
        format: Compression::Zstd,
        detail: detail.into(),
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_read_from_both_kinds_of_header() {
        for (header, want) in [
            (&[0x00, 0x00][..], Some(1024)),
            (&[0x04, 0x07], Some(1024 + 7 * 128)),
            (&[0x00, 21 << 3], Some(1 << 31)),
            (&[0x20, 5], Some(5)),
            (&[0x61, 9, 1, 0], Some(257)),
            (&[0xe0, 0, 0, 0, 0, 1, 0, 0, 0], Some(1 << 32)),
            (&[0xe0, 0, 0, 0], None),
            (&[0x00], None),
            (&[], None),
        ] {
            assert_eq!(declared_window(header), want, "{header:?}");
        }
    }
}
