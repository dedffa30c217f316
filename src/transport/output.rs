//! New files that appear whole or not at all, and the blobs that are copied into them.
//!
//! Shared by every write half (rule 35): a file is made beside its final name and renamed over it at the
//! end, on the disk before it has its name. What a copy reads is verified on the way, so that nothing is stored under a digest that is not its
//! own (rule 14).

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::TransportError;
use super::error::shown;
use crate::image::{BlobRef, ImageError, OpenBlob};
use crate::oci::{Descriptor, Hasher};
use crate::progress::{Event, Progress, Stage};
use crate::scratch;

/// What new files and directories are permitted, as far as the umask lets.
const FILE_MODE: u32 = 0o666;
pub(super) const DIRECTORY_MODE: u32 = 0o777;
/// Bytes of a copy's buffer.
const PIECE: usize = 256 << 10;

/// A file that takes its name when it is finished.
pub(super) struct NewFile {
    temporary: NamedTempFile,
    path: PathBuf,
}

impl NewFile {
    /// A file that will be `path`, where a directory or a device is never replaced. A symlink stays, and what it
    /// points at is replaced.
    pub(super) fn create(path: &Path) -> Result<Self, TransportError> {
        Self::replace(&fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()))
    }

    /// The same, where a symlink is replaced as any file.
    pub(super) fn replace(path: &Path) -> Result<Self, TransportError> {
        let refused = |reason: &str| TransportError::RefusedTarget {
            path: path.to_owned(),
            reason: reason.to_owned(),
        };
        match fs::symlink_metadata(path).map(|found| found.file_type()) {
            Ok(kind) if kind.is_dir() => return Err(refused("it is a directory")),
            Ok(kind) if !kind.is_file() && !kind.is_symlink() => {
                return Err(refused("it is not a regular file"));
            }
            _ => {}
        }
        let temporary = scratch::file_in(parent(path), FILE_MODE).map_err(TransportError::writing(path))?;
        Ok(Self {
            temporary,
            path: path.to_owned(),
        })
    }

    /// The file, to be written.
    pub(super) fn file(&mut self) -> &mut File {
        self.temporary.as_file_mut()
    }

    /// Gives the file its name. What is in it is on the disk before: a loss of power leaves the old file or the new
    /// one. The new name itself lasts once [`scratch::sync_names`] was called for its directory.
    pub(super) fn finish(self) -> Result<(), TransportError> {
        let synced = self.temporary.as_file().sync_all();
        synced.map_err(TransportError::writing(&self.path))?;
        match self.temporary.persist(&self.path) {
            Ok(_) => Ok(()),
            Err(error) => Err(TransportError::Write {
                path: self.path,
                source: error.error,
            }),
        }
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.temporary.as_file_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.temporary.as_file_mut().flush()
    }
}

impl Seek for NewFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.temporary.as_file_mut().seek(to)
    }
}

/// The directory that `path` stands in.
pub(super) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// One blob on its way out, for whoever watches.
pub(super) struct Sending<'a> {
    progress: &'a Progress,
    task: usize,
}

impl<'a> Sending<'a> {
    /// Says that blob number `task` begins.
    pub(super) fn start(progress: &'a Progress, task: usize, label: String, total: Option<u64>) -> Self {
        let stage = Stage::Send;
        progress.send(Event::Started {
            stage,
            task,
            label,
            total,
        });
        Self { progress, task }
    }

    /// Says that `bytes` more are written.
    pub(super) fn advance(&self, bytes: usize) {
        self.progress.advance(Stage::Send, self.task, bytes as u64);
    }

    /// Says that the blob is complete.
    pub(super) fn finish(self) {
        self.progress.send(Event::Finished {
            stage: Stage::Send,
            task: self.task,
        });
    }
}

/// A blob where it lies: in the medium of an image or of an index.
#[derive(Clone, Copy)]
pub(super) struct Lying<'a> {
    /// What people call the image.
    pub(super) image: &'a str,
    pub(super) blobs: &'a dyn OpenBlob,
    pub(super) blob: &'a BlobRef,
}

/// Copies a blob as stored, and verifies size and digest on the way.
pub(super) fn copy_blob(
    from: &Lying<'_>,
    descriptor: &Descriptor,
    sending: &Sending<'_>,
    out: &mut dyn FnMut(&[u8]) -> Result<(), TransportError>,
) -> Result<(), TransportError> {
    let wrong = |expected: String, found: String| TransportError::WrongLayer {
        image: from.image.to_owned(),
        layer: shown(&from.blob.label()),
        expected,
        found,
    };
    let mut reader = from.blobs.open(from.blob)?;
    let mut hasher = Hasher::new(descriptor.digest.algorithm());
    let mut size = 0u64;
    let mut buffer = vec![0; PIECE];
    loop {
        let count = read(&mut *reader, &mut buffer, from.blob)?;
        if count == 0 {
            break;
        }
        size += count as u64;
        if size > descriptor.size {
            let expected = format!("{} bytes", descriptor.size);
            return Err(wrong(expected, "more".to_owned()));
        }
        hasher.update(&buffer[..count]);
        out(&buffer[..count])?;
        sending.advance(count);
    }
    if size != descriptor.size {
        return Err(wrong(format!("{} bytes", descriptor.size), size.to_string()));
    }
    let found = hasher.finish();
    if found == descriptor.digest {
        Ok(())
    } else {
        Err(wrong(descriptor.digest.to_string(), found.to_string()))
    }
}

/// Reads a piece of a layer, through interruptions.
pub(super) fn read(
    reader: &mut dyn Read,
    buffer: &mut [u8],
    blob: &BlobRef,
) -> Result<usize, TransportError> {
    loop {
        match reader.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(count) => return Ok(count),
            Err(source) => {
                let what = format!("layer {}", shown(&blob.label()));
                return Err(ImageError::Read { what, source }.into());
            }
        }
    }
}

/// Writes all of `bytes` to `file`, which will be `path`.
pub(super) fn write_all(file: &mut impl Write, bytes: &[u8], path: &Path) -> Result<(), TransportError> {
    file.write_all(bytes).map_err(TransportError::writing(path))
}
