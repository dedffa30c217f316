//! One entry of one layer, as every view reads it: 32 bytes.
//!
//! A module of its own because views read a million of them one after the other, and must find in each all that they
//! count and filter by.

use crate::layer::{Kind, NodeId};
use crate::owners::PackageId;
use crate::profile::CategoryId;

/// What one layer did to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The base layer brought it and nothing was said since; of two images: it is the same in both.
    Unmodified,
    /// There was nothing at the path.
    Added,
    /// Something was there.
    Modified,
    /// The layer took it away; of two images: only the old one has it.
    Removed,
}

impl Change {
    /// The word of filters.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unmodified => "unmodified",
            Self::Added => "added",
            Self::Modified => "modified",
            Self::Removed => "removed",
        }
    }

    /// The letter before a row.
    pub const fn letter(self) -> char {
        match self {
            Self::Unmodified => ' ',
            Self::Added => 'A',
            Self::Modified => 'M',
            Self::Removed => 'R',
        }
    }
}

/// One entry of one layer.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Stored bytes of its inode.
    pub size: u64,
    /// Its path.
    pub node: NodeId,
    /// The category that its bytes go by.
    pub category: CategoryId,
    /// What it is.
    pub kind: Kind,
    /// What its layer did to its path.
    pub change: Change,
    /// Whether it is the name of its inode by which its bytes are counted: never of a directory.
    pub counts: bool,
    /// Whether the merged image shows it.
    pub is_visible: bool,
    /// Whether something is there: not of a hard link to nothing.
    pub has_inode: bool,
    /// Whether it is of the old one of two images.
    pub is_old: bool,
    layer: u32,
    hidden_by: u32,
    owner: u32,
}

const NONE: u32 = u32::MAX;

impl Row {
    /// An entry of a layer; nothing is said of it yet but that it is visible.
    pub(super) fn new(node: NodeId, kind: Kind, layer: usize) -> Self {
        Self {
            size: 0,
            node,
            category: CategoryId(0),
            kind,
            change: Change::Unmodified,
            counts: false,
            is_visible: true,
            has_inode: true,
            is_old: false,
            layer: layer as u32,
            hidden_by: NONE,
            owner: NONE,
        }
    }

    pub(super) fn set_owner(&mut self, owner: Option<PackageId>) {
        self.owner = owner.map_or(NONE, |id| id.0);
    }

    pub(super) fn set_layer(&mut self, layer: usize) {
        self.layer = layer as u32;
    }

    pub(super) fn set_hidden_by(&mut self, layer: Option<usize>) {
        self.hidden_by = layer.map_or(NONE, |layer| layer as u32);
    }

    /// Its layer.
    pub fn layer(&self) -> usize {
        self.layer as usize
    }

    /// The layer that hides it; `None` where none does, and where that is not known.
    pub fn hidden_by(&self) -> Option<usize> {
        (self.hidden_by != NONE).then_some(self.hidden_by as usize)
    }

    /// The package that its bytes belong to.
    pub fn owner(&self) -> Option<PackageId> {
        (self.owner != NONE).then_some(PackageId(self.owner))
    }

    /// The bytes that it is counted with, and the files.
    pub fn tally(&self) -> (u64, u64) {
        if self.counts { (self.size, 1) } else { (0, 0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_rows_are_32_megabytes() {
        assert_eq!(size_of::<Row>(), 32);
    }
}
