//! A content-addressed store on disk, in the form of an OCI image layout.
//!
//! A module of its own because blobs that must be read twice (pulled layers, staged results) need a
//! place that survives a crash half-way and that several processes may share: a blob is written under
//! a temporary name and renamed to its digest when it is whole, so what stands under a digest is
//! complete. It may assume that the directory is one file system. Spec: image-spec `image-layout.md`.

mod prune;

use std::fmt;
use std::fs::{self, File, FileTimes};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tempfile::NamedTempFile;

use crate::oci::{Algorithm, Digest, Hasher};
use crate::scratch;

pub use prune::Pruned;

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
        Ok(BlobWriter {
            file: BufWriter::with_capacity(PIECE, file),
            hasher: Hasher::new(Algorithm::Sha256),
            size: 0,
            failed: false,
            lasting: self.temporary.is_none(),
            store: self.dir.clone(),
        })
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

/// A blob being written: hashed on its way into a temporary file, which is removed unless the blob is
/// committed.
pub struct BlobWriter {
    /// Removes the file when it is dropped.
    file: BufWriter<NamedTempFile>,
    hasher: Hasher,
    size: u64,
    /// A write went wrong: what is in the file is not what was meant.
    failed: bool,
    /// The blob is on the disk before it has its name: a loss of power leaves none that is not whole.
    lasting: bool,
    store: PathBuf,
}

impl BlobWriter {
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

    fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
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
        let lasting = self.lasting;
        let file = self.close()?;
        if lasting {
            let synced = file.as_file().sync_all();
            synced.map_err(StoreError::write(file.path()))?;
        }
        file.persist(&target)
            .map(drop)
            .map_err(|error| StoreError::write(target)(error.error))
    }

    /// Ends the file, which is still a temporary one.
    fn close(mut self) -> Result<NamedTempFile, StoreError> {
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

/// Notes that a blob was used. A store that may only be read is not pruned by us either.
fn touch(file: &File) {
    let _ = file.set_times(FileTimes::new().set_accessed(SystemTime::now()));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> Store {
        Store::temporary(None).unwrap()
    }

    fn incoming(store: &Store) -> usize {
        fs::read_dir(store.dir().join(INCOMING)).unwrap().count()
    }

    fn age(path: &Path, hours: u64) {
        let then = SystemTime::now() - std::time::Duration::from_secs(hours * 3600);
        let file = File::options().write(true).open(path).unwrap();
        file.set_times(FileTimes::new().set_accessed(then).set_modified(then))
            .unwrap();
    }

    #[test]
    fn a_new_store_is_an_empty_layout_and_goes_away() {
        let store = store();
        let dir = store.dir().to_owned();
        let index: serde_json::Value =
            serde_json::from_slice(&fs::read(dir.join("index.json")).unwrap()).unwrap();
        assert_eq!(index["manifests"], serde_json::json!([]));
        let layout: serde_json::Value =
            serde_json::from_slice(&fs::read(dir.join("oci-layout")).unwrap()).unwrap();
        assert_eq!(layout["imageLayoutVersion"], "1.0.0");
        assert!(dir.join("blobs/sha256").is_dir());
        drop(store);
        assert!(!dir.exists());
    }

    #[test]
    fn opening_again_keeps_what_is_there() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("a/b");
        let digest = Store::open(&dir).unwrap().put(b"blob").unwrap();
        fs::write(dir.join("index.json"), b"mine").unwrap();
        let store = Store::open(&dir).unwrap();
        assert!(store.contains(&digest, Some(4)));
        assert_eq!(fs::read(dir.join("index.json")).unwrap(), b"mine");
        assert_eq!(incoming(&store), 0);
    }

    #[test]
    fn what_is_written_is_read_back_under_its_digest() {
        let store = store();
        let mut writer = store.writer().unwrap();
        writer.write_all(b"hello ").unwrap();
        writer.write_all(b"blob").unwrap();
        assert_eq!((writer.size(), incoming(&store)), (10, 1));
        let (digest, size) = writer.commit().unwrap();
        assert_eq!((digest.clone(), size), (Digest::of(b"hello blob"), 10));
        assert_eq!(
            io::read_to_string(store.read(&digest).unwrap()).unwrap(),
            "hello blob"
        );
        assert!(store.contains(&digest, None));
        assert!(!store.contains(&digest, Some(9)));
        assert_eq!(incoming(&store), 0);
    }

    #[test]
    fn a_blob_is_checked_against_its_promise() {
        let store = store();
        let mut sha512 = Hasher::new(Algorithm::Sha512);
        sha512.update(b"x");
        let sha512 = sha512.finish();
        for (expected, size, good) in [
            (&Digest::of(b"x"), 1, true),
            (&Digest::of(b"x"), 2, false),
            (&Digest::of(b"y"), 1, false),
            (&sha512, 1, true),
        ] {
            let mut writer = store.writer().unwrap();
            writer.write_all(b"x").unwrap();
            let result = writer.commit_as(expected, size);
            assert_eq!(result.is_ok(), good, "{expected} {size}: {result:?}");
            assert_eq!(store.contains(expected, Some(size)), good, "{expected} {size}");
            assert_eq!(incoming(&store), 0);
        }
    }

    #[test]
    fn a_dropped_writer_leaves_nothing() {
        let store = store();
        let mut writer = store.writer().unwrap();
        writer.write_all(&vec![7; 2 * PIECE]).unwrap();
        drop(writer);
        assert_eq!(incoming(&store), 0);
        assert_eq!(store.prune(0).unwrap(), Pruned::default());
    }

    #[test]
    fn an_equal_blob_stays_and_a_damaged_one_is_replaced() {
        let store = store();
        let digest = store.put(b"good").unwrap();
        let path = store.path_of(&digest);
        age(&path, 50);
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        store.put(b"good").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), modified);
        fs::write(&path, b"go").unwrap();
        store.put(b"good").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"good");
    }

    #[test]
    fn many_writers_of_one_blob_agree() {
        let store = store();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..20).for_each(|n| drop(store.put(&[n; 1000]).unwrap())));
            }
        });
        for n in 0..20 {
            assert!(store.contains(&Digest::of(&[n; 1000]), Some(1000)));
        }
        assert_eq!(incoming(&store), 0);
    }

    #[test]
    fn errors_name_what_they_speak_of() {
        let store = store();
        let digest = Digest::of(b"absent");
        let error = store.read(&digest).unwrap_err();
        assert!(matches!(error, StoreError::Missing { .. }));
        assert!(error.to_string().contains(digest.hex()), "{error}");

        let parent = tempfile::tempdir().unwrap();
        let file = parent.path().join("file");
        fs::write(&file, b"").unwrap();
        let error = Store::open(&file).unwrap_err();
        assert!(error.to_string().contains("/file/"), "{error}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_names_the_file() {
        let store = store();
        let mut writer = store.writer().unwrap();
        let (_, path) = store.writer().unwrap().close().unwrap().into_parts();
        let full = File::options().write(true).open("/dev/full").unwrap();
        writer.file = BufWriter::new(NamedTempFile::from_parts(full, path));
        let error = writer
            .write_all(&vec![0; PIECE])
            .and_then(|()| writer.flush())
            .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        let shown = error.to_string();
        assert!(
            shown.contains("/.incoming/.slim-") && shown.contains("No space"),
            "{shown}"
        );
        assert!(writer.commit().is_err());
        assert_eq!(incoming(&store), 0);
    }
}
