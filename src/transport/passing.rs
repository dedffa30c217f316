//! An archive that is read once, from its first byte to its last, and not kept: an engine's export, for a report.
//!
//! A module of its own because which members are layers shows only in documents that come behind them. Whatever can be
//! a layer is shown to whoever looks on, when it comes; documents are kept.

use std::io::{self, BufReader, Read};
use std::path::Path;

use super::error::shown;
use super::member::Members;
use super::{LookOn, ReadOptions, TransportError};
use crate::codec::{SNIFF_BYTES, sniff};
use crate::limits::Limit;
use crate::oci::Compression;
use crate::tar::{BLOCK, Header, Kind, Reader, TarError, Visitor, Warning, padding};

/// Bytes of all documents together at most.
const MAX_DOCUMENTS: u64 = 64 << 20;
/// Bytes that are asked for at a time.
const BUFFER: usize = 256 << 10;

/// The members of the plain tar that `input` brings, of which people say `place`: documents are kept, layers are shown
/// to `look`.
pub(super) fn members(
    input: impl Read + Send,
    place: &str,
    look: &dyn LookOn,
    options: &ReadOptions<'_>,
) -> Result<Members, TransportError> {
    let documents = match options.spool_dir {
        Some(dir) => tempfile::tempfile_in(dir),
        None => tempfile::tempfile(),
    };
    let documents = documents.map_err(|source| TransportError::Write {
        path: options.spool_dir.map_or_else(std::env::temp_dir, Path::to_owned),
        source,
    })?;
    let mut members = Members::empty(documents, place, options.limits);
    let mut walk = Walk {
        input: BufReader::with_capacity(BUFFER, input),
        place,
        at: 0,
        kept: 0,
        layers: 0,
        look,
        options,
    };
    while let Some(header) = walk.next_header()? {
        if header.kind == Kind::Regular && header.size > 0 {
            walk.body(&header, &mut members)?;
        } else {
            members.add(&header, 0)?;
            walk.skip(header.size)?;
        }
    }
    // What stands behind the end is read, or the engine would be told that nobody listens.
    io::copy(&mut walk.input, &mut io::sink()).map_err(TransportError::reading(place))?;
    Ok(members)
}

struct Walk<'a, R> {
    input: BufReader<R>,
    place: &'a str,
    /// Bytes read so far.
    at: u64,
    /// Bytes of documents kept so far.
    kept: u64,
    layers: usize,
    look: &'a dyn LookOn,
    options: &'a ReadOptions<'a>,
}

impl<R: Read + Send> Walk<'_, R> {
    /// The next member's header; `None` at the archive's end.
    fn next_header(&mut self) -> Result<Option<Header>, TransportError> {
        let mut reader = Reader::new(self.options.limits);
        let begin = self.at;
        let mut seen = Seen::default();
        loop {
            let mut block = [0; BLOCK];
            let count = self.fill(&mut block)?;
            if count == 0 {
                let end = reader.finish(&mut seen);
                end.map_err(|error| self.refused(begin, error))?;
                return if self.at == 0 {
                    Err(self.cut("an empty answer"))
                } else {
                    Ok(None)
                };
            }
            let fed = reader.feed(&block[..count], &mut seen);
            fed.map_err(|error| self.refused(begin, error))?;
            if let Some(header) = seen.0.take() {
                return Ok(Some(header));
            }
        }
    }

    /// A regular member: a document that is kept, or what may be a layer.
    fn body(&mut self, header: &Header, members: &mut Members) -> Result<(), TransportError> {
        let name = shown(&String::from_utf8_lossy(&header.path));
        let mut first = vec![0; BLOCK.min(usize::try_from(header.size).unwrap_or(BLOCK))];
        if self.fill(&mut first)? < first.len() {
            return Err(self.cut(&format!("it ends inside `{name}`")));
        }
        let rest = header.size - first.len() as u64;
        if is_document(&first) {
            self.options
                .limits
                .check(Limit::Document, header.size)
                .map_err(|exceeded| TransportError::over(format!("{}: {name}", self.place), exceeded))?;
            return self.document(header, first, rest, members);
        }
        let mut bytes = Body {
            from: first.chain((&mut self.input).take(rest)),
            left: header.size,
        };
        let number = self.layers;
        let looked = self.look.layer(number, &name, &mut bytes);
        // What ended too early is the cause of whatever was thought of it.
        let drained = io::copy(&mut bytes, &mut io::sink());
        if bytes.left > 0
            && let Err(source) = drained
        {
            return Err(match source.kind() {
                io::ErrorKind::UnexpectedEof => self.cut(&format!("it ends inside `{name}`")),
                _ => TransportError::reading(self.place)(source),
            });
        }
        let diff_id = looked.map_err(TransportError::Passing)?;
        self.layers += 1;
        self.at += rest;
        members.add_passed(header, diff_id)?;
        self.skip_padding(header.size)
    }

    fn document(
        &mut self,
        header: &Header,
        mut bytes: Vec<u8>,
        rest: u64,
        members: &mut Members,
    ) -> Result<(), TransportError> {
        let begin = bytes.len();
        bytes.resize(begin + usize::try_from(rest).unwrap_or(0), 0);
        if ((self.fill(&mut bytes[begin..])?) as u64) < rest {
            return Err(self.cut("it ends inside a document"));
        }
        let offset = self.kept;
        self.kept += bytes.len() as u64;
        if self.kept > MAX_DOCUMENTS {
            return Err(TransportError::Limit {
                what: self.place.to_owned(),
                limit: format!("more than {} MiB of documents", MAX_DOCUMENTS >> 20),
            });
        }
        members.keep(&bytes).map_err(|source| TransportError::Write {
            path: self
                .options
                .spool_dir
                .map_or_else(std::env::temp_dir, Path::to_owned),
            source,
        })?;
        members.add(header, offset)?;
        self.skip_padding(header.size)
    }

    fn skip_padding(&mut self, size: u64) -> Result<(), TransportError> {
        let mut block = [0; BLOCK];
        self.fill(&mut block[..padding(size)]).map(drop)
    }

    /// Passes over a body that nobody needs.
    fn skip(&mut self, size: u64) -> Result<(), TransportError> {
        let all = size + padding(size) as u64;
        let copied = io::copy(&mut (&mut self.input).take(all), &mut io::sink());
        self.at += copied.map_err(TransportError::reading(self.place))?;
        Ok(())
    }

    /// Reads until `out` is full or the stream ends.
    fn fill(&mut self, out: &mut [u8]) -> Result<usize, TransportError> {
        let mut filled = 0;
        while filled < out.len() {
            match self.input.read(&mut out[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(TransportError::reading(self.place)(error)),
            }
        }
        self.at += filled as u64;
        Ok(filled)
    }

    fn cut(&self, detail: &str) -> TransportError {
        TransportError::Truncated {
            what: self.place.to_owned(),
            detail: detail.to_owned(),
        }
    }

    fn refused(&self, begin: u64, error: TarError) -> TransportError {
        match error {
            TarError::Truncated { part, path, .. } => self.cut(&format!("it ends inside {part} of `{path}`")),
            error => TransportError::Damaged {
                what: self.place.to_owned(),
                reason: format!("{error}, counted from byte {begin} of the archive"),
            },
        }
    }
}

/// Whether a member that begins so is a document: JSON, or too small for a layer.
fn is_document(first: &[u8]) -> bool {
    let is_tar = first.len() == BLOCK && &first[257..262] == b"ustar";
    let is_compressed = sniff(&first[..first.len().min(SNIFF_BYTES)]) != Compression::None;
    let is_json = first
        .iter()
        .find(|byte| !byte.is_ascii_whitespace())
        .is_some_and(|byte| b"{[".contains(byte));
    !is_tar && !is_compressed && (is_json || first.len() < BLOCK)
}

/// A body that ends where its header says, or with an error.
struct Body<R> {
    from: R,
    left: u64,
}

impl<R: Read> Read for Body<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(buffer)?;
        self.left -= count as u64;
        if count == 0 && self.left > 0 && !buffer.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(count)
    }
}

/// Keeps the first header that a reader shows.
#[derive(Default)]
struct Seen(Option<Header>);

impl Visitor for Seen {
    type Error = TarError;

    fn entry(&mut self, header: &Header) -> Result<(), TarError> {
        self.0.get_or_insert_with(|| header.clone());
        Ok(())
    }

    fn body(&mut self, _: &[u8]) -> Result<(), TarError> {
        Ok(())
    }

    fn end_entry(&mut self) -> Result<(), TarError> {
        Ok(())
    }

    fn warning(&mut self, _: Warning) {}
}
