//! What ONE layer adds and whites out: the result of reading a layer once, and all that is kept of it.
//!
//! A value without any tie to the medium it came from, so that it can be cached on disk and merged in any
//! process. Spec: image-spec `layer.md`, "Representing Changes".

use std::borrow::Cow;

use super::blocks::unpack_zeros;
use super::entry::{Entry, Fingerprint, Kind};
use super::probe::Fact;
use super::tree::{NodeId, PathTree};

/// Something odd that a layer holds and that slim read in one way of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// A kebab-case name, stable: `implied-parent-over-symlink`.
    pub code: Cow<'static, str>,
    /// The path it speaks of.
    pub path: Vec<u8>,
    /// One sentence for people.
    pub message: String,
}

/// Byte counts of one layer's uncompressed tar: `disk + framing` is what the decompressor counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LayerSizes {
    /// Stored body bytes of regular files that are content.
    pub disk: u64,
    /// Everything else: headers, padding, sparse maps, bodies that are not content, end blocks.
    pub framing: u64,
}

impl LayerSizes {
    /// Bytes of the uncompressed tar.
    pub fn uncompressed(self) -> u64 {
        self.disk + self.framing
    }
}

/// What one layer says, in the order it says it.
#[derive(Debug, Clone, Default)]
pub struct Changeset {
    /// Every path the layer speaks of, parents included.
    pub tree: PathTree,
    /// Members that are content, in tar order, duplicates included.
    pub entries: Vec<Entry>,
    /// Paths of lower layers that it hides.
    pub whiteouts: Vec<NodeId>,
    /// Directories whose lower content it hides.
    pub opaques: Vec<NodeId>,
    /// What the probes learnt, in entry order.
    pub facts: Vec<Fact>,
    /// Oddities, at most 200.
    pub warnings: Vec<Warning>,
    /// Byte counts.
    pub sizes: LayerSizes,
    /// Beside `entries` where a verification will follow; else empty.
    pub fingerprints: Vec<Fingerprint>,
    /// Entry and expanded size of sparse files, in entry order.
    pub(super) sparse: Vec<(u32, u64)>,
    /// Link targets as written, each behind its length.
    pub(super) links: Vec<u8>,
    /// Packed header blocks of directories, each behind its entry and length: see [`Changeset::directory_header`].
    pub(super) directories: Vec<u8>,
    /// Entry and offset into `directories`, in entry order.
    pub(super) directory_index: Vec<(u32, u32)>,
}

impl Changeset {
    /// The link target of `entry`, as written in the tar; empty for what is no link.
    pub fn link(&self, entry: &Entry) -> &[u8] {
        if !matches!(entry.kind, Kind::Symlink | Kind::HardLink) {
            return b"";
        }
        let at = entry.link as usize;
        let len = u32::from_le_bytes([
            self.links[at],
            self.links[at + 1],
            self.links[at + 2],
            self.links[at + 3],
        ]);
        &self.links[at + 4..at + 4 + len as usize]
    }

    /// Bytes of the content of `entry` (its index), expanded where it is sparse.
    pub fn logical_size(&self, entry: u32) -> u64 {
        match self.sparse.binary_search_by_key(&entry, |(entry, _)| *entry) {
            Ok(at) => self.sparse[at].1,
            Err(_) => self.entries[entry as usize].size,
        }
    }

    /// The header blocks of a directory, byte for byte as in the tar; `None` for other entries.
    ///
    /// Directories come first in a squashed layer, before any layer is streamed a second time, so their
    /// headers are kept from the first reading.
    pub fn directory_header(&self, entry: u32) -> Option<Vec<u8>> {
        let at = self
            .directory_index
            .binary_search_by_key(&entry, |(entry, _)| *entry)
            .ok()?;
        let begin = self.directory_index[at].1 as usize;
        let end = self
            .directory_index
            .get(at + 1)
            .map_or(self.directories.len(), |(_, offset)| *offset as usize);
        Some(unpack_zeros(&self.directories[begin..end]))
    }

    /// Members and implied directories, as the limit on entries counts them.
    pub(super) fn members(&self) -> u64 {
        let members = self.entries.len() + self.whiteouts.len() + self.opaques.len();
        members.max(self.tree.len() - 1) as u64
    }

    /// Bytes of names, link targets and directory headers.
    pub(super) fn kept_bytes(&self) -> u64 {
        (self.tree.name_bytes() + self.links.len() + self.directories.len()) as u64
    }

    /// Path of `entry`.
    pub fn path(&self, entry: &Entry) -> Vec<u8> {
        self.tree.path(entry.node)
    }
}
