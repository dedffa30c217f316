//! Which entries no layer of the result shall have: what the plan removes, wherever it lies, and what nobody sees.
//!
//! Rule 8: a path that is removed goes from every layer, with what it hid, or a lower copy would resurface.

use super::is_directory;
use crate::content::{ContentMap, EntryId};
use crate::layer::{Kind, NodeId};
use crate::plan::Plan;

/// What is left out.
pub(super) struct Dropped {
    /// Layers below stay as they are.
    first: usize,
    /// By entry.
    entries: Vec<bool>,
    /// By node: whether the plan removes it, or a directory above.
    gone: Vec<bool>,
    /// By layer: whether it has any such entry, or a file that changes.
    touched: Vec<bool>,
}

impl Dropped {
    /// What goes from every layer. Where the plan drops what nobody sees, that goes too, from each layer in which it
    /// has any bytes: writing a layer again for headers alone would cost more than it saves.
    pub(super) fn in_place(map: &ContentMap, plan: &Plan) -> Self {
        let mut dropped = Self::above(map, plan, 0);
        if plan.drops_shadowed() {
            dropped.drop_unseen(map);
            dropped.drop_dead_directories(map);
        }
        dropped
    }

    /// What goes from the layers from `first` on.
    pub(super) fn above(map: &ContentMap, plan: &Plan, first: usize) -> Self {
        let mut gone = vec![false; map.tree().len()];
        for node in map.tree().ids() {
            let above = map.tree().parent(node).is_some_and(|parent| gone[parent.index()]);
            gone[node.index()] = above || plan.removes(node);
        }
        let mut dropped = Self {
            first,
            entries: vec![false; map.entry_count()],
            gone,
            touched: vec![false; map.layer_count()],
        };
        for layer in first..map.layer_count() {
            for id in map.layer_entries(layer) {
                if dropped.is_gone(map.entry(id).node) {
                    dropped.drop(layer, id);
                }
            }
        }
        // A layer with a file that changes is written again.
        for layer in plan.changes.iter().map(|change| map.layer_of(change.inode)) {
            dropped.touched[layer] |= layer >= first;
        }
        dropped
    }

    /// Whether an entry is left out.
    pub(super) fn entry(&self, id: EntryId) -> bool {
        self.entries[id.index()]
    }

    /// Whether `layer` shall not make a directory that it does not name.
    pub(super) fn implied(&self, layer: usize, node: NodeId) -> bool {
        layer >= self.first && self.is_gone(node)
    }

    /// Every path that is gone.
    pub(super) fn gone(&self) -> impl Iterator<Item = NodeId> + use<'_> {
        let gone = self.gone.iter().enumerate().filter(|(_, gone)| **gone);
        gone.map(|(at, _)| NodeId(at as u32))
    }

    /// Whether a layer has an entry that is left out, or a file that changes.
    pub(super) fn touches(&self, layer: usize) -> bool {
        self.touched[layer]
    }

    fn is_gone(&self, node: NodeId) -> bool {
        self.gone[node.index()]
    }

    fn drop(&mut self, layer: usize, id: EntryId) {
        self.entries[id.index()] = true;
        self.touched[layer] = true;
    }

    /// Inodes of which no name is seen in the result.
    fn drop_unseen(&mut self, map: &ContentMap) {
        let mut seen = vec![false; map.entry_count()];
        for id in map.entries().filter(|&id| map.is_visible(id) && !self.entry(id)) {
            map.inode(id).iter().for_each(|inode| seen[inode.index()] = true);
        }
        for layer in 0..map.layer_count() {
            let is_unseen = |id: &EntryId| {
                let inode = map.inode(*id).filter(|inode| !seen[inode.index()]);
                inode.is_some_and(|inode| map.entry(inode).kind != Kind::Directory)
            };
            let unseen: Vec<EntryId> = map.layer_entries(layer).filter(is_unseen).collect();
            let bytes: u64 = unseen.iter().map(|&id| map.entry(id).size).sum();
            if bytes > 0 || self.touches(layer) {
                for id in unseen {
                    self.drop(layer, id);
                }
            }
        }
    }

    /// Directories in which nothing is left in any layer, and which are none in the end.
    fn drop_dead_directories(&mut self, map: &ContentMap) {
        let mut alive = vec![false; map.tree().len()];
        for layer in 0..map.layer_count() {
            for id in map.layer_entries(layer) {
                let is_directory = map.entry(id).kind == Kind::Directory;
                let stays = !self.entry(id) && map.inode(id).is_some();
                alive[map.entry(id).node.index()] |= stays && !(is_directory && self.touches(layer));
            }
        }
        for span in map.implied_spans() {
            alive[span.node.index()] |= !self.is_gone(span.node);
        }
        for node in map.tree().ids().rev() {
            alive[node.index()] |= is_directory(map, map.visible(node)) && !self.is_gone(node);
            if let Some(parent) = map.tree().parent(node).filter(|_| alive[node.index()]) {
                alive[parent.index()] = true;
            }
        }
        for layer in (0..map.layer_count()).filter(|&layer| self.touched[layer]) {
            for id in map.layer_entries(layer) {
                let entry = map.entry(id);
                if entry.kind == Kind::Directory && !alive[entry.node.index()] {
                    self.entries[id.index()] = true;
                }
            }
        }
    }
}
