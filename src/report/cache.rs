//! What the cache holds, and what was removed from it, as a document.
//!
//! A module of its own because the cache is files of two other floors: the document is made of plain values, which `cli`
//! fills in.

use serde::Serialize;

/// What `slim cache ls` finds, and what `slim cache prune` leaves and removes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CacheDocument {
    /// [`SCHEMA_VERSION`](super::SCHEMA_VERSION).
    pub schema_version: u32,
    /// The directory.
    pub directory: String,
    /// Above this many bytes every run removes what was not used for the longest time.
    pub limit_bytes: u64,
    /// What is there.
    pub kept: CacheCount,
    /// What was removed.
    pub removed: CacheCount,
    /// Every file, the least recently used first: what was removed where anything was to be, else what is there.
    pub entries: Vec<CacheEntry>,
}

/// Files and their bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CacheCount {
    /// Blobs of registries, as stored.
    pub blobs: u64,
    /// Their bytes.
    pub blob_bytes: u64,
    /// Changesets: what layers were found to hold.
    pub changesets: u64,
    /// Their bytes.
    pub changeset_bytes: u64,
}

/// One file of the cache.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CacheEntry {
    /// What it is: `blob` or `changeset`.
    pub kind: &'static str,
    /// The blob's digest, or that of the layer's blob.
    pub digest: String,
    /// The layer's diff id, of a changeset.
    pub diff_id: Option<String>,
    /// Its size.
    pub bytes: u64,
    /// When it was last used, RFC 3339.
    pub used: String,
    /// Seconds since then.
    pub idle_seconds: u64,
}

impl CacheCount {
    /// Counts one file more.
    pub fn add(&mut self, entry: &CacheEntry) {
        let (files, bytes) = if entry.kind == "blob" {
            (&mut self.blobs, &mut self.blob_bytes)
        } else {
            (&mut self.changesets, &mut self.changeset_bytes)
        };
        *files += 1;
        *bytes += entry.bytes;
    }
}
