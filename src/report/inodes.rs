//! The inodes of an image as documents count them: what belongs to a layer, a category, a package and a directory.
//!
//! A module of its own so that totals, categories, the largest files and breakdowns count the same things.

use super::wire;
use crate::classify::Attribution;
use crate::content::{ContentMap, EntryId};
use crate::layer::{Kind, NodeId};
use crate::owners::PackageId;
use crate::profile::CategoryId;

/// An inode that is no directory, with all that it is counted by.
pub(crate) struct Inode {
    /// The entry that carries its bytes.
    pub(crate) id: EntryId,
    /// The layer of that entry.
    pub(crate) layer: usize,
    pub(crate) category: CategoryId,
    /// The package that installed it, by [`naming_path`].
    pub(crate) owner: Option<PackageId>,
    /// Stored body bytes; 0 for all but regular files.
    pub(crate) bytes: u64,
    /// What they count among the compressed bytes of their layer.
    pub(crate) weight: u64,
    pub(crate) is_visible: bool,
}

/// Every inode that is no directory, base to top, in tar order. Hard links are names, not inodes.
pub(crate) fn inodes(map: &ContentMap, attribution: &Attribution) -> impl Iterator<Item = Inode> {
    (0..map.layer_count()).flat_map(move |layer| {
        let entries = map.layer_entries(layer).map(|id| (id, map.entry(id)));
        let carriers = entries.filter(|(_, entry)| !matches!(entry.kind, Kind::Directory | Kind::HardLink));
        carriers.map(move |(id, entry)| Inode {
            id,
            layer,
            category: attribution.of_inode(id),
            owner: attribution.owners().owner(naming_path(map, attribution, id)),
            bytes: entry.size,
            weight: wire::weight(entry),
            is_visible: map.is_inode_visible(id),
        })
    })
}

/// The path by which the inode's category was chosen.
pub(crate) fn naming_path(map: &ContentMap, attribution: &Attribution, inode: EntryId) -> NodeId {
    map.entry(naming_entry(map, attribution, inode)).node
}

/// The name by which the inode's category was chosen: of its names in that category the first visible one,
/// else the first.
pub(crate) fn naming_entry(map: &ContentMap, attribution: &Attribution, inode: EntryId) -> EntryId {
    let category = attribution.of_inode(inode);
    let fits = |name: &EntryId| attribution.label(*name).category == category;
    let best = map
        .names(inode)
        .filter(fits)
        .min_by_key(|name| (!map.is_visible(*name), *name));
    best.unwrap_or(inode)
}
