//! One reader over every compression that a layer may come in.
//!
//! A module of its own because it is the one place where formats are told apart; each format's
//! framing is beside it. It may assume nothing of its input: bytes are hostile, reads are short.

use std::fmt;
use std::io::{self, Read};

use bzip2::read::MultiBzDecoder;
use lzma_rust2::XzReader;

use super::gunzip::Gunzip;
use super::source::Source;
use super::unzstd::Unzstd;
use super::{CodecError, SNIFF_BYTES, sniff};
use crate::oci::Compression;

/// KiB of memory that one xz block may ask for: four times what `xz -9` needs.
const XZ_MEMORY_KIB: u32 = 256 * 1024;

/// What was passed over in a stream that could be read. Other tools may refuse such a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Oddity {
    /// So many bytes stand after the last gzip member and begin no other; gzip(1) ignores them.
    TrailingBytes(u64),
    /// A gzip header sets flag bits that RFC 1952 reserves.
    ReservedFlags,
}

impl fmt::Display for Oddity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TrailingBytes(count) => write!(f, "{count} trailing bytes after the gzip stream ignored"),
            Self::ReservedFlags => f.write_str("reserved flag bits in the gzip header ignored"),
        }
    }
}

/// Reads the plain bytes of a stream, whatever its compression.
///
/// When a read has given 0 the input below has been read to its end as well, and all checksums of the
/// format were right. After an error every further read fails too.
pub struct Decoder<'a> {
    inner: Inner<'a>,
    compression: Compression,
    state: State,
}

enum Inner<'a> {
    Plain(Source<'a>),
    Gzip(Box<Gunzip>, Source<'a>),
    Zstd(Unzstd, Source<'a>),
    Bzip2(Box<MultiBzDecoder<Marked<'a>>>),
    Xz(Box<XzReader<Marked<'a>>>),
}

#[derive(Clone, Copy)]
enum State {
    Open,
    Ended,
    Failed,
}

/// Makes a decoder for `input` by its first bytes; the media type is not asked.
///
/// Reads the first piece of the input. An empty input is an empty plain stream.
pub fn decoder<'a>(input: impl Read + Send + 'a) -> Result<Decoder<'a>, CodecError> {
    let mut source = Source::new(input);
    let first = source.peek(SNIFF_BYTES).map_err(CodecError::Input)?;
    let compression = sniff(first);
    let inner = match compression {
        Compression::None => Inner::Plain(source),
        Compression::Gzip => Inner::Gzip(Box::new(Gunzip::new()), source),
        Compression::Zstd => {
            let zstd = Unzstd::new().map_err(|error| CodecError::SetUp {
                format: compression,
                detail: error.to_string(),
            })?;
            Inner::Zstd(zstd, source)
        }
        Compression::Bzip2 => Inner::Bzip2(Box::new(MultiBzDecoder::new(Marked(source)))),
        Compression::Xz => {
            let reader = XzReader::new_mem_limit(Marked(source), true, XZ_MEMORY_KIB);
            Inner::Xz(Box::new(reader))
        }
    };
    Ok(Decoder {
        inner,
        compression,
        state: State::Open,
    })
}

impl Decoder<'_> {
    /// How the stream is stored.
    pub fn compression(&self) -> Compression {
        self.compression
    }

    /// What was passed over; complete once a read has given 0.
    pub fn oddities(&self) -> &[Oddity] {
        match &self.inner {
            Inner::Gzip(gzip, _) => &gzip.oddities,
            _ => &[],
        }
    }
}

impl Read for Decoder<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self.state {
            State::Open if !out.is_empty() => {}
            State::Open | State::Ended => return Ok(0),
            State::Failed => return Err(CodecError::Failed(self.compression).into()),
        }
        let result = match &mut self.inner {
            Inner::Plain(source) => source.read(out),
            Inner::Gzip(gzip, source) => gzip.read(source, out),
            Inner::Zstd(zstd, source) => zstd.read(source, out),
            Inner::Bzip2(reader) => reader.read(out).map_err(|error| told(error, Compression::Bzip2)),
            Inner::Xz(reader) => reader.read(out).map_err(|error| told(error, Compression::Xz)),
        };
        match &result {
            Ok(0) => self.state = State::Ended,
            Ok(_) => {}
            Err(_) => self.state = State::Failed,
        }
        result
    }
}

impl fmt::Debug for Decoder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("compression", &self.compression)
            .finish_non_exhaustive()
    }
}

/// The input of another library's reader: marks its errors, so that they are told from the format's own.
struct Marked<'a>(Source<'a>);

#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct InputError(io::Error);

impl Read for Marked<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.0
            .read(out)
            .map_err(|error| io::Error::new(error.kind(), InputError(error)))
    }
}

/// An error of such a reader in our words.
fn told(error: io::Error, format: Compression) -> io::Error {
    let kind = error.kind();
    match error.downcast::<InputError>() {
        Ok(InputError(input)) => input,
        Err(_) if kind == io::ErrorKind::UnexpectedEof => CodecError::Truncated(format).into(),
        Err(error) => CodecError::Corrupt {
            format,
            detail: error.to_string(),
        }
        .into(),
    }
}
