//! A new tar archive, member by member, with metadata that never varies.
//!
//! Of its own because the two archive media write the same kind of tar: owned by root, of 1970, so that the
//! same image gives the same bytes.

use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::TransportError;
use super::output::{NewFile, parent};
use crate::scratch;
use crate::tar::{BLOCK, END, Header, Kind, Time, padding, write_header};

/// Bytes that are gathered before they are written.
const BUFFER: usize = 256 << 10;

/// An archive that takes its name when it is finished.
pub(super) struct NewTar {
    out: BufWriter<NewFile>,
    path: PathBuf,
}

/// Where a member begins whose size shows when its body is written.
pub(super) struct Open {
    start: u64,
    reserved: u64,
    name: String,
}

impl NewTar {
    /// An archive that will be `path`. What killed runs left beside it goes.
    pub(super) fn create(path: &Path) -> Result<Self, TransportError> {
        scratch::sweep(parent(path));
        Ok(Self {
            out: BufWriter::with_capacity(BUFFER, NewFile::create(path)?),
            path: path.to_owned(),
        })
    }

    /// Writes a directory.
    pub(super) fn directory(&mut self, name: &str) -> Result<(), TransportError> {
        let header = Header::directory(name.as_bytes(), 0o755, Time::default());
        self.write_header(&header)
    }

    /// Writes a file that is in memory.
    pub(super) fn file(&mut self, name: &str, bytes: &[u8]) -> Result<(), TransportError> {
        self.header(name, bytes.len() as u64)?;
        self.write(bytes)?;
        self.pad(bytes.len() as u64)
    }

    /// Begins a file of `size` bytes, which [`Self::write`] brings and [`Self::pad`] ends.
    pub(super) fn header(&mut self, name: &str, size: u64) -> Result<(), TransportError> {
        self.write_header(&regular(name, size))
    }

    /// Begins a file of a size that shows at the end, probably `likely`.
    pub(super) fn open(&mut self, name: &str, likely: u64) -> Result<Open, TransportError> {
        let start = self.position()?;
        let mut blocks = Vec::new();
        write_header(&mut blocks, &regular(name, likely));
        self.write(&blocks)?;
        Ok(Open {
            start,
            reserved: blocks.len() as u64,
            name: name.to_owned(),
        })
    }

    /// Ends a file that has `size` bytes. `false` where its header needs more room than was reserved: then
    /// nothing of it is in the archive, and it must be written again with its size as the likely one.
    pub(super) fn close(&mut self, open: &Open, size: u64) -> Result<bool, TransportError> {
        self.pad(size)?;
        let end = self.position()?;
        let mut blocks = Vec::new();
        write_header(&mut blocks, &regular(&open.name, size));
        let fits = blocks.len() as u64 == open.reserved;
        self.seek(open.start)?;
        if fits {
            self.write(&blocks)?;
            self.seek(end)?;
        }
        Ok(fits)
    }

    /// Writes some of a body.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        self.out
            .write_all(bytes)
            .map_err(TransportError::writing(&self.path))
    }

    /// Fills the last block of a body of `size` bytes.
    pub(super) fn pad(&mut self, size: u64) -> Result<(), TransportError> {
        self.write(&[0; BLOCK][..padding(size)])
    }

    /// Ends the archive and gives it its name.
    pub(super) fn finish(mut self) -> Result<(), TransportError> {
        self.write(&END)?;
        // What a member that was written again may have left behind.
        let end = self.position()?;
        let mut file = self
            .out
            .into_inner()
            .map_err(|error| TransportError::writing(self.path.clone())(error.into_error()))?;
        file.file()
            .set_len(end)
            .map_err(TransportError::writing(&self.path))?;
        file.finish()?;
        scratch::sync_names(parent(&self.path)).map_err(TransportError::writing(&self.path))
    }

    fn write_header(&mut self, header: &Header) -> Result<(), TransportError> {
        let mut blocks = Vec::new();
        write_header(&mut blocks, header);
        self.write(&blocks)
    }

    fn position(&mut self) -> Result<u64, TransportError> {
        self.out
            .stream_position()
            .map_err(TransportError::writing(&self.path))
    }

    fn seek(&mut self, to: u64) -> Result<(), TransportError> {
        let moved = self.out.seek(SeekFrom::Start(to));
        moved.map(|_| ()).map_err(TransportError::writing(&self.path))
    }
}

/// The header of a file, owned by root, of 1970.
pub(super) fn regular(name: &str, size: u64) -> Header {
    let mut header = Header::new(Kind::Regular, name.as_bytes(), 0o644);
    (header.size, header.logical_size) = (size, size);
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_that_shows_at_the_end_and_one_that_needs_another_header() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("o.tar");
        let mut tar = NewTar::create(&path).unwrap();
        let open = tar.open("a", 7).unwrap();
        tar.write(b"abc").unwrap();
        assert!(tar.close(&open, 3).unwrap());
        // 9 GiB do not fit the header of a small file: the member is taken back.
        let open = tar.open("huge", 0).unwrap();
        tar.write(&[b'x'; 3000]).unwrap();
        assert!(!tar.close(&open, 9 << 30).unwrap());
        tar.file("b", b"!").unwrap();
        tar.finish().unwrap();

        let file = std::fs::File::open(&path).unwrap();
        assert_eq!(
            file.metadata().unwrap().len(),
            4 * 512 + 1024,
            "nothing is left behind the end"
        );
        let mut archive = tar::Archive::new(file);
        let read = |entry: std::io::Result<tar::Entry<'_, std::fs::File>>| {
            let mut entry = entry.unwrap();
            let mut body = String::new();
            std::io::Read::read_to_string(&mut entry, &mut body).unwrap();
            (entry.path().unwrap().to_str().unwrap().to_owned(), body)
        };
        let members: Vec<(String, String)> = archive.entries().unwrap().map(read).collect();
        assert_eq!(members, [("a".into(), "abc".into()), ("b".into(), "!".into())]);
    }

    #[test]
    fn long_blob_names_are_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("o.tar");
        let name = format!("blobs/sha512/{}", "a".repeat(128));
        let mut tar = NewTar::create(&path).unwrap();
        tar.file(&name, b"x").unwrap();
        tar.finish().unwrap();
        let mut archive = tar::Archive::new(std::fs::File::open(&path).unwrap());
        let entry = archive.entries().unwrap().next().unwrap().unwrap();
        assert_eq!(entry.path().unwrap().to_str(), Some(&*name));
    }
}
