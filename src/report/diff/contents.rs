//! What an image holds, path by path, kept without the image: each layer's entries and what the merge shows.
//!
//! A module of its own because two images have two trees, and comparing needs neither: both sides are sorted by path
//! and read side by side. Times are no part of it: every build has its own.

use hashbrown::HashSet;

use crate::classify::Attribution;
use crate::content::{ContentMap, EntryId};
use crate::layer::{Kind, NodeId};
use crate::profile::CategoryId;

use super::model::PathChange;

/// Every entry of every layer.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// Layers base first; entries by path, each path once.
    layers: Vec<Vec<Item>>,
    /// Layer and place of what the merged image shows, by path.
    visible: Vec<(u32, u32)>,
}

/// One path of one layer.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// Without a leading slash.
    pub(super) path: Box<[u8]>,
    /// Stored bytes of its inode.
    pub(super) size: u64,
    /// The same where this is the first visible name of its inode, by path; else 0.
    pub(super) own_bytes: u64,
    pub(super) category: CategoryId,
    /// Its entry in the map that it was made from; none of a whiteout.
    id: Option<EntryId>,
    shape: Shape,
    /// What identifies content, link target or device.
    content: [u8; 16],
    mode: u16,
    owner: (u64, u64),
    xattrs: [u8; 16],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Entry(Kind),
    Whiteout,
    Opaque,
}

impl Contents {
    /// What `map`, which was read with fingerprints, holds.
    pub(super) fn new(map: &ContentMap, attribution: &Attribution) -> Self {
        let mut layers: Vec<Vec<Item>> = (0..map.layer_count())
            .map(|layer| layer_items(map, attribution, layer))
            .collect();
        let visible = visible(map, &layers);
        own_bytes(map, &mut layers, &visible);
        Self { layers, visible }
    }

    /// The entries of a layer, by path.
    pub(super) fn layer(&self, layer: usize) -> &[Item] {
        self.layers.get(layer).map_or(&[], Vec::as_slice)
    }

    /// What the merged image shows, by path, with the layer that holds it.
    pub(super) fn visible(&self) -> impl Iterator<Item = (usize, &Item)> {
        self.visible
            .iter()
            .map(|&place| (place.0 as usize, at(&self.layers, place)))
    }
}

impl Item {
    pub(super) fn is_directory(&self) -> bool {
        self.shape == Shape::Entry(Kind::Directory)
    }

    /// What became of this, if it became `new`; nothing where only times differ.
    pub(super) fn change(&self, new: &Self) -> Option<PathChange> {
        if self.shape != new.shape || self.content != new.content {
            return Some(match (self.shape, new.shape) {
                (Shape::Entry(_), Shape::Whiteout) => PathChange::Removed,
                (Shape::Whiteout, Shape::Entry(_)) => PathChange::Added,
                _ => PathChange::Modified,
            });
        }
        let is_same = self.mode == new.mode && self.owner == new.owner && self.xattrs == new.xattrs;
        (!is_same).then_some(PathChange::Metadata)
    }

    /// What a layer does that has this path and did not have it.
    pub(super) fn as_new(&self) -> PathChange {
        match self.shape {
            Shape::Entry(_) => PathChange::Added,
            Shape::Whiteout | Shape::Opaque => PathChange::Removed,
        }
    }

    /// What a layer does that has it no more.
    pub(super) fn as_gone(&self) -> PathChange {
        match self.shape {
            Shape::Entry(_) => PathChange::Removed,
            Shape::Whiteout | Shape::Opaque => PathChange::Added,
        }
    }
}

/// Two lists that are sorted by path, side by side.
pub(super) fn side_by_side<'a, T>(
    old: impl IntoIterator<Item = T>,
    new: impl IntoIterator<Item = T>,
    path: impl Fn(&T) -> &'a [u8],
) -> impl Iterator<Item = (Option<T>, Option<T>)> {
    let (mut old, mut new) = (old.into_iter().peekable(), new.into_iter().peekable());
    std::iter::from_fn(move || {
        let order = match (old.peek(), new.peek()) {
            (None, None) => return None,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(old), Some(new)) => path(old).cmp(path(new)),
        };
        Some(match order {
            std::cmp::Ordering::Less => (old.next(), None),
            std::cmp::Ordering::Greater => (None, new.next()),
            std::cmp::Ordering::Equal => (old.next(), new.next()),
        })
    })
}

fn at(layers: &[Vec<Item>], (layer, place): (u32, u32)) -> &Item {
    &layers[layer as usize][place as usize]
}

/// A layer's entries and whiteouts; of a path that it has twice, the last.
fn layer_items(map: &ContentMap, attribution: &Attribution, layer: usize) -> Vec<Item> {
    let marker = |shape: Shape| move |node: &NodeId| bare(map.tree().path(*node), shape);
    let mut items: Vec<Item> = map.opaques(layer).iter().map(marker(Shape::Opaque)).collect();
    items.extend(map.whiteouts(layer).iter().map(marker(Shape::Whiteout)));
    items.extend(map.layer_entries(layer).map(|id| item(map, attribution, id)));
    // The sort is stable: of one path the last stands last. An opaque directory is told apart from its entry.
    items.sort_by(|a, b| (&a.path, a.shape == Shape::Opaque).cmp(&(&b.path, b.shape == Shape::Opaque)));
    items.reverse();
    items.dedup_by(|a, b| a.path == b.path && (a.shape == Shape::Opaque) == (b.shape == Shape::Opaque));
    items.reverse();
    items
}

fn bare(path: Vec<u8>, shape: Shape) -> Item {
    Item {
        path: path.into(),
        size: 0,
        own_bytes: 0,
        category: CategoryId(0),
        id: None,
        shape,
        content: [0; 16],
        mode: 0,
        owner: (0, 0),
        xattrs: [0; 16],
    }
}

fn item(map: &ContentMap, attribution: &Attribution, id: EntryId) -> Item {
    let inode = map.inode(id).unwrap_or(id);
    let entry = map.entry(inode);
    let mut item = bare(map.path(id), Shape::Entry(entry.kind));
    item.id = Some(id);
    item.size = entry.size;
    item.category = attribution.of_inode(inode);
    item.mode = entry.mode;
    item.owner = (u64::from(entry.uid), u64::from(entry.gid));
    if let Some(print) = map.fingerprint(inode) {
        item.owner = print.owner;
        item.xattrs = print.xattrs;
        item.content = match entry.kind {
            Kind::File => first_half(&print.content),
            Kind::Symlink | Kind::HardLink => first_half(blake3::hash(map.link(inode)).as_bytes()),
            Kind::CharDevice | Kind::BlockDevice => device(print.device),
            Kind::Directory | Kind::Fifo => [0; 16],
        };
    }
    item
}

fn first_half(hash: &[u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&hash[..16]);
    half
}

fn device((major, minor): (u32, u32)) -> [u8; 16] {
    ((u128::from(major) << 32) | u128::from(minor)).to_le_bytes()
}

/// The places of the entries that the merged image shows, by path.
fn visible(map: &ContentMap, layers: &[Vec<Item>]) -> Vec<(u32, u32)> {
    let mut places: Vec<(u32, u32)> = Vec::new();
    for (layer, items) in layers.iter().enumerate() {
        let shown = items.iter().enumerate();
        let shown = shown.filter(|(_, item)| item.id.is_some_and(|id| map.is_visible(id)));
        places.extend(shown.map(|(place, _)| (layer as u32, place as u32)));
    }
    places.sort_unstable_by(|a, b| at(layers, *a).path.cmp(&at(layers, *b).path));
    places
}

/// Gives the bytes of each visible inode to the first of its visible names.
fn own_bytes(map: &ContentMap, layers: &mut [Vec<Item>], visible: &[(u32, u32)]) {
    let mut seen = HashSet::new();
    for &(layer, place) in visible {
        let item = &mut layers[layer as usize][place as usize];
        let inode = item.id.and_then(|id| map.inode(id));
        if inode.is_some_and(|inode| seen.insert(inode)) {
            item.own_bytes = item.size;
        }
    }
}
