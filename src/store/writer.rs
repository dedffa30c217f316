//! A blob on its way into a store: hashed, and under its digest when it is whole.
//!
//! A module of its own because only here something is written: everything else of a store is names and files that are
//! there already.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use tempfile::NamedTempFile;

use super::{PIECE, Store, StoreError, digest_of};
use crate::oci::{Algorithm, Digest, Hasher};
use crate::shelf::touch;

/// A blob being written: hashed on its way into a temporary file, which is removed unless the blob is
/// committed.
pub struct BlobWriter {
    /// Removes the file when it is dropped.
    file: BufWriter<NamedTempFile>,
    hasher: Hasher,
    size: u64,
    /// A write went wrong: what is in the file is not what was meant.
    failed: bool,
    store: PathBuf,
}

impl BlobWriter {
    pub(super) fn new(store: &Store, file: NamedTempFile) -> Self {
        Self {
            file: BufWriter::with_capacity(PIECE, file),
            hasher: Hasher::new(Algorithm::Sha256),
            size: 0,
            failed: false,
            store: store.dir.clone(),
        }
    }

    #[cfg(test)]
    pub(super) fn replace_file(&mut self, file: NamedTempFile) {
        self.file = BufWriter::new(file);
    }

    /// Bytes written so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Stores what was written under its SHA-256; gives that and the number of bytes.
    pub fn commit(mut self) -> Result<(Digest, u64), StoreError> {
        self.flush_out()?;
        let digest = self.hasher.clone().finish();
        let size = self.size;
        self.place(&digest)?;
        Ok((digest, size))
    }

    /// Stores what was written if it is the blob that was promised.
    ///
    /// A promise in another algorithm than SHA-256 is checked by reading the file once more.
    pub fn commit_as(mut self, expected: &Digest, expected_size: u64) -> Result<(), StoreError> {
        self.flush_out()?;
        let actual = match expected.algorithm() {
            Algorithm::Sha256 => self.hasher.clone().finish(),
            other @ Algorithm::Sha512 => digest_of(self.file.get_ref().path(), other)?,
        };
        if actual != *expected || self.size != expected_size {
            return Err(StoreError::Mismatch {
                expected: expected.clone(),
                expected_size,
                actual,
                actual_size: self.size,
            });
        }
        self.place(expected)
    }

    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.file
            .write_all(bytes)
            .map_err(|source| self.failure(source))?;
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
        Ok(())
    }

    fn flush_out(&mut self) -> Result<(), StoreError> {
        if self.failed {
            return Err(self.failure(io::Error::other("an earlier write failed")));
        }
        let flushed = self.file.flush();
        flushed.map_err(|source| self.failure(source))
    }

    /// Renames the file to its digest, unless the same blob is there already.
    fn place(self, digest: &Digest) -> Result<(), StoreError> {
        let dir = self.store.join("blobs").join(digest.algorithm().as_str());
        let target = dir.join(digest.hex());
        if let Ok(existing) = File::open(&target)
            && existing
                .metadata()
                .is_ok_and(|found| found.is_file() && found.len() == self.size)
        {
            touch(&existing);
            return Ok(());
        }
        fs::create_dir_all(&dir).map_err(StoreError::write(&dir))?;
        // Not synced: what a loss of power leaves of it is found out when it is used.
        let file = self.close()?;
        file.persist(&target)
            .map(drop)
            .map_err(|error| StoreError::write(target)(error.error))
    }

    /// Ends the file, which is still a temporary one.
    pub(super) fn close(mut self) -> Result<NamedTempFile, StoreError> {
        self.flush_out()?;
        let path = self.file.get_ref().path().to_owned();
        self.file
            .into_inner()
            .map_err(|error| StoreError::write(path)(error.into_error()))
    }

    fn failure(&mut self, source: io::Error) -> StoreError {
        self.failed = true;
        StoreError::write(self.file.get_ref().path())(source)
    }
}

impl fmt::Debug for BlobWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlobWriter")
            .field("path", &self.file.get_ref().path())
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

impl Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.append(bytes).map_err(StoreError::into_io)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flush_out().map_err(StoreError::into_io)
    }
}
