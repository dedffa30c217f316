//! The tar reader: however an archive is cut, the same; every byte accounted for; what was read can be written.

use layerslim::limits::Limits;
use layerslim::tar::{Header, Kind, Reader, TarError, Totals, Visitor, Warning, write_header};

use super::bytes::{lengths, repaired};

pub(super) fn check(input: &[u8]) {
    archive(input);
    let repaired = repaired(input);
    if repaired != input {
        archive(&repaired);
    }
}

fn archive(archive: &[u8]) {
    let limits = Limits::default();
    let whole = read([archive], limits);
    for most in [3, 700] {
        let cut = read(pieces(archive, most), limits);
        assert_eq!(
            shown(&whole),
            shown(&cut),
            "in one piece, and in pieces of at most {most}"
        );
    }
    let small = Limits {
        path: 200,
        extension: 1000,
        sparse: 1 << 20,
        ..limits
    };
    if let Ok(strict) = read([archive], small) {
        assert_eq!(
            shown(&whole),
            shown(&Ok(strict)),
            "limits refuse, and change nothing"
        );
    }
    if let Ok(seen) = whole {
        for entry in seen.entries {
            written_again(&entry.header);
        }
    }
}

fn pieces(archive: &[u8], most: usize) -> impl Iterator<Item = &[u8]> {
    let mut rest = archive;
    lengths(archive, most).map_while(move |length| {
        let (piece, after) = rest.split_at(length.min(rest.len()));
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

/// What a header says can be written and read again, from its fields and, where the reader vouches for it, as it was.
pub(super) fn written_again(header: &Header) {
    let expected = Header {
        kind: match header.kind {
            Kind::Other(_) => Kind::Regular,
            kind => kind,
        },
        size: if header.sparse.is_some() {
            header.logical_size
        } else {
            header.size
        },
        sparse: None,
        ..header.clone()
    };
    let mut blocks = Vec::new();
    write_header(&mut blocks, header);
    let again = only(&blocks);
    assert_eq!(meaning(&again), meaning(&expected), "written and read");
    let slashed_file = again.kind == Kind::Regular && again.path.ends_with(b"/");
    assert!(
        again.canonical || slashed_file,
        "our own header is not canonical: {again:?}"
    );
    let mut twice = Vec::new();
    write_header(&mut twice, &again);
    assert_eq!(blocks, twice, "written twice");
    if header.canonical {
        assert_eq!(
            meaning(&only(&header.raw)),
            meaning(header),
            "the blocks as they were"
        );
    }
}

/// The entry that some header blocks are.
fn only(blocks: &[u8]) -> Header {
    let unlimited = Limits {
        path: u64::MAX,
        extension: u64::MAX,
        sparse: u64::MAX,
        ..Limits::default()
    };
    let mut seen = Seen::default();
    let fed = Reader::new(unlimited).feed(blocks, &mut seen);
    assert_eq!(fed, Ok(()), "a header that we wrote");
    let mut headers = seen.entries.into_iter().map(|entry| entry.header);
    let header = headers.next();
    assert!(headers.next().is_none(), "one header became several");
    header.unwrap_or_else(|| panic!("a header became none"))
}

/// What does not speak of the encoding.
pub(super) fn meaning(header: &Header) -> String {
    let header = Header {
        raw: Vec::new(),
        canonical: true,
        ..header.clone()
    };
    format!("{header:?}")
}

fn shown(result: &Result<Seen, TarError>) -> String {
    format!("{result:?}")
}

/// What a reader told.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) entries: Vec<Entry>,
    warnings: Vec<Warning>,
    totals: Totals,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) header: Header,
    body: u64,
    hash: u64,
    ended: bool,
}

/// Reads an archive in pieces and holds the reader to its interface.
pub(super) fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, limits: Limits) -> Result<Seen, TarError> {
    let mut seen = Seen::default();
    let mut reader = Reader::new(limits);
    let mut fed = 0;
    for piece in pieces {
        reader.feed(piece, &mut seen)?;
        fed += piece.len() as u64;
    }
    seen.totals = reader.finish(&mut seen)?;
    let bodies: u64 = seen.entries.iter().map(|entry| entry.body).sum();
    assert_eq!(seen.totals.total, fed, "bytes fed");
    assert_eq!(seen.totals.framing + bodies, fed, "framing and bodies");
    assert_eq!(seen.totals.entries, seen.entries.len() as u64, "entries");
    assert!(
        seen.entries.iter().all(|entry| entry.ended),
        "an entry without an end"
    );
    Ok(seen)
}

impl Visitor for Seen {
    type Error = TarError;

    fn entry(&mut self, header: &Header) -> Result<(), TarError> {
        assert!(
            self.entries.last().is_none_or(|entry| entry.ended),
            "entries overlap"
        );
        assert!(
            !header.path.contains(&0) && !header.link.contains(&0),
            "a name with a NUL"
        );
        assert!(
            !header.kind.is_header_only() || header.size == 0,
            "a {:?} with a body",
            header.kind
        );
        assert!(
            header.mode <= 0o7777 && header.mtime.nanos < 1_000_000_000,
            "out of range"
        );
        for list in [&header.xattrs, &header.pax] {
            assert!(
                list.is_sorted_by(|(a, _), (b, _)| a < b),
                "records without order: {list:?}"
            );
        }
        extents_fit(header);
        self.entries.push(Entry {
            header: header.clone(),
            body: 0,
            hash: 0,
            ended: false,
        });
        Ok(())
    }

    fn body(&mut self, bytes: &[u8]) -> Result<(), TarError> {
        assert!(!bytes.is_empty(), "a piece of nothing");
        let Some(entry) = self.entries.last_mut().filter(|entry| !entry.ended) else {
            panic!("a body without an entry")
        };
        entry.body += bytes.len() as u64;
        entry.hash = bytes.iter().fold(entry.hash, |hash, &byte| {
            hash.wrapping_mul(31).wrapping_add(u64::from(byte))
        });
        Ok(())
    }

    fn end_entry(&mut self) -> Result<(), TarError> {
        let Some(entry) = self.entries.last_mut().filter(|entry| !entry.ended) else {
            panic!("an end without an entry")
        };
        assert_eq!(
            entry.body, entry.header.size,
            "the body is not of the size that was told"
        );
        entry.ended = true;
        Ok(())
    }

    fn warning(&mut self, warning: Warning) {
        self.warnings.push(warning);
    }
}

/// Runs of stored bytes follow one another inside the file and are all there is.
fn extents_fit(header: &Header) {
    let Some(extents) = &header.sparse else {
        assert_eq!(header.size, header.logical_size, "no holes, another size");
        return;
    };
    let mut end = 0;
    for extent in extents {
        assert!(
            extent.offset >= end && extent.len > 0,
            "extents overlap: {extents:?}"
        );
        end = extent.offset + extent.len;
    }
    assert!(end <= header.logical_size, "an extent behind the end");
    assert_eq!(
        extents.iter().map(|extent| extent.len).sum::<u64>(),
        header.size,
        "stored bytes"
    );
}
