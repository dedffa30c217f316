//! Where a run keeps things: what lasts between runs in the cache, what is gone when it ends beside it.
//!
//! A room of its own because the cache may be missing, or only lent, and every run goes on without it.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Session;
use crate::cli::exit::Failure;
use crate::oci::Descriptor;
use crate::scratch;
use crate::shelf;
use crate::store::Store;

impl Session {
    /// Where things are kept between runs, where there is such a place.
    pub(in crate::cli) fn cache(&self) -> Option<&Path> {
        self.cache.as_deref()
    }

    /// Whether a blob of a registry is kept from an earlier reading.
    pub(in crate::cli) fn is_cached(&self, blob: &Descriptor) -> bool {
        let blobs = self.cache.as_ref().map(|cache| cache.join("blobs"));
        let store = blobs
            .filter(|blobs| blobs.exists())
            .and_then(|blobs| Store::open(&blobs).ok());
        store.is_some_and(|store| store.contains(&blob.digest, Some(blob.size)))
    }

    /// A store for what is not yet published, gone when the run ends.
    pub(in crate::cli) fn staging(&self) -> Result<Arc<Store>, Failure> {
        let store = Store::temporary(self.scratch().as_deref())?;
        self.signals.clean_temporary(&store);
        Ok(Arc::new(store))
    }

    /// Where large temporary files go: beside the cache, which is on a disk, where there is one.
    pub(super) fn scratch(&self) -> Option<PathBuf> {
        let directory = self.cache.as_ref()?.join("tmp");
        fs::create_dir_all(&directory).ok()?;
        if let Err(error) = scratch::file_in(&directory, 0o600)
            && matches!(
                error.kind(),
                ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied
            )
        {
            return None; // a cache that was only lent
        }
        self.sweep();
        Some(directory)
    }

    /// Removes what killed runs left half-made in the cache.
    pub(in crate::cli) fn sweep(&self) {
        for name in ["tmp", "changesets", "blobs/.incoming"] {
            if let Some(cache) = &self.cache {
                scratch::sweep(&cache.join(name));
            }
        }
        self.cache
            .iter()
            .for_each(|cache| shelf::remove_abandoned(&cache.join("tmp")));
    }
}
