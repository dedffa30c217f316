//! Tests of reader and writer as a whole, and the archives they are made of.

mod corpus;
mod judges;
mod properties;
mod reading;
mod writing;

use super::block::{self, Field};
use super::*;

/// What a reader showed, in a form that tests compare.
#[derive(Debug, Default, Clone, PartialEq)]
struct Seen {
    entries: Vec<Entry>,
    warnings: Vec<&'static str>,
    totals: Totals,
}

#[derive(Debug, Default, Clone)]
struct Entry {
    header: Header,
    body: Vec<u8>,
    ended: bool,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.body == other.body
            && self.ended == other.ended
            && format!("{:?}", self.header) == format!("{:?}", other.header)
    }
}

impl Visitor for Seen {
    type Error = TarError;

    fn entry(&mut self, header: &Header) -> Result<(), TarError> {
        assert!(self.entries.last().is_none_or(|entry| entry.ended));
        self.entries.push(Entry {
            header: header.clone(),
            ..Entry::default()
        });
        Ok(())
    }

    fn body(&mut self, bytes: &[u8]) -> Result<(), TarError> {
        assert!(!bytes.is_empty());
        let entry = self.entries.last_mut().unwrap();
        assert!(!entry.ended);
        entry.body.extend_from_slice(bytes);
        Ok(())
    }

    fn end_entry(&mut self) -> Result<(), TarError> {
        let entry = self.entries.last_mut().unwrap();
        assert_eq!(entry.body.len() as u64, entry.header.size);
        assert!(!std::mem::replace(&mut entry.ended, true));
        Ok(())
    }

    fn warning(&mut self, warning: Warning) {
        self.warnings.push(warning.code.as_str());
    }
}

impl Seen {
    fn names(&self) -> Vec<String> {
        self.entries
            .iter()
            .map(|entry| entry.header.path.escape_ascii().to_string())
            .collect()
    }

    fn only(&self) -> &Entry {
        assert_eq!(self.entries.len(), 1, "{:?}", self.names());
        &self.entries[0]
    }
}

/// Reads an archive fed in the given slices, and checks that every byte is accounted for.
fn read_chunks<'a>(chunks: impl IntoIterator<Item = &'a [u8]>, limits: Limits) -> Result<Seen, TarError> {
    let mut seen = Seen::default();
    let mut reader = Reader::new(limits);
    for chunk in chunks {
        reader.feed(chunk, &mut seen)?;
    }
    seen.totals = reader.finish(&mut seen)?;
    let bodies: usize = seen.entries.iter().map(|entry| entry.body.len()).sum();
    assert_eq!(seen.totals.framing + bodies as u64, seen.totals.total);
    assert_eq!(seen.totals.entries, seen.entries.len() as u64);
    Ok(seen)
}

/// Reads an archive whole and byte by byte, which must come to the same.
fn read(archive: &[u8]) -> Result<Seen, TarError> {
    let whole = read_chunks([archive], Limits::default());
    assert_eq!(whole, read_chunks(archive.chunks(1), Limits::default()));
    whole
}

/// An archive under construction, sound or not.
#[derive(Default, Clone)]
struct Archive(Vec<u8>);

impl Archive {
    /// A header block with `edit` applied before the checksum is made.
    fn header(mut self, name: &str, flag: u8, size: u64, edit: impl FnOnce(&mut [u8; BLOCK])) -> Self {
        let mut block = [0; BLOCK];
        put(&mut block, block::NAME, name.as_bytes());
        put(&mut block, block::MODE, b"0000644\0");
        put(&mut block, block::UID, b"0000000\0");
        put(&mut block, block::GID, b"0000000\0");
        put(&mut block, block::SIZE, format!("{size:011o}\0").as_bytes());
        put(&mut block, block::MTIME, b"00000000000\0");
        block[block::TYPE] = flag;
        put(&mut block, block::MAGIC, b"ustar\x0000");
        edit(&mut block);
        let (sum, _) = block::checksums(&block);
        put(&mut block, block::CHECKSUM, format!("{sum:06o}\0 ").as_bytes());
        self.0.extend_from_slice(&block);
        self
    }

    /// A header block and its padded body.
    fn member(self, name: &str, flag: u8, body: &[u8]) -> Self {
        self.header(name, flag, body.len() as u64, |_| ()).body(body)
    }

    /// A regular file with the body `x`.
    fn file(self, name: &str) -> Self {
        self.member(name, b'0', b"x")
    }

    /// A PAX extended header.
    fn pax(self, records: &[(&str, &[u8])]) -> Self {
        let mut body = Vec::new();
        for (key, value) in records {
            writer::write_record(&mut body, key.as_bytes(), value);
        }
        self.member("PaxHeaders/x", b'x', &body)
    }

    fn body(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self.0.resize(self.0.len() + padding(bytes.len() as u64), 0);
        self
    }

    fn zero_block(mut self) -> Self {
        self.0.extend_from_slice(&[0; BLOCK]);
        self
    }

    fn end(mut self) -> Vec<u8> {
        self.0.extend_from_slice(&END);
        self.0
    }
}

fn put(block: &mut [u8; BLOCK], field: Field, bytes: &[u8]) {
    block[field.clone()].fill(0);
    block[field.start..field.start + bytes.len()].copy_from_slice(bytes);
}
