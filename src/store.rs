//! A content-addressed store on disk, in the form of an OCI image layout.
//!
//! A module of its own because blobs that must be read twice (pulled layers, staged results) need a
//! place that survives a crash half-way and that several processes may share: a blob is written under
//! a temporary name and renamed to its digest when it is whole, so what stands under a digest is
//! complete. It may assume that the directory is one file system. Spec: image-spec `image-layout.md`.

#[cfg(test)]
mod tests;
mod writer;

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

pub use writer::BlobWriter;

use crate::oci::{Algorithm, Digest, Hasher};
use crate::scratch;
use crate::shelf::{self, Item, touch};

/// Bytes gathered before one write.
const PIECE: usize = 256 * 1024;
/// Where blobs grow; beside `blobs`, so that readers of the layout never meet a half-made one.
const INCOMING: &str = ".incoming";
/// Blobs are readable by all whom the umask lets, as layouts are.
const FILE_MODE: u32 = 0o644;
/// What is staged is nobody else's.
const PRIVATE_DIRECTORY: u32 = 0o700;
const LAYOUT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;
const INDEX: &[u8] =
    br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Occurs when a file or directory cannot be made or written: no space, no permission.
    #[error("cannot write {}: {source}", .path.display())]
    Write {
        /// What could not be written.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Occurs when a file or directory cannot be read.
    #[error("cannot read {}: {source}", .path.display())]
    Read {
        /// What could not be read.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Occurs when a blob is asked for that the store does not hold.
    #[error("blob {digest} is not in the store {}", .dir.display())]
    Missing {
        /// The blob.
        digest: Digest,
        /// The store's directory.
        dir: PathBuf,
    },
    /// Occurs when what was written is not the blob that was promised.
    #[error("expected blob {expected} of {expected_size} bytes, got {actual} of {actual_size} bytes")]
    Mismatch {
        /// The digest that was promised.
        expected: Digest,
        /// The bytes that were promised.
        expected_size: u64,
        /// The digest of what was written.
        actual: Digest,
        /// The bytes that were written.
        actual_size: u64,
    },
}

impl StoreError {
    fn write(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Write { path, source }
    }

    fn read(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Read { path, source }
    }

    fn into_io(self) -> io::Error {
        let kind = match &self {
            Self::Write { source, .. } | Self::Read { source, .. } => source.kind(),
            Self::Missing { .. } => io::ErrorKind::NotFound,
            Self::Mismatch { .. } => io::ErrorKind::InvalidData,
        };
        io::Error::new(kind, self)
    }
}

/// A directory of blobs by digest.
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
    /// Removes the directory when the store is dropped.
    temporary: Option<scratch::Directory>,
}

impl Store {
    /// Opens the store at `dir`, making the directory, `oci-layout`, `index.json` and `blobs/sha256`
    /// where they are not there yet. What killed processes left half-made goes.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let store = Self {
            dir: dir.to_owned(),
            temporary: None,
        };
        store.make_layout()?;
        scratch::sweep(&store.dir.join(INCOMING));
        shelf::remove_abandoned(&store.dir.join(INCOMING));
        Ok(store)
    }

    /// Makes a store that is removed when it is dropped, below `parent` or the system's directory for
    /// temporary files. Those of killed processes go.
    pub fn temporary(parent: Option<&Path>) -> Result<Self, StoreError> {
        let parent = parent.map_or_else(std::env::temp_dir, Path::to_owned);
        scratch::sweep(&parent);
        let temporary =
            scratch::Directory::new_in(&parent, PRIVATE_DIRECTORY).map_err(StoreError::write(parent))?;
        let store = Self {
            dir: temporary.path().to_owned(),
            temporary: Some(temporary),
        };
        store.make_layout()?;
        Ok(store)
    }

    /// The blobs of a store at `dir`, which need not be one.
    pub fn blobs_in(dir: &Path) -> Result<Vec<Item>, StoreError> {
        let mut blobs = Vec::new();
        for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
            let dir = dir.join("blobs").join(algorithm.as_str());
            blobs.extend(shelf::files_in(&dir).map_err(StoreError::read(&dir))?);
        }
        Ok(blobs)
    }

    /// The layout's directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whether the directory is removed when the store is dropped.
    pub fn is_temporary(&self) -> bool {
        self.temporary.is_some()
    }

    /// Where the blob is, or would be.
    pub fn path_of(&self, digest: &Digest) -> PathBuf {
        self.algorithm_dir(digest.algorithm()).join(digest.hex())
    }

    /// Whether the blob is there, with that many bytes where `size` says so.
    pub fn contains(&self, digest: &Digest, size: Option<u64>) -> bool {
        fs::metadata(self.path_of(digest))
            .is_ok_and(|found| found.is_file() && size.is_none_or(|size| size == found.len()))
    }

    /// Opens the blob, and notes that it was used.
    pub fn read(&self, digest: &Digest) -> Result<File, StoreError> {
        let path = self.path_of(digest);
        let file = File::open(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => StoreError::Missing {
                digest: digest.clone(),
                dir: self.dir.clone(),
            },
            _ => StoreError::Read { path, source },
        })?;
        touch(&file);
        Ok(file)
    }

    /// Whether the blob is there and still is what its digest says. One that is not, as a disk may damage it, is removed.
    pub fn is_sound(&self, digest: &Digest) -> bool {
        let path = self.path_of(digest);
        let is_sound = digest_of(&path, digest.algorithm()).is_ok_and(|found| found == *digest);
        if !is_sound {
            // What cannot be removed is replaced, or done without.
            let _ = fs::remove_file(&path);
        }
        is_sound
    }

    /// Stores `bytes` under their SHA-256.
    pub fn put(&self, bytes: &[u8]) -> Result<Digest, StoreError> {
        let digest = Digest::of(bytes);
        let mut writer = self.writer()?;
        writer.append(bytes)?;
        writer.commit_as(&digest, bytes.len() as u64)?;
        Ok(digest)
    }

    /// A blob that is not known yet.
    pub fn writer(&self) -> Result<BlobWriter, StoreError> {
        let incoming = self.dir.join(INCOMING);
        let mut made = scratch::file_in(&incoming, FILE_MODE);
        if made
            .as_ref()
            .is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
        {
            fs::create_dir_all(&incoming).map_err(StoreError::write(&incoming))?;
            made = scratch::file_in(&incoming, FILE_MODE);
        }
        let file = made.map_err(StoreError::write(&incoming))?;
        Ok(BlobWriter::new(self, file))
    }

    fn make_layout(&self) -> Result<(), StoreError> {
        for dir in [self.algorithm_dir(Algorithm::Sha256), self.dir.join(INCOMING)] {
            fs::create_dir_all(&dir).map_err(StoreError::write(&dir))?;
        }
        for (name, content) in [("oci-layout", LAYOUT), ("index.json", INDEX)] {
            let path = self.dir.join(name);
            if path.exists() {
                continue;
            }
            let mut writer = self.writer()?;
            writer.append(content)?;
            match writer.close()?.persist_noclobber(&path) {
                Ok(_) => {}
                Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => {
                    return Err(StoreError::Write {
                        path,
                        source: error.error,
                    });
                }
            }
        }
        Ok(())
    }

    fn algorithm_dir(&self, algorithm: Algorithm) -> PathBuf {
        self.dir.join("blobs").join(algorithm.as_str())
    }
}

fn digest_of(path: &Path, algorithm: Algorithm) -> Result<Digest, StoreError> {
    let mut file = File::open(path).map_err(StoreError::read(path))?;
    let mut hasher = Hasher::new(algorithm);
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(count) => hasher.update(&piece[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(StoreError::read(path)(error)),
        }
    }
}
