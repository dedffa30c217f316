//! Blobs opened through something: a store that keeps what was read, a flag that ends the reading.
//!
//! Of its own because both fit every medium and no medium knows of them: each wraps an
//! [`OpenBlob`] and is one.

use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::image::{BlobRef, ImageError, OpenBlob};
use crate::oci::{Descriptor, Digest};
use crate::store::{BlobWriter, Store};

/// Keeps every blob that is read to its end in a store, and reads it from there the next time. What is kept
/// has the descriptor's size and digest; what another run kept is hashed before it is used, and fetched anew where the
/// disk damaged it. What the store cannot take is read all the same.
pub struct Kept {
    inner: Arc<dyn OpenBlob>,
    store: Arc<Store>,
    /// What this run wrote or hashed.
    sound: Arc<Mutex<HashSet<Digest>>>,
}

impl Kept {
    /// Blobs of `inner`, kept in `store`.
    pub fn new(inner: Arc<dyn OpenBlob>, store: Arc<Store>) -> Self {
        Self {
            inner,
            store,
            sound: Arc::default(),
        }
    }
}

impl OpenBlob for Kept {
    fn open(&self, blob: &BlobRef) -> Result<Box<dyn Read + Send>, ImageError> {
        let BlobRef::Stored(descriptor) = blob else {
            return self.inner.open(blob);
        };
        if self.store.contains(&descriptor.digest, Some(descriptor.size))
            && self.is_sound(&descriptor.digest)
            && let Ok(file) = self.store.read(&descriptor.digest)
        {
            return Ok(Box::new(file));
        }
        let from = self.inner.open(blob)?;
        Ok(Box::new(Tee {
            from,
            keep: self.store.writer().ok(),
            descriptor: (**descriptor).clone(),
            sound: self.sound.clone(),
        }))
    }

    fn is_gone(&self, blob: &BlobRef) -> bool {
        self.inner.is_gone(blob)
    }

    fn size(&self, blob: &BlobRef) -> Option<u64> {
        self.inner.size(blob)
    }
}

impl Kept {
    fn is_sound(&self, digest: &Digest) -> bool {
        let is_sound = locked(&self.sound).contains(digest) || self.store.is_sound(digest);
        if is_sound {
            locked(&self.sound).insert(digest.clone());
        }
        is_sound
    }
}

fn locked(sound: &Mutex<HashSet<Digest>>) -> MutexGuard<'_, HashSet<Digest>> {
    sound.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads a blob and writes it beside.
struct Tee {
    from: Box<dyn Read + Send>,
    keep: Option<BlobWriter>,
    descriptor: Descriptor,
    sound: Arc<Mutex<HashSet<Digest>>>,
}

impl Read for Tee {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(buffer)?;
        // A disk that is full keeps nobody from reading: the blob is fetched again when it is needed again.
        if let Some(keep) = &mut self.keep
            && keep.write_all(&buffer[..count]).is_err()
        {
            self.keep = None;
        }
        if count == 0
            && !buffer.is_empty()
            && let Some(keep) = self.keep.take()
        {
            // A blob that is not what its descriptor says is not kept; who reads it finds out too.
            let Descriptor { digest, size, .. } = &self.descriptor;
            if keep.commit_as(digest, *size).is_ok() {
                locked(&self.sound).insert(digest.clone());
            }
        }
        Ok(count)
    }
}

/// Fails every read once a flag is set, so that a long copy ends, and cleans up, wherever it is.
pub struct Interruptible {
    inner: Arc<dyn OpenBlob>,
    stop: Arc<AtomicBool>,
}

impl Interruptible {
    /// Blobs of `inner`, until `stop` is set.
    pub fn new(inner: Arc<dyn OpenBlob>, stop: Arc<AtomicBool>) -> Self {
        Self { inner, stop }
    }
}

impl OpenBlob for Interruptible {
    fn open(&self, blob: &BlobRef) -> Result<Box<dyn Read + Send>, ImageError> {
        Ok(Box::new(UntilStopped {
            from: self.inner.open(blob)?,
            stop: self.stop.clone(),
        }))
    }

    fn is_gone(&self, blob: &BlobRef) -> bool {
        self.inner.is_gone(blob)
    }

    fn size(&self, blob: &BlobRef) -> Option<u64> {
        self.inner.size(blob)
    }
}

struct UntilStopped {
    from: Box<dyn Read + Send>,
    stop: Arc<AtomicBool>,
}

impl Read for UntilStopped {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(io::Error::other("cancelled"));
        }
        self.from.read(buffer)
    }
}
