//! Files that change in place: what will stand in them is known, to the byte, before anything is written.
//!
//! A module of its own because a change is the one thing in a plan that is no removal. It speaks of an inode: all names of
//! it change together, and nothing but the content does.

use std::sync::Arc;

use crate::content::{ContentMap, EntryId};
use crate::layer::NodeId;
use crate::oci::Digest;

/// What is done to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChangeKind {
    /// The rows of removed packages are taken out of a package manager's database: the content as it will be.
    PackageRows(Arc<[u8]>),
    /// Symbols and debug information are taken off a program or a library.
    Strip,
}

impl ChangeKind {
    /// The word in documents.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::PackageRows(_) => "package-rows",
            Self::Strip => "strip",
        }
    }

    /// Whether a copy of the file that lies in layers which stay as they are is worth writing once more: what is stripped
    /// to save bytes is not, it would be there twice.
    pub(super) fn is_worth_a_copy(&self) -> bool {
        !matches!(self, Self::Strip)
    }
}

/// A file that changes in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The entry that carries the file's bytes.
    pub inode: EntryId,
    /// The first of its visible paths.
    pub node: NodeId,
    /// What is done.
    pub kind: ChangeKind,
    /// Bytes before.
    pub old_bytes: u64,
    /// Bytes after.
    pub new_bytes: u64,
    /// Hash of the content before.
    pub old_digest: Digest,
    /// Hash of the content after.
    pub new_digest: Digest,
    /// BLAKE3 of the content after, as a reading with fingerprints finds it.
    pub new_fingerprint: [u8; 32],
}

impl Change {
    /// `old` becomes `new`. `None` where it already is, or where no path shows the file.
    pub fn package_rows(map: &ContentMap, inode: EntryId, old: &[u8], new: Vec<u8>) -> Option<Self> {
        let name = map.names(inode).find(|&name| map.is_visible(name))?;
        let (node, is_new, new) = (map.entry(name).node, old != new, Arc::<[u8]>::from(new));
        is_new.then(|| Self::new(inode, node, old, &new, ChangeKind::PackageRows(Arc::clone(&new))))
    }

    /// The program or library whose bytes are `old` becomes `new`; `node` is the first of its paths that stay.
    pub fn strip(inode: EntryId, node: NodeId, old: &[u8], new: &[u8]) -> Self {
        Self::new(inode, node, old, new, ChangeKind::Strip)
    }

    fn new(inode: EntryId, node: NodeId, old: &[u8], new: &[u8], kind: ChangeKind) -> Self {
        Self {
            inode,
            node,
            kind,
            old_bytes: old.len() as u64,
            new_bytes: new.len() as u64,
            old_digest: Digest::of(old),
            new_digest: Digest::of(new),
            new_fingerprint: *blake3::hash(new).as_bytes(),
        }
    }

    /// Bytes that the change takes off.
    pub fn saved_bytes(&self) -> u64 {
        self.old_bytes.saturating_sub(self.new_bytes)
    }
}
