//! gzip, read member by member (RFC 1952).
//!
//! A module of its own because layers are concatenated gzip files more often than not (pigz, kaniko,
//! eStargz) and what stands between and after the members decides whether a blob is read at all:
//! zero padding and trailing bytes are passed over and told, as gzip(1) does; everything else that
//! is wrong is an error. Inflating is `flate2`'s; the framing is here.

use std::io;

use flate2::{Decompress, FlushDecompress, Status};

use super::CodecError;
use super::decode::Oddity;
use super::source::Source;
use crate::oci::Compression;

const HEADER_CRC: u8 = 1 << 1;
const EXTRA: u8 = 1 << 2;
const NAME: u8 = 1 << 3;
const COMMENT: u8 = 1 << 4;
const RESERVED: u8 = 0b1110_0000;

enum State {
    Header,
    Body,
    Trailer,
    Between,
    End,
}

/// The state between two reads.
pub(super) struct Gunzip {
    inflate: Decompress,
    crc: crc32fast::Hasher,
    size: u32,
    state: State,
    pub(super) oddities: Vec<Oddity>,
}

impl Gunzip {
    pub(super) fn new() -> Self {
        Self {
            inflate: Decompress::new(false),
            crc: crc32fast::Hasher::new(),
            size: 0,
            state: State::Header,
            oddities: Vec::new(),
        }
    }

    /// Decodes into `out`, which is not empty; 0 at the end, when `source` is drained.
    pub(super) fn read(&mut self, source: &mut Source<'_>, out: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.state {
                State::Header => {
                    self.header(source)?;
                    self.inflate.reset(false);
                    self.crc = crc32fast::Hasher::new();
                    self.size = 0;
                    self.state = State::Body;
                }
                State::Body => {
                    let produced = self.inflate(source, out)?;
                    if produced > 0 {
                        return Ok(produced);
                    }
                }
                State::Trailer => {
                    self.trailer(source)?;
                    self.state = State::Between;
                }
                State::Between => self.between(source)?,
                State::End => return Ok(0),
            }
        }
    }

    fn header(&mut self, source: &mut Source<'_>) -> io::Result<()> {
        let mut header = Header {
            source,
            crc: crc32fast::Hasher::new(),
        };
        let [_, _, method, flags, ..] = header.take::<10>()?;
        if method != 8 {
            return Err(corrupt(format!("compression method {method} is not deflate")));
        }
        if flags & RESERVED != 0 && !self.oddities.contains(&Oddity::ReservedFlags) {
            self.oddities.push(Oddity::ReservedFlags);
        }
        if flags & EXTRA != 0 {
            for _ in 0..u16::from_le_bytes(header.take()?) {
                header.take::<1>()?;
            }
        }
        for text in [NAME, COMMENT] {
            if flags & text != 0 {
                while header.take()? != [0] {}
            }
        }
        if flags & HEADER_CRC != 0 {
            let computed = header.crc.clone().finalize() as u16;
            if u16::from_le_bytes(header.take()?) != computed {
                return Err(corrupt("header checksum is wrong"));
            }
        }
        Ok(())
    }

    fn inflate(&mut self, source: &mut Source<'_>, out: &mut [u8]) -> io::Result<usize> {
        let input = source.fill()?;
        let (in_before, out_before) = (self.inflate.total_in(), self.inflate.total_out());
        let status = self
            .inflate
            .decompress(input, out, FlushDecompress::None)
            .map_err(|error| corrupt(error.message().unwrap_or("invalid deflate data")))?;
        let consumed = (self.inflate.total_in() - in_before) as usize;
        let produced = (self.inflate.total_out() - out_before) as usize;
        let stuck = consumed == 0 && produced == 0;
        let at_end = input.is_empty();
        source.consume(consumed);
        self.crc.update(&out[..produced]);
        self.size = self.size.wrapping_add(produced as u32);
        match status {
            Status::StreamEnd => self.state = State::Trailer,
            Status::Ok | Status::BufError if stuck && at_end => return Err(truncated()),
            Status::Ok | Status::BufError if stuck => return Err(corrupt("deflate data makes no progress")),
            Status::Ok | Status::BufError => {}
        }
        Ok(produced)
    }

    fn trailer(&mut self, source: &mut Source<'_>) -> io::Result<()> {
        let crc = source
            .take_array::<4>()?
            .map(u32::from_le_bytes)
            .ok_or_else(truncated)?;
        let size = source
            .take_array::<4>()?
            .map(u32::from_le_bytes)
            .ok_or_else(truncated)?;
        if crc != self.crc.clone().finalize() {
            return Err(corrupt("checksum of the content is wrong"));
        }
        if size != self.size {
            return Err(corrupt("size of the content is wrong"));
        }
        Ok(())
    }

    /// Another member, or the end and whatever stands there.
    fn between(&mut self, source: &mut Source<'_>) -> io::Result<()> {
        if source.peek(2)? == [0x1f, 0x8b] {
            self.state = State::Header;
            return Ok(());
        }
        let ignored = source.drain()?;
        if ignored > 0 {
            self.oddities.push(Oddity::TrailingBytes(ignored));
        }
        self.state = State::End;
        Ok(())
    }
}

/// Takes a member's header byte by byte, keeping its checksum.
struct Header<'s, 'a> {
    source: &'s mut Source<'a>,
    crc: crc32fast::Hasher,
}

impl Header<'_, '_> {
    fn take<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let bytes = self.source.take_array::<N>()?.ok_or_else(truncated)?;
        self.crc.update(&bytes);
        Ok(bytes)
    }
}

fn truncated() -> io::Error {
    CodecError::Truncated(Compression::Gzip).into()
}

fn corrupt(detail: impl Into<String>) -> io::Error {
    CodecError::Corrupt {
        format: Compression::Gzip,
        detail: detail.into(),
    }
    .into()
}
