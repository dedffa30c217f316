//! New compressed streams: which encoding, and one writer over all of them.
//!
//! A module of its own because the choice of an encoding is text that people type and read. What is
//! written depends on the input and the [`Encoding`] alone: not on how the input is cut into writes,
//! not on flushes, not on the number of threads.

use std::fmt;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::str::FromStr;

use zstd::zstd_safe::CParameter;

use super::pgzip::ParallelGzip;
use crate::oci::Compression;

const GZIP_DEFAULT: u32 = 6;
const ZSTD_DEFAULT: i32 = 3;
/// zstd's threads: fixed, since only then the bytes are promised to be.
const ZSTD_WORKERS: u32 = 2;
/// Bytes of input that one zstd thread compresses at a time.
const ZSTD_JOB: u32 = 8 << 20;

/// How a new layer is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// A plain tar.
    None,
    /// gzip, one member.
    Gzip {
        /// 1 (fast) to 9 (small); 6 where nothing is said.
        level: u32,
    },
    /// zstd, one frame with a checksum.
    Zstd {
        /// 1 (fast) to 22 (small); 3 where nothing is said.
        level: i32,
    },
}

/// Why a text names no encoding.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodingError {
    /// Occurs when the name before the colon is not one of the three.
    #[error("`{0}` is not a compression: expected gzip, zstd or none, with a level as in `gzip:9`")]
    Unknown(String),
    /// Occurs when the level is no number, or out of the compression's range.
    #[error("`{text}` is not a level of {name}: expected {lowest} to {highest}")]
    Level {
        /// What stands after the colon.
        text: String,
        /// The compression.
        name: &'static str,
        /// The first level.
        lowest: u8,
        /// The last level.
        highest: u8,
    },
    /// Occurs when `none` is given a level.
    #[error("`none` takes no level, but `{0}` was given")]
    LevelOfNone(String),
}

impl Encoding {
    /// The default way to write a form; `None` for one that is only read.
    pub fn of(compression: Compression) -> Option<Self> {
        match compression {
            Compression::None => Some(Self::None),
            Compression::Gzip => Some(Self::Gzip { level: GZIP_DEFAULT }),
            Compression::Zstd => Some(Self::Zstd { level: ZSTD_DEFAULT }),
            Compression::Bzip2 | Compression::Xz => None,
        }
    }

    /// The form that [`super::decoder`] will see.
    pub fn compression(self) -> Compression {
        match self {
            Self::None => Compression::None,
            Self::Gzip { .. } => Compression::Gzip,
            Self::Zstd { .. } => Compression::Zstd,
        }
    }
}

impl Default for Encoding {
    fn default() -> Self {
        Self::Gzip { level: GZIP_DEFAULT }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Gzip { level } => write!(f, "gzip:{level}"),
            Self::Zstd { level } => write!(f, "zstd:{level}"),
        }
    }
}

impl FromStr for Encoding {
    type Err = EncodingError;

    fn from_str(text: &str) -> Result<Self, EncodingError> {
        let (name, level) = match text.split_once(':') {
            Some((name, level)) => (name, Some(level)),
            None => (text, None),
        };
        match (name, level) {
            ("none", None) => Ok(Self::None),
            ("none", Some(level)) => Err(EncodingError::LevelOfNone(level.to_owned())),
            ("gzip", None) => Ok(Self::Gzip { level: GZIP_DEFAULT }),
            ("gzip", Some(level)) => Ok(Self::Gzip {
                level: parse_level(level, "gzip", 9)?.into(),
            }),
            ("zstd", None) => Ok(Self::Zstd { level: ZSTD_DEFAULT }),
            ("zstd", Some(level)) => Ok(Self::Zstd {
                level: parse_level(level, "zstd", 22)?.into(),
            }),
            _ => Err(EncodingError::Unknown(text.to_owned())),
        }
    }
}

fn parse_level(text: &str, name: &'static str, highest: u8) -> Result<u8, EncodingError> {
    text.parse()
        .ok()
        .filter(|level| (1..=highest).contains(level))
        .ok_or_else(|| EncodingError::Level {
            text: text.to_owned(),
            name,
            lowest: 1,
            highest,
        })
}

/// Compresses what is written to it into a sink.
///
/// `flush` flushes the sink only: compressed bytes leave when their block is full. Dropping the
/// encoder without [`finish`](Self::finish) leaves the sink with an unfinished stream.
pub struct Encoder<W: Write> {
    inner: Inner<W>,
    failed: bool,
}

enum Inner<W: Write> {
    Plain(W),
    Gzip(Box<ParallelGzip<W>>),
    Zstd(zstd::stream::write::Encoder<'static, W>),
    /// Could not be set up: told at the first write.
    Unavailable(io::Error),
}

/// Makes an encoder of `encoding` that writes into `sink`.
///
/// gzip is compressed by up to `threads` threads besides the caller's (by the caller's alone where it
/// is 1); zstd always by the same number. The bytes do not depend on it.
pub fn encoder<W: Write>(sink: W, encoding: Encoding, threads: NonZeroUsize) -> Encoder<W> {
    let inner = match encoding {
        Encoding::None => Inner::Plain(sink),
        Encoding::Gzip { level } => Inner::Gzip(Box::new(ParallelGzip::new(sink, level, threads))),
        Encoding::Zstd { level } => match zstd_encoder(sink, level) {
            Ok(zstd) => Inner::Zstd(zstd),
            Err(error) => Inner::Unavailable(error),
        },
    };
    Encoder { inner, failed: false }
}

fn zstd_encoder<W: Write>(sink: W, level: i32) -> io::Result<zstd::stream::write::Encoder<'static, W>> {
    let mut zstd = zstd::stream::write::Encoder::new(sink, level)?;
    zstd.include_checksum(true)?;
    zstd.set_parameter(CParameter::NbWorkers(ZSTD_WORKERS))?;
    zstd.set_parameter(CParameter::JobSize(ZSTD_JOB))?;
    Ok(zstd)
}

impl<W: Write> Encoder<W> {
    /// Ends the stream, flushes the sink and gives it back.
    pub fn finish(self) -> io::Result<W> {
        if self.failed {
            return Err(after_failure());
        }
        let mut sink = match self.inner {
            Inner::Plain(sink) => sink,
            Inner::Gzip(gzip) => gzip.finish()?,
            Inner::Zstd(zstd) => zstd.finish()?,
            Inner::Unavailable(error) => return Err(error),
        };
        sink.flush()?;
        Ok(sink)
    }
}

impl<W: Write> Write for Encoder<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if self.failed {
            return Err(after_failure());
        }
        let result = match &mut self.inner {
            Inner::Plain(sink) => return sink.write(data),
            Inner::Gzip(gzip) => gzip.write(data),
            Inner::Zstd(zstd) => zstd.write(data),
            Inner::Unavailable(error) => Err(io::Error::new(error.kind(), error.to_string())),
        };
        self.failed = result.is_err();
        result
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.inner {
            Inner::Plain(sink) => sink.flush(),
            Inner::Gzip(gzip) => gzip.flush(),
            Inner::Zstd(zstd) => zstd.get_mut().flush(),
            Inner::Unavailable(error) => Err(io::Error::new(error.kind(), error.to_string())),
        }
    }
}

impl<W: Write> fmt::Debug for Encoder<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder")
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

fn after_failure() -> io::Error {
    io::Error::other("the compressed stream was written on after an error")
}
